//! Endpoints of the time entries.
mod csv;
mod entries;
mod query;
mod rates;
mod timers;
mod totals;
mod view;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(entries::log_time)
        .service(entries::list_ticket_time_entries)
        .service(entries::list_time_entries)
        .service(csv::export_time_entries)
        .service(entries::get_time_entry)
        .service(entries::change_time_entry)
        .service(entries::remove_time_entry)
        .service(timers::start_timer)
        .service(timers::get_timer)
        .service(timers::stop_timer)
        .service(timers::discard_timer)
        .service(totals::get_ticket_time_totals)
        .service(totals::get_account_time_totals)
        .service(rates::create_hourly_rate)
        .service(rates::list_hourly_rates)
        .service(rates::get_hourly_rate)
        .service(rates::change_hourly_rate)
        .service(rates::remove_hourly_rate);
}
