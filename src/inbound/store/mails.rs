//! The mails that came in.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::db::schema::{inbound_mails as m, tickets};
use crate::inbound::rules::{Cause, MailState, Outcome};
use crate::kernel::{
    Actor, Erasure, InboundMailId, NoteId, PageRequest, SideConversationId, TicketId, Visibility,
};

/// A mail that came in, without the mail itself.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = m, check_for_backend(diesel::pg::Pg))]
pub struct Mail {
    pub id: InboundMailId,
    pub mailbox: String,
    pub message_key: String,
    pub from_name: Option<String>,
    pub from_email: Option<String>,
    pub subject: String,
    pub files: Value,
    pub bytes: i64,
    pub state: MailState,
    pub cause: Option<Cause>,
    pub detail: Option<String>,
    pub ticket_id: Option<TicketId>,
    pub note_id: Option<NoteId>,
    pub received_at: DateTime<Utc>,
    pub settled_by: Option<Uuid>,
    pub settled_by_name: Option<String>,
    pub settled_at: Option<DateTime<Utc>>,
    pub side_conversation_id: Option<SideConversationId>,
}

/// Records a mail with its bytes; false when it came in before. Waits for who is recording the same one.
pub fn insert(conn: &mut PgConnection, mail: &Mail, raw: Option<&[u8]>) -> QueryResult<bool> {
    let row = (mail, m::raw.eq(raw));
    let on = (m::mailbox, m::message_key);
    let added = diesel::insert_into(m::table).values(row).on_conflict(on).do_nothing();
    Ok(added.execute(conn)? == 1)
}

pub fn of_key(conn: &mut PgConnection, mailbox: &str, key: &str) -> QueryResult<Option<Mail>> {
    let same = m::mailbox.eq(mailbox).and(m::message_key.eq(key));
    m::table.filter(same).select(Mail::as_select()).first(conn).optional()
}

/// Writes what became of a mail, when its files are due, and who decided that, if somebody did.
pub fn settle(
    conn: &mut PgConnection,
    id: InboundMailId,
    outcome: &Outcome,
    files_due_at: Option<DateTime<Utc>>,
    by: Option<(&Actor, DateTime<Utc>)>,
) -> QueryResult<Mail> {
    diesel::update(m::table.find(id))
        .set((
            m::state.eq(outcome.state),
            m::cause.eq(outcome.cause),
            m::detail.eq(&outcome.detail),
            m::ticket_id.eq(outcome.ticket_id),
            m::note_id.eq(outcome.note_id),
            m::files_due_at.eq(files_due_at),
            m::side_conversation_id.eq(outcome.side_conversation_id),
            m::settled_by.eq(by.map(|(actor, _)| actor.id)),
            m::settled_by_name.eq(by.map(|(actor, _)| &actor.name)),
            m::settled_at.eq(by.map(|(_, at)| at)),
        ))
        .returning(Mail::as_returning())
        .get_result(conn)
}

/// A condition on mails.
type Condition =
    Box<dyn BoxableExpression<m::table, diesel::pg::Pg, SqlType = diesel::sql_types::Bool>>;

/// Of an agent, what was taken for tickets that they may see; what is nobody's yet is for those who see every ticket.
fn visible_mail(actor: &Actor) -> Condition {
    let no_draft = tickets::category.ne("draft");
    let theirs = match actor.visibility() {
        Visibility::All => {
            return Box::new(diesel::dsl::sql::<diesel::sql_types::Bool>("true"));
        }
        Visibility::Departments(agent, departments) => tickets::table
            .filter(no_draft)
            .filter(
                tickets::department_id
                    .eq_any(departments)
                    .or(tickets::assignee_id.eq(agent).assume_not_null())
                    .or(tickets::opened_by.eq(agent.0)),
            )
            .select(tickets::id.nullable())
            .into_boxed(),
        Visibility::Accounts(_, accounts) => tickets::table
            .filter(no_draft)
            .filter(tickets::account_id.eq_any(accounts).assume_not_null())
            .select(tickets::id.nullable())
            .into_boxed(),
    };
    let taken = m::state.eq(MailState::Taken);
    Box::new(taken.and(m::ticket_id.eq_any(theirs).assume_not_null()))
}

pub fn find(
    conn: &mut PgConnection,
    actor: &Actor,
    id: InboundMailId,
) -> QueryResult<Option<Mail>> {
    let mail = m::table.filter(m::id.eq(id)).filter(visible_mail(actor));
    mail.select(Mail::as_select()).first(conn).optional()
}

/// The same, locked until the transaction ends.
pub fn lock(
    conn: &mut PgConnection,
    actor: &Actor,
    id: InboundMailId,
) -> QueryResult<Option<Mail>> {
    let mail = m::table.filter(m::id.eq(id)).filter(visible_mail(actor));
    mail.for_no_key_update().select(Mail::as_select()).first(conn).optional()
}

/// The mail as it came in, if it is kept.
pub fn raw(conn: &mut PgConnection, id: InboundMailId) -> QueryResult<Option<Vec<u8>>> {
    m::table.find(id).select(m::raw).first(conn)
}

/// Latest first.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    (state, ticket): (Option<MailState>, Option<TicketId>),
    page: &PageRequest,
) -> QueryResult<Vec<Mail>> {
    let mut query = m::table
        .filter(visible_mail(actor))
        .limit(page.fetch())
        .select(Mail::as_select())
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(m::state.eq(state));
    }
    if let Some(ticket) = ticket {
        query = query.filter(m::ticket_id.eq(ticket));
    }
    let from = page.cursor.as_ref().map(|cursor| cursor.id);
    query = match (from, page.backward()) {
        (Some(id), true) => query.filter(m::id.gt(InboundMailId(id))),
        (Some(id), false) => query.filter(m::id.lt(InboundMailId(id))),
        (None, _) => query,
    };
    if page.backward() {
        query.order(m::id.asc()).load(conn)
    } else {
        query.order(m::id.desc()).load(conn)
    }
}

/// Takes a secret out of what is kept of a ticket's mails. The mails themselves go: they may quote it, in an encoding of their
/// own, cut into pieces by HTML, in a file.
pub fn erase(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> QueryResult<()> {
    let theirs = m::table.filter(m::ticket_id.eq(ticket));
    diesel::update(theirs).set(m::raw.eq(None::<Vec<u8>>)).execute(conn)?;
    let texts: Vec<(InboundMailId, String, Option<String>, Value)> =
        theirs.select((m::id, m::subject, m::detail, m::files)).load(conn)?;
    for (id, subject, detail, mut files) in texts {
        let told = detail.as_ref().and_then(|detail| erasure.text(detail));
        let held =
            erasure.text(&subject).is_some() || told.is_some() || erasure.written(&mut files);
        if held {
            let subject = erasure.text(&subject).unwrap_or(subject);
            let row = (m::subject.eq(subject), m::detail.eq(told.or(detail)), m::files.eq(files));
            diesel::update(m::table.find(id)).set(row).execute(conn)?;
        }
    }
    Ok(())
}
