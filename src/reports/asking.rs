//! What somebody asks of a report, in the words of a query.
use chrono_tz::Tz;
use diesel::PgConnection;
use serde::Deserialize;
use utoipa::IntoParams;

use super::rules::{Asked, BucketSize, GroupBy};
use super::service::Query;
use crate::http::now;
use crate::kernel::{Actor, AppError, text_enum};
use crate::tickets::{ListQuery, Sort};

text_enum! {
    /// How a report is answered.
    #[schema(as = ReportFormat)]
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
    pub(super) format: Option<Format>,
}

/// Names of [`ReportQuery`].
const OWN: [&str; 6] = ["from", "to", "time_zone", "bucket", "group_by", "format"];

/// A report that is asked for, of the tickets that a filter finds.
#[derive(Debug, Clone)]
pub struct Asking {
    pub(super) report: ReportQuery,
    filters: Vec<(String, String)>,
}

impl Asking {
    /// Of a query string. Fails with [`AppError::Malformed`].
    pub fn parse(query: &str) -> Result<Self, AppError> {
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        let (own, filters): (Vec<_>, Vec<_>) =
            pairs.partition(|(name, _)| OWN.contains(&name.as_str()));
        let own = form_urlencoded::Serializer::new(String::new()).extend_pairs(own).finish();
        let parser = serde_urlencoded::Deserializer::new(form_urlencoded::parse(own.as_bytes()));
        let report = serde_path_to_error::deserialize(parser).map_err(|error| {
            let name = error.path().to_string();
            AppError::Malformed(format!("query parameter {name}: {}", error.into_inner()))
        })?;
        Ok(Self { report, filters })
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
