//! Merge patches (RFC 7396): absent and null mean different things.
use serde::{Deserialize, Deserializer};

/// For `Option<Option<T>>` with `default`: absent is `None`, null is `Some(None)`.
pub fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
