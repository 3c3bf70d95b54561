//! Standard Webhooks: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Delivery, Hint, check_time, decode, verify};
use crate::kernel::{AppError, Secret};

/// The key in `whsec_<base64>`.
pub fn key(secret: &str) -> Option<Vec<u8>> {
    let key = decode(secret.strip_prefix("whsec_")?)?;
    (!key.is_empty()).then_some(key)
}

/// What we read of the payload that the specification recommends: `{"type", "timestamp", "data"}`.
#[derive(Deserialize)]
struct Payload {
    data: Data,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Data {
    One { id: String },
    Several { ids: Vec<String> },
}

pub fn read(
    secret: &Secret,
    delivery: Delivery<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<Hint>, AppError> {
    let hook_id = delivery.header("webhook-id")?;
    let timestamp = delivery.header("webhook-timestamp")?;
    let signatures = delivery.header("webhook-signature")?.split_ascii_whitespace();
    // Other versions may stand beside ours.
    let signatures: Vec<_> =
        signatures.filter_map(|signed| decode(signed.strip_prefix("v1,")?)).collect();
    let keys: Vec<_> = secret.expose().split_ascii_whitespace().filter_map(key).collect();
    let content = [hook_id.as_bytes(), b".", timestamp.as_bytes(), b".", delivery.body].concat();
    verify(&keys, &content, &signatures)?;
    let seconds = timestamp.parse().ok();
    check_time(seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0)), now)?;
    let payload = serde_json::from_slice::<Payload>(delivery.body).map_err(|_| {
        AppError::Malformed(
            "the body must be {\"data\": {\"id\": \"<case>\"}}, or \"ids\" for several".into(),
        )
    })?;
    let cases = match payload.data {
        Data::One { id } => vec![id],
        Data::Several { ids } => ids,
    };
    let hint = |case_id| Hint { hook_id: hook_id.to_owned(), case_id };
    Ok(cases.into_iter().map(hint).collect())
}
