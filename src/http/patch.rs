//! Merge patches (RFC 7396): what is absent stays, what is null is cleared.
use serde::{Deserialize, Deserializer};

/// For a field that can be cleared: absent is `None`, null is `Some(None)`. Use it with `serde(default)`.
pub fn nullable<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// Takes over what was given.
pub fn set<T>(field: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *field = value;
    }
}
