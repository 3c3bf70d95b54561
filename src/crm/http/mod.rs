//! The endpoints of the mirror. Contacts see nothing of it.
mod changes;
mod conflicts;
mod connections;
mod hooks;
mod links;
mod maps;
mod mirrors;
mod operations;

use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.configure(connections::routes)
        .configure(maps::routes)
        .configure(operations::routes)
        .configure(mirrors::routes)
        .configure(conflicts::routes)
        .configure(changes::routes)
        .configure(links::routes)
        .configure(hooks::routes);
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}
