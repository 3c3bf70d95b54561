//! Time entries for spreadsheets.
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, get, web};
use futures_util::stream;

use super::query::EntryQuery;
use super::view::TimeEntryView;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::Params;
use crate::kernel::{AppError, Permission, TimeEntryId, csv_line, csv_text};
use crate::time_entries::service;
use crate::time_entries::store::{Filter, Named};

/// Entries that are read at a time.
const CHUNK: i64 = 500;

const COLUMNS: [&str; 18] = [
    "id",
    "work_date",
    "agent_id",
    "agent",
    "ticket_id",
    "ticket",
    "account_id",
    "account",
    "minutes",
    "chargeable",
    "per_hour",
    "amount",
    "currency",
    "capped",
    "note",
    "version",
    "created_at",
    "updated_at",
];

/// Export time entries as CSV
///
/// What the list has, in the order in which it was made, as it is read: RFC 4180 with a line of names. What people wrote gets an
/// apostrophe in front where a spreadsheet would take it for a formula.
#[utoipa::path(
    tag = "time",
    params(EntryQuery),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((
        status = 200,
        description = "The entries",
        content_type = "text/csv",
        body = String,
        example = "id,work_date,agent_id,agent,ticket_id,ticket,account_id,account,minutes,chargeable,per_hour,amount,currency,capped,note,version,created_at,updated_at\r\n",
    )),
)]
#[get("/time-entries.csv")]
pub async fn export_time_entries(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<EntryQuery>,
) -> Result<HttpResponse, AppError> {
    caller.require(Permission::TicketsRead)?;
    caller.require(Permission::TicketsWork)?;
    let (filter, ticket, asking) = (query.filter(), query.ticket, caller.clone());
    let narrow = move |conn: &mut _| service::within_conversation(conn, &asking, &filter, ticket);
    let filter = db.read(narrow).await?;
    let rows = Rows { db: db.as_ref().clone(), caller, filter, at: At::Start };
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"time-entries.csv\""))
        .streaming(stream::unfold(rows, Rows::next)))
}

/// What is left to be written.
struct Rows {
    db: Db,
    caller: Caller,
    filter: Filter,
    at: At,
}

enum At {
    Start,
    Behind(Option<TimeEntryId>),
    End,
}

impl Rows {
    /// The next lines; `None` ends the table. They are read when those before were sent.
    async fn next(mut self) -> Option<(Result<Bytes, AppError>, Self)> {
        let after = match self.at {
            At::Start => {
                self.at = At::Behind(None);
                return Some((Ok(csv_line(COLUMNS).into()), self));
            }
            At::Behind(after) => after,
            At::End => return None,
        };
        let (caller, filter) = (self.caller.clone(), self.filter.clone());
        let read = move |conn: &mut _| service::rows_behind(conn, &caller, &filter, after, CHUNK);
        match self.db.read(read).await {
            Ok(rows) => {
                let last = rows.last().map(|row| row.entry.id)?;
                self.at = At::Behind(Some(last));
                let lines: String = rows.into_iter().map(line).collect();
                Some((Ok(lines.into()), self))
            }
            // A table that breaks off must not look like one that ends.
            Err(error) => {
                self.at = At::End;
                Some((Err(error), self))
            }
        }
    }
}

fn line(row: Named) -> String {
    let (ticket, account_id) = (format!("CB-{}", row.number), row.account_id);
    let (agent, account) = (csv_text(&row.agent_name), row.account_name);
    let entry = TimeEntryView::from((row.entry, row.price));
    let number = |number: Option<i64>| number.map(|n| n.to_string()).unwrap_or_default();
    let cells = [
        entry.id.to_string(),
        entry.work_date.to_string(),
        entry.agent_id.to_string(),
        agent,
        entry.ticket_id.to_string(),
        ticket,
        account_id.map(|id| id.to_string()).unwrap_or_default(),
        csv_text(account.as_deref().unwrap_or_default()),
        entry.minutes.to_string(),
        entry.chargeable.to_string(),
        number(entry.per_hour),
        number(entry.amount),
        entry.currency.unwrap_or_default(),
        entry.capped.to_string(),
        csv_text(entry.note.as_deref().unwrap_or_default()),
        entry.version.to_string(),
        entry.created_at.to_rfc3339(),
        entry.updated_at.to_rfc3339(),
    ];
    csv_line(cells.iter().map(String::as_str))
}
