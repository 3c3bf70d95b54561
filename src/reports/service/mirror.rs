//! How far desk and CRMs are from agreement.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::crm::service::standings;
use crate::events;
use crate::kernel::{Actor, AppError, Permission};
use crate::reports::rules::{ConnectionHealth, MirrorHealth, Mirrored};

/// What waits to be mirrored, what waits for somebody, and how long it has. What is not published yet waits in every connection.
pub fn mirror_health(
    conn: &mut PgConnection,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<MirrorHealth, AppError> {
    actor.require(Permission::ReportsRead)?;
    let unpublished = events::waiting_since(conn)?;
    let connections: Vec<ConnectionHealth> = standings(conn, actor)?
        .into_iter()
        .map(|standing| {
            let oldest = [standing.oldest, unpublished].into_iter().flatten().min();
            let lag = oldest.map_or(0, |oldest| (now - oldest).num_seconds().max(0));
            let figures = Mirrored {
                pending: standing.pending,
                parked: standing.parked,
                conflicts: standing.conflicts,
                lag_seconds: lag,
            };
            ConnectionHealth {
                id: standing.id,
                name: standing.name,
                state: standing.state,
                figures,
            }
        })
        .collect();
    let sum = |sum: Mirrored, one: &ConnectionHealth| Mirrored {
        pending: sum.pending + one.figures.pending,
        parked: sum.parked + one.figures.parked,
        conflicts: sum.conflicts + one.figures.conflicts,
        lag_seconds: sum.lag_seconds.max(one.figures.lag_seconds),
    };
    let total = connections.iter().fold(Mirrored::default(), sum);
    Ok(MirrorHealth { as_of: now, total, connections })
}
