//! Endpoints of the webhooks.
mod deliveries;
mod webhooks;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(webhooks::create_webhook)
        .service(webhooks::list_webhooks)
        .service(webhooks::get_webhook)
        .service(webhooks::change_webhook)
        .service(webhooks::delete_webhook)
        .service(webhooks::rotate_webhook_secret)
        .service(deliveries::test_webhook)
        .service(deliveries::list_webhook_deliveries)
        .service(deliveries::replay_webhook)
        .service(deliveries::get_webhook_delivery)
        .service(deliveries::replay_webhook_delivery);
}
