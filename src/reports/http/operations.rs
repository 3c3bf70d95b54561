//! Each report.
use actix_web::{get, web};
use diesel::PgConnection;

use super::query::Asking;
use super::table::table;
use crate::auth::Caller;
use crate::http::Answer;
use crate::kernel::{Actor, AppError, Permission};
use crate::reports::Reports;
use crate::reports::rules::{Backlog, Figures, Flow, Open, Report};
use crate::reports::service::{self, Query};

/// The report that `make` makes, as JSON or as a table.
async fn answer<W: Figures + Send + 'static, F: Figures + Send + 'static>(
    reports: &Reports,
    caller: Caller,
    asking: Asking,
    make: fn(&mut PgConnection, &Actor, &Query) -> Result<Report<W, F>, AppError>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    caller.require(Permission::ReportsRead)?;
    let csv = asking.csv;
    let read = reports.read(move |conn| {
        let query = asking.query(conn, &caller)?;
        make(conn, &caller, &query)
    });
    let report = read.await?;
    if csv { table(&report) } else { Answer::ok(&report) }
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
}
