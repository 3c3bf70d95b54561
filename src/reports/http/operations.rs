//! Each report.
use actix_web::{get, web};

use super::query::Request;
use super::table::table;
use crate::auth::Caller;
use crate::http::Answer;
use crate::kernel::{AppError, Permission};
use crate::reports::Reports;
use crate::reports::rules::{
    Attainment, Backlog, Flow, Load, Minutes, Open, Reopens, Report, Satisfaction, Times, Work,
};
use crate::reports::service;

/// Declares an operation that answers a report.
macro_rules! operations {
    ($($(#[$doc:meta])* $path:literal $operation:ident: $make:path => ($whole:ty, $part:ty), $columns:literal;)*) => {$(
        $(#[$doc])*
        #[utoipa::path(
            tag = "reports",
            params(Request),
            security(("client_credentials" = ["reports:read", "tickets:read"])),
            responses(
                (status = 200, description = "The figures", content(
                    (Report<$whole, $part> = "application/json"), (String = "text/csv", example = json!(
                        concat!("part,group_id,group,from,to,", $columns, "\r\n"))))),
                (status = 422, description = "Too many buckets, or too much to count", body = crate::http::Problem,
                    content_type = "application/problem+json"),
            ),
        )]
        #[get($path)]
        pub async fn $operation(
            reports: web::Data<Reports>,
            caller: Caller,
            request: Request,
        ) -> Result<Answer, AppError> {
            caller.require(Permission::TicketsRead)?;
            caller.require(Permission::ReportsRead)?;
            let Request { asking, csv } = request;
            let read = reports.read(move |conn| {
                let query = asking.query(conn, &caller)?;
                $make(conn, &caller, &query)
            });
            let report: Report<$whole, $part> = read.await?;
            if csv { Ok(table(&report)) } else { Answer::ok(&report) }
        }
    )*};
}

operations! {
    /// Get how many tickets came and went
    ///
    /// Opened, reopened and closed in each part of the period.
    "/reports/volume" get_volume_report: service::volume => (Flow, Flow),
        "opened,reopened,closed,merged";

    /// Get what is open, and how old it is
    ///
    /// Now, as a list of the active tickets counts it; and at the end of each part of the period.
    "/reports/backlog" get_backlog_report: service::backlog => (Backlog, Open),
        "open,under_1_day,under_3_days,under_7_days,under_30_days,under_90_days,older";

    /// Get how soon the desk replied
    ///
    /// Of the first public replies in the period. Business time is that of the calendar by which the ticket's clock was measured; where
    /// no service level was, all time counts.
    "/reports/response-times" get_response_times_report: service::response_times => (Times, Times),
        "count,median_seconds,p90_seconds,median_business_seconds,p90_business_seconds";

    /// Get how soon tickets were closed
    ///
    /// Of what was closed in the period: from the submission, or from the last reopening. What was merged into another ticket was not
    /// closed by that. Business time as for first replies.
    "/reports/resolution-times" get_resolution_times_report: service::resolution_times => (Times, Times),
        "count,median_seconds,p90_seconds,median_business_seconds,p90_business_seconds";

    /// Get how well service levels were kept
    ///
    /// Of the clocks that started in the period. A breach counts from the moment when the time is over.
    "/reports/sla" get_sla_report: service::sla => (Attainment, Attainment),
        "first_response_fulfilled,first_response_breached,first_response_running,first_response_stopped,first_response_attainment,next_response_fulfilled,next_response_breached,next_response_running,next_response_stopped,next_response_attainment,resolution_fulfilled,resolution_breached,resolution_running,resolution_stopped,resolution_attainment";

    /// Get how often closing was not the end
    ///
    /// Of the closings in the period, those that a reopening followed, whenever that was.
    "/reports/reopens" get_reopens_report: service::reopens => (Reopens, Reopens),
        "closed,reopened,rate";

    /// Get what each agent has to do and did
    ///
    /// The groups are agents: who has the ticket now, who was given it, and who had it when it was closed. There are at most 100
    /// buckets.
    "/reports/agent-load" get_agent_load_report: service::agent_load => (Load, Work),
        "open,assigned,closed";

    /// Get how satisfied customers are
    ///
    /// Of those who were asked in the period. By agent, it is who had the ticket then.
    "/reports/csat" get_csat_report: service::csat => (Satisfaction, Satisfaction),
        "asked,answered,response_rate,mean,rated_1,rated_2,rated_3,rated_4,rated_5";

    /// Get what agents worked
    ///
    /// Of entries for days that begin in the period. By agent, it is who worked.
    "/reports/time" get_time_report: service::time => (Minutes, Minutes),
        "entries,charged_minutes,not_charged_minutes";
}
