//! The token endpoint, the keys, clients, and who the caller is.
mod clients;
mod keys;
mod token;

pub use token::client_token;
use utoipa_actix_web::service_config::ServiceConfig;

/// Outside `/v1`.
pub fn public_routes(cfg: &mut ServiceConfig) {
    cfg.service(token::issue_token).service(keys::get_jwks);
}

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(token::get_me)
        .service(clients::create_client)
        .service(clients::list_clients)
        .service(clients::get_client)
        .service(clients::change_client)
        .service(clients::renew_client_secret)
        .service(keys::rotate_signing_key);
}
