//! Changes of cases that integrations tell us: merged as if the case had been read.
mod intake;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use self::intake::Intake;
use super::Engine;
use super::pass::Snapshot;
use crate::crm::case::{Case, Field};
use crate::crm::merge::Side;
use crate::crm::service;
use crate::crm::store::{self, Conflict, Connection, Mirror};
use crate::kernel::{Actor, AppError, ConnectionId, Origin, Permission, Role, TicketId, text_enum};

/// A change of a case, as an integration tells it.
#[derive(Debug, Clone)]
pub struct ToldChange {
    pub change_id: String,
    pub case: CaseName,
    /// The changed fields as the CRM has them now.
    pub fields: Case,
    /// What they were before, if the integration knows better than the mirror.
    pub base: Case,
    /// On the CRM's clock.
    pub changed_at: Option<DateTime<Utc>>,
    pub note: Option<ToldNote>,
}

/// A case by its own id, or by its ticket's.
#[derive(Debug, Clone)]
pub enum CaseName {
    Case(String),
    Ticket(TicketId),
}

/// A note that was written in the CRM.
#[derive(Debug, Clone)]
pub struct ToldNote {
    /// The CRM's id of it; the change's where it has none.
    pub id: Option<String>,
    pub body: String,
}

text_enum! {
    /// What became of a change.
    #[schema(as = ChangeVerdict)]
    Verdict {
        /// The ticket has it.
        Applied = "applied",
        /// There was nothing to change.
        Unchanged = "unchanged",
        /// Some field was changed on both sides, or the desk does not take its value; the conflict is recorded.
        Conflict = "conflict",
        /// There is no such case. Not remembered: link the case and tell the change again.
        Unknown = "unknown",
        /// Nothing of it was done; see the problem.
        Refused = "refused",
    }
}

/// What became of a change. Kept as it is, for when it is told again.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ChangeOutcome)]
pub struct Outcome {
    #[schema(example = "crm-evt-4711")]
    pub change_id: String,
    pub outcome: Verdict,
    pub ticket_id: Option<TicketId>,
    #[schema(example = "5e1f3c0a-7f0b-5a53-9c2e-1d2b3c4d5e6f")]
    pub case_id: Option<String>,
    /// Of the fields that were told, those that the case should have another value of: write these.
    #[schema(value_type = Object, example = json!({"priority": "high"}))]
    pub write: Case,
    pub conflicts: Vec<FieldConflict>,
    /// Why it was refused.
    pub problem: Option<Refusal>,
}

/// A field where one value gave way, or is to once somebody decides.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FieldConflict {
    pub field: Field,
    #[schema(example = "normal")]
    pub base: Option<String>,
    #[schema(example = "high")]
    pub desk: String,
    #[schema(example = "low")]
    pub crm: String,
    /// Null while it is held.
    pub winner: Option<Side>,
    #[schema(example = "policy:desk")]
    pub policy: String,
    /// Why the desk does not take the value.
    #[schema(example = "the CRM's priority \"P9\" is mapped to no priority")]
    pub reason: Option<String>,
}

/// A problem as in a problem document.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Refusal {
    #[schema(example = 409)]
    pub status: u16,
    #[schema(example = "ticket_deleted")]
    pub code: String,
    #[schema(example = "the ticket is deleted; restore it first")]
    pub detail: String,
}

impl Outcome {
    fn new(change: &ToldChange, verdict: Verdict) -> Self {
        let (ticket_id, case_id) = match &change.case {
            CaseName::Case(id) => (None, Some(id.clone())),
            CaseName::Ticket(id) => (Some(*id), None),
        };
        Self {
            change_id: change.change_id.clone(),
            outcome: verdict,
            ticket_id,
            case_id,
            write: Case::default(),
            conflicts: Vec::new(),
            problem: None,
        }
    }

    fn refused(change: &ToldChange, error: &AppError) -> Self {
        let (status, code) = (error.status(), error.code().to_owned());
        let problem = Some(Refusal { status, code, detail: error.to_string() });
        Self { problem, ..Self::new(change, Verdict::Refused) }
    }
}

/// What the changes of a call are about, read at once.
struct Named {
    connection: Connection,
    done: HashMap<String, Outcome>,
    tickets: HashMap<TicketId, Snapshot>,
    cases: HashMap<String, TicketId>,
    mirrored: HashSet<TicketId>,
}

impl Named {
    fn read(
        conn: &mut PgConnection,
        connection: ConnectionId,
        changes: &[ToldChange],
    ) -> Result<Self, AppError> {
        let connection = service::connection(conn, connection)?;
        let ids: Vec<&str> = changes.iter().map(|change| &*change.change_id).collect();
        let done = store::told_outcomes(conn, connection.id, &ids)?.into_iter().map(|outcome| {
            let outcome = kept(outcome)?;
            Ok((outcome.change_id.clone(), outcome))
        });
        let done = done.collect::<Result<_, AppError>>()?;
        let (mut tickets, mut cases) = (Vec::new(), Vec::new());
        for change in changes {
            match &change.case {
                CaseName::Case(id) => cases.push(&**id),
                CaseName::Ticket(id) => tickets.push(*id),
            }
        }
        let mirrors = store::mirrors_named(conn, connection.id, &tickets, &cases)?;
        let mirrored: HashSet<TicketId> = mirrors.iter().map(|m| m.ticket_id).collect();
        let all: Vec<TicketId> = mirrored.iter().copied().collect();
        let seen = Snapshot::read_all(conn, connection.id, &all)?;
        let of_case = |m: Mirror| Some((m.remote_id?, m.ticket_id));
        Ok(Self {
            done,
            tickets: seen.into_iter().map(|seen| (seen.ticket.id, seen)).collect(),
            cases: mirrors.into_iter().filter_map(of_case).collect(),
            mirrored,
            connection,
        })
    }

    fn ticket(&self, case: &CaseName) -> Option<&Snapshot> {
        let id = match case {
            CaseName::Case(id) => self.cases.get(id)?,
            CaseName::Ticket(id) => self.mirrored.get(id)?,
        };
        self.tickets.get(id)
    }
}

fn kept(outcome: Value) -> Result<Outcome, AppError> {
    serde_json::from_value(outcome).map_err(AppError::internal)
}

impl Engine {
    /// Takes the changes over, each by itself: one that cannot be taken stops no other, and none holds more than its own
    /// ticket. A change that was told before has its first outcome again.
    pub async fn take(
        &self,
        caller: &Actor,
        connection: ConnectionId,
        changes: Vec<ToldChange>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Outcome>, AppError> {
        let told = Arc::new(changes);
        let named = Arc::clone(&told);
        let named = self.0.db.read(move |conn| Named::read(conn, connection, &named)).await?;
        let crm = self.crm(&named.connection).map_err(AppError::internal)?;
        let mut outcomes = Vec::with_capacity(told.len());
        for change in told.iter() {
            if let Some(done) = named.done.get(&change.change_id) {
                outcomes.push(done.clone());
                continue;
            }
            let Some(seen) = named.ticket(&change.case) else {
                outcomes.push(Outcome::new(change, Verdict::Unknown));
                continue;
            };
            let intake = Intake {
                actor: actor(caller),
                links: self.0.links.clone(),
                crm: Arc::clone(&crm),
                connection: named.connection.clone(),
                seen: seen.clone(),
                change: change.clone(),
                now,
            };
            outcomes.push(self.0.db.tx(move |conn| intake.once(conn)).await?);
        }
        Ok(outcomes)
    }

    /// Has the desk take over the CRM's value of a conflict that was decided so, as if the integration had told it again.
    pub(super) fn take_decided(
        &self,
        conn: &mut PgConnection,
        decider: &Actor,
        connection: Connection,
        decided: &Conflict,
        now: DateTime<Utc>,
    ) -> Result<(), AppError> {
        let mirror = store::mirror(conn, decided.ticket_id, connection.id)?;
        let mirror = mirror.ok_or(AppError::NotFound("the mirror"))?;
        let intake = Intake {
            actor: actor(decider),
            links: self.0.links.clone(),
            crm: self.crm(&connection).map_err(AppError::internal)?,
            seen: Snapshot::read(conn, &mirror)?,
            connection,
            change: ToldChange {
                change_id: decided.id.to_string(),
                case: CaseName::Ticket(decided.ticket_id),
                fields: Case::from_iter([(decided.field, &*decided.crm)]),
                base: Case::default(),
                changed_at: mirror.remote_modified_at,
                note: None,
            },
            now,
        };
        let taken = intake.decided(conn)?;
        taken.map_err(|reason| AppError::conflict("cannot_decide", reason))
    }
}

/// The integration at the desk: its rules hold as for a program that works tickets.
fn actor(caller: &Actor) -> Actor {
    Actor {
        role: Role::Integration,
        permissions: vec![
            Permission::TicketsRead,
            Permission::TicketsWrite,
            Permission::TicketsWork,
        ],
        origin: Origin::Crm,
        departments: Vec::new(),
        accounts: Vec::new(),
        ..caller.clone()
    }
}
