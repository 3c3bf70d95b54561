//! Endpoints of accounts, contacts, departments and agents.
mod accounts;
mod agent_requests;
mod agents;
mod availability;
mod contacts;
mod departments;

use utoipa_actix_web::service_config::ServiceConfig;

pub use contacts::language_tag;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.configure(accounts::routes)
        .configure(contacts::routes)
        .configure(departments::routes)
        .configure(agents::routes)
        .configure(availability::routes);
}
