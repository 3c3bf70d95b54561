//! Endpoints of mail.
mod mails;
mod suppressions;
mod templates;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(mails::list_mails)
        .service(mails::get_mail)
        .service(mails::retry_mail)
        .service(mails::cancel_mail)
        .service(suppressions::list_mail_suppressions)
        .service(suppressions::lift_mail_suppression)
        .service(templates::list_mail_templates)
        .service(templates::get_mail_template)
        .service(templates::put_mail_template)
        .service(templates::reset_mail_template)
        .service(templates::preview_mail_template);
}
