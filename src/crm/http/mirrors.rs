//! Mirrors: where every ticket stands in every CRM, and why.
use actix_web::{get, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::crm::Engine;
use crate::crm::case::{Altered, Case, Field};
use crate::crm::merge::Agreement;
use crate::crm::provenance::{Provenance, Provenances};
use crate::crm::service::{self, Located};
use crate::crm::store::{DifferingNote, Mirror, MirrorState};
use crate::db::Db;
use crate::http::{Answer, Params, PathId};
use crate::kernel::{AppError, ConnectionId, NoteId, Page, PageRequest, Permission, TicketId};
use crate::tickets;

use super::conflicts::ConflictView;

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_mirrors).service(get_ticket_mirror);
}

/// Where the mirror of a ticket stands.
#[derive(Debug, Serialize, ToSchema)]
struct MirrorView {
    ticket_id: TicketId,
    connection_id: ConnectionId,
    state: MirrorState,
    /// The CRM's id of the case.
    #[schema(example = "5e1f3c0a-7f0b-5a53-9c2e-1d2b3c4d5e6f")]
    remote_id: Option<String>,
    /// Since when something is to be done; null when desk and CRM agree.
    dirty_since: Option<DateTime<Utc>>,
    /// Failed attempts in a row.
    #[schema(example = 0)]
    attempts: i32,
    /// Null where nothing is to be done, and where nothing will be tried before somebody puts something right.
    next_attempt_at: Option<DateTime<Utc>>,
    #[schema(example = "the account Acme is linked to no account of the CRM")]
    last_error: Option<String>,
    #[schema(example = "unmapped")]
    error_class: Option<String>,
    last_synced_at: Option<DateTime<Utc>>,
}

/// A note that the CRM does not have as the desk does.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MirrorNoteView)]
struct NoteView {
    note_id: NoteId,
    /// The CRM's id of the note.
    #[schema(example = "5e1f3c0a-7f0b-5a53-9c2e-1d2b3c4d5e6f")]
    remote_id: String,
    /// Text that the CRM could not keep.
    altered: Option<Altered>,
    /// When it was found that the note is no longer on the case. It is not written again.
    gone_at: Option<DateTime<Utc>>,
}

/// Whether the mirror goes on by itself.
fn at_work(row: &Mirror) -> bool {
    matches!(row.state, MirrorState::Pending | MirrorState::Linked)
}

impl From<&Mirror> for MirrorView {
    fn from(row: &Mirror) -> Self {
        Self {
            ticket_id: row.ticket_id,
            connection_id: row.connection_id,
            state: row.state,
            remote_id: row.remote_id.clone(),
            dirty_since: row.dirty_since,
            attempts: row.attempts,
            next_attempt_at: row.dirty_since.filter(|_| at_work(row)).map(|_| row.next_attempt_at),
            last_error: row.last_error.clone(),
            error_class: row.error_class.clone(),
            last_synced_at: row.last_synced_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct MirrorQuery {
    /// The connection's id.
    connection: ConnectionId,
    state: Option<MirrorState>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List the mirrors of a connection, in the order of their tickets
///
/// A mirror is what is known of the case of one ticket. `state` narrows the list, for instance to what is parked.
#[utoipa::path(
    tag = "crm",
    params(MirrorQuery),
    security(("client_credentials" = ["crm:read"])),
    responses((status = 200, description = "A page of mirrors", body = Page<MirrorView>)),
)]
#[get("/crm/mirrors")]
async fn list_mirrors(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<MirrorQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmRead)?;
    let (id, state) = (query.connection, query.state);
    let request =
        PageRequest::new(query.limit, query.cursor.as_deref(), &format!("mirrors {id} {state:?}"))?;
    let page = db.read(move |conn| service::mirrors(conn, id, state, &request)).await?;
    Answer::page(&page.map(|row| MirrorView::from(&row)))
}

/// The mirrors of a ticket.
#[derive(Debug, Serialize, ToSchema)]
struct TicketMirrors {
    items: Vec<TicketMirror>,
}

/// The mirror of a ticket in a CRM, explained.
#[derive(Debug, Serialize, ToSchema)]
struct TicketMirror {
    #[serde(flatten)]
    mirror: MirrorView,
    #[schema(example = "SuiteCRM")]
    connection: String,
    /// The case in the CRM's own user interface.
    #[schema(
        example = "https://crm.example.com/index.php?module=Cases&action=DetailView&record=5e1f"
    )]
    link: Option<String>,
    /// The CRM's id of the lead that the ticket became.
    #[schema(example = "7c9e6679-7425-40de-944b-e07fc1f90ae7")]
    lead_id: Option<String>,
    /// Seconds since the oldest change that the other side does not have; 0 when there is none.
    #[schema(example = 0)]
    lag_seconds: i64,
    fields: Vec<FieldView>,
    /// Notes that the CRM lost, or lost text of.
    notes: Vec<NoteView>,
    /// Conflicts that wait for a decision.
    conflicts: Vec<ConflictView>,
}

/// A field on both sides, in the CRM's words.
#[derive(Debug, Serialize, ToSchema)]
struct FieldView {
    field: Field,
    /// What both sides last agreed on.
    #[schema(example = "P2")]
    base: Option<String>,
    /// What the ticket has now; null also for somebody or something that is linked to nothing there.
    #[schema(example = "P1")]
    desk: Option<String>,
    /// What is on its way to the CRM; null when nothing is.
    #[schema(example = "P1")]
    sending: Option<String>,
    /// What the CRM showed last.
    #[schema(example = "P2")]
    crm: Option<String>,
    /// Text that the CRM could not keep.
    altered: Option<Altered>,
    /// Who set the present value; null before anything was mirrored.
    provenance: Option<Provenance>,
}

/// Get the mirror of a ticket
///
/// Where its case is in each CRM, what the two last agreed on and what each shows, who set what and by which rule,
/// and what went wrong.
#[utoipa::path(
    tag = "crm",
    params(("id" = TicketId, Path)),
    security(
        ("client_credentials" = ["crm:read", "tickets:read"]),
    ),
    responses((status = 200, description = "One mirror for each connection", body = TicketMirrors)),
)]
#[get("/tickets/{id}/mirror")]
async fn get_ticket_mirror(
    db: web::Data<Db>,
    engine: web::Data<Engine>,
    caller: Caller,
    id: PathId<TicketId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmRead)?;
    let now = Utc::now();
    let found = db.read(move |conn| {
        tickets::service::get(conn, &caller, id.0)?;
        let located = service::mirrors_of(conn, id.0)?;
        let leads = service::leads(conn, id.0)?;
        let explained = located.into_iter().map(|located| {
            let (mirror, connection) = (&located.mirror, &located.connection);
            let desk = engine.desk_side(conn, mirror, connection)?;
            let link = engine.case_url(connection, mirror);
            let lead = leads.iter().find(|lead| lead.connection.id == connection.id);
            let lead_id = lead.and_then(|lead| lead.lead_id.clone());
            explain(located, &desk, link, lead_id, now)
        });
        explained.collect::<Result<_, _>>()
    });
    let items = found.await?;
    Answer::ok(&TicketMirrors { items })
}

fn explain(
    located: Located,
    desk: &Case,
    link: Option<String>,
    lead_id: Option<String>,
    now: DateTime<Utc>,
) -> Result<TicketMirror, AppError> {
    let Located { mirror, connection, conflicts, notes } = located;
    let parse = |value: &Option<serde_json::Value>| match value {
        Some(value) => serde_json::from_value::<Case>(value.clone()).map_err(AppError::internal),
        None => Ok(Case::default()),
    };
    let (sent, crm) = (parse(&mirror.sent)?, parse(&mirror.last_remote)?);
    let agreement: Agreement =
        serde_json::from_value(mirror.agreement.clone()).map_err(AppError::internal)?;
    let provenance: Provenances =
        serde_json::from_value(mirror.provenance.clone()).map_err(AppError::internal)?;
    let text = |case: &Case, field| case.get(field).map(str::to_owned);
    let field = |field: Field| FieldView {
        field,
        base: text(&agreement.base, field),
        desk: text(desk, field),
        sending: text(&sent, field),
        crm: text(&crm, field),
        altered: agreement.altered.get(&field).cloned(),
        provenance: provenance.get(&field).cloned(),
    };
    let mirrored =
        |view: &FieldView| view.base.is_some() || view.desk.is_some() || view.crm.is_some();
    let lag = mirror
        .dirty_since
        .filter(|_| at_work(&mirror))
        .map(|since| (now - since).num_seconds().max(0));
    Ok(TicketMirror {
        mirror: MirrorView::from(&mirror),
        link,
        lag_seconds: lag.unwrap_or_default(),
        connection: connection.name,
        lead_id,
        fields: Field::ALL.iter().copied().map(field).filter(mirrored).collect(),
        notes: notes.into_iter().map(NoteView::read).collect::<Result<_, _>>()?,
        conflicts: conflicts.into_iter().map(ConflictView::from).collect(),
    })
}

impl NoteView {
    fn read(row: DifferingNote) -> Result<Self, AppError> {
        let altered = row.altered.map(serde_json::from_value).transpose();
        Ok(Self {
            note_id: row.note_id,
            remote_id: row.remote_id,
            altered: altered.map_err(AppError::internal)?,
            gone_at: row.gone_at,
        })
    }
}
