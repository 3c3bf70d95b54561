//! Times of appointments, and how customers are told of them. Pure.
use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use utoipa::ToSchema;

pub use crate::appointments::Span;
use crate::kernel::{AppError, FieldError, rfc3339};

/// Who has not begun so long after the start is late.
pub const GRACE: TimeDelta = TimeDelta::minutes(15);
/// Who did something on the ticket so shortly before the start has begun.
pub const EARLY: TimeDelta = TimeDelta::minutes(15);
/// The longest appointment.
const LONGEST: TimeDelta = TimeDelta::days(14);

/// A time with its offset (RFC 3339), or without one: then by the clock of the appointment's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, example = "2030-05-06T09:00:00")]
pub struct When(Clock);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    Instant(DateTime<Utc>),
    Local(NaiveDateTime),
}

impl From<DateTime<Utc>> for When {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(Clock::Instant(instant))
    }
}

impl TryFrom<String> for When {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Ok(instant) = DateTime::parse_from_rfc3339(&text) {
            return Ok(rfc3339::kept(instant.to_utc()).into());
        }
        let local = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok());
        let local = local.map(|local| Self(Clock::Local(local)));
        local.ok_or_else(|| format!("{text:?} is not a time such as 2030-05-06T09:00:00"))
    }
}

impl When {
    /// The instant. Fails for a time that the clock of the zone never shows, or shows twice.
    pub fn at(self, zone: Tz) -> Result<DateTime<Utc>, String> {
        let local = match self.0 {
            Clock::Instant(instant) => return Ok(instant),
            Clock::Local(local) => local,
        };
        match zone.from_local_datetime(&local) {
            LocalResult::Single(time) => Ok(time.to_utc()),
            LocalResult::None => {
                Err(format!("{local} does not exist in {zone}: the clock is put forward over it"))
            }
            LocalResult::Ambiguous(first, second) => Err(format!(
                "{local} comes twice in {zone}: send {} or {}",
                first.to_rfc3339(),
                second.to_rfc3339()
            )),
        }
    }
}

impl Span {
    /// Fails with each field that is wrong: an end that is not behind the start, or that has passed.
    pub fn new(starts: When, ends: When, zone: Tz, now: DateTime<Utc>) -> Result<Self, AppError> {
        let (starts, ends) = (starts.at(zone), ends.at(zone));
        let (starts_at, ends_at) = match (starts, ends) {
            (Ok(starts_at), Ok(ends_at)) => (starts_at, ends_at),
            (starts, ends) => {
                let wrong = [("/starts_at", starts.err()), ("/ends_at", ends.err())];
                let wrong =
                    wrong.into_iter().filter_map(|(at, why)| Some(FieldError::new(at, why?)));
                return Err(AppError::Invalid(wrong.collect()));
            }
        };
        let refuse = |detail: &str| Err(AppError::field("/ends_at", detail));
        match () {
            () if ends_at <= starts_at => refuse("an appointment ends after it starts"),
            () if ends_at - starts_at > LONGEST => {
                refuse("an appointment lasts 14 days at the most")
            }
            () if ends_at <= now => refuse("the appointment would be over"),
            () => Ok(Self { starts_at, ends_at }),
        }
    }
}

/// When the reminder is due.
pub fn remind_at(starts_at: DateTime<Utc>, minutes: Option<i32>) -> Option<DateTime<Utc>> {
    minutes.map(|minutes| starts_at - TimeDelta::minutes(minutes.into()))
}

/// What a customer is told when an appointment is at another time.
pub fn moved(before: Span, after: Span, zone: Tz, message: Option<&str>) -> String {
    let told = format!(
        "Your appointment of {} is moved to {}, until {}.",
        on_the_clock(before.starts_at, zone),
        on_the_clock(after.starts_at, zone),
        on_the_clock(after.ends_at, zone),
    );
    with_message(told, message)
}

/// What a customer is told when a ticket takes longer.
pub fn takes_longer(deadline: DateTime<Utc>, zone: Tz, message: Option<&str>) -> String {
    let told = format!(
        "This takes longer than we said. The new date is {}.",
        on_the_clock(deadline, zone)
    );
    with_message(told, message)
}

fn with_message(told: String, message: Option<&str>) -> String {
    message.map_or(told.clone(), |message| format!("{told}\n\n{message}"))
}

/// As a person reads it; the name of the offset tells apart the hour that comes twice.
fn on_the_clock(time: DateTime<Utc>, zone: Tz) -> String {
    time.with_timezone(&zone).format("%A, %-d %B %Y, %H:%M %Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when(text: &str) -> When {
        When::try_from(text.to_owned()).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    const VIENNA: Tz = Tz::Europe__Vienna;

    #[test]
    fn nine_on_the_clock_is_another_instant_after_the_clock_changes() {
        assert_eq!(when("2026-03-28T09:00").at(VIENNA), Ok(at("2026-03-28T08:00:00Z")));
        assert_eq!(when("2026-03-29T09:00:00").at(VIENNA), Ok(at("2026-03-29T07:00:00Z")));
        assert_eq!(when("2026-03-29T09:00:00-05:00").at(VIENNA), Ok(at("2026-03-29T14:00:00Z")));
    }

    #[test]
    fn a_time_that_the_clock_never_shows_or_shows_twice_is_refused() {
        let skipped = when("2026-03-29T02:30").at(VIENNA).unwrap_err();
        assert!(skipped.contains("does not exist in Europe/Vienna"), "{skipped}");
        let twice = when("2026-10-25T02:30").at(VIENNA).unwrap_err();
        assert!(
            twice.contains("2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00"),
            "{twice}"
        );
        assert_eq!(when("2026-10-25T02:30:00+01:00").at(VIENNA), Ok(at("2026-10-25T01:30:00Z")));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "tomorrow", "2026-10-25", "2026-13-01T00:00", "09:00"] {
            assert!(When::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn an_appointment_ends_after_it_starts_and_is_not_over() {
        let now = at("2026-03-01T00:00:00Z");
        let span = |starts, ends| Span::new(when(starts), when(ends), VIENNA, now);
        // An hour on the clock, none in fact: 03:00 is the moment after 01:59.
        let night = span("2026-03-29T01:30", "2026-03-29T03:30").unwrap();
        assert_eq!(night.ends_at - night.starts_at, TimeDelta::hours(1));
        assert!(span("2026-03-02T09:00", "2026-03-02T09:00").is_err());
        assert!(span("2026-03-02T09:00", "2026-03-17T09:00").is_err());
        assert!(span("2026-02-27T09:00", "2026-02-28T09:00").is_err());
        let Err(AppError::Invalid(wrong)) = span("2026-03-29T02:30", "2026-10-25T02:30") else {
            panic!()
        };
        assert_eq!(
            wrong.iter().map(|e| e.pointer.as_str()).collect::<Vec<_>>(),
            ["/starts_at", "/ends_at"]
        );
    }

    #[test]
    fn a_customer_reads_the_time_on_their_own_clock() {
        let span = |starts, ends| Span { starts_at: at(starts), ends_at: at(ends) };
        let before = span("2026-10-24T07:00:00Z", "2026-10-24T08:00:00Z");
        let after = span("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z");
        assert_eq!(
            moved(before, after, VIENNA, Some("Sorry.")),
            "Your appointment of Saturday, 24 October 2026, 09:00 CEST is moved to Sunday, 25 October 2026, 02:30 CEST, \
             until Sunday, 25 October 2026, 02:30 CET.\n\nSorry."
        );
        assert!(
            takes_longer(at("2026-01-05T16:00:00Z"), VIENNA, None)
                .ends_with("5 January 2026, 17:00 CET.")
        );
    }
}
