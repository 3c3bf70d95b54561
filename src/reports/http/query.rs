//! A report that is asked for over HTTP.
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::ACCEPT;
use actix_web::{FromRequest, HttpRequest};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::kernel::AppError;
use crate::reports::asking::{Asking, Format, ReportQuery};
use crate::tickets::ListQuery;

/// What a list of tickets takes beside filters.
const OF_PAGES: [&str; 4] = ["limit", "cursor", "sort", "fields"];

/// What is asked, and whether as a table.
#[derive(Debug, Clone)]
pub struct Request {
    pub asking: Asking,
    pub csv: bool,
}

impl FromRequest for Request {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let asking = Asking::parse(request.query_string());
        ready(asking.map(|asking| {
            let csv = wants_csv(request, asking.report.format);
            Self { asking, csv }
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

impl IntoParams for Request {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let filters = ListQuery::into_params(&place).into_iter();
        let filters = filters.filter(|one| !OF_PAGES.contains(&one.name.as_str()));
        ReportQuery::into_params(&place).into_iter().chain(filters).collect()
    }
}
