//! The mails that go out.
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
use serde_json::Value;
use uuid::Uuid;

use crate::db::lower;
use crate::db::schema::outgoing_mails::{self as m, dsl};
use crate::db::schema::tickets;
use crate::kernel::{Actor, Erasure, MailId, NoteId, PageRequest, TicketId, Visibility};
use crate::mail::rules::MailState;
use crate::tickets::visible;

/// A mail as it is queued.
#[derive(Debug, Insertable)]
#[diesel(table_name = m)]
pub struct Row {
    pub id: MailId,
    pub conversation: &'static str,
    pub conversation_id: Uuid,
    pub ticket_id: Option<TicketId>,
    pub note_id: Option<NoteId>,
    pub to_name: Option<String>,
    pub to_email: String,
    pub cc: Value,
    pub subject: String,
    pub text_body: String,
    pub html_body: Option<String>,
    pub automatic: bool,
    pub dedupe: Option<String>,
    pub state: MailState,
    pub reason: Option<String>,
    pub due_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

/// A mail.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = m, check_for_backend(diesel::pg::Pg))]
pub struct OutgoingMail {
    pub id: MailId,
    pub conversation: String,
    pub conversation_id: Uuid,
    pub ticket_id: Option<TicketId>,
    pub note_id: Option<NoteId>,
    pub to_name: Option<String>,
    pub to_email: String,
    pub cc: Value,
    pub subject: String,
    pub text_body: String,
    pub html_body: Option<String>,
    pub automatic: bool,
    pub state: MailState,
    pub reason: Option<String>,
    pub attempts: i32,
    pub unanswered: i32,
    pub due_at: DateTime<Utc>,
    pub fence: i64,
    pub released: bool,
    pub message_id: Option<String>,
    pub created_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
}

/// Inserts the mail, unless one was queued under its key before; returns how many were inserted.
pub fn insert(conn: &mut PgConnection, row: &Row) -> QueryResult<usize> {
    diesel::insert_into(m::table).values(row).on_conflict(dsl::dedupe).do_nothing().execute(conn)
}

/// As [`insert`], for many in one statement.
pub fn insert_all(conn: &mut PgConnection, rows: &[Row]) -> QueryResult<usize> {
    diesel::insert_into(m::table).values(rows).on_conflict(dsl::dedupe).do_nothing().execute(conn)
}

/// Of each automatic mail that was queued for one of these addresses from `since` on, the address; all in lower case.
pub fn automatic_since(
    conn: &mut PgConnection,
    emails: &[String],
    since: DateTime<Utc>,
) -> QueryResult<Vec<String>> {
    m::table
        .filter(lower(dsl::to_email).eq_any(emails))
        // Ids go by time: the index passes over the older ones.
        .filter(dsl::id.ge(first_id(since)))
        .filter(dsl::automatic)
        .select(lower(dsl::to_email))
        .load(conn)
}

/// No id of version 7 (RFC 9562, section 5.7) that was made from then on is smaller.
fn first_id(at: DateTime<Utc>) -> MailId {
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or_default();
    MailId(Uuid::from_u128(millis << 80))
}

pub fn find_by_dedupe(conn: &mut PgConnection, key: &str) -> QueryResult<Option<MailId>> {
    m::table.filter(dsl::dedupe.eq(key)).select(dsl::id).first(conn).optional()
}

type Seen<'a> = m::BoxedQuery<'a, diesel::pg::Pg>;

/// The mails of the tickets that the caller may see; those of no ticket for who sees all.
fn seen(actor: &Actor) -> Seen<'_> {
    let tickets = tickets::table
        .into_boxed()
        .filter(visible(actor))
        .filter(tickets::deleted_at.is_null())
        .select(tickets::id.nullable());
    match actor.visibility() {
        Visibility::All => m::table
            .filter(dsl::ticket_id.is_null().or(dsl::ticket_id.eq_any(tickets).assume_not_null()))
            .into_boxed(),
        _ => m::table.filter(dsl::ticket_id.eq_any(tickets).assume_not_null()).into_boxed(),
    }
}

/// Which mails a list shows.
#[derive(Debug, Clone, Default)]
pub struct MailFilter {
    pub ticket: Option<TicketId>,
    pub note: Option<NoteId>,
    pub state: Option<MailState>,
    /// The addressee, without regard to case.
    pub to: Option<String>,
}

/// A page of the mails that the caller may see, the newest first.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: MailFilter,
    page: &PageRequest,
) -> QueryResult<Vec<OutgoingMail>> {
    let mut query = seen(actor).limit(page.fetch());
    if let Some(ticket) = filter.ticket {
        query = query.filter(dsl::ticket_id.eq(ticket));
    }
    if let Some(note) = filter.note {
        query = query.filter(dsl::note_id.eq(note));
    }
    if let Some(state) = filter.state {
        query = query.filter(dsl::state.eq(state));
    }
    if let Some(to) = filter.to {
        query = query.filter(lower(dsl::to_email).eq(to.to_lowercase()));
    }
    let from = page.cursor.as_ref().map(|cursor| MailId(cursor.id));
    query = match (from, page.backward()) {
        (Some(id), true) => query.filter(dsl::id.gt(id)),
        (Some(id), false) => query.filter(dsl::id.lt(id)),
        (None, _) => query,
    };
    let query = query.select(OutgoingMail::as_select());
    if page.backward() {
        query.order(dsl::id).load(conn)
    } else {
        query.order(dsl::id.desc()).load(conn)
    }
}

/// A mail that the caller may see.
pub fn find(
    conn: &mut PgConnection,
    actor: &Actor,
    id: MailId,
) -> QueryResult<Option<OutgoingMail>> {
    seen(actor).filter(dsl::id.eq(id)).select(OutgoingMail::as_select()).first(conn).optional()
}

/// A mail, locked.
pub fn lock(conn: &mut PgConnection, id: MailId) -> QueryResult<Option<OutgoingMail>> {
    m::table.find(id).select(OutgoingMail::as_select()).for_no_key_update().first(conn).optional()
}

/// Puts a locked mail back into the queue as if it had never been tried, or takes it out.
pub fn put(
    conn: &mut PgConnection,
    id: MailId,
    state: MailState,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<OutgoingMail> {
    diesel::update(m::table.find(id))
        .set((
            dsl::state.eq(state),
            dsl::reason.eq(reason),
            dsl::due_at.eq(now),
            dsl::attempts.eq(0),
            dsl::unanswered.eq(0),
            dsl::fence.eq(dsl::fence + 1),
            dsl::released.eq(state == MailState::Queued),
        ))
        .returning(OutgoingMail::as_returning())
        .get_result(conn)
}

/// Notes what became of a mail that was sent.
pub fn note_reason(conn: &mut PgConnection, id: MailId, reason: &str) -> QueryResult<usize> {
    diesel::update(m::table.find(id)).set(dsl::reason.eq(reason)).execute(conn)
}

/// Takes the secret out of the ticket's mails, and out of those that are about several tickets. The HTML goes as a whole: its plain text says the same.
pub fn erase(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> QueryResult<()> {
    let of_several = sql::<Bool>(
        "outgoing_mails.ticket_id is null and exists (select from unnest(",
    )
    .bind::<Array<Text>, _>(erasure.searched())
    .sql(
        ") s (text) where strpos(outgoing_mails.subject || outgoing_mails.text_body, s.text) > 0)",
    );
    let mails: Vec<OutgoingMail> = m::table
        .filter(dsl::ticket_id.eq(ticket).assume_not_null().or(of_several))
        .select(OutgoingMail::as_select())
        .for_no_key_update()
        .load(conn)?;
    for mail in mails {
        let subject = erasure.text(&mail.subject);
        let text = erasure.text(&mail.text_body);
        let html = mail.html_body.as_ref().and_then(|html| erasure.text(html));
        let reason = mail.reason.as_ref().and_then(|reason| erasure.text(reason));
        if [&subject, &text, &html, &reason].iter().all(|erased| erased.is_none()) {
            continue;
        }
        let html = if text.is_some() || html.is_some() { None } else { mail.html_body };
        diesel::update(m::table.find(mail.id))
            .set((
                dsl::subject.eq(subject.unwrap_or(mail.subject)),
                dsl::text_body.eq(text.unwrap_or(mail.text_body)),
                dsl::html_body.eq(html),
                dsl::reason.eq(reason.or(mail.reason)),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// How many mails are in a state, and when the oldest was queued.
pub type Waiting = (MailState, i64, Option<DateTime<Utc>>);

/// The mails that wait, and those that somebody may have to look at.
pub fn waiting(conn: &mut PgConnection) -> QueryResult<Vec<Waiting>> {
    let states = [MailState::Queued, MailState::Sending, MailState::Held, MailState::Dead];
    m::table
        .filter(dsl::state.eq_any(states))
        .group_by(dsl::state)
        .select((dsl::state, diesel::dsl::count_star(), diesel::dsl::min(dsl::created_at)))
        .load(conn)
}
