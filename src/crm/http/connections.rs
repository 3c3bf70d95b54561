//! Connections to CRMs.
use actix_web::{delete, get, patch, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::crm::Engine;
use crate::crm::probe::Findings;
use crate::crm::service::{self, NewConnection};
use crate::crm::settings::Settings;
use crate::crm::store::{Connection, ConnectionState};
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, PageQuery, Params, PathId};
use crate::kernel::{AppError, ConnectionId, Page, Permission, Secret, SecretKey};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_crm_connections)
        .service(create_crm_connection)
        .service(get_crm_connection)
        .service(change_crm_connection)
        .service(delete_crm_connection)
        .service(pause_crm_connection)
        .service(resume_crm_connection);
}

/// A connection to a CRM. Its secret is never shown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectionView {
    id: ConnectionId,
    #[schema(example = "SuiteCRM")]
    name: String,
    #[schema(example = "suitecrm")]
    kind: String,
    #[schema(example = "https://crm.example.com")]
    base_url: String,
    #[schema(example = "3b0c5b1e-4f0e-4f6a-8f3e-7d1c2a9b5e64")]
    client_id: String,
    #[schema(value_type = Settings)]
    settings: Value,
    state: ConnectionState,
    /// Why it is paused.
    #[schema(example = "the CRM refused the credentials: invalid_client")]
    reason: Option<String>,
    /// Why the CRM refuses to tell its changes; null when it told them last time.
    #[schema(example = "the CRM refused the request: no access to the module Cases")]
    poll_error: Option<String>,
    /// Since when it refuses to.
    poll_refused_since: Option<DateTime<Utc>>,
    /// What the last probe found out; null where there was none.
    #[schema(value_type = Option<Findings>)]
    findings: Option<Value>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Connection> for ConnectionView {
    fn from(row: Connection) -> Self {
        Self {
            id: row.id,
            name: row.name,
            kind: row.kind,
            base_url: row.base_url,
            client_id: row.client_id,
            settings: row.settings,
            state: row.state,
            reason: row.reason,
            poll_error: row.poll_error,
            poll_refused_since: row.poll_refused_since,
            findings: row.findings,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

fn view(row: Connection) -> Result<Answer, AppError> {
    let version = row.version;
    Ok(Answer::ok(&ConnectionView::from(row))?.version(version))
}

/// List the connections, oldest first
///
/// Without the credentials of the CRMs, which are never answered.
#[utoipa::path(
    tag = "crm",
    params(PageQuery),
    security(("client_credentials" = ["crm:read"])),
    responses((status = 200, description = "A page of connections", body = Page<ConnectionView>)),
)]
#[get("/crm/connections")]
async fn list_crm_connections(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmRead)?;
    let request = query.request("crm_connections")?;
    let page = db.read(move |conn| service::connections(conn, &request)).await?;
    Answer::page(&page.map(ConnectionView::from))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConnectionBody {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "SuiteCRM")]
    name: String,
    /// A kind of CRM, of those that `GET /v1/crm/kinds` lists; `suitecrm` when absent.
    #[serde(default = "suitecrm")]
    #[garde(length(max = 50))]
    #[schema(example = "suitecrm")]
    kind: String,
    /// Where the CRM is installed; with SuiteCRM 8 it ends in `/legacy`.
    #[garde(url, length(max = 2000))]
    #[schema(example = "https://crm.example.com")]
    base_url: String,
    /// Left out where the kind needs none.
    #[serde(default)]
    #[garde(length(chars, max = 200))]
    #[schema(example = "3b0c5b1e-4f0e-4f6a-8f3e-7d1c2a9b5e64")]
    client_id: String,
    /// Kept encrypted and never shown. Left out where an integration works the connection.
    #[garde(skip)]
    #[schema(value_type = Option<String>, write_only, example = "s3cr3t")]
    client_secret: Option<Secret>,
    #[serde(default)]
    #[garde(dive)]
    settings: Settings,
}

fn suitecrm() -> String {
    "suitecrm".into()
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct CheckQuery {
    /// False saves without asking the CRM, for example while it is down. Otherwise the credentials are tried, and every attribute
    /// that the settings name must be there; nothing is written to the CRM.
    check: Option<bool>,
}

/// Connect a CRM
///
/// Every ticket that was ever submitted is mirrored, after what changes meanwhile, by a job of the kind `crm_backfill`;
/// and from now on every new one. Run `casebridge probe` first: it tells
/// whether the CRM can do what is needed. Beware: SuiteCRM itself may mail the contact of a case.
#[utoipa::path(
    tag = "crm",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send again"),
        CheckQuery,
    ),
    request_body = ConnectionBody,
    security(("client_credentials" = ["crm:write"])),
    responses((status = 201, description = "The connection", body = ConnectionView)),
)]
#[post("/crm/connections")]
async fn create_crm_connection(
    db: web::Data<Db>,
    engine: web::Data<Engine>,
    caller: Caller,
    idempotency: Idempotency,
    query: Params<CheckQuery>,
    body: Body<ConnectionBody>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    let (fingerprint, body) = (body.fingerprint.clone(), body.into_inner());
    let new = NewConnection {
        name: body.name,
        kind: body.kind,
        base_url: body.base_url,
        client_id: body.client_id,
        client_secret: body.client_secret.unwrap_or_else(|| Secret::new("")),
        settings: body.settings,
    };
    let row = service::new_connection(engine.secret(), new, Utc::now())?;
    if query.check.unwrap_or(true) {
        engine.check(&row).await?;
    }
    db.tx(move |conn| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            let made = service::create_connection(conn, &caller, &row, Utc::now())?;
            let location = format!("/v1/crm/connections/{}", made.id);
            let version = made.version;
            Ok(Answer::created(location, &ConnectionView::from(made))?.version(version))
        })
    })
    .await
}

/// Get a connection
///
/// With its settings and its maps, and without the credentials.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path)),
    security(("client_credentials" = ["crm:read"])),
    responses((status = 200, description = "The connection", body = ConnectionView)),
)]
#[get("/crm/connections/{id}")]
async fn get_crm_connection(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ConnectionId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmRead)?;
    view(db.read(move |conn| service::connection(conn, id.0)).await?)
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConnectionChange {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "SuiteCRM")]
    name: Option<String>,
    #[garde(url, length(max = 2000))]
    #[schema(example = "https://crm.example.com")]
    base_url: Option<String>,
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "3b0c5b1e-4f0e-4f6a-8f3e-7d1c2a9b5e64")]
    client_id: Option<String>,
    #[garde(skip)]
    #[schema(value_type = Option<String>, write_only, example = "s3cr3t")]
    client_secret: Option<Secret>,
    /// Replaces all settings.
    #[garde(dive)]
    settings: Option<Settings>,
}

impl ConnectionChange {
    /// Whether it changes how the CRM is reached or what is asked of it.
    fn concerns_the_crm(&self) -> bool {
        self.base_url.is_some()
            || self.client_id.is_some()
            || self.client_secret.is_some()
            || self.settings.is_some()
    }

    fn apply(&self, key: &SecretKey, row: &mut Connection) -> Result<(), AppError> {
        row.name = self.name.clone().unwrap_or_else(|| row.name.clone());
        row.base_url = self.base_url.clone().unwrap_or_else(|| row.base_url.clone());
        row.client_id = self.client_id.clone().unwrap_or_else(|| row.client_id.clone());
        if let Some(secret) = &self.client_secret {
            service::check_kind(&row.kind, &row.client_id, secret)?;
            row.sealed_secret = service::seal(key, row.id, secret)?;
        }
        if let Some(settings) = &self.settings {
            service::check(settings)?;
            row.settings = service::to_json(settings)?;
        }
        Ok(())
    }
}

/// Change a connection
///
/// Fields that are absent stay as they are. The CRM is asked first whether the settings work there, unless `check` is false.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path), IfMatch, CheckQuery),
    request_body = ConnectionChange,
    security(("client_credentials" = ["crm:write"])),
    responses((status = 200, description = "The connection as it is now", body = ConnectionView)),
)]
#[patch("/crm/connections/{id}")]
async fn change_crm_connection(
    db: web::Data<Db>,
    engine: web::Data<Engine>,
    caller: Caller,
    id: PathId<ConnectionId>,
    seen: IfMatch,
    query: Params<CheckQuery>,
    body: Body<ConnectionChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    let change = body.into_inner();
    if query.check.unwrap_or(true) && change.concerns_the_crm() {
        let mut row = db.read(move |conn| service::connection(conn, id.0)).await?;
        seen.check(row.version)?;
        change.apply(engine.secret(), &mut row)?;
        engine.check(&row).await?;
    }
    let apply = move |row: &mut Connection| change.apply(engine.secret(), row);
    view(db.tx(move |conn| service::change_connection(conn, id.0, seen, apply)).await?)
}

/// Remove a connection
///
/// With its mirrors, maps and conflicts. The cases stay in the CRM as they are.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path), IfMatch),
    security(("client_credentials" = ["crm:write"])),
    responses((status = 204, description = "Removed")),
)]
#[delete("/crm/connections/{id}")]
async fn delete_crm_connection(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ConnectionId>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    db.tx(move |conn| service::delete_connection(conn, id.0, seen, Utc::now())).await?;
    Ok(Answer::no_content())
}

/// Pause a connection
///
/// Nothing is sent or read until it is resumed; what changes meanwhile waits.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path)),
    security(("client_credentials" = ["crm:write"])),
    responses((status = 200, description = "The paused connection", body = ConnectionView)),
)]
#[post("/crm/connections/{id}/pause")]
async fn pause_crm_connection(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ConnectionId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    let reason = format!("paused by {}", caller.name);
    set_state(db, id.0, ConnectionState::Paused, Some(reason)).await
}

/// Resume a connection
///
/// Also after it was paused because the CRM refused the credentials.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path)),
    security(("client_credentials" = ["crm:write"])),
    responses((status = 200, description = "The active connection", body = ConnectionView)),
)]
#[post("/crm/connections/{id}/resume")]
async fn resume_crm_connection(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ConnectionId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    set_state(db, id.0, ConnectionState::Active, None).await
}

async fn set_state(
    db: web::Data<Db>,
    id: ConnectionId,
    state: ConnectionState,
    reason: Option<String>,
) -> Result<Answer, AppError> {
    let set = move |row: &mut Connection| {
        (row.state, row.reason) = (state, reason);
        Ok(())
    };
    view(db.tx(move |conn| service::change_connection(conn, id, IfMatch(None), set)).await?)
}
