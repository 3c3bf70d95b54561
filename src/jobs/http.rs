//! The endpoints of jobs: how far each is, and how to stop it. What starts one is an endpoint of its feature.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::service;
use super::store::{Filter, Job, JobState};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Params, PathId};
use crate::kernel::{AppError, JobId, Page, PageRequest, Permission};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_jobs).service(get_job).service(cancel_job);
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobView {
    id: JobId,
    #[schema(example = "crm_reconcile")]
    kind: String,
    /// What it is about.
    #[schema(example = "crm_connection/0199f0c2-b1c9-7d5e-8b1f-5a3c7d9e2f10")]
    subject: String,
    state: JobState,
    /// What was asked for.
    #[schema(value_type = Object, example = json!({"mode": "report"}))]
    options: Value,
    progress: ProgressView,
    /// Why nothing is done for the moment; null while it is at work.
    #[schema(example = "the connection is paused")]
    waits_for: Option<String>,
    /// Why it failed.
    #[schema(example = "the connection was removed")]
    error: Option<String>,
    started_by: Starter,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

/// How far a job is.
#[derive(Debug, Serialize, ToSchema)]
struct ProgressView {
    #[schema(example = 1200)]
    done: i64,
    /// Null until it is known.
    #[schema(example = 5000)]
    total: Option<i64>,
    /// How many things it came upon that it looks for.
    #[schema(example = 3)]
    found: i64,
}

/// Who started a job.
#[derive(Debug, Serialize, ToSchema)]
struct Starter {
    id: Uuid,
    #[schema(example = "Administrator")]
    name: String,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            kind: job.kind,
            subject: job.subject,
            state: job.state,
            options: job.options,
            progress: ProgressView { done: job.done, total: job.total, found: job.found },
            waits_for: job.waits_for,
            error: job.error,
            started_by: Starter { id: job.started_by, name: job.started_by_name },
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
        }
    }
}

impl JobView {
    /// 202 with the job and where to watch it.
    pub fn accepted(job: Job) -> Result<Answer, AppError> {
        let location = format!("/v1/jobs/{}", job.id);
        Ok(Answer::created(location, &Self::from(job))?.status(202))
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct JobQuery {
    #[param(example = "crm_reconcile")]
    kind: Option<String>,
    /// What it is about.
    #[param(example = "crm_connection/0199f0c2-b1c9-7d5e-8b1f-5a3c7d9e2f10")]
    subject: Option<String>,
    state: Option<JobState>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List the jobs, newest first
///
/// A job that has ended is kept for 30 days at least.
#[utoipa::path(
    tag = "jobs",
    params(JobQuery),
    security(("client_credentials" = ["jobs:read"])),
    responses((status = 200, description = "A page of jobs", body = Page<JobView>)),
)]
#[get("/jobs")]
async fn list_jobs(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<JobQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::JobsRead)?;
    let query = query.0;
    let filter = Filter { kind: query.kind, subject: query.subject, state: query.state };
    let binding = format!("jobs {filter:?}");
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let page = db.read(move |conn| service::list(conn, &filter, &request)).await?;
    Answer::page(&page.map(JobView::from))
}

/// Get a job
///
/// What it is about, how far it is, and why it failed. Ask again until `state` says that it ended.
#[utoipa::path(
    tag = "jobs",
    params(("id" = JobId, Path)),
    security(("client_credentials" = ["jobs:read"])),
    responses((status = 200, description = "The job and how far it is", body = JobView)),
)]
#[get("/jobs/{id}")]
async fn get_job(db: web::Data<Db>, caller: Caller, id: PathId<JobId>) -> Result<Answer, AppError> {
    caller.require(Permission::JobsRead)?;
    Answer::ok(&JobView::from(db.read(move |conn| service::get(conn, id.0)).await?))
}

/// Cancel a job
///
/// It stops within seconds; what it did until then stays.
#[utoipa::path(
    tag = "jobs",
    params(("id" = JobId, Path)),
    security(("client_credentials" = ["jobs:write"])),
    responses((status = 200, description = "The cancelled job", body = JobView)),
)]
#[post("/jobs/{id}/cancel")]
async fn cancel_job(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<JobId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::JobsWrite)?;
    let job = db.quiet_tx(move |conn| service::cancel(conn, id.0, Utc::now())).await?;
    Answer::ok(&JobView::from(job))
}
