//! Every refusal and failure leaves the service as `application/problem+json` (RFC 9457).
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::kernel::{AppError, FieldError, Permission};
use crate::telemetry::RequestId;

const CONTENT_TYPE: &str = "application/problem+json";

/// The body of every answer that is not a success.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "/problems/validation_failed", "title": "Unprocessable Entity", "status": 422,
    "detail": "/subject: length is lower than 1", "instance": "/v1/tickets", "code": "validation_failed",
    "request_id": "0199f0c2b1c97d5e8b1f5a3c7d9e2f10",
    "errors": [{"detail": "length is lower than 1", "pointer": "/subject"}]
}))]
pub struct Problem {
    /// Identifies the kind of problem; the last segment is `code`.
    #[serde(rename = "type")]
    kind: String,
    /// The HTTP status in words.
    title: &'static str,
    status: u16,
    /// What happened, for a person.
    detail: String,
    /// The path that was called.
    instance: String,
    /// Stable: what a program branches on.
    code: &'static str,
    /// Quote it when you ask for help: it is in every log line about the request.
    request_id: String,
    /// The error code of RFC 6749, where the token endpoint refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    /// One entry for each bad field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// The permission that the caller lacks (403).
    #[serde(skip_serializing_if = "Option::is_none")]
    required_permission: Option<Permission>,
    /// The version that the resource has now (412).
    #[serde(skip_serializing_if = "Option::is_none")]
    current_version: Option<i32>,
    /// The transitions that are possible instead (409).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    allowed_transitions: Option<Value>,
    /// The steps of the ticket's process that are open (409).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    open_steps: Option<Value>,
}

impl Problem {
    fn new(request: &HttpRequest, status: StatusCode, code: &'static str, detail: String) -> Self {
        let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
        Self {
            kind: format!("/problems/{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail,
            instance: request.path().to_owned(),
            code,
            request_id: request_id.unwrap_or_default(),
            error: None,
            errors: Vec::new(),
            required_permission: None,
            current_version: None,
            allowed_transitions: None,
            open_steps: None,
        }
    }

    fn of(request: &HttpRequest, error: &AppError) -> Self {
        let mut problem = Self::new(request, error.status_code(), error.code(), error.to_string());
        match error {
            AppError::Invalid(errors) => problem.errors.clone_from(errors),
            AppError::OAuth { error, .. } => problem.error = Some(error),
            AppError::Forbidden(permission) => problem.required_permission = Some(*permission),
            AppError::Stale { current } => problem.current_version = Some(*current),
            AppError::TransitionNotAllowed { allowed, .. } => {
                problem.allowed_transitions = Some(allowed.clone());
            }
            AppError::OpenSteps { steps, .. } => problem.open_steps = Some(steps.clone()),
            _ => {}
        }
        problem
    }
}

/// Why a part of a request was refused: what a problem document would say of it by itself.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ItemProblem {
    #[schema(example = 412)]
    pub status: u16,
    /// Stable: what a program branches on.
    #[schema(example = "stale_version")]
    code: String,
    #[schema(example = "the resource is at version 4; read it again and retry")]
    detail: String,
    /// One entry for each bad field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// The permission that the caller lacks (403).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    required_permission: Option<Permission>,
    /// The version that the resource has now (412).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 4)]
    current_version: Option<i32>,
    /// The transitions that are possible instead (409).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    allowed_transitions: Option<Value>,
}

impl ItemProblem {
    pub fn of(error: &AppError) -> Self {
        let mut problem = Self {
            status: error.status(),
            code: error.code().to_owned(),
            detail: error.to_string(),
            errors: Vec::new(),
            required_permission: None,
            current_version: None,
            allowed_transitions: None,
        };
        match error {
            AppError::Invalid(errors) => problem.errors.clone_from(errors),
            AppError::Forbidden(permission) => problem.required_permission = Some(*permission),
            AppError::Stale { current } => problem.current_version = Some(*current),
            AppError::TransitionNotAllowed { allowed, .. } => {
                problem.allowed_transitions = Some(allowed.clone());
            }
            _ => {}
        }
        problem
    }
}

impl ResponseError for AppError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Status and headers only: [`complete`] writes the body, because it knows the request.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::Unauthenticated(_) => {
                response
                    .insert_header((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""));
            }
            // RFC 6749, section 5.2.
            Self::OAuth { status: 401, .. } => {
                response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"casebridge\""));
            }
            Self::TooManyRequests { seconds } => {
                response.insert_header((header::RETRY_AFTER, seconds.to_string()));
            }
            Self::Unavailable(_) => {
                response.insert_header((header::RETRY_AFTER, "1"));
            }
            Self::MethodNotAllowed { allowed, .. } => {
                response.insert_header((header::ALLOW, allowed.as_str()));
            }
            Self::RangeNotSatisfiable(length) => {
                response.insert_header((header::CONTENT_RANGE, format!("bytes */{length}")));
            }
            Self::TusVersion => {
                response.insert_header(("Tus-Version", "1.0.0"));
            }
            _ => {}
        }
        response.finish()
    }
}

/// Middleware: gives every refusal its problem document, those of the web framework included.
pub async fn complete<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let response = next.call(request).await?;
    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    if !refused || is_problem(&response) || is_page(&response) {
        return Ok(response.map_into_left_body());
    }
    let problem = match response.response().error() {
        Some(error) => match error.as_error::<AppError>() {
            Some(error) => {
                log(error);
                Problem::of(response.request(), error)
            }
            None => {
                Problem::new(response.request(), status, generic_code(status), error.to_string())
            }
        },
        None => {
            let detail =
                status.canonical_reason().unwrap_or("the request was refused").to_lowercase();
            Problem::new(response.request(), status, generic_code(status), detail)
        }
    };
    let body = serde_json::to_string(&problem).unwrap_or_default();
    let mut response = response.map_body(|_, _| EitherBody::right(BoxBody::new(body)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    Ok(response)
}

fn is_problem<B>(response: &ServiceResponse<B>) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|v| v == CONTENT_TYPE)
}

/// What a person reads in a browser is no problem document.
fn is_page<B>(response: &ServiceResponse<B>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/html"))
}

/// The cause is logged here, once, with the request's span; it never reaches the client.
fn log(error: &AppError) {
    match error {
        AppError::Internal(cause) => tracing::error!(error = ?cause, "request failed"),
        AppError::Unavailable(cause) => {
            tracing::warn!(error = ?cause, "request could not be served")
        }
        _ => {}
    }
}

fn generic_code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "unauthenticated",
        404 => "not_found",
        405 => "method_not_allowed",
        413 => "payload_too_large",
        500..=599 => "internal",
        _ => "malformed_request",
    }
}
