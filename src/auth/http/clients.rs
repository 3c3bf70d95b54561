//! Integration clients.
use actix_web::{get, patch, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::store::Client;
use crate::auth::{Caller, service};
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, PageQuery, Params, PathId};
use crate::kernel::{AppError, ClientId, Page, Permission};

/// A program that calls the service.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientView {
    id: ClientId,
    #[schema(example = "Website")]
    name: String,
    #[schema(example = json!(["tickets:read", "tickets:write"]))]
    scopes: Vec<String>,
    active: bool,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Client> for ClientView {
    fn from(client: Client) -> Self {
        Self {
            id: client.id,
            name: client.name,
            scopes: client.scopes,
            active: client.active,
            version: client.version,
            created_at: client.created_at,
            updated_at: client.updated_at,
        }
    }
}

/// A client together with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientWithSecret {
    #[serde(flatten)]
    client: ClientView,
    /// Keep it: only a hash is stored.
    #[schema(example = "cbs_4mDk...")]
    client_secret: String,
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Website")]
    name: String,
    /// What the client may do.
    #[garde(length(min = 1))]
    #[schema(example = json!(["tickets:read", "tickets:write"]))]
    scopes: Vec<Permission>,
}

/// Create a client
///
/// Its secret is in the answer, and never again.
#[utoipa::path(
    tag = "clients",
    request_body = NewClient,
    security(("client_credentials" = ["clients:write"])),
    responses((status = 201, description = "The client and its secret", body = ClientWithSecret)),
)]
#[post("/clients")]
pub async fn create_client(
    db: web::Data<Db>,
    caller: Caller,
    body: Body<NewClient>,
) -> Result<Answer, AppError> {
    caller.require(Permission::ClientsWrite)?;
    let new = body.into_inner();
    let (secret, hash) = web::block(service::new_secret).await.map_err(AppError::internal)??;
    let client = db
        .tx(move |conn| service::create_client(conn, &caller, &new.name, &hash, &new.scopes))
        .await?;
    let (location, version) = (format!("/v1/clients/{}", client.id), client.version);
    let view =
        ClientWithSecret { client: client.into(), client_secret: secret.expose().to_owned() };
    Ok(Answer::created(location, &view)?.version(version))
}

/// List clients, oldest first
///
/// The programs that get tokens by client credentials. Their secrets are never shown again.
#[utoipa::path(
    tag = "clients",
    params(PageQuery),
    security(("client_credentials" = ["clients:write"])),
    responses((status = 200, description = "A page of clients", body = Page<ClientView>)),
)]
#[get("/clients")]
pub async fn list_clients(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::ClientsWrite)?;
    let request = query.request("clients")?;
    let page = db.read(move |conn| service::list_clients(conn, &request)).await?;
    Answer::page(&page.map(ClientView::from))
}

/// Get a client
///
/// With its scopes. The secret is not among what is answered: only its hash is kept.
#[utoipa::path(
    tag = "clients",
    params(("id" = ClientId, Path)),
    security(("client_credentials" = ["clients:write"])),
    responses((status = 200, description = "The client", body = ClientView)),
)]
#[get("/clients/{id}")]
pub async fn get_client(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ClientId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::ClientsWrite)?;
    let client = db.read(move |conn| service::get_client(conn, id.0)).await?;
    let version = client.version;
    Ok(Answer::ok(&ClientView::from(client))?.version(version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientChange {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Website")]
    name: Option<String>,
    #[garde(length(min = 1))]
    #[schema(example = json!(["tickets:read"]))]
    scopes: Option<Vec<Permission>>,
    /// An inactive client gets no token, and its tokens stop working.
    #[garde(skip)]
    active: Option<bool>,
}

/// Change a client
///
/// Fields that are absent stay as they are. A client that is made inactive gets no token, and the tokens that it has stop working.
#[utoipa::path(
    tag = "clients",
    params(("id" = ClientId, Path), IfMatch),
    request_body = ClientChange,
    security(("client_credentials" = ["clients:write"])),
    responses((status = 200, description = "The client as it is now", body = ClientView)),
)]
#[patch("/clients/{id}")]
pub async fn change_client(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ClientId>,
    seen: IfMatch,
    body: Body<ClientChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::ClientsWrite)?;
    let change = body.into_inner();
    let apply = move |client: &mut Client| {
        seen.check(client.version)?;
        client.name = change.name.unwrap_or_else(|| client.name.clone());
        if let Some(scopes) = change.scopes {
            client.scopes = scopes.iter().map(ToString::to_string).collect();
        }
        client.active = change.active.unwrap_or(client.active);
        Ok(())
    };
    let client = db.tx(move |conn| service::change_client(conn, &caller, id.0, apply)).await?;
    let version = client.version;
    Ok(Answer::ok(&ClientView::from(client))?.version(version))
}

/// Renew a client's secret
///
/// The old secret stops working at once; tokens that it got stay valid until they expire.
#[utoipa::path(
    tag = "clients",
    params(("id" = ClientId, Path)),
    security(("client_credentials" = ["clients:write"])),
    responses((status = 200, description = "The client and its new secret", body = ClientWithSecret)),
)]
#[post("/clients/{id}/secret")]
pub async fn renew_client_secret(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ClientId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::ClientsWrite)?;
    let (secret, hash) = web::block(service::new_secret).await.map_err(AppError::internal)??;
    let renew = move |client: &mut Client| {
        client.secret_hash = hash;
        Ok(())
    };
    let client = db.tx(move |conn| service::change_client(conn, &caller, id.0, renew)).await?;
    let version = client.version;
    let view =
        ClientWithSecret { client: client.into(), client_secret: secret.expose().to_owned() };
    Ok(Answer::ok(&view)?.version(version))
}
