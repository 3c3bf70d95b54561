//! HubSpot, signature version 3: <https://developers.hubspot.com/docs/api/webhooks/validating-requests>. Written after the
//! documentation; not run against a live HubSpot.
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Delivery, Hint, check_time, decode, verify, words};
use crate::kernel::{AppError, Secret};

/// What HubSpot decodes in the URI before it signs, and nothing else.
const DECODED: [(&str, &str); 12] = [
    ("3A", ":"),
    ("2F", "/"),
    ("3F", "?"),
    ("40", "@"),
    ("21", "!"),
    ("24", "$"),
    ("27", "'"),
    ("28", "("),
    ("29", ")"),
    ("2A", "*"),
    ("2C", ","),
    ("3B", ";"),
];

/// One change. Its `eventId` alone is not promised to be unique.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event_id: i64,
    object_id: i64,
    occurred_at: i64,
    subscription_type: String,
    /// Of a generic `object.` subscription.
    object_type_id: Option<String>,
}

impl Event {
    fn is_about_a_ticket(&self) -> bool {
        let generic = self.subscription_type.starts_with("object.");
        self.subscription_type.starts_with("ticket.")
            || generic && self.object_type_id.as_deref() == Some("0-5")
    }
}

pub fn read(
    secret: &Secret,
    delivery: Delivery<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<Hint>, AppError> {
    let timestamp = delivery.header("x-hubspot-request-timestamp")?;
    let signature: Vec<_> =
        decode(delivery.header("x-hubspot-signature-v3")?).into_iter().collect();
    let url = decoded(delivery.url);
    let content = [b"POST", url.as_bytes(), delivery.body, timestamp.as_bytes()].concat();
    verify(&words(secret), &content, &signature)?;
    check_time(timestamp.parse().ok().and_then(DateTime::from_timestamp_millis), now)?;
    let events: Vec<Event> = serde_json::from_slice(delivery.body)
        .map_err(|e| AppError::Malformed(format!("the body is no list of events: {e}")))?;
    let hint = |event: Event| Hint {
        hook_id: format!("{} {}", event.event_id, event.occurred_at),
        case_id: event.object_id.to_string(),
    };
    Ok(events.into_iter().filter(Event::is_about_a_ticket).map(hint).collect())
}

fn decoded(url: &str) -> String {
    let mut parts = url.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let known = part.get(..2).and_then(|code| {
            DECODED.iter().find(|(encoded, _)| encoded.eq_ignore_ascii_case(code))
        });
        match known {
            Some((_, plain)) => text + plain + &part[2..],
            None => text + "%" + part,
        }
    })
}
