//! What somebody wants to be told of.
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Timelike as _, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Audience, NotificationChannel, NotificationKind};
use crate::kernel::{AppError, FieldError, text_enum};
use crate::people::ClockTime;

text_enum! {
    /// When mails go out.
    Digest {
        /// Each at once.
        Immediate = "immediate",
        /// All of an hour together, at the full hour.
        Hourly = "hourly",
        /// All of a day together, at a time of the day.
        Daily = "daily",
    }
}

/// A time of every day in which no mail goes out, by the clock of the recipient's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "22:00", "to": "07:00"}))]
pub struct QuietHours {
    #[schema(example = "22:00")]
    pub from: ClockTime,
    /// Not included; before `from`, it is of the next day.
    #[schema(example = "07:00")]
    pub to: ClockTime,
}

impl QuietHours {
    /// Whether the clock on the wall shows a quiet time.
    pub fn at(&self, now: DateTime<Utc>, zone: Tz) -> bool {
        let local = now.with_timezone(&zone);
        let minute = local.hour() * 60 + local.minute();
        let (from, to) = (self.from.minutes(), self.to.minutes());
        if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to }
    }
}

/// Over which channels somebody is told of each kind.
pub type Wanted = BTreeMap<NotificationKind, BTreeSet<NotificationChannel>>;

/// What somebody said; what they left out is as by default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// Only what differs from the default.
    pub channels: Wanted,
    pub digest: Digest,
    /// Of a daily digest.
    pub daily_at: ClockTime,
    pub quiet_hours: Option<QuietHours>,
    /// A language tag (BCP 47); without one, a contact's own, and English for who works at the desk.
    pub language: Option<String>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            channels: Wanted::new(),
            digest: Digest::Immediate,
            daily_at: ClockTime::EIGHT,
            quiet_hours: None,
            language: None,
        }
    }
}

impl Preferences {
    pub fn wants(&self, kind: NotificationKind, channel: NotificationChannel) -> bool {
        match self.channels.get(&kind) {
            Some(channels) => channels.contains(&channel),
            None => kind.default_channels().contains(&channel),
        }
    }

    /// Every kind that may be told to them, with its channels.
    pub fn effective(&self, audience: Audience) -> Wanted {
        let kinds = NotificationKind::ALL.iter().filter(|kind| kind.concerns(audience));
        let channels = |kind: &NotificationKind| {
            let all = NotificationChannel::ALL.iter().copied();
            (*kind, all.filter(|channel| self.wants(*kind, *channel)).collect())
        };
        kinds.map(channels).collect()
    }

    /// Takes over channels; `None` goes back to the default.
    pub fn set_channels(
        &mut self,
        given: BTreeMap<NotificationKind, Option<BTreeSet<NotificationChannel>>>,
    ) {
        for (kind, channels) in given {
            let default: BTreeSet<_> = kind.default_channels().iter().copied().collect();
            match channels.filter(|channels| *channels != default) {
                Some(channels) => _ = self.channels.insert(kind, channels),
                None => _ = self.channels.remove(&kind),
            }
        }
    }

    /// Fails with each field that is wrong.
    pub fn check(&self, audience: Audience) -> Result<(), AppError> {
        let mut errors = Vec::new();
        for kind in self.channels.keys().filter(|kind| !kind.concerns(audience)) {
            let detail = match audience {
                Audience::Desk => "nobody of the desk is told of this",
                Audience::Customer => "no customer is told of this",
            };
            errors.push(FieldError::new(format!("/channels/{kind}"), detail));
        }
        if self.daily_at.minutes() == 24 * 60 {
            errors.push(FieldError::new("/daily_at", "a day ends at 24:00; send 00:00"));
        }
        if let Some(quiet) = &self.quiet_hours {
            let (from, to) = (quiet.from.minutes() % (24 * 60), quiet.to.minutes() % (24 * 60));
            if from == to {
                let detail = "all day is quiet; leave out mail instead";
                errors.push(FieldError::new("/quiet_hours", detail));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(AppError::Invalid(errors)) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_set_to_the_default_is_not_kept_and_null_goes_back_to_it() {
        use NotificationChannel::*;
        let mut own = Preferences::default();
        let assigned = NotificationKind::Assigned;
        own.set_channels([(assigned, Some([Feed].into()))].into());
        assert!(own.wants(assigned, Feed) && !own.wants(assigned, Mail));
        own.set_channels([(assigned, None)].into());
        assert_eq!(own, Preferences::default());
        own.set_channels([(assigned, Some([Mail, Feed].into()))].into());
        assert_eq!(own, Preferences::default());
        own.set_channels([(assigned, Some([].into()))].into());
        assert!(NotificationChannel::ALL.iter().all(|channel| !own.wants(assigned, *channel)));
    }

    #[test]
    fn each_is_told_of_what_concerns_them_only() {
        let own = Preferences::default();
        let desk = own.effective(Audience::Desk);
        let customer = own.effective(Audience::Customer);
        assert_eq!(desk.len() + customer.len(), NotificationKind::ALL.len() + 1);
        assert!(desk.contains_key(&NotificationKind::Assigned));
        assert!(!customer.contains_key(&NotificationKind::Mentioned));
        let mut wrong = own;
        wrong.set_channels([(NotificationKind::Queued, Some([].into()))].into());
        assert!(wrong.check(Audience::Desk).is_ok());
        let error = wrong.check(Audience::Customer).unwrap_err().to_string();
        assert_eq!(error, "/channels/queued: no customer is told of this");
    }

    #[test]
    fn what_an_earlier_version_kept_is_read_and_the_whole_day_cannot_be_quiet() {
        let kept = serde_json::from_value::<Preferences>(json!({"digest": "daily"})).unwrap();
        assert_eq!(kept.daily_at, ClockTime::EIGHT);
        let quiet = |from: &str, to: &str| {
            let hours = json!({"quiet_hours": {"from": from, "to": to}});
            serde_json::from_value::<Preferences>(hours).unwrap().check(Audience::Desk).is_ok()
        };
        assert!(quiet("22:00", "07:00") && quiet("00:00", "12:00") && quiet("12:00", "24:00"));
        assert!(!quiet("22:00", "22:00") && !quiet("00:00", "24:00") && !quiet("24:00", "00:00"));
    }
}
