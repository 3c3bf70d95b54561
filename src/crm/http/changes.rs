//! The push/pull protocol: cases as the CRM should have them, and what changed in the CRM.
use std::time::{Duration, Instant};

use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::crm::Engine;
use crate::crm::case::Case;
use crate::crm::engine::{CaseName, OfferedCase, OfferedLead, Outcome, ToldChange, ToldNote};
use crate::crm::store::{OfferedContact, OfferedNote};
use crate::db::Db;
use crate::events::Feed;
use crate::http::{Answer, Body, Params, Problem};
use crate::kernel::{
    AppError, ConnectionId, ContactId, NoteId, PAGE_DEFAULT, PAGE_MAX, Permission, TicketId,
};
use crate::tickets::Lead;

/// Seconds that a long poll waits at the most.
const WAIT_MAX: u64 = 30;

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_case_changes).service(tell_case_changes);
}

/// A case as it should be by now.
#[derive(Debug, Serialize, ToSchema)]
struct CaseView {
    ticket_id: TicketId,
    /// Null until `PUT /v1/crm/links/{id}` tells it: make a case then.
    #[schema(example = "5e1f3c0a-7f0b-5a53-9c2e-1d2b3c4d5e6f")]
    case_id: Option<String>,
    /// Where the ticket's last change stands in the feed.
    #[schema(example = 4711)]
    position: i64,
    /// The ticket was deleted; leave its case as it is.
    deleted: bool,
    /// Every mirrored field in the connection's words. An assignee, account or product that is linked to nothing in the
    /// CRM is absent.
    #[schema(value_type = Object, example = json!({"subject": "The export stops", "status": "open", "priority": "high"}))]
    fields: Case,
    /// Whom the case is of.
    contact: Option<CaseContact>,
    /// The lead that the ticket became; null also where the connection wants no leads.
    lead: Option<CaseLead>,
    /// Notes that were added at the desk, oldest first.
    notes: Vec<CaseNote>,
}

/// The contact that is to be related to the case, as the desk knows them now.
#[derive(Debug, Serialize, ToSchema)]
struct CaseContact {
    /// The desk's id.
    id: ContactId,
    /// The CRM's id; null for one that is linked to nothing there: search for the address.
    #[schema(example = "8f1d3c52-1f7e-9c43-5d0a-6543f1c2a7b9")]
    contact_id: Option<String>,
    #[schema(example = "Purchasing contact")]
    name: String,
    #[schema(example = "purchasing@customer.example")]
    email: String,
    #[schema(example = "+43 1 0000000")]
    phone: Option<String>,
}

/// A lead to be written.
#[derive(Debug, Serialize, ToSchema)]
struct CaseLead {
    /// Null until `PUT /v1/crm/links/{id}` tells it: make a lead then.
    #[schema(example = "7c9e6679-7425-40de-944b-e07fc1f90ae7")]
    lead_id: Option<String>,
    #[serde(flatten)]
    lead: Lead,
}

/// A note to be written on the case.
#[derive(Debug, Serialize, ToSchema)]
struct CaseNote {
    id: NoteId,
    /// Where it stands in the conversation.
    #[schema(example = 3)]
    seq: i32,
    /// `internal` is not for the customer.
    #[schema(example = "public")]
    visibility: String,
    #[schema(example = "agent")]
    author_role: String,
    #[schema(example = "Support agent")]
    author: String,
    #[schema(example = "The export works again. Can you confirm?")]
    body: String,
    created_at: DateTime<Utc>,
}

impl From<OfferedNote> for CaseNote {
    fn from(note: OfferedNote) -> Self {
        Self {
            id: note.id,
            seq: note.seq,
            visibility: note.visibility,
            author_role: note.author_role,
            author: note.author_name,
            body: note.body,
            created_at: note.created_at,
        }
    }
}

impl From<OfferedContact> for CaseContact {
    fn from(contact: OfferedContact) -> Self {
        let OfferedContact { id, name, email, phone, remote_id } = contact;
        Self { id, contact_id: remote_id, name, email, phone }
    }
}

impl From<OfferedLead> for CaseLead {
    fn from(offered: OfferedLead) -> Self {
        Self { lead_id: offered.remote_id, lead: offered.lead }
    }
}

impl From<OfferedCase> for CaseView {
    fn from(case: OfferedCase) -> Self {
        Self {
            ticket_id: case.ticket_id,
            case_id: case.case_id,
            position: case.position,
            deleted: case.deleted,
            fields: case.fields,
            contact: case.contact.map(CaseContact::from),
            lead: case.lead.map(CaseLead::from),
            notes: case.notes.into_iter().map(CaseNote::from).collect(),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ChangesQuery {
    /// The connection whose words are spoken.
    connection: ConnectionId,
    /// The last position that you have seen; 0 for the beginning.
    #[serde(default)]
    #[param(minimum = 0, example = 0)]
    after: i64,
    /// Seconds to wait when there is nothing yet (long poll), at most 30.
    #[serde(default)]
    #[param(minimum = 0, maximum = 30, example = 0)]
    wait: u64,
    /// At most this many cases; 50 when absent, 100 at the most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// Cases behind a position.
#[derive(Debug, Serialize, ToSchema)]
struct CasePage {
    items: Vec<CaseView>,
    /// Ask with this as `after` next time, when you have dealt with the items.
    #[schema(example = 4711)]
    last_position: i64,
}

/// Read cases as the CRM should have them
///
/// The cases whose tickets changed behind a position, each once however often it changed, in the order of the feed. For each:
/// write what differs into the CRM, then tell what it shows with `POST /v1/crm/changes`.
#[utoipa::path(
    tag = "crm",
    params(ChangesQuery),
    security(("client_credentials" = ["crm:sync"])),
    responses((status = 200, description = "The cases behind `after`", body = CasePage)),
)]
#[get("/crm/changes")]
async fn list_case_changes(
    db: web::Data<Db>,
    engine: web::Data<Engine>,
    feed: web::Data<Feed>,
    caller: Caller,
    query: Params<ChangesQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmSync)?;
    let (mut after, limit) = (query.after, query.limit.unwrap_or(PAGE_DEFAULT));
    if after < 0 {
        return Err(AppError::Malformed("query parameter after: must be 0 or more".into()));
    }
    let limit = usize::try_from(limit.min(PAGE_MAX)).unwrap_or(0);
    if limit < 1 {
        return Err(AppError::Malformed("limit must be at least 1".into()));
    }
    let connection = query.connection;
    let deadline = Instant::now() + Duration::from_secs(query.wait.min(WAIT_MAX));
    loop {
        let engine = engine.clone();
        let offered = db.read(move |conn| engine.offer(conn, connection, after, limit));
        let (cases, last_position) = offered.await?;
        if !cases.is_empty() || Instant::now() >= deadline || feed.is_closed() {
            let items = cases.into_iter().map(CaseView::from).collect();
            return Answer::ok(&CasePage { items, last_position });
        }
        after = last_position;
        feed.beyond(last_position).await;
    }
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangesBody {
    #[garde(skip)]
    connection: ConnectionId,
    #[garde(length(min = 1, max = 100), dive)]
    changes: Vec<ChangeBody>,
}

/// A change of a case.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    /// The CRM's id of the case; or else `ticket_id`.
    #[garde(inner(length(min = 1, max = 255)))]
    #[schema(example = "5e1f3c0a-7f0b-5a53-9c2e-1d2b3c4d5e6f")]
    case_id: Option<String>,
    #[garde(custom(one_name(&self.case_id)))]
    ticket_id: Option<TicketId>,
    /// Your own id of the change: told again within seven days, it has its first outcome and no effect.
    #[garde(length(min = 1, max = 255))]
    #[schema(example = "crm-evt-4711")]
    change_id: String,
    /// The fields that changed, as the CRM has them now. What you do not name stays.
    #[serde(default)]
    #[garde(skip)]
    #[schema(value_type = Object, example = json!({"priority": "high"}))]
    fields: Case,
    /// What they were before. Left out, it is what both sides last agreed on.
    #[serde(default)]
    #[garde(skip)]
    #[schema(value_type = Object, example = json!({"priority": "normal"}))]
    base: Case,
    /// When it changed, on the CRM's clock; now, if left out. The policy `latest` compares it.
    #[garde(skip)]
    changed_at: Option<DateTime<Utc>>,
    #[garde(dive)]
    note: Option<NoteBody>,
}

/// A note that was written in the CRM.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoteBody {
    /// The CRM's id of the note, by which it is taken once; the change's if left out.
    #[garde(inner(length(min = 1, max = 255)))]
    #[schema(example = "n-20077")]
    id: Option<String>,
    #[garde(length(chars, min = 1, max = 60_000), custom(not_blank))]
    #[schema(example = "The customer called: it is urgent.", min_length = 1)]
    body: String,
}

fn not_blank(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() { Err(garde::Error::new("is blank")) } else { Ok(()) }
}

fn one_name(case: &Option<String>) -> impl FnOnce(&Option<TicketId>, &()) -> garde::Result + '_ {
    move |ticket, ()| match case.is_some() == ticket.is_some() {
        true => Err(garde::Error::new("name either the case or the ticket")),
        false => Ok(()),
    }
}

impl ChangeBody {
    fn told(self) -> ToldChange {
        let case = match (self.ticket_id, self.case_id) {
            (Some(ticket), _) => CaseName::Ticket(ticket),
            (None, case) => CaseName::Case(case.unwrap_or_default()),
        };
        ToldChange {
            change_id: self.change_id,
            case,
            fields: self.fields,
            base: self.base,
            changed_at: self.changed_at,
            note: self.note.map(|note| ToldNote { id: note.id, body: note.body }),
        }
    }
}

/// What became of each change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangeOutcomes)]
struct Outcomes {
    /// In the order of the changes.
    items: Vec<Outcome>,
}

/// Tell what changed in the CRM
///
/// Each change is merged by itself with the ticket: what only the CRM changed is applied by the desk's own rules, what both
/// changed is a conflict. Tell also what the CRM shows after you have written it: then both sides are known to agree. Every
/// outcome but `unknown` is remembered for seven days with its `change_id`, also `refused`: when you have put right what was
/// refused, tell it under another `change_id`.
#[utoipa::path(
    tag = "crm",
    request_body = ChangesBody,
    security(("client_credentials" = ["crm:sync"])),
    responses(
        (status = 207, description = "An outcome for each change", body = Outcomes),
        (status = 404, description = "There is no such connection", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
#[post("/crm/changes")]
async fn tell_case_changes(
    engine: web::Data<Engine>,
    caller: Caller,
    body: Body<ChangesBody>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmSync)?;
    let ChangesBody { connection, changes } = body.into_inner();
    let changes = changes.into_iter().map(ChangeBody::told).collect();
    let items = engine.take(&caller, connection, changes, crate::http::now()).await?;
    Ok(Answer::ok(&Outcomes { items })?.status(207))
}
