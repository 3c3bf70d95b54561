//! Decides held conflicts.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::Engine;
use super::settle::tell;
use crate::crm::adapters::integration;
use crate::crm::merge::Side;
use crate::crm::service;
use crate::crm::store::{self, Conflict};
use crate::events::EventType;
use crate::kernel::{Actor, AppError, ConflictId};

impl Engine {
    /// Decides a held conflict; the mirror carries the decision out. Nothing calls the CRM of an integration, so there the desk
    /// takes the CRM's value here and now, and the desk's is offered by [`Engine::offer`] until the CRM has it. Fails with
    /// `cannot_decide` where the desk refuses the CRM's value; the conflict stays as it is then.
    pub fn resolve(
        &self,
        conn: &mut PgConnection,
        actor: &Actor,
        id: ConflictId,
        winner: Side,
        now: DateTime<Utc>,
    ) -> Result<Conflict, AppError> {
        let missing = || AppError::NotFound("the conflict");
        let conflict = store::lock_conflict(conn, id)?.ok_or_else(missing)?;
        if conflict.resolved_at.is_some() {
            return Err(AppError::conflict("already_resolved", "this conflict is resolved"));
        }
        let decided = store::decide_conflict(conn, id, winner, &actor.name, now)?;
        store::mark_tickets(conn, &[decided.ticket_id])?;
        tell(conn, actor, EventType::MirrorConflictDecided, &decided, now)?;
        let connection = service::connection(conn, decided.connection_id)?;
        if winner == Side::Desk || connection.kind != integration::KEY {
            return Ok(decided);
        }
        self.take_decided(conn, actor, connection, &decided, now)?;
        store::conflict(conn, id)?.ok_or_else(missing)
    }
}
