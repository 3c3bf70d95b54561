//! Endpoints of mails that come in.
mod emails;
mod quarantine;
mod settings;
mod view;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(emails::receive_email)
        .service(emails::list_emails)
        .service(emails::get_email)
        .service(emails::get_email_original)
        .service(quarantine::list_quarantine)
        .service(quarantine::release_email)
        .service(settings::get_inbound_settings)
        .service(settings::set_inbound_settings)
        .service(settings::get_inbound_mailbox);
}
