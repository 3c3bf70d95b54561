//! Put tickets into the order in which they changed, and read them in it.
use std::collections::{HashMap, HashSet};

use diesel::PgConnection;

use super::rules::{ExportLine, ExportedTicket, by_ticket};
use super::store;
use crate::kernel::{Actor, AppError, Permission, TicketId, Visibility};

/// Events, and touches, that are looked at in one transaction.
const LOOKED_AT: i64 = 2_000;

/// Gives positions to some of the tickets that changed; false when there were none. A ticket that changes again is moved behind all
/// others. Positions are given under one lock, of what is committed: nothing is ever put in front of a position that was seen.
pub fn put_in_order(conn: &mut PgConnection) -> Result<bool, AppError> {
    let (last, feed) = store::lock_head(conn)?;
    // Read before the events, so that none of those up to it can be missing.
    let until = store::published(conn)?.min(feed.saturating_add(LOOKED_AT));
    let mut changed = if until > feed { store::changed(conn, feed, until)? } else { Vec::new() };
    let touched = store::take_touched(conn, LOOKED_AT)?;
    if until <= feed && touched.is_empty() {
        return Ok(false);
    }
    changed.extend(touched);
    let mut seen = HashSet::new();
    changed.retain(|ticket| seen.insert(*ticket));
    let count = i64::try_from(store::mark(conn, &changed, last)?).map_err(AppError::internal)?;
    store::save_head(conn, last + count, until.max(feed))?;
    Ok(true)
}

/// Every ticket is told: it takes the permission, and to be of those who see all.
pub fn require(actor: &Actor) -> Result<(), AppError> {
    actor.require(Permission::ExportRead)?;
    match actor.visibility() {
        Visibility::All => Ok(()),
        _ => Err(AppError::Forbidden(Permission::ExportRead)),
    }
}

/// A part of the export.
pub struct Part {
    pub lines: Vec<ExportLine>,
    /// The position of the last line.
    pub last: i64,
    /// There may be more behind it.
    pub full: bool,
}

/// Up to `limit` tickets behind a position, as they are at one moment, with as many statements for one as for all of them.
pub fn part(
    conn: &mut PgConnection,
    actor: &Actor,
    after: i64,
    limit: i64,
) -> Result<Part, AppError> {
    require(actor)?;
    store::see_one_state(conn)?;
    let marks = store::behind(conn, after, limit)?;
    let Some((last, _)) = marks.last().copied() else {
        return Ok(Part { lines: Vec::new(), last: after, full: false });
    };
    let full = i64::try_from(marks.len()).is_ok_and(|read| read >= limit);
    let ids: Vec<TicketId> = marks.iter().map(|(_, ticket)| *ticket).collect();
    let mut rows = by_ticket(store::tickets(conn, &ids)?, |ticket| ticket.id);
    let mut content = Content::load(conn, &ids)?;
    let lines = marks.into_iter().filter_map(|(position, id)| {
        let fields = rows.remove(&id)?.pop()?;
        Some(ExportLine {
            cursor: position.to_string(),
            id,
            number: format!("CB-{}", fields.number),
            version: fields.version,
            deleted_at: fields.deleted_at,
            ticket: fields.deleted_at.is_none().then(|| content.take(fields)),
        })
    });
    Ok(Part { lines: lines.collect(), last, full })
}

type Of<T> = HashMap<TicketId, Vec<T>>;

/// What some tickets have, each kind by its tickets.
struct Content {
    notes: Of<store::ExportedNote>,
    attachments: Of<store::ExportedAttachment>,
    status_changes: Of<store::ExportedStatusChange>,
    assignments: Of<store::ExportedAssignment>,
    clocks: Of<store::ExportedClock>,
    time_entries: Of<store::ExportedTime>,
    surveys: Of<store::ExportedAnswer>,
    links: Of<store::ExportedLink>,
    watchers: Of<store::ExportedWatcher>,
    crm: Of<store::ExportedCase>,
}

impl Content {
    fn load(conn: &mut PgConnection, ids: &[TicketId]) -> Result<Self, AppError> {
        let mut links: Of<store::ExportedLink> = Of::new();
        for link in store::links(conn, ids)? {
            for end in [link.from_id, link.to_id] {
                links.entry(end).or_default().push(link.clone());
            }
        }
        Ok(Self {
            notes: by_ticket(store::notes(conn, ids)?, |row| row.ticket_id),
            attachments: by_ticket(store::attachments(conn, ids)?, |row| row.ticket_id),
            status_changes: by_ticket(store::status_changes(conn, ids)?, |row| row.ticket_id),
            assignments: by_ticket(store::assignments(conn, ids)?, |row| row.ticket_id),
            clocks: by_ticket(store::clocks(conn, ids)?, |row| row.ticket_id),
            time_entries: by_ticket(store::times(conn, ids)?, |row| row.ticket_id),
            surveys: by_ticket(store::answers(conn, ids)?, |row| row.ticket_id),
            links,
            watchers: by_ticket(store::watchers(conn, ids)?, |row| row.ticket_id),
            crm: by_ticket(store::cases(conn, ids)?, |row| row.ticket_id),
        })
    }

    fn take(&mut self, fields: store::TicketRow) -> ExportedTicket {
        let id = fields.id;
        ExportedTicket {
            notes: self.notes.remove(&id).unwrap_or_default(),
            attachments: self.attachments.remove(&id).unwrap_or_default(),
            status_changes: self.status_changes.remove(&id).unwrap_or_default(),
            assignments: self.assignments.remove(&id).unwrap_or_default(),
            clocks: self.clocks.remove(&id).unwrap_or_default(),
            time_entries: self.time_entries.remove(&id).unwrap_or_default(),
            surveys: self.surveys.remove(&id).unwrap_or_default(),
            links: self.links.remove(&id).unwrap_or_default(),
            watchers: self.watchers.remove(&id).unwrap_or_default(),
            crm: self.crm.remove(&id).unwrap_or_default(),
            fields,
        }
    }
}
