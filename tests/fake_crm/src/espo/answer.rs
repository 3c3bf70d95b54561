//! Answers in the shapes of EspoCRM.
use serde_json::{Value, json};

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// In an `X-Status-Reason` header.
    pub reason: Option<String>,
    pub body: Value,
    /// Seconds, in a `Retry-After` header.
    pub retry_after: Option<u32>,
}

/// Why the CRM did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub reason: String,
    pub body: Value,
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self { status: 200, reason: None, body, retry_after: None }
    }

    /// A key that is missing, unknown or revoked.
    pub fn unauthorized() -> Self {
        Self { status: 401, reason: None, body: Value::Null, retry_after: None }
    }

    /// No route leads there.
    pub fn no_route() -> Self {
        Self { status: 404, reason: None, body: Value::Null, retry_after: None }
    }

    /// What a proxy before the CRM says; EspoCRM itself limits nothing.
    pub fn retry_later(status: u16, retry_after: u32) -> Self {
        let retry_after = Some(retry_after);
        Self { status, reason: None, body: json!("Try again later"), retry_after }
    }

    pub fn server_error() -> Self {
        let reason = Some("Something went wrong".into());
        Self { status: 500, reason, body: Value::Null, retry_after: None }
    }
}

impl Refusal {
    pub fn new(status: u16, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), body: Value::Null }
    }

    pub fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(400, reason)
    }

    pub fn not_found(id: &str) -> Self {
        Self::new(404, format!("Record {id} does not exist."))
    }

    /// A value that breaks a rule of its field.
    pub fn invalid(entity: &str, field: &str, rule: &str) -> Self {
        let reason = format!(
            "Field validation failure; entityType: {entity}, field: {field}, type: {rule}."
        );
        let data = json!({ "field": field, "type": rule });
        let translation = json!({ "label": "validationFailure", "scope": null, "data": data });
        Self { status: 400, reason, body: json!({ "messageTranslation": translation }) }
    }

    /// 409, with what the caller needs to resolve it.
    pub fn conflict(reason: &str, body: Value) -> Self {
        Self { status: 409, reason: reason.into(), body }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let Refusal { status, reason, body } = refusal;
        Self { status, reason: Some(reason), body, retry_after: None }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.status, self.reason)
    }
}

impl std::error::Error for Refusal {}
