//! Policies.
use actix_web::{get, patch, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, PageQuery, Params, PathId, now, set};
use crate::kernel::{AppError, CalendarId, Page, Permission, SlaPolicyId, rfc3339};
use crate::sla::rules::{Conditions, Escalation, Metric, Target, Terms};
use crate::sla::service;
use crate::sla::store::{KeptTerms, PolicyVersion, SlaPolicy};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(create_sla_policy)
        .service(list_sla_policies)
        .service(get_sla_policy)
        .service(change_sla_policy)
        .service(list_sla_policy_versions);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSlaPolicy {
    /// Unique without regard to case.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Platinum")]
    name: String,
    /// The first active policy that fits a ticket is the ticket's: the lowest rank, and of the same rank the oldest.
    #[garde(range(min = 0, max = 1_000_000))]
    #[schema(example = 5)]
    rank: i32,
    /// By which business time is measured.
    #[garde(skip)]
    calendar_id: CalendarId,
    /// Which tickets it is for; all when absent.
    #[serde(default)]
    #[garde(skip)]
    conditions: Conditions,
    /// One for each metric at the most.
    #[garde(skip)]
    targets: Vec<Target>,
    /// Who is told of warnings and breaches.
    #[serde(default)]
    #[garde(skip)]
    escalations: Vec<Escalation>,
    /// Of what customers are told when it takes too long; absent: of nothing.
    #[serde(default)]
    #[garde(skip)]
    #[schema(example = json!(["resolution"]))]
    tell_customer: Vec<Metric>,
}

impl NewSlaPolicy {
    pub fn policy(self, id: SlaPolicyId, now: DateTime<Utc>) -> SlaPolicy {
        let Self { name, rank, calendar_id, conditions, targets, escalations, tell_customer } =
            self;
        SlaPolicy {
            id,
            name,
            rank,
            active: true,
            calendar_id,
            terms: KeptTerms(Terms { conditions, targets, escalations, tell_customer }),
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Create a policy of service levels
///
/// It promises targets to the tickets that it fits: by the agreement of the account (`agreement`), priority, type and department. Open
/// tickets that it fits are measured by it at once. A target is a length of business time, `PT8H`, or explicitly of calendar time;
/// days are refused, because they are ambiguous. Warnings and breaches are events (`sla.warning`, `sla.breached`), and told to whom
/// `escalations` names: people by mail, programs by their webhooks. Customers are told of a breach by `tell_customer`.
#[utoipa::path(
    tag = "service levels",
    params(Idempotency),
    request_body = NewSlaPolicy,
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 201, description = "The policy", body = SlaPolicy)),
)]
#[post("/sla-policies")]
async fn create_sla_policy(
    db: web::Data<Db>,
    caller: Caller,
    idempotency: Idempotency,
    body: Body<NewSlaPolicy>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let now = now();
    let (fingerprint, new) = (body.fingerprint.clone(), body.into_inner());
    let policy = new.policy(SlaPolicyId::new(), now);
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            service::create_policy(conn, &caller, &policy, now)?;
            let location = format!("/v1/sla-policies/{}", policy.id);
            Ok(Answer::created(location, &policy)?.version(policy.version))
        })
    };
    db.tx(create).await
}

/// List the policies of service levels in the order in which they are tried
///
/// The first active policy that fits a ticket is the ticket's.
#[utoipa::path(
    tag = "service levels",
    params(PageQuery),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "A page of policies", body = Page<SlaPolicy>)),
)]
#[get("/sla-policies")]
async fn list_sla_policies(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let request = query.request("sla policies")?;
    Answer::page(&db.read(move |conn| service::list_policies(conn, &request)).await?)
}

/// Get a policy of service levels
///
/// With the tickets that it is for, its targets, and who is told of warnings and breaches.
#[utoipa::path(
    tag = "service levels",
    params(("id" = SlaPolicyId, Path)),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "The policy", body = SlaPolicy)),
)]
#[get("/sla-policies/{id}")]
async fn get_sla_policy(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<SlaPolicyId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let policy = db.read(move |conn| service::get_policy(conn, id.0)).await?;
    Ok(Answer::ok(&policy)?.version(policy.version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct SlaPolicyChange {
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Standard")]
    name: Option<String>,
    #[garde(range(min = 0, max = 1_000_000))]
    #[schema(example = 100)]
    rank: Option<i32>,
    /// False: it fits no ticket any more.
    #[garde(skip)]
    #[schema(example = true)]
    active: Option<bool>,
    #[garde(skip)]
    calendar_id: Option<CalendarId>,
    /// As a whole.
    #[garde(skip)]
    conditions: Option<Conditions>,
    /// As a whole.
    #[garde(skip)]
    targets: Option<Vec<Target>>,
    /// As a whole.
    #[garde(skip)]
    escalations: Option<Vec<Escalation>>,
    /// As a whole.
    #[garde(skip)]
    #[schema(example = json!(["resolution"]))]
    tell_customer: Option<Vec<Metric>>,
}

/// Change a policy of service levels
///
/// It gets another version. Clocks that have not ended are derived anew, and forget nothing of the time in which they were paused; those
/// that have ended stay as they were measured.
#[utoipa::path(
    tag = "service levels",
    params(("id" = SlaPolicyId, Path), IfMatch),
    request_body = SlaPolicyChange,
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 200, description = "The policy as it is now", body = SlaPolicy)),
)]
#[patch("/sla-policies/{id}")]
async fn change_sla_policy(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<SlaPolicyId>,
    seen: IfMatch,
    body: Body<SlaPolicyChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let change = body.into_inner();
    let apply = move |policy: &mut SlaPolicy| {
        seen.check(policy.version)?;
        set(&mut policy.name, change.name);
        set(&mut policy.rank, change.rank);
        set(&mut policy.active, change.active);
        set(&mut policy.calendar_id, change.calendar_id);
        set(&mut policy.terms.0.conditions, change.conditions);
        set(&mut policy.terms.0.targets, change.targets);
        set(&mut policy.terms.0.escalations, change.escalations);
        set(&mut policy.terms.0.tell_customer, change.tell_customer);
        Ok(())
    };
    let change = move |conn: &mut _| service::change_policy(conn, &caller, id.0, now(), apply);
    let policy = db.tx(change).await?;
    Ok(Answer::ok(&policy)?.version(policy.version))
}

/// A policy as it was.
#[derive(Debug, Serialize, ToSchema)]
struct SlaPolicyVersionView {
    #[schema(example = 2)]
    version: i32,
    #[schema(value_type = SlaPolicy)]
    policy: Value,
    changed_by: Uuid,
    #[schema(example = "Administrator")]
    changed_by_name: String,
    #[serde(serialize_with = "rfc3339::serialize")]
    changed_at: DateTime<Utc>,
}

impl From<PolicyVersion> for SlaPolicyVersionView {
    fn from(row: PolicyVersion) -> Self {
        let PolicyVersion { version, document, changed_by, changed_by_name, changed_at, .. } = row;
        Self { version, policy: document, changed_by, changed_by_name, changed_at }
    }
}

/// List the versions of a policy, latest first
///
/// Every version as it was, with who made it: clocks tell the version that they were measured by.
#[utoipa::path(
    tag = "service levels",
    params(("id" = SlaPolicyId, Path), PageQuery),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "A page of versions", body = Page<SlaPolicyVersionView>)),
)]
#[get("/sla-policies/{id}/versions")]
async fn list_sla_policy_versions(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<SlaPolicyId>,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let request = query.request(&format!("sla policy versions {}", id.0))?;
    let list = move |conn: &mut _| service::list_policy_versions(conn, id.0, &request);
    Answer::page(&db.read(list).await?.map(SlaPolicyVersionView::from))
}
