//! Reads the cases of several tickets for a comparison.
use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use futures_util::stream;

use super::Engine;
use super::compare::Comparison;
use super::pass::{Pass, Stop};
use crate::crm::CrmError;
use crate::crm::store::{self, Action, Connection, Difference, DifferenceKind, Mirror};
use crate::kernel::{AppError, ConnectionId, JobId, TicketId};

/// Cases that a comparison reads at a time: it is in no hurry, and others want the CRM too.
const AT_ONCE: usize = 2;
/// How often a ticket is compared anew because its mirror was worked on meanwhile.
const AGAIN: u32 = 3;

/// A ticket that was compared.
#[derive(Debug)]
pub struct Reading {
    pub ticket: TicketId,
    pub found: Vec<Difference>,
}

impl Reading {
    /// Of a ticket that cannot be compared.
    pub fn unreadable(
        job: JobId,
        connection: ConnectionId,
        ticket: TicketId,
        reason: String,
    ) -> Self {
        let (kind, action) = (DifferenceKind::Unreadable, Action::Park);
        let mut new = Difference::new(job, connection, ticket, kind, action);
        new.detail = Some(reason);
        Self { ticket, found: vec![new] }
    }
}

/// A ticket with its mirror, if it has one.
type Item = (TicketId, Option<Mirror>);
/// Why the CRM could not be asked any more, and for which ticket.
type Broken = Option<(TicketId, CrmError)>;

impl Engine {
    /// Compares the tickets in order, up to the first for which the CRM cannot be asked.
    pub async fn compare(
        &self,
        connection: &Connection,
        job: JobId,
        tickets: Vec<Item>,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Reading>, Broken), AppError> {
        let work = tickets.into_iter().map(|(ticket, mirror)| {
            let (engine, connection) = (self.clone(), connection.clone());
            async move { (ticket, engine.compare_one(connection, job, ticket, mirror, now).await) }
        });
        let mut readings = stream::iter(work).buffered(AT_ONCE);
        let mut told = Vec::new();
        while let Some((ticket, done)) = readings.next().await {
            match done {
                Ok(found) => told.push(Reading { ticket, found }),
                Err(Stop::Crm(
                    error @ (CrmError::Auth { .. }
                    | CrmError::Throttled { .. }
                    | CrmError::Transient { .. }),
                )) => return Ok((told, Some((ticket, error)))),
                Err(Stop::App(error @ AppError::Unavailable(_))) => return Err(error),
                // It holds up nobody but its own ticket.
                Err(stop) => {
                    tracing::warn!(%ticket, connection = connection.name, ?stop, "not compared");
                    told.push(Reading::unreadable(job, connection.id, ticket, stop.reason()));
                }
            }
        }
        Ok((told, None))
    }

    async fn compare_one(
        &self,
        connection: Connection,
        job: JobId,
        ticket: TicketId,
        mirror: Option<Mirror>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Difference>, Stop> {
        let Some(mut mirror) = mirror else {
            let (kind, action) = (DifferenceKind::CaseMissing, Action::Create);
            return Ok(vec![Difference::new(job, connection.id, ticket, kind, action)]);
        };
        let mut found = Vec::new();
        for _ in 0..AGAIN {
            let crm = self.crm(&connection)?;
            let pass = Pass::new(self.clone(), crm, connection.clone(), mirror.clone(), now)?;
            found = Comparison { pass, job, found: Vec::new() }.run().await?;
            if found.is_empty() {
                break;
            }
            // What is seen while somebody works on it may be half of the work.
            let id = connection.id;
            let present = self.0.db.read(move |conn| Ok(store::mirror(conn, ticket, id)?)).await?;
            match present {
                Some(present)
                    if (present.fence, present.dirty_seq) != (mirror.fence, mirror.dirty_seq) =>
                {
                    mirror = present;
                }
                _ => break,
            }
        }
        Ok(found)
    }

    /// Whether the CRM answers at all.
    pub async fn tells_anything(&self, connection: &Connection) -> bool {
        let Ok(crm) = self.crm(connection) else { return false };
        match crm.adapter.modules().first() {
            Some(module) => crm.adapter.reach(module).await.is_ok(),
            None => false,
        }
    }
}
