//! What a client asks of a report, in its query.
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::ACCEPT;
use actix_web::{FromRequest, HttpRequest};
use chrono_tz::Tz;
use diesel::PgConnection;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::http::now;
use crate::kernel::{Actor, AppError, text_enum};
use crate::reports::rules::{Asked, BucketSize, GroupBy};
use crate::reports::service::Query;
use crate::tickets::{ListQuery, Sort};

text_enum! {
    /// How a report is answered.
    Format {
        Json = "json",
        Csv = "csv",
    }
}

/// What is about the report; everything else is a filter of tickets.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReportQuery {
    /// A date, which begins at midnight in the time zone, or an instant. 30 days before `to` when absent.
    #[param(example = "2026-11-01")]
    from: Option<String>,
    /// Not included; the end of today when absent.
    #[param(example = "2026-12-01")]
    to: Option<String>,
    /// By whose clock and calendar days, weeks and months begin: a name of the IANA database. Your own as an agent, else UTC.
    #[param(value_type = Option<String>, example = "Europe/Vienna")]
    time_zone: Option<Tz>,
    /// `day` when absent.
    #[param(inline)]
    bucket: Option<BucketSize>,
    /// The same figures of each of the 50 largest groups as well, and of all others together; then there are at most 100 buckets.
    #[param(inline)]
    group_by: Option<GroupBy>,
    /// `csv` for a table, as with `Accept: text/csv`; figures of the whole are in the lines of the part `total`.
    #[param(inline)]
    format: Option<Format>,
}

/// Names of [`ReportQuery`].
const OWN: [&str; 6] = ["from", "to", "time_zone", "bucket", "group_by", "format"];
/// What a list of tickets takes beside filters.
const OF_PAGES: [&str; 4] = ["limit", "cursor", "sort", "fields"];

/// A report that is asked for, of the tickets that a filter finds.
#[derive(Debug, Clone)]
pub struct Asking {
    report: ReportQuery,
    filters: Vec<(String, String)>,
    pub csv: bool,
}

impl Asking {
    /// The query string of a report. Fails with [`AppError::Malformed`].
    pub fn parse(query: &str) -> Result<Self, AppError> {
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        let (own, filters): (Vec<_>, Vec<_>) =
            pairs.partition(|(name, _)| OWN.contains(&name.as_str()));
        let own = form_urlencoded::Serializer::new(String::new()).extend_pairs(own).finish();
        let parser = serde_urlencoded::Deserializer::new(form_urlencoded::parse(own.as_bytes()));
        let report: ReportQuery = serde_path_to_error::deserialize(parser).map_err(|error| {
            let name = error.path().to_string();
            AppError::Malformed(format!("query parameter {name}: {}", error.into_inner()))
        })?;
        let csv = report.format == Some(Format::Csv);
        Ok(Self { report, filters, csv })
    }

    /// What is asked, of this caller. Fails as [`Query::new`] does, and on a filter that the caller has not.
    pub fn query(self, conn: &mut PgConnection, actor: &Actor) -> Result<Query, AppError> {
        let filters = self.filters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let filter = ListQuery::saved(filters, Sort::NewestFirst, None, None)?.filter(actor)?;
        let ReportQuery { from, to, time_zone, bucket, group_by, .. } = self.report;
        let asked = Asked { from, to, bucket };
        Query::new(conn, actor, &asked, time_zone, group_by, filter, now())
    }
}

impl FromRequest for Asking {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(request.query_string()).map(|asking| {
            let csv = wants_csv(request, asking.report.format);
            Self { csv, ..asking }
        }))
    }
}

/// By its query, or else by the header `Accept`.
pub fn wants_csv(request: &HttpRequest, format: Option<Format>) -> bool {
    let accepts = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    let mut kinds = accepts.flat_map(|value| value.split(',')).map(str::trim);
    match format {
        Some(format) => format == Format::Csv,
        None => kinds.any(|kind| kind.split(';').next() == Some("text/csv")),
    }
}

impl IntoParams for Asking {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let filters = ListQuery::into_params(&place).into_iter();
        let filters = filters.filter(|one| !OF_PAGES.contains(&one.name.as_str()));
        ReportQuery::into_params(&place).into_iter().chain(filters).collect()
    }
}
