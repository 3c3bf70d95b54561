//! What a use case can fail with: one variant per thing that a client can act on.
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Permission;

/// One bad field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// What is wrong with it.
    #[schema(example = "the account does not have this product")]
    pub detail: String,
    /// Where it is in the request body: a JSON Pointer (RFC 6901).
    #[schema(example = "/product_id")]
    pub pointer: String,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), pointer: pointer.into() }
    }
}

/// Why a request was refused or failed. `http::problem` turns it into a problem document.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The request could not be read at all: bad JSON, a bad id, a bad query value.
    #[error("{0}")]
    Malformed(String),
    #[error("{0}")]
    Unauthenticated(&'static str),
    #[error("this needs the permission {0}")]
    Forbidden(Permission),
    /// It is not there, or the caller may not know that it is.
    #[error("{0} was not found")]
    NotFound(&'static str),
    /// The token endpoint refused; `error` is the code of RFC 6749, section 5.2.
    #[error("the token endpoint refused: {error}")]
    OAuth { error: &'static str, status: u16 },
    #[error("{method} is not allowed here; allowed: {allowed}")]
    MethodNotAllowed { method: String, allowed: String },
    /// The request contradicts the present state.
    #[error("{detail}")]
    Conflict { code: &'static str, detail: String },
    #[error("{detail}")]
    TransitionNotAllowed { detail: String, allowed: Value },
    /// The process that the ticket follows is not through; each open step is told.
    #[error("{detail}")]
    OpenSteps { detail: String, steps: Value },
    #[error("the resource is at version {current}; read it again and retry")]
    Stale { current: i32 },
    #[error("this change needs the header If-Match with the ETag that you last saw")]
    PreconditionRequired,
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("a file has at most {0} bytes here")]
    FileTooLarge(u64),
    /// The range of bytes that was asked for is outside of a file of this length (RFC 9110, section 15.5.17).
    #[error("the file has {0} bytes, and none of those that were asked for")]
    RangeNotSatisfiable(u64),
    /// Uploads are resumed as tus 1.0.0 says.
    #[error("uploads are tus 1.0.0")]
    TusVersion,
    #[error("the body must be {0}")]
    UnsupportedMediaType(&'static str),
    /// One or more fields are bad; each is named.
    #[error("{}", summary(.0))]
    Invalid(Vec<FieldError>),
    /// A rule of the desk forbids it.
    #[error("{detail}")]
    Rule { code: &'static str, detail: String },
    #[error("too many requests; wait {seconds} s")]
    TooManyRequests { seconds: u64 },
    #[error("the service is busy or its database cannot be reached; retry shortly")]
    Unavailable(#[source] anyhow::Error),
    #[error("an internal error occurred")]
    Internal(#[source] anyhow::Error),
}

impl AppError {
    pub fn internal(error: impl Into<anyhow::Error>) -> Self {
        Self::Internal(error.into())
    }

    pub fn unavailable(error: impl Into<anyhow::Error>) -> Self {
        Self::Unavailable(error.into())
    }

    /// A single bad field.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, detail)])
    }

    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }

    pub fn rule(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Rule { code, detail: detail.into() }
    }

    /// The stable identifier that clients branch on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed_request",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound(_) => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::OAuth { error, .. } => error,
            Self::Conflict { code, .. } | Self::Rule { code, .. } => code,
            Self::TransitionNotAllowed { .. } => "transition_not_allowed",
            Self::OpenSteps { .. } => "process_open_steps",
            Self::Stale { .. } => "stale_version",
            Self::PreconditionRequired => "precondition_required",
            Self::TooLarge(_) => "payload_too_large",
            Self::FileTooLarge(_) => "file_too_large",
            Self::RangeNotSatisfiable(_) => "range_not_satisfiable",
            Self::TusVersion => "unsupported_tus_version",
            Self::UnsupportedMediaType(_) => "unsupported_media_type",
            Self::Invalid(_) => "validation_failed",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    /// The HTTP status code (RFC 9110; 428 and 429 are RFC 6585).
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::OAuth { status, .. } => *status,
            Self::Unauthenticated(_) => 401,
            Self::Forbidden(_) => 403,
            Self::NotFound(_) => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::Conflict { .. } | Self::TransitionNotAllowed { .. } | Self::OpenSteps { .. } => {
                409
            }
            Self::Stale { .. } | Self::TusVersion => 412,
            Self::TooLarge(_) | Self::FileTooLarge(_) => 413,
            Self::UnsupportedMediaType(_) => 415,
            Self::RangeNotSatisfiable(_) => 416,
            Self::Invalid(_) | Self::Rule { .. } => 422,
            Self::PreconditionRequired => 428,
            Self::TooManyRequests { .. } => 429,
            Self::Internal(_) => 500,
            Self::Unavailable(_) => 503,
        }
    }
}

fn summary(errors: &[FieldError]) -> String {
    let fields: Vec<String> =
        errors.iter().map(|e| format!("{}: {}", e.pointer, e.detail)).collect();
    fields.join("; ")
}
