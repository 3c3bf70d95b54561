//! Comparisons of tickets and cases, and what they came upon.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::operations::Marked;
use crate::auth::Caller;
use crate::crm::case::Field;
use crate::crm::merge::Side;
use crate::crm::reconcile::{self, Options};
use crate::crm::settings::ReconcileMode;
use crate::crm::store::{
    Action, Difference, DifferenceFilter, DifferenceKind, MirrorState, Repair,
};
use crate::db::Db;
use crate::http::{Answer, Body, Params, PathId};
use crate::jobs::JobView;
use crate::kernel::{
    AppError, ConnectionId, DifferenceId, JobId, NoteId, Page, PageRequest, Permission, TicketId,
};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(reconcile_crm_connection).service(list_differences).service(repair_differences);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReconcileBody {
    #[serde(default)]
    #[garde(skip)]
    mode: ReconcileMode,
    /// Only these tickets.
    #[garde(inner(length(max = 1000)))]
    ticket_ids: Option<Vec<TicketId>>,
    /// Only tickets whose mirrors are in these states; a ticket without a mirror is pending.
    #[garde(inner(length(max = 5)))]
    states: Option<Vec<MirrorState>>,
    /// Cases that the CRM is asked for in a second, at the most; 20 when absent.
    #[garde(inner(range(min = 1, max = 500)))]
    #[schema(example = 20, minimum = 1, maximum = 500)]
    cases_per_second: Option<u32>,
}

/// Compare everything
///
/// A job reads the case of every ticket and records in what the two differ, also what no feed of the CRM shows: deletions,
/// related contacts, notes. In the mode `report` nothing is changed on either side. In the mode `repair` the mirror puts right
/// what it comes upon, as it always does: it merges by the connection's policies.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path)),
    request_body = ReconcileBody,
    security(("client_credentials" = ["crm:write"])),
    responses((status = 202, description = "The job", body = JobView)),
)]
#[post("/crm/connections/{id}/reconcile")]
async fn reconcile_crm_connection(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ConnectionId>,
    body: Body<ReconcileBody>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    let body = body.into_inner();
    let usual = Options::new(id.0, body.mode);
    let options = Options {
        ticket_ids: body.ticket_ids,
        states: body.states,
        cases_per_second: body.cases_per_second.unwrap_or(usual.cases_per_second),
        ..usual
    };
    let job = db.quiet_tx(move |conn| reconcile::start(conn, &caller, &options, Utc::now()));
    JobView::accepted(job.await?)
}

/// A difference between a ticket and its case.
#[derive(Debug, Serialize, ToSchema)]
struct DifferenceView {
    id: DifferenceId,
    ticket_id: TicketId,
    /// The CRM's id of the case.
    #[schema(example = "5e1f3c0a-7f0b-5a53-9c2e-1d2b3c4d5e6f")]
    case_id: Option<String>,
    kind: DifferenceKind,
    field: Option<Field>,
    /// The desk's note.
    note_id: Option<NoteId>,
    /// The CRM's id of the note.
    #[schema(example = "9a1f3c0a-7f0b-5a53-9c2e-1d2b3c4d5e6f")]
    crm_note_id: Option<String>,
    /// What both sides last agreed on.
    #[schema(example = "P2")]
    base: Option<String>,
    /// What the desk has, in the CRM's words.
    #[schema(example = "P1")]
    desk: Option<String>,
    #[schema(example = "P2")]
    crm: Option<String>,
    /// What the mirror does about it when it works on the ticket.
    action: Action,
    /// Who wins the conflict; null while it would be held.
    winner: Option<Side>,
    #[schema(example = "the account Acme is linked to no account of the CRM")]
    detail: Option<String>,
    /// The mirror was to work on the ticket anyway.
    on_its_way: bool,
    /// When the mirror was told to put it right.
    repaired_at: Option<DateTime<Utc>>,
}

impl From<Difference> for DifferenceView {
    fn from(row: Difference) -> Self {
        Self {
            id: row.id,
            ticket_id: row.ticket_id,
            case_id: row.remote_id,
            kind: row.kind,
            field: row.field,
            note_id: row.note_id,
            crm_note_id: row.remote_note_id,
            base: row.base,
            desk: row.desk,
            crm: row.crm,
            action: row.action,
            winner: row.winner,
            detail: row.detail,
            on_its_way: row.on_its_way,
            repaired_at: row.repaired_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct DifferenceQuery {
    #[param(inline)]
    kind: Option<DifferenceKind>,
    #[param(inline)]
    action: Option<Action>,
    #[param(inline)]
    field: Option<Field>,
    /// Only this ticket's.
    ticket: Option<TicketId>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List the differences that a comparison came upon
///
/// Also while its job is at work. They show the texts of tickets, so it takes the permission to change the connection.
#[utoipa::path(
    tag = "crm",
    params(("id" = JobId, Path, description = "The job's id"), DifferenceQuery),
    security(("client_credentials" = ["crm:write"])),
    responses((status = 200, description = "A page of differences", body = Page<DifferenceView>)),
)]
#[get("/crm/reconciliations/{id}/differences")]
async fn list_differences(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<JobId>,
    query: Params<DifferenceQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    let filter = DifferenceFilter {
        kind: query.kind,
        action: query.action,
        field: query.field,
        ticket: query.ticket,
    };
    let binding = format!("differences {} {filter:?}", id.0);
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let page = db.read(move |conn| reconcile::differences(conn, id.0, &filter, &request)).await?;
    Answer::page(&page.map(DifferenceView::from))
}

/// Which differences are to be put right: one of the three.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct RepairBody {
    /// All of them.
    #[serde(default)]
    #[garde(skip)]
    all: bool,
    /// Those of these kinds.
    #[garde(inner(length(min = 1, max = 20)))]
    #[schema(example = json!(["field", "contact_missing"]))]
    kinds: Option<Vec<DifferenceKind>>,
    /// These.
    #[garde(inner(length(min = 1, max = 1000)))]
    differences: Option<Vec<DifferenceId>>,
}

impl RepairBody {
    fn which(self) -> Result<Repair, AppError> {
        match (self.all, self.kinds, self.differences) {
            (true, None, None) => Ok(Repair::All),
            (false, Some(kinds), None) => Ok(Repair::Kinds(kinds)),
            (false, None, Some(these)) => Ok(Repair::These(these)),
            _ => Err(AppError::field("/all", "give one of all, kinds and differences")),
        }
    }
}

/// Put differences right
///
/// The mirror works on their tickets, after whatever changes: it merges anew, so what has changed since the comparison is
/// not written over. Compare again to see what is left.
#[utoipa::path(
    tag = "crm",
    params(("id" = JobId, Path, description = "The job's id")),
    request_body(content = RepairBody, example = json!({"kinds": ["field", "contact_missing"]})),
    security(("client_credentials" = ["crm:write"])),
    responses((status = 202, description = "How many tickets are worked on", body = Marked)),
)]
#[post("/crm/reconciliations/{id}/repair")]
async fn repair_differences(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<JobId>,
    body: Body<RepairBody>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    let which = body.into_inner().which()?;
    let marked = db.quiet_tx(move |conn| reconcile::repair(conn, id.0, &which, Utc::now())).await?;
    Ok(Answer::ok(&Marked { marked })?.status(202))
}
