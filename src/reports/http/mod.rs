//! Endpoints of reports.
mod operations;
mod query;
mod table;

use utoipa_actix_web::service_config::ServiceConfig;

pub use query::Asking;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(operations::get_volume_report).service(operations::get_backlog_report);
}
