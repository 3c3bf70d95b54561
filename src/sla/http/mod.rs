//! Endpoints of service levels.
mod calendars;
mod exceptions;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    calendars::routes(cfg);
    exceptions::routes(cfg);
}
