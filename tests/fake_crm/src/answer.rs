//! Answers in the shapes of SuiteCRM's API and of the libraries under it (Slim, league/oauth2-server).
use serde_json::{Value, json};

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    /// Seconds, in a `Retry-After` header.
    pub retry_after: Option<u32>,
}

/// Why the CRM did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// 400: only the English text tells one cause from another.
    Invalid(String),
    /// 500: an exception that nothing in the CRM caught.
    Crash(String),
}

impl Answer {
    pub fn new(status: u16, body: Value) -> Self {
        Self { status, body, retry_after: None }
    }

    pub fn message(status: u16, message: &str) -> Self {
        Self::new(status, json!({ "meta": { "message": message } }))
    }

    pub fn not_found() -> Self {
        Self::new(404, json!({ "message": "Not found" }))
    }

    pub fn method_not_allowed(allowed: &str) -> Self {
        let message = format!("Method not allowed. Must be one of: {allowed}");
        Self::new(405, json!({ "message": message }))
    }

    /// A token that is missing, unknown, expired or revoked.
    pub fn access_denied(hint: &str) -> Self {
        let message = "The resource owner or authorization server denied the request.";
        let body = json!({
            "error": "access_denied",
            "error_description": message,
            "hint": hint,
            "message": message,
        });
        Self::new(401, body)
    }

    pub fn oauth_error(status: u16, error: &str, message: &str) -> Self {
        let body = json!({ "error": error, "error_description": message, "message": message });
        Self::new(status, body)
    }

    /// What a proxy before the CRM says; SuiteCRM itself limits nothing.
    pub fn retry_later(status: u16, retry_after: u32) -> Self {
        let body = json!({ "message": "Try again later" });
        Self { status, body, retry_after: Some(retry_after) }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(detail) => {
                let error = json!({ "status": 400, "title": null, "detail": detail });
                Self::new(400, json!({ "errors": error }))
            }
            Refusal::Crash(message) => {
                let cause = json!({ "type": "Error", "code": 0, "message": message, "trace": [] });
                Self::new(500, json!({ "message": "Slim Application Error", "error": [cause] }))
            }
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Invalid(detail) | Self::Crash(detail)) = self;
        f.write_str(detail)
    }
}

impl std::error::Error for Refusal {}
