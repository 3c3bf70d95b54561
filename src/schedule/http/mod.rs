//! Endpoints of the schedule.
mod appointments;
mod calendar;
mod delays;
mod feed;
mod load;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(appointments::schedule_appointment)
        .service(appointments::list_appointments)
        .service(appointments::get_appointment)
        .service(appointments::reschedule_appointment)
        .service(appointments::cancel_appointment)
        .service(delays::delay_appointment)
        .service(delays::delay_ticket)
        .service(delays::list_delays)
        .service(calendar::get_calendar)
        .service(feed::read_calendar_feed)
        .service(feed::create_calendar_feed)
        .service(feed::get_calendar_feed)
        .service(feed::delete_calendar_feed)
        .service(feed::delete_calendar_feed_of_agent)
        .service(load::list_agent_loads);
}
