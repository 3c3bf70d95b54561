//! Endpoints of routing. Where tickets go is the desk's own affair: contacts are not told.
mod resolve;
mod table;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resolve::resolve_routing)
        .service(table::get_routing_table)
        .service(table::change_routing_table)
        .service(table::list_routing_versions)
        .service(table::get_routing_version);
}
