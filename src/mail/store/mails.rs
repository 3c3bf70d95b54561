//! The mails that go out.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::db::schema::outgoing_mails::{self as m, dsl};
use crate::kernel::{MailId, NoteId, TicketId};
use crate::mail::rules::MailState;

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

/// Inserts the mail, unless one was queued under its key before; returns how many were inserted.
pub fn insert(conn: &mut PgConnection, row: &Row) -> QueryResult<usize> {
    diesel::insert_into(m::table).values(row).on_conflict(dsl::dedupe).do_nothing().execute(conn)
}

pub fn find_by_dedupe(conn: &mut PgConnection, key: &str) -> QueryResult<Option<MailId>> {
    m::table.filter(dsl::dedupe.eq(key)).select(dsl::id).first(conn).optional()
}
