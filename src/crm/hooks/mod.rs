//! Webhooks of CRMs: whether one is signed as its connection says, and which cases it names. Pure.
mod espocrm;
mod hubspot;
mod standard;
#[cfg(test)]
mod tests;

use actix_web::http::header::HeaderMap;
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::kernel::{AppError, Secret, text_enum};

/// How far a signed time may be from ours.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);
/// The longest id that is kept, in bytes.
const ID_MAX: usize = 255;

text_enum! {
    /// How webhooks are signed.
    Scheme {
        /// Standard Webhooks (standardwebhooks.com), version 1 of the specification, symmetric signatures.
        Standard = "standard",
        /// The header `Signature` of EspoCRM.
        Espocrm = "espocrm",
        /// HubSpot's signature version 3.
        Hubspot = "hubspot",
    }
}

/// A webhook that nobody believes yet.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    pub headers: &'a HeaderMap,
    /// Where the sender sent it.
    pub url: &'a str,
    pub body: &'a [u8],
}

/// A case that a webhook says to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The same each time the same webhook is sent.
    pub hook_id: String,
    pub case_id: String,
}

impl Scheme {
    /// The scheme of a kind of CRM: its own, where it has one.
    pub fn of_kind(kind: &str) -> Self {
        Self::parse(kind).unwrap_or(Self::Standard)
    }

    /// Whether a secret can verify anything. It may be several, separated by blanks: during a rotation, or where each
    /// subscription has its own.
    pub fn accepts(self, secret: &Secret) -> bool {
        let mut words = secret.expose().split_ascii_whitespace().peekable();
        words.peek().is_some()
            && words.all(|word| self != Self::Standard || standard::key(word).is_some())
    }

    /// The cases that the webhook names. Fails with [`AppError::Unauthenticated`] if it is not signed with the secret or was signed too
    /// long ago, and with [`AppError::Malformed`] if it is signed and makes no sense.
    pub fn read(
        self,
        secret: &Secret,
        delivery: Delivery<'_>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Hint>, AppError> {
        let hints = match self {
            Self::Standard => standard::read(secret, delivery, now)?,
            Self::Espocrm => espocrm::read(secret, delivery, now)?,
            Self::Hubspot => hubspot::read(secret, delivery, now)?,
        };
        if hints.iter().any(|hint| hint.hook_id.len() > ID_MAX || hint.case_id.len() > ID_MAX) {
            return Err(AppError::Malformed(format!("an id has more than {ID_MAX} bytes")));
        }
        Ok(hints)
    }
}

impl Delivery<'_> {
    /// Fails if there is no such header, or if it is no text.
    fn header(&self, name: &str) -> Result<&str, AppError> {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.ok_or(AppError::Unauthenticated("the webhook is not signed"))
    }

    fn json(&self) -> Result<Value, AppError> {
        let unreadable = |e| AppError::Malformed(format!("the body is not JSON: {e}"));
        serde_json::from_slice(self.body).map_err(unreadable)
    }
}

/// Fails unless one of the keys made one of the signatures; each is compared in constant time.
fn verify(keys: &[Vec<u8>], content: &[u8], signatures: &[Vec<u8>]) -> Result<(), AppError> {
    let keys = keys.iter().filter(|key| !key.is_empty());
    let mut keys = keys.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key));
    let made_by = |key: &hmac::Key| {
        signatures.iter().any(|signature| hmac::verify(key, content, signature).is_ok())
    };
    if keys.any(|key| made_by(&key)) {
        return Ok(());
    }
    Err(AppError::Unauthenticated("the signature of the webhook is wrong"))
}

/// The keys that are the words of a secret themselves.
fn words(secret: &Secret) -> Vec<Vec<u8>> {
    secret.expose().split_ascii_whitespace().map(|word| word.as_bytes().to_vec()).collect()
}

fn check_time(signed_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), AppError> {
    match signed_at {
        Some(signed_at) if (now - signed_at).abs() <= TOLERANCE => Ok(()),
        _ => Err(AppError::Unauthenticated("the webhook was signed more than five minutes ago")),
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
