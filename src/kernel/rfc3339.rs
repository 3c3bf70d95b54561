//! Times in JSON (RFC 3339, UTC, as many digits as the time has), the same text as chrono's own serializer, which hands
//! it to serde_json one character after the other and takes a third of the time that a page of tickets takes to write.
use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};
use serde::Serializer;

/// A time that somebody gave, as the database keeps it, to the microsecond: what is answered and told of it at once is what
/// is read of it later.
pub fn kept(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(6)
}

pub fn serialize<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// For a time that may be absent: null.
pub fn option<S: Serializer>(
    time: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serialize(time, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_chrono_writes_it() {
        for nanoseconds in [0, 120_000_000, 123_456_000, 123_456_789] {
            let time = DateTime::from_timestamp(1_800_000_000, nanoseconds).unwrap();
            let mut written = Vec::new();
            serialize(&time, &mut serde_json::Serializer::new(&mut written)).unwrap();
            assert_eq!(written, serde_json::to_vec(&time).unwrap());
        }
    }
}
