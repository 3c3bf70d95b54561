//! Puts back a value that lost a conflict, at the desk and with the rights of whoever asks for it.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::Engine;
use super::apply::Desk;
use super::pass::Stop;
use super::settle::tell;
use crate::crm::case::Owner;
use crate::crm::merge::{Rules, Side};
use crate::crm::store::{self, Conflict};
use crate::crm::vocabulary::Vocabulary;
use crate::events::EventType;
use crate::kernel::{Actor, AppError, ConflictId};
use crate::tickets;

impl Engine {
    /// Gives both sides the value that gave way: the desk takes it now, as a change of `actor` by its own rules, and the
    /// mirror carries it to the CRM. Once more does nothing.
    pub fn restore(
        &self,
        conn: &mut PgConnection,
        actor: &Actor,
        id: ConflictId,
        now: DateTime<Utc>,
    ) -> Result<Conflict, AppError> {
        let conflict = store::lock_conflict(conn, id)?.ok_or(AppError::NotFound("the conflict"))?;
        tickets::service::get(conn, actor, conflict.ticket_id)?;
        if conflict.restored_at.is_some() {
            return Ok(conflict);
        }
        let connection = conflict.connection_id;
        let row = store::connection(conn, connection)?;
        let row = row.ok_or(AppError::NotFound("the connection"))?;
        let (kind, settings) = (row.kind()?, row.settings()?);
        let lost = losing_value(&conflict, &settings.rules())?;
        let ticket = store::desk_tickets(conn, &[conflict.ticket_id])?.pop();
        let ticket = ticket.ok_or(AppError::NotFound("the ticket"))?;
        let words = Vocabulary::new(&settings, &kind.defaults);
        let desk = Desk { actor, connection, words, ticket: &ticket, now };
        // The CRM's words are coarser than the desk's own: high and critical may both be P1.
        let own = conflict.desk_own.as_deref().filter(|_| conflict.winner == Some(Side::Crm));
        match desk.put_back(conn, conflict.field, own, lost) {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => return Err(AppError::conflict("cannot_restore", reason)),
            Err(Stop::App(error)) => return Err(error),
            Err(_) => {
                let detail = "the ticket was changed at the same time; try again";
                return Err(AppError::conflict("cannot_restore", detail));
            }
        }
        store::mark_tickets(conn, &[conflict.ticket_id])?;
        let restored = store::mark_restored(conn, id, &actor.name, now)?;
        tell(conn, actor, EventType::MirrorConflictRestored, &restored, now)?;
        Ok(restored)
    }
}

/// The value to be put back; fails where putting it back makes no sense.
fn losing_value<'a>(conflict: &'a Conflict, rules: &Rules) -> Result<&'a str, AppError> {
    if conflict.resolved_at.is_none() {
        let detail = "nothing was lost yet: decide the conflict instead";
        return Err(AppError::conflict("conflict_open", detail));
    }
    let refuse = |detail| Err(AppError::conflict("cannot_restore", detail));
    let Some(lost) = conflict.losing_value.as_deref() else {
        return refuse("both sides came to agree by themselves; nothing was lost");
    };
    if rules.owner(conflict.field) == Owner::Crm {
        return refuse("the field belongs to the CRM, which would take it back; change it there");
    }
    Ok(lost)
}
