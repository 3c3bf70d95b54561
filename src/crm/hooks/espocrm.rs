//! EspoCRM 9: `Signature: base64(<webhook id>:<hex of HMAC-SHA256(body)>)`, without id and time of the delivery.
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};

use super::{Delivery, Hint, decode, verify, words};
use crate::kernel::{AppError, Secret};

/// Equal texts within this many seconds are taken for one webhook. Short, because a case can come back to a state that it
/// was in; long enough that a captured webhook, sent again and again, makes little work.
const WINDOW: i64 = 10;

/// Each webhook of EspoCRM has a key of its own, so the secret is often several.
pub fn read(
    secret: &Secret,
    delivery: Delivery<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<Hint>, AppError> {
    let signature: Vec<_> = signature(delivery.header("signature")?).into_iter().collect();
    verify(&words(secret), delivery.body, &signature)?;
    let body = delivery.json()?;
    let unreadable = || AppError::Malformed("the body must be an array of records with ids".into());
    let records = body.as_array().ok_or_else(unreadable)?;
    let hash = STANDARD.encode(digest(&SHA256, delivery.body));
    let hook_id = format!("{} {hash}", now.timestamp() / WINDOW);
    let hint = |record: &serde_json::Value| {
        let case_id = record["id"].as_str().ok_or_else(unreadable)?.to_owned();
        Ok(Hint { hook_id: hook_id.clone(), case_id })
    };
    records.iter().map(hint).collect()
}

fn signature(header: &str) -> Option<Vec<u8>> {
    let text = String::from_utf8(decode(header)?).ok()?;
    let (_, hex) = text.rsplit_once(':')?;
    let digits: Option<Vec<u32>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}
