//! The stream of tickets.
use std::sync::Arc;

use actix_web::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::rules::{COLUMNS, ExportLine, position, row};
use super::service::{self, Part};
use crate::auth::Session;
use crate::db::Db;
use crate::http::Params;
use crate::kernel::{AppError, csv_line};

/// Tickets that are read at a time.
const AT_A_TIME: i64 = 100;
/// Exports of a process that read at the same time; others take turns with them.
const TURNS: usize = 2;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(export_tickets);
}

/// What the exports of a process share.
#[derive(Clone)]
pub struct Exports {
    db: Db,
    turns: Arc<Semaphore>,
}

impl Exports {
    pub fn new(db: Db) -> Self {
        Self { db, turns: Arc::new(Semaphore::new(TURNS)) }
    }
}

/// How a ticket is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ExportFormat {
    /// A JSON document on a line of its own.
    Ndjson,
    /// A flat row (RFC 4180).
    Csv,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ExportQuery {
    /// The `cursor` of the last line that you have: what changed since comes. Everything when absent.
    #[param(example = "4711")]
    after: Option<String>,
    /// `ndjson` when absent, unless `Accept` asks for `text/csv`.
    #[param(inline)]
    format: Option<ExportFormat>,
}

/// Export tickets
///
/// Every ticket with what it has, in the order in which they changed last: a line each, as NDJSON or as a flat row of CSV. Remember the
/// `cursor` of the last whole line: with it as `after` an export goes on that broke off, and a later one tells what changed since. Nothing is
/// left out; a ticket that changes while it is exported comes once more, and the last line about it counts. Of a deleted ticket only that
/// is told. Drafts are not exported.
#[utoipa::path(
    tag = "export",
    params(ExportQuery),
    security(("client_credentials" = ["export:read"])),
    responses((
        status = 200,
        description = "A line for each ticket",
        content(
            (ExportLine = "application/x-ndjson"),
            (String = "text/csv", example = "cursor,id,number,version,deleted_at,subject\r\n"),
        ),
    )),
)]
#[get("/export/tickets")]
async fn export_tickets(
    request: HttpRequest,
    exports: web::Data<Exports>,
    session: Session,
    query: Params<ExportQuery>,
) -> Result<HttpResponse, AppError> {
    service::require(&*session.caller().await?)?;
    let wrong = || AppError::Malformed("query parameter after: the cursor of a line".into());
    let after = query.after.as_deref().map(|cursor| position(cursor).ok_or_else(wrong));
    let after = after.transpose()?.unwrap_or(0);
    let format = query.format.unwrap_or_else(|| accepted(&request));
    let (content_type, name) = match format {
        ExportFormat::Ndjson => ("application/x-ndjson", "tickets.ndjson"),
        ExportFormat::Csv => ("text/csv; charset=utf-8", "tickets.csv"),
    };
    let exports = exports.as_ref().clone();
    let lines = Lines { exports, session, format, after, begun: false, left: Left::Ordered };
    Ok(HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((CACHE_CONTROL, "no-store"))
        // Otherwise nginx collects what it passes on.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(stream::unfold(lines, Lines::next)))
}

fn accepted(request: &HttpRequest) -> ExportFormat {
    let accepts = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    let csv = accepts.is_some_and(|types| types.contains("text/csv"));
    if csv { ExportFormat::Csv } else { ExportFormat::Ndjson }
}

/// Who reads an export. Between its parts they are no more than this: no transaction is open, and no connection is held.
struct Lines {
    exports: Exports,
    session: Session,
    format: ExportFormat,
    /// The position of the last ticket that was written.
    after: i64,
    begun: bool,
    left: Left,
}

/// What there is still to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// What was in order when the export began, and what was put in order since.
    Ordered,
    /// What came while the last changes were put in order.
    Rest,
    Nothing,
}

impl Lines {
    /// The next lines; `None` ends the export. They are read when those before were sent: who reads slowly is read to slowly.
    async fn next(mut self) -> Option<(Result<Bytes, AppError>, Self)> {
        if !self.begun && self.format == ExportFormat::Csv {
            self.begun = true;
            return Some((Ok(csv_line(COLUMNS).into()), self));
        }
        while self.left != Left::Nothing {
            match self.read().await {
                Ok(lines) if lines.is_empty() => {}
                Ok(lines) => return Some((self.written(&lines), self)),
                // An export that breaks off must not look like one that ends.
                Err(error) => {
                    self.left = Left::Nothing;
                    return Some((Err(error), self));
                }
            }
        }
        None
    }

    /// A part. When it is not full, what changed meanwhile is put in order, and the next one that is not full is the last.
    async fn read(&mut self) -> Result<Vec<ExportLine>, AppError> {
        let caller = self.session.caller().await?;
        let turn = self.exports.turns.acquire().await.map_err(AppError::unavailable)?;
        let (db, after) = (&self.exports.db, self.after);
        let part = move |conn: &mut _| service::part(conn, &caller, after, AT_A_TIME);
        let Part { lines, last, full } = db.quiet_tx(part).await?;
        if !full && self.left == Left::Rest {
            self.left = Left::Nothing;
        } else if !full && !db.quiet_tx(service::put_in_order).await? {
            self.left = Left::Rest;
        }
        drop(turn);
        self.after = last;
        Ok(lines)
    }

    fn written(&self, lines: &[ExportLine]) -> Result<Bytes, AppError> {
        let mut text = Vec::new();
        for line in lines {
            match self.format {
                ExportFormat::Csv => text.extend(row(line).into_bytes()),
                ExportFormat::Ndjson => {
                    serde_json::to_writer(&mut text, line).map_err(AppError::internal)?;
                    text.push(b'\n');
                }
            }
        }
        Ok(text.into())
    }
}
