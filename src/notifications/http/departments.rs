//! Where the mails of a department go.
use actix_web::{get, put, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, PathId, now};
use crate::kernel::{AppError, DepartmentId, Permission};
use crate::notifications::service;
use crate::notifications::store::Mailbox;
use crate::people::language_tag;

/// Get where the mails of a department go
///
/// Those about a ticket that waits for one of its agents, or was elevated to it.
#[utoipa::path(
    tag = "notifications",
    params(("id" = DepartmentId, Path)),
    security(("client_credentials" = ["people:read"])),
    responses((status = 200, description = "The address", body = Mailbox)),
)]
#[get("/departments/{id}/mailbox")]
pub async fn get_department_mailbox(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<DepartmentId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleRead)?;
    let mailbox = db.quiet_tx(move |conn| service::mailbox(conn, id.0)).await?;
    Ok(Answer::ok(&mailbox)?.version(mailbox.version))
}

/// Where the mails of a department go.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetDepartmentMailbox {
    /// Null: to each of its agents, as they want it.
    #[garde(email, length(max = 254))]
    #[schema(example = "second-level@desk.example")]
    email: Option<String>,
    /// A language tag (BCP 47).
    #[garde(custom(language_tag))]
    #[schema(example = "en")]
    language: String,
}

/// Set where the mails of a department go
///
/// With an address, they go there and not to each of its agents; what the agents find in their feeds stays the same.
#[utoipa::path(
    tag = "notifications",
    params(("id" = DepartmentId, Path), IfMatch),
    request_body = SetDepartmentMailbox,
    security(("client_credentials" = ["people:write"])),
    responses((status = 200, description = "The address as it is now", body = Mailbox)),
)]
#[put("/departments/{id}/mailbox")]
pub async fn set_department_mailbox(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<DepartmentId>,
    seen: IfMatch,
    body: Body<SetDepartmentMailbox>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    let SetDepartmentMailbox { email, language } = body.into_inner();
    let change = move |conn: &mut _| {
        service::change_mailbox(conn, &caller, id.0, seen, (email, language), now())
    };
    let mailbox = db.tx(change).await?;
    Ok(Answer::ok(&mailbox)?.version(mailbox.version))
}
