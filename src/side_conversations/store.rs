//! Queries of the side conversations and what was said in them.
use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Jsonb;
use uuid::Uuid;

use super::rules::{Participants, SideConversationState};
use crate::db::rewrite;
use crate::db::schema::{side_conversations as c, side_messages as m};
use crate::kernel::{
    Erasure, InboundMailId, MailId, PageRequest, SideConversationId, SideMessageId, TicketId,
};

/// [`Participants`] as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct StoredParticipants(pub Participants);

impl ToSql<Jsonb, Pg> for StoredParticipants {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let json = serde_json::to_value(&self.0)?;
        <serde_json::Value as ToSql<Jsonb, Pg>>::to_sql(&json, &mut out.reborrow())
    }
}

impl FromSql<Jsonb, Pg> for StoredParticipants {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let json = <serde_json::Value as FromSql<Jsonb, Pg>>::from_sql(bytes)?;
        Ok(Self(serde_json::from_value(json)?))
    }
}

/// A mail thread from a ticket to people outside.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = c, check_for_backend(Pg), treat_none_as_null = true)]
pub struct SideConversation {
    pub id: SideConversationId,
    pub ticket_id: TicketId,
    pub subject: String,
    pub participants: StoredParticipants,
    pub state: SideConversationState,
    pub message_count: i32,
    pub opened_by: Uuid,
    pub opened_by_name: String,
    pub opened_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub updated_at: DateTime<Utc>,
}

/// What was said in a side conversation: by the desk, then it has an author's id and the mail that it went out with; or by mail,
/// then it has an address and the mail that it came in with.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = m, check_for_backend(Pg))]
pub struct SideMessage {
    pub id: SideMessageId,
    pub conversation_id: SideConversationId,
    /// 1, 2, 3 ... within the conversation.
    pub seq: i32,
    pub author_id: Option<Uuid>,
    pub author_name: Option<String>,
    pub author_email: Option<String>,
    pub body: String,
    pub ticket_summary: bool,
    pub mail_id: Option<MailId>,
    pub email_id: Option<InboundMailId>,
    pub created_at: DateTime<Utc>,
}

pub fn insert(conn: &mut PgConnection, side: &SideConversation) -> QueryResult<usize> {
    diesel::insert_into(c::table).values(side).execute(conn)
}

/// Writes a locked side conversation.
pub fn save(conn: &mut PgConnection, side: &SideConversation) -> QueryResult<usize> {
    diesel::update(c::table.find(side.id)).set(side).execute(conn)
}

pub fn find(
    conn: &mut PgConnection,
    id: SideConversationId,
) -> QueryResult<Option<SideConversation>> {
    c::table.find(id).select(SideConversation::as_select()).first(conn).optional()
}

/// The same, locked until the transaction ends.
pub fn lock(
    conn: &mut PgConnection,
    id: SideConversationId,
) -> QueryResult<Option<SideConversation>> {
    let row = c::table.find(id).for_no_key_update();
    row.select(SideConversation::as_select()).first(conn).optional()
}

/// How many a ticket has.
pub fn count(conn: &mut PgConnection, ticket: TicketId) -> QueryResult<i64> {
    c::table.filter(c::ticket_id.eq(ticket)).count().get_result(conn)
}

/// Those of these tickets, latest first.
pub fn list(
    conn: &mut PgConnection,
    tickets: &[TicketId],
    state: Option<SideConversationState>,
    page: &PageRequest,
) -> QueryResult<Vec<SideConversation>> {
    let mut query = c::table
        .filter(c::ticket_id.eq_any(tickets))
        .limit(page.fetch())
        .select(SideConversation::as_select())
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(c::state.eq(state));
    }
    let from = page.cursor.as_ref().map(|cursor| SideConversationId(cursor.id));
    query = match (from, page.backward()) {
        (Some(id), true) => query.filter(c::id.gt(id)),
        (Some(id), false) => query.filter(c::id.lt(id)),
        (None, _) => query,
    };
    if page.backward() {
        query.order(c::id).load(conn)
    } else {
        query.order(c::id.desc()).load(conn)
    }
}

pub fn insert_message(conn: &mut PgConnection, message: &SideMessage) -> QueryResult<usize> {
    diesel::insert_into(m::table).values(message).execute(conn)
}

pub fn message(
    conn: &mut PgConnection,
    conversation: SideConversationId,
    id: SideMessageId,
) -> QueryResult<Option<SideMessage>> {
    let row = m::table.filter(m::id.eq(id)).filter(m::conversation_id.eq(conversation));
    row.select(SideMessage::as_select()).first(conn).optional()
}

/// What was said behind (or, `backward`, before) number `from`; nearest first.
pub fn messages(
    conn: &mut PgConnection,
    conversation: SideConversationId,
    from: Option<i32>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<SideMessage>> {
    let mut query = m::table
        .filter(m::conversation_id.eq(conversation))
        .limit(limit)
        .select(SideMessage::as_select())
        .into_boxed();
    query = match (from, backward) {
        (Some(seq), true) => query.filter(m::seq.lt(seq)),
        (Some(seq), false) => query.filter(m::seq.gt(seq)),
        (None, _) => query,
    };
    if backward { query.order(m::seq.desc()).load(conn) } else { query.order(m::seq).load(conn) }
}

/// Takes a secret out of the subjects of a ticket's side conversations, and out of what was said in them.
pub fn erase(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> QueryResult<()> {
    let subjects: Vec<(SideConversationId, String)> = c::table
        .filter(c::ticket_id.eq(ticket))
        .select((c::id, c::subject))
        .for_no_key_update()
        .load(conn)?;
    let ids: Vec<SideConversationId> = subjects.iter().map(|(id, _)| *id).collect();
    let bodies: Vec<(SideMessageId, String)> =
        m::table.filter(m::conversation_id.eq_any(ids)).select((m::id, m::body)).load(conn)?;
    let subjects = subjects.iter().filter_map(|(id, text)| Some((id.0, erasure.text(text)?)));
    rewrite(conn, ("side_conversations", "subject"), subjects)?;
    let bodies = bodies.iter().filter_map(|(id, text)| Some((id.0, erasure.text(text)?)));
    rewrite(conn, ("side_messages", "body"), bodies)?;
    Ok(())
}
