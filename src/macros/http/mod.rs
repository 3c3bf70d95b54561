//! Endpoints of the macros.
mod apply;
mod keep;

pub use apply::MacroOrder;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(keep::create_macro)
        .service(keep::list_macros)
        .service(keep::get_macro)
        .service(keep::change_macro)
        .service(keep::delete_macro)
        .service(apply::preview_macro)
        .service(apply::apply_macro);
}
