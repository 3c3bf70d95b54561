//! Endpoints of notifications.
mod departments;
mod feed;
mod preferences;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(feed::list_notifications)
        .service(feed::count_unread_notifications)
        .service(feed::read_notifications)
        .service(feed::read_notification)
        .service(preferences::get_notification_preferences)
        .service(preferences::change_notification_preferences)
        .service(preferences::get_notification_preferences_of_agent)
        .service(preferences::change_notification_preferences_of_agent)
        .service(preferences::get_notification_preferences_of_contact)
        .service(preferences::change_notification_preferences_of_contact)
        .service(departments::get_department_mailbox)
        .service(departments::set_department_mailbox);
}
