//! The endpoints of the mirror. Contacts see nothing of it.
mod changes;
mod conflicts;
mod connections;
mod conversion;
mod health;
mod hooks;
mod import;
mod kinds;
mod links;
mod maps;
mod mirrors;
mod operations;
mod parked;
mod probe;
mod reconcile;
mod redactions;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.configure(kinds::routes)
        .configure(connections::routes)
        .configure(probe::routes)
        .configure(maps::routes)
        .configure(import::routes)
        .configure(reconcile::routes)
        .configure(health::routes)
        .configure(parked::routes)
        .configure(mirrors::routes)
        .configure(conflicts::routes)
        .configure(conversion::routes)
        .configure(redactions::routes)
        .configure(changes::routes)
        .configure(links::routes)
        .configure(hooks::routes);
}
