//! `If-Match`: a change says which version it was made on (RFC 9110, section 13).
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::IF_MATCH;
use actix_web::{FromRequest, HttpRequest};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::params::header_param;
use crate::kernel::AppError;

/// The version that the client last saw; `None` stands for `*`, any version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub Option<i32>);

impl IfMatch {
    /// Fails with 412 and the current version when the client has seen another one. Call it on the locked row.
    pub fn check(self, current: i32) -> Result<(), AppError> {
        match self.0 {
            Some(seen) if seen != current => Err(AppError::Stale { current }),
            _ => Ok(()),
        }
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The ETag that you last saw, such as `\"v17\"`; `*` for any version.";
        vec![header_param("If-Match", true, "*", description)]
    }
}

impl FromRequest for IfMatch {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(value) = request.headers().get(IF_MATCH) else {
            return ready(Err(AppError::PreconditionRequired));
        };
        let tag = value.to_str().unwrap_or_default().trim();
        if tag == "*" {
            return ready(Ok(Self(None)));
        }
        let version = tag.strip_prefix("\"v").and_then(|rest| rest.strip_suffix('"'));
        let version = version.and_then(|digits| digits.parse().ok());
        let refusal =
            || AppError::Malformed("If-Match must be an ETag such as \"v17\", or *".into());
        ready(version.map(|seen| Self(Some(seen))).ok_or_else(refusal))
    }
}
