//! Each report.
use actix_web::{get, web};
use diesel::PgConnection;

use super::query::Asking;
use super::table::table;
use crate::auth::Caller;
use crate::http::Answer;
use crate::kernel::{Actor, AppError, Permission};
use crate::reports::Reports;
use crate::reports::rules::{
    Attainment, Backlog, Figures, Flow, Load, Minutes, Open, Reopens, Report, Satisfaction, Times,
    Work,
};
use crate::reports::service::{self, Query};

/// The use case behind an operation.
type Make<W, F> = fn(&mut PgConnection, &Actor, &Query) -> Result<Report<W, F>, AppError>;

/// The report that `make` makes, as JSON or as a table.
async fn answer<W: Figures + Send + 'static, F: Figures + Send + 'static>(
    reports: &Reports,
    caller: Caller,
    asking: Asking,
    make: Make<W, F>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    caller.require(Permission::ReportsRead)?;
    let csv = asking.csv;
    let read = reports.read(move |conn| {
        let query = asking.query(conn, &caller)?;
        make(conn, &caller, &query)
    });
    let report = read.await?;
    if csv { Ok(table(&report)) } else { Answer::ok(&report) }
}

/// Declares an operation that answers a report.
macro_rules! operations {
    ($($(#[$doc:meta])* $path:literal $operation:ident: $make:path => ($whole:ty, $part:ty);)*) => {$(
        $(#[$doc])*
        #[utoipa::path(
            tag = "reports",
            params(Asking),
            security(("bearer" = ["reports:read", "tickets:read"]), ("client_credentials" = ["reports:read", "tickets:read"])),
            responses(
                (status = 200, description = "The figures", content(
                    (Report<$whole, $part> = "application/json"), (String = "text/csv"))),
                (status = 422, description = "Too many buckets, or too much to count", body = crate::http::Problem,
                    content_type = "application/problem+json"),
            ),
        )]
        #[get($path)]
        pub async fn $operation(
            reports: web::Data<Reports>,
            caller: Caller,
            asking: Asking,
        ) -> Result<Answer, AppError> {
            answer(&reports, caller, asking, $make).await
        }
    )*};
}

operations! {
    /// Get how many tickets came and went
    ///
    /// Opened, reopened and closed in each part of the period.
    "/reports/volume" get_volume_report: service::volume => (Flow, Flow);

    /// Get what is open, and how old it is
    ///
    /// Now, as a list of the active tickets counts it; and at the end of each part of the period.
    "/reports/backlog" get_backlog_report: service::backlog => (Backlog, Open);

    /// Get how soon the desk replied
    ///
    /// Of the first public replies in the period. Business time is that of the calendar by which the ticket's clock was measured; where
    /// no service level was, all time counts.
    "/reports/response-times" get_response_times_report: service::response_times => (Times, Times);

    /// Get how soon tickets were closed
    ///
    /// Of what was closed in the period: from the submission, or from the last reopening. What was merged into another ticket was not
    /// closed by that. Business time as for first replies.
    "/reports/resolution-times" get_resolution_times_report: service::resolution_times => (Times, Times);

    /// Get how well service levels were kept
    ///
    /// Of the clocks that started in the period. A breach counts from the moment when the time is over.
    "/reports/sla" get_sla_report: service::sla => (Attainment, Attainment);

    /// Get how often closing was not the end
    ///
    /// Of the closings in the period, those that a reopening followed, whenever that was.
    "/reports/reopens" get_reopens_report: service::reopens => (Reopens, Reopens);

    /// Get what each agent has to do and did
    ///
    /// The groups are agents: who has the ticket now, who was given it, and who had it when it was closed. There are at most 100
    /// buckets.
    "/reports/agent-load" get_agent_load_report: service::agent_load => (Load, Work);

    /// Get how satisfied customers are
    ///
    /// Of those who were asked in the period. By agent, it is who had the ticket then.
    "/reports/csat" get_csat_report: service::csat => (Satisfaction, Satisfaction);

    /// Get what agents worked
    ///
    /// Of entries for days that begin in the period. By agent, it is who worked.
    "/reports/time" get_time_report: service::time => (Minutes, Minutes);
}
