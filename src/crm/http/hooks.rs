//! Webhooks of CRMs: where they come in, and how they are signed.
use actix_web::{HttpRequest, get, post, put, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::crm::hooks::{Delivery, Scheme};
use crate::crm::store::Hook;
use crate::crm::{CrmError, Engine, Inbox};
use crate::http::{Answer, BODY_MAX, Body, IfMatch, PathId, Problem};
use crate::kernel::{AppError, ConnectionId, Permission, Secret};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(receive_crm_hook)
        .service(get_crm_hooks)
        .service(set_crm_hooks)
        .service(subscribe_crm_hooks);
}

/// Receive a webhook of a CRM
///
/// Believed only if it is signed as `PUT /v1/crm/connections/{id}/hooks` says; then the cases that it names are read. Answered as
/// soon as it is stored; 503 when too many wait, and the sender may try again.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path, description = "The connection")),
    request_body(
        content = Object,
        content_type = "application/json",
        description = "As the scheme says. Standard Webhooks: `data.id`, or `data.ids` for several cases.",
        example = json!({
            "type": "case.updated", "timestamp": "2026-11-22T09:00:00Z", "data": {"id": "5e1f3c0a-7f0b-5a53-9c2e-1d2b3c4d5e6f"}
        }),
    ),
    responses(
        (status = 202, description = "Stored, or known already"),
        (status = 401, description = "It is not signed, not with this secret, or not now", body = Problem,
            content_type = "application/problem+json", headers(("WWW-Authenticate" = String))),
    ),
)]
#[post("/crm/hooks/{id}")]
async fn receive_crm_hook(
    inbox: web::Data<Inbox>,
    id: PathId<ConnectionId>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<Answer, AppError> {
    let body = payload.to_bytes_limited(BODY_MAX).await;
    let body = body.map_err(|_| AppError::TooLarge(BODY_MAX))?;
    let body = body.map_err(|e| AppError::Malformed(e.to_string()))?;
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let url = format!("{}{target}", inbox.public_url());
    let delivery = Delivery { headers: request.headers(), url: &url, body: &body };
    inbox.receive(id.0, delivery, crate::http::now()).await?;
    Ok(Answer::no_content().status(202))
}

/// How the webhooks of a connection are signed. The secret is never shown.
#[derive(Debug, Serialize, ToSchema)]
struct HookView {
    /// Enter it in the CRM.
    #[schema(example = "https://desk.example/v1/crm/hooks/0199f0c2-b1c9-7d5e-8b1f-5a3c7d9e2f10")]
    url: String,
    /// Null: no webhooks are taken.
    scheme: Option<Scheme>,
    /// When the last one came in that was signed.
    last_received_at: Option<DateTime<Utc>>,
    version: i32,
}

fn view(url: String, hook: Option<Hook>) -> Result<Answer, AppError> {
    let version = hook.as_ref().map_or(0, |hook| hook.version);
    let view = HookView {
        url,
        scheme: hook.as_ref().map(|hook| hook.scheme),
        last_received_at: hook.and_then(|hook| hook.last_received_at),
        version,
    };
    Ok(Answer::ok(&view)?.version(version))
}

/// Get how a connection's webhooks are signed
///
/// Where the CRM sends its changes, how it signs them, and when the last one came. The secret is never shown.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path)),
    security(("client_credentials" = ["crm:read"])),
    responses((status = 200, description = "Scheme, address, last received", body = HookView)),
)]
#[get("/crm/connections/{id}/hooks")]
async fn get_crm_hooks(
    inbox: web::Data<Inbox>,
    caller: Caller,
    id: PathId<ConnectionId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmRead)?;
    let (_, hook) = inbox.settings(id.0).await?;
    view(inbox.url(id.0), hook)
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct HookBody {
    #[garde(skip)]
    scheme: Scheme,
    /// Kept encrypted and never shown. Several are separated by blanks: the old and the new one during a rotation, or one
    /// for each subscription of EspoCRM. A secret of Standard Webhooks begins with `whsec_`.
    #[garde(skip)]
    #[schema(value_type = String, write_only, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: Secret,
}

/// Set how a connection's webhooks are signed
///
/// Until it is set, the connection takes none. Other processes take the change over within five seconds.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path), IfMatch),
    request_body = HookBody,
    security(("client_credentials" = ["crm:write"])),
    responses((status = 200, description = "Scheme, address, last received", body = HookView)),
)]
#[put("/crm/connections/{id}/hooks")]
async fn set_crm_hooks(
    inbox: web::Data<Inbox>,
    caller: Caller,
    id: PathId<ConnectionId>,
    seen: IfMatch,
    body: Body<HookBody>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    let HookBody { scheme, secret } = body.into_inner();
    let hook = inbox.set(id.0, seen, scheme, secret).await?;
    view(inbox.url(id.0), Some(hook))
}

/// Make the CRM send webhooks
///
/// For a kind whose capabilities have `webhooks`: enters the address in the CRM, and keeps the secret that signs. Once more renews.
/// `no_webhooks` says that the CRM of another kind has to be told by hand.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path)),
    security(("client_credentials" = ["crm:write"])),
    responses((status = 200, description = "Scheme, address, last received", body = HookView)),
)]
#[post("/crm/connections/{id}/hooks/subscribe")]
async fn subscribe_crm_hooks(
    inbox: web::Data<Inbox>,
    engine: web::Data<Engine>,
    caller: Caller,
    id: PathId<ConnectionId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    let (connection, _) = inbox.settings(id.0).await?;
    let url = inbox.url(id.0);
    if !connection.kind()?.capabilities.webhooks {
        let detail = "webhooks of this CRM are set up in the CRM itself";
        return Err(AppError::conflict("no_webhooks", detail));
    }
    let secret = engine.subscribe(&connection, &url).await.map_err(refused)?;
    let scheme = Scheme::of_kind(&connection.kind);
    view(url, Some(inbox.set(id.0, IfMatch(None), scheme, secret).await?))
}

/// The CRM's own words are for whoever connects it.
fn refused(error: CrmError) -> AppError {
    match error {
        CrmError::Transient { .. } | CrmError::Throttled { .. } => AppError::unavailable(error),
        error => AppError::conflict("crm_refused", error.to_string()),
    }
}
