//! Departments.
use actix_web::{get, patch, post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, PageQuery, Params, PathId, now, set};
use crate::kernel::{AppError, DepartmentId, Page, Permission, WorkflowId};
use crate::people::{Department, service};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(create_department)
        .service(list_departments)
        .service(get_department)
        .service(change_department);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDepartment {
    /// Unique without regard to case.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Field Service")]
    name: String,
    /// The workflow of the department's new tickets.
    #[garde(skip)]
    workflow_id: WorkflowId,
}

/// Create a department
///
/// Names are unique without regard to case.
#[utoipa::path(
    tag = "people",
    params(Idempotency),
    request_body = NewDepartment,
    security(("client_credentials" = ["people:write"])),
    responses((status = 201, description = "The department", body = Department)),
)]
#[post("/departments")]
async fn create_department(
    db: web::Data<Db>,
    caller: Caller,
    idempotency: Idempotency,
    body: Body<NewDepartment>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    let now = now();
    let (fingerprint, new) = (body.fingerprint.clone(), body.into_inner());
    let department = Department {
        id: DepartmentId::new(),
        name: new.name,
        workflow_id: new.workflow_id,
        is_default: false,
        active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            let department = service::create_department(conn, &caller, &department, now)?;
            let location = format!("/v1/departments/{}", department.id);
            Ok(Answer::created(location, &department)?.version(department.version))
        })
    };
    db.tx(create).await
}

/// List departments by name
///
/// Teams of agents, with the workflow of their new tickets.
#[utoipa::path(
    tag = "people",
    params(PageQuery),
    security(("client_credentials" = ["people:read"])),
    responses((status = 200, description = "A page of departments", body = Page<Department>)),
)]
#[get("/departments")]
async fn list_departments(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleRead)?;
    let request = query.request("departments")?;
    let page = db.read(move |conn| service::list_departments(conn, &request)).await?;
    Answer::page(&page)
}

/// Get a department
///
/// With the workflow of its new tickets.
#[utoipa::path(
    tag = "people",
    params(("id" = DepartmentId, Path)),
    security(("client_credentials" = ["people:read"])),
    responses((status = 200, description = "The department", body = Department)),
)]
#[get("/departments/{id}")]
async fn get_department(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<DepartmentId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleRead)?;
    let department = db.read(move |conn| service::get_department(conn, id.0)).await?;
    Ok(Answer::ok(&department)?.version(department.version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DepartmentChange {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Support")]
    name: Option<String>,
    /// The workflow of the tickets that come from now on; earlier ones keep theirs.
    #[garde(skip)]
    workflow_id: Option<WorkflowId>,
    /// True makes it the default in place of the one that was.
    #[garde(skip)]
    #[schema(example = true)]
    is_default: Option<bool>,
    #[garde(skip)]
    #[schema(example = true)]
    active: Option<bool>,
}

/// Change a department
///
/// The default moves in one step: the department that was the default gets a new version too.
#[utoipa::path(
    tag = "people",
    params(("id" = DepartmentId, Path), IfMatch),
    request_body = DepartmentChange,
    security(("client_credentials" = ["people:write"])),
    responses((status = 200, description = "The department as it is now", body = Department)),
)]
#[patch("/departments/{id}")]
async fn change_department(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<DepartmentId>,
    seen: IfMatch,
    body: Body<DepartmentChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    let change = body.into_inner();
    let apply = move |department: &mut Department| {
        seen.check(department.version)?;
        set(&mut department.name, change.name);
        set(&mut department.workflow_id, change.workflow_id);
        set(&mut department.is_default, change.is_default);
        set(&mut department.active, change.active);
        Ok(())
    };
    let change = move |conn: &mut _| service::change_department(conn, &caller, id.0, now(), apply);
    let department = db.tx(change).await?;
    Ok(Answer::ok(&department)?.version(department.version))
}
