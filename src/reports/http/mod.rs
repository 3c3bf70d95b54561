//! Endpoints of reports.
mod mirror;
mod operations;
mod query;
mod table;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(operations::get_volume_report)
        .service(operations::get_backlog_report)
        .service(operations::get_response_times_report)
        .service(operations::get_resolution_times_report)
        .service(operations::get_sla_report)
        .service(operations::get_reopens_report)
        .service(operations::get_agent_load_report)
        .service(operations::get_csat_report)
        .service(operations::get_time_report)
        .service(mirror::get_mirror_health_report);
}
