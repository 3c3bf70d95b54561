//! What an operator's machinery asks: is it alive, is it ready, what are its figures.
use actix_web::{HttpResponse, get, web};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::db::Db;
use crate::http::Answer;
use crate::kernel::AppError;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(get_liveness).service(get_readiness).service(get_metrics);
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Is the process alive?
///
/// Answers without asking the database: restart the process when this fails.
#[utoipa::path(
    tag = "operations",
    responses((status = 200, description = "Alive", body = Health)),
)]
#[get("/health/live")]
async fn get_liveness() -> Result<Answer, AppError> {
    Answer::ok(&Health { status: "ok" })
}

/// Can it serve?
///
/// 200 when the database answers and has every migration of this version; send no traffic otherwise.
#[utoipa::path(
    tag = "operations",
    responses((status = 200, description = "Ready", body = Health)),
)]
#[get("/health/ready")]
async fn get_readiness(db: web::Data<Db>) -> Result<Answer, AppError> {
    if db.ready().await {
        return Answer::ok(&Health { status: "ok" });
    }
    Err(AppError::Unavailable(anyhow::anyhow!("not connected, or migrations are missing")))
}

/// Get the figures
///
/// In the text format of Prometheus.
#[utoipa::path(
    tag = "operations",
    responses((
        status = 200,
        description = "Metrics",
        body = String,
        content_type = "text/plain",
        example = "build_info{version=\"1.0.0\"} 1",
    )),
)]
#[get("/metrics")]
async fn get_metrics(handle: web::Data<PrometheusHandle>, db: web::Data<Db>) -> HttpResponse {
    let (open, idle) = db.connections();
    metrics::gauge!("db_connections").set(open);
    metrics::gauge!("db_connections_idle").set(idle);
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(handle.render())
}
