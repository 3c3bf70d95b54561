//! From what a ticket has to a line. Pure.
use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::store::{
    ExportedAnswer, ExportedAssignment, ExportedAttachment, ExportedCase, ExportedClock,
    ExportedLink, ExportedNote, ExportedStatusChange, ExportedTime, ExportedWatcher, TicketRow,
};
use crate::kernel::{TicketId, csv_line, csv_text};

/// A ticket as it was when it was read.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportLine {
    /// Send it as `after` for what changed since.
    #[schema(example = "4711")]
    pub cursor: String,
    pub id: TicketId,
    #[schema(example = "CB-1042")]
    pub number: String,
    #[schema(example = 17)]
    pub version: i32,
    /// When it was deleted: nothing else is told of it any more.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Null when it is deleted.
    pub ticket: Option<ExportedTicket>,
}

/// What a ticket has.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedTicket {
    #[serde(flatten)]
    pub fields: TicketRow,
    pub notes: Vec<ExportedNote>,
    pub attachments: Vec<ExportedAttachment>,
    pub status_changes: Vec<ExportedStatusChange>,
    pub assignments: Vec<ExportedAssignment>,
    pub clocks: Vec<ExportedClock>,
    pub time_entries: Vec<ExportedTime>,
    /// What was answered about its closings.
    pub surveys: Vec<ExportedAnswer>,
    pub links: Vec<ExportedLink>,
    pub watchers: Vec<ExportedWatcher>,
    /// Its records in CRMs.
    pub crm: Vec<ExportedCase>,
}

/// Rows by their tickets, in their order.
pub fn by_ticket<T>(rows: Vec<T>, ticket: impl Fn(&T) -> TicketId) -> HashMap<TicketId, Vec<T>> {
    let mut grouped: HashMap<TicketId, Vec<T>> = HashMap::new();
    for row in rows {
        grouped.entry(ticket(&row)).or_default().push(row);
    }
    grouped
}

/// A cursor as somebody gives it back.
pub fn position(cursor: &str) -> Option<i64> {
    cursor.parse().ok().filter(|position| *position >= 0)
}

/// The columns of the table, in their order.
pub const COLUMNS: [&str; 49] = [
    "cursor",
    "id",
    "number",
    "version",
    "deleted_at",
    "subject",
    "description",
    "resolution",
    "status",
    "category",
    "priority",
    "type",
    "severity",
    "impact",
    "level",
    "department_id",
    "assignee_id",
    "account_id",
    "contact_id",
    "product_id",
    "category_id",
    "component_id",
    "source",
    "external_id",
    "url",
    "vendor_reference",
    "tags",
    "opened_by",
    "opened_by_role",
    "merged_into",
    "reopen_count",
    "deadline",
    "created_at",
    "submitted_at",
    "updated_at",
    "closed_at",
    "notes",
    "attachments",
    "status_changes",
    "assignments",
    "minutes",
    "chargeable_minutes",
    "first_response_due_at",
    "first_response_ended_at",
    "first_response_breached_at",
    "resolution_due_at",
    "resolution_ended_at",
    "resolution_breached_at",
    "rating",
];

/// The ticket as one flat row. Of the clocks and the answers it is the last one; of what there is many, how many.
pub fn row(line: &ExportLine) -> String {
    let mut cells = vec![
        line.cursor.clone(),
        line.id.to_string(),
        line.number.clone(),
        line.version.to_string(),
        time(line.deleted_at),
    ];
    if let Some(ticket) = &line.ticket {
        cells.extend(fields(&ticket.fields));
        cells.extend(figures(ticket));
    }
    cells.resize(COLUMNS.len(), String::new());
    csv_line(cells.iter().map(String::as_str))
}

fn fields(ticket: &TicketRow) -> Vec<String> {
    let text = |text: &Option<String>| csv_text(text.as_deref().unwrap_or_default());
    vec![
        csv_text(&ticket.subject),
        csv_text(&ticket.description),
        text(&ticket.resolution),
        csv_text(&ticket.status),
        ticket.category.to_string(),
        ticket.priority.as_str().to_owned(),
        csv_text(&ticket.type_key),
        optional(ticket.severity),
        optional(ticket.impact),
        ticket.level.to_string(),
        ticket.department_id.to_string(),
        optional(ticket.assignee_id),
        optional(ticket.account_id),
        optional(ticket.contact_id),
        optional(ticket.product_id),
        optional(ticket.category_id),
        optional(ticket.component_id),
        ticket.source.to_string(),
        text(&ticket.external_id),
        text(&ticket.url),
        text(&ticket.vendor_reference),
        csv_text(&ticket.tags.join(";")),
        ticket.opened_by.to_string(),
        ticket.opened_by_role.to_string(),
        optional(ticket.merged_into),
        ticket.reopen_count.to_string(),
        time(ticket.deadline),
        time(Some(ticket.created_at)),
        time(ticket.submitted_at),
        time(Some(ticket.updated_at)),
        time(ticket.closed_at),
    ]
}

fn figures(ticket: &ExportedTicket) -> Vec<String> {
    let worked = |chargeable: bool| {
        let counted = ticket.time_entries.iter().filter(|entry| entry.chargeable || !chargeable);
        counted.map(|entry| i64::from(entry.minutes)).sum::<i64>().to_string()
    };
    let clock = |metric: &str| {
        let last = ticket.clocks.iter().rfind(|clock| clock.metric == metric);
        let times = last.map(|clock| [clock.due_at, clock.ended_at, clock.breached_at]);
        times.unwrap_or_default().map(time)
    };
    let mut cells = vec![
        ticket.notes.len().to_string(),
        ticket.attachments.len().to_string(),
        ticket.status_changes.len().to_string(),
        ticket.assignments.len().to_string(),
        worked(false),
        worked(true),
    ];
    cells.extend(clock("first_response"));
    cells.extend(clock("resolution"));
    cells.push(optional(ticket.surveys.last().and_then(|answer| answer.rating)));
    cells
}

fn optional(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn time(time: Option<DateTime<Utc>>) -> String {
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_position_and_nothing_else() {
        assert_eq!(position("0"), Some(0));
        assert_eq!(position("4711"), Some(4711));
        for text in ["", "-1", "1.5", "x", "99999999999999999999"] {
            assert_eq!(position(text), None, "{text}");
        }
    }

    #[test]
    fn a_deleted_ticket_is_a_row_with_as_many_cells_as_others() {
        let deleted_at = "2026-03-01T00:00:00Z".parse().ok();
        let (cursor, number) = ("7".to_owned(), "CB-1".to_owned());
        let line = ExportLine {
            cursor,
            id: TicketId::EXAMPLE,
            number,
            version: 4,
            deleted_at,
            ticket: None,
        };
        let row = row(&line);
        assert!(row.starts_with("7,0199f0c2-"), "{row}");
        assert_eq!(row.matches(',').count() + 1, COLUMNS.len());
    }
}
