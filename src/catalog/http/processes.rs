//! The processes of teams outside the desk. They are the desk's own affair.
use actix_web::{get, patch, post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::words::is_key;
use crate::auth::Caller;
use crate::catalog::{Process, StepCheck, Steps, numbered, service};
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, PageQuery, Params, PathId, now, set};
use crate::kernel::{AppError, Page, Permission};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(create_process)
        .service(list_processes)
        .service(get_process)
        .service(change_process);
}

/// What is to be done, and how the service can tell that it was.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProcessStep {
    #[garde(length(chars, min = 1, max = 1000))]
    #[serde(rename = "do")]
    #[schema(example = "tell the customer who takes care of it")]
    task: String,
    #[garde(skip)]
    #[schema(example = "public_note")]
    check: StepCheck,
}

fn steps(new: Vec<NewProcessStep>) -> Steps {
    Steps(numbered(new.into_iter().map(|step| (step.task, step.check))))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProcess {
    /// What components name it by; it never changes.
    #[garde(custom(is_key))]
    #[schema(example = "hand_to_vendor", pattern = "^[a-z][a-z0-9_]{0,49}$")]
    key: String,
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Hand to the vendor")]
    name: String,
    /// In the order in which they are done; they are numbered from 1.
    #[garde(length(min = 1, max = 50), dive)]
    steps: Vec<NewProcessStep>,
}

/// Create a process
///
/// A checklist for the tickets of external components. The word `check` says how the service can tell that a step was done.
#[utoipa::path(
    tag = "catalog",
    params(Idempotency),
    request_body = NewProcess,
    security(("client_credentials" = ["catalog:write"])),
    responses((status = 201, description = "The process", body = Process)),
)]
#[post("/processes")]
async fn create_process(
    db: web::Data<Db>,
    caller: Caller,
    idempotency: Idempotency,
    body: Body<NewProcess>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogWrite)?;
    let now = now();
    let (fingerprint, new) = (body.fingerprint.clone(), body.into_inner());
    let process = Process {
        key: new.key,
        name: new.name,
        steps: steps(new.steps),
        version: 1,
        updated_at: now,
    };
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            service::create_process(conn, &caller, &process, now)?;
            let location = format!("/v1/processes/{}", process.key);
            Ok(Answer::created(location, &process)?.version(process.version))
        })
    };
    db.tx(create).await
}

/// List processes by key
///
/// A process is a checklist for tickets that an external team works on. Routing names it.
#[utoipa::path(
    tag = "catalog",
    params(PageQuery),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "A page of processes", body = Page<Process>)),
)]
#[get("/processes")]
async fn list_processes(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let request = query.request("processes")?;
    let page = db.read(move |conn| service::list_processes(conn, &request)).await?;
    Answer::page(&page)
}

/// Get a process
///
/// With its steps, and which of them the service checks by itself.
#[utoipa::path(
    tag = "catalog",
    params(("id" = String, Path, description = "Its key", example = "account_manager")),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "The process", body = Process)),
)]
#[get("/processes/{id}")]
async fn get_process(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<String>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let process = db.read(move |conn| service::get_process(conn, &id.0)).await?;
    Ok(Answer::ok(&process)?.version(process.version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessChange {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Hand to the account manager")]
    name: Option<String>,
    /// All of them, in the order in which they are done.
    #[garde(length(min = 1, max = 50), dive)]
    steps: Option<Vec<NewProcessStep>>,
}

/// Change a process
///
/// Tickets that follow it already keep the steps that they were given.
#[utoipa::path(
    tag = "catalog",
    params(("id" = String, Path, description = "Its key", example = "account_manager"), IfMatch),
    request_body = ProcessChange,
    security(("client_credentials" = ["catalog:write"])),
    responses((status = 200, description = "The process as it is now", body = Process)),
)]
#[patch("/processes/{id}")]
async fn change_process(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<String>,
    seen: IfMatch,
    body: Body<ProcessChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogWrite)?;
    let change = body.into_inner();
    let apply = move |process: &mut Process| {
        seen.check(process.version)?;
        set(&mut process.name, change.name);
        set(&mut process.steps, change.steps.map(steps));
        Ok(())
    };
    let change = move |conn: &mut _| service::change_process(conn, &caller, &id.0, now(), apply);
    let process = db.tx(change).await?;
    Ok(Answer::ok(&process)?.version(process.version))
}
