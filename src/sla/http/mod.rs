//! Endpoints of service levels.
mod calendars;
mod exceptions;
mod policies;
mod preview;
mod ticket;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    calendars::routes(cfg);
    exceptions::routes(cfg);
    // Before the paths with an id.
    preview::routes(cfg);
    policies::routes(cfg);
    ticket::routes(cfg);
}
