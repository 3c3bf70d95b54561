//! The directory import: start one, see what came of it, and what is linked to nothing.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::auth::Caller;
use crate::crm::import::rules::Reason;
use crate::crm::import::service;
use crate::crm::store::{ImportRow, ImportStep, LinkKind, UnmappedRow};
use crate::db::Db;
use crate::http::{Answer, Body, Params, PathId, now};
use crate::jobs::JobView;
use crate::kernel::{AppError, ConnectionId, Page, PageRequest, Permission};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(import_crm_directory).service(get_crm_import).service(list_unmapped);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportBody {
    /// Lists everything, which shows what was deleted too, instead of what changed since the last import.
    #[serde(default)]
    #[garde(skip)]
    #[schema(example = false)]
    whole: bool,
}

/// Import users, accounts, contacts and products
///
/// As a job that goes on where it stopped. What is linked is kept up to date; what is not is linked to the agent or contact
/// with the same e-mail address, the account or product with the same name, or else created or listed as unmapped, as the
/// settings of the connection say. What only the desk changed stays as it is.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path)),
    request_body = ImportBody,
    security(("client_credentials" = ["crm:write"])),
    responses((status = 202, description = "The job", body = JobView)),
)]
#[post("/crm/connections/{id}/import")]
async fn import_crm_directory(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ConnectionId>,
    body: Body<ImportBody>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    let whole = body.whole;
    let job = db.quiet_tx(move |conn| service::start(conn, &caller, id.0, whole, now())).await?;
    JobView::accepted(job)
}

/// What the last import did.
#[derive(Debug, Serialize, ToSchema)]
struct ImportView {
    /// The job of the last import; null if there was none, or it was long ago.
    job: Option<JobView>,
    /// In the order of the import.
    kinds: Vec<KindView>,
}

/// What the last import of a kind came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportedKindView)]
struct KindView {
    kind: LinkKind,
    step: ImportStep,
    /// Records that the CRM listed.
    #[schema(example = 1200)]
    listed: i32,
    /// Made at the desk.
    #[schema(example = 12)]
    created: i32,
    /// Changed at the desk, because they were changed in the CRM.
    #[schema(example = 3)]
    updated: i32,
    /// Linked to what was at the desk before.
    #[schema(example = 40)]
    linked: i32,
    /// Listed under `/unmapped`.
    #[schema(example = 2)]
    unmapped: i32,
    started_at: Option<DateTime<Utc>>,
    /// Everything that changed in the CRM before this time was listed.
    listed_until: Option<DateTime<Utc>>,
    /// When everything was listed last.
    whole_at: Option<DateTime<Utc>>,
    /// Why this kind could not be listed.
    #[schema(example = "the CRM refused the request: Module AOS_Products does not exist")]
    error: Option<String>,
}

impl From<ImportRow> for KindView {
    fn from(row: ImportRow) -> Self {
        Self {
            kind: row.kind,
            step: row.step,
            listed: row.listed,
            created: row.created,
            updated: row.updated,
            linked: row.linked,
            unmapped: row.unmapped,
            started_at: row.started_at,
            listed_until: row.watermark,
            whole_at: row.whole_at,
            error: row.error,
        }
    }
}

/// Get what the last import did
///
/// For each kind of record: how many the CRM listed, what became of them, and what went wrong.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path)),
    security(("client_credentials" = ["crm:read"])),
    responses((status = 200, description = "The job, and counts by kind", body = ImportView)),
)]
#[get("/crm/connections/{id}/import")]
async fn get_crm_import(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ConnectionId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmRead)?;
    let (rows, job) = db.read(move |conn| service::status(conn, id.0)).await?;
    let kinds = rows.into_iter().map(KindView::from).collect();
    Answer::ok(&ImportView { job: job.map(JobView::from), kinds })
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct UnmappedQuery {
    /// A user of the CRM is an `agent` of the desk.
    kind: LinkKind,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// A record of the CRM that somebody should see to.
#[derive(Debug, Serialize, ToSchema)]
struct UnmappedView {
    kind: LinkKind,
    /// The CRM's id.
    #[schema(example = "8f1d3c52-1f7e-9c43-5d0a-6543f1c2a7b9")]
    remote_id: String,
    #[schema(example = "Northwind Service Ltd")]
    name: String,
    #[schema(example = "purchasing@customer.example")]
    email: Option<String>,
    #[schema(example = "+43 1 0000000")]
    phone: Option<String>,
    /// The CRM's id of a contact's account.
    #[schema(example = "3b0c5b1e-4f0e-4f6a-8f3e-7d1c2a9b5e64")]
    account_id: Option<String>,
    reason: Reason,
    /// What it is linked to at the desk, where something is wrong with the link.
    local_id: Option<Uuid>,
    /// Who or what of the desk it may be, the likeliest first: at most three that are linked to nothing.
    #[schema(value_type = Vec<Suggestion>)]
    suggestions: Value,
}

/// Somebody or something of the desk.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what the database composes")]
struct Suggestion {
    /// Link it with `PUT .../maps/{kind}`.
    id: Uuid,
    #[schema(example = "Northwind Services")]
    name: String,
}

/// List what is linked to nothing
///
/// Records of the CRM that the last import could not link, each with the reason and with suggestions; and those whose link
/// somebody should see to, because the record was deleted or cannot be taken over. Link them by `PUT .../maps/{kind}`.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path), UnmappedQuery),
    security(("client_credentials" = ["crm:read"])),
    responses((status = 200, description = "A page of records", body = Page<UnmappedView>)),
)]
#[get("/crm/connections/{id}/unmapped")]
async fn list_unmapped(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ConnectionId>,
    query: Params<UnmappedQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmRead)?;
    let kind = query.kind;
    let binding = format!("unmapped {} {kind}", id.0);
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let page = db.read(move |conn| service::unmapped(conn, id.0, kind, &request)).await?;
    let view = |row: UnmappedRow| UnmappedView {
        kind,
        remote_id: row.remote_id,
        name: row.name,
        email: row.email,
        phone: row.phone,
        account_id: row.account_id,
        reason: row.reason,
        local_id: row.local_id,
        suggestions: row.suggestions,
    };
    Answer::page(&page.map(view))
}
