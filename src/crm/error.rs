use std::error::Error as _;
use std::time::Duration;

/// Characters of a CRM's own words that we keep; some answer with a whole stack trace.
const DETAIL_LIMIT: usize = 300;

/// What a call to a CRM failed with: one variant for each reaction of the mirror.
///
/// Holds the CRM's own words where it gave any, never a token, a secret or a URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CrmError {
    /// The credentials are refused, also after a fresh token: pause the connection.
    #[error("the CRM refused the credentials: {detail}")]
    Auth { detail: String },
    /// The CRM asks for fewer requests: slow the connection down.
    #[error("the CRM asks for fewer requests")]
    Throttled { retry_after: Option<Duration> },
    /// May succeed later. What was written is unknown: repeat the same call, it is idempotent.
    #[error("the CRM did not answer as it should: {detail}")]
    Transient { detail: String },
    /// Will fail again until somebody changes something: park the item with this reason.
    #[error("the CRM refused the request: {detail}")]
    Permanent { detail: String },
    /// The CRM knows no such record; one that we linked earlier was deleted there.
    #[error("the CRM knows no such record: {detail}")]
    NotFound { detail: String },
    /// Somebody changed the case since it was read: begin anew.
    #[error("the case was changed in the CRM meanwhile")]
    Stale,
    /// The record existed under this id and was deleted in the CRM; the id cannot be used again.
    #[error("the record was deleted in the CRM")]
    Gone,
}

impl CrmError {
    /// The stable name of the class, for metrics, storage and the API.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Auth { .. } => "auth",
            Self::Throttled { .. } => "throttled",
            Self::Transient { .. } => "transient",
            Self::Permanent { .. } => "permanent",
            Self::NotFound { .. } => "not_found",
            Self::Stale => "stale",
            Self::Gone => "gone",
        }
    }

    pub(crate) fn auth(detail: &str) -> Self {
        Self::Auth { detail: shorten(detail) }
    }

    pub(crate) fn transient(detail: &str) -> Self {
        Self::Transient { detail: shorten(detail) }
    }

    pub(crate) fn permanent(detail: &str) -> Self {
        Self::Permanent { detail: shorten(detail) }
    }

    pub(crate) fn not_found(detail: &str) -> Self {
        Self::NotFound { detail: shorten(detail) }
    }
}

impl From<reqwest::Error> for CrmError {
    /// No usable answer. Whether the CRM acted on the request is unknown, except when the
    /// request could not even be built.
    fn from(e: reqwest::Error) -> Self {
        let hopeless = e.is_builder();
        // The URL of a look-up carries people's names and addresses.
        let e = e.without_url();
        let mut detail = e.to_string();
        let mut cause = e.source();
        while let Some(e) = cause {
            detail.push_str(": ");
            detail.push_str(&e.to_string());
            cause = e.source();
        }
        if hopeless { Self::permanent(&detail) } else { Self::transient(&detail) }
    }
}

fn shorten(detail: &str) -> String {
    detail.chars().take(DETAIL_LIMIT).collect()
}
