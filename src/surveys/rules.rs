//! Whom a survey is sent to, and what an answer is.
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::config;
use crate::kernel::{AppError, FieldError, text_enum};
use crate::tickets::Ticket;
use crate::workflow::Category;

/// How long a survey can be answered.
pub const LASTS: TimeDelta = TimeDelta::days(30);
/// Characters of a comment at the most.
pub const COMMENT_MAX: usize = 2_000;

text_enum! {
    /// How a survey stands.
    SurveyState {
        /// It waits for the customer's answer.
        Open = "open",
        /// It was answered; the answer can be changed until it expires.
        Answered = "answered",
        /// It was not answered in time.
        Expired = "expired",
    }
}

/// What an event says that can call for a survey.
#[derive(Debug, Clone, Copy)]
pub struct Occasion {
    pub at: DateTime<Utc>,
    /// Somebody, or their macro, asks for a survey.
    pub asked: bool,
}

impl Occasion {
    pub fn of(kind: &str, data: &Value, at: DateTime<Utc>) -> Self {
        let asked = kind == "ticket.survey_requested" || data.get("survey") == Some(&json!(true));
        Self { at, asked }
    }

    /// Whether the contact of this ticket is to be asked: it is closed, by this very event or at somebody's wish, and is still
    /// there. A merged ticket was not solved, but goes on elsewhere.
    pub fn calls_for_survey(&self, ticket: &Ticket, after: config::Surveys) -> bool {
        let stands = ticket.category == Category::Closed
            && ticket.merged_into.is_none()
            && ticket.deleted_at.is_none();
        let closed_it = ticket.closed_at == Some(self.at);
        stands
            && match after {
                config::Surveys::Always => closed_it || self.asked,
                config::Surveys::Asked => self.asked,
                config::Surveys::Never => false,
            }
    }
}

/// How satisfied somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// 1, very dissatisfied, to 5, very satisfied.
    pub rating: i16,
    pub comment: Option<String>,
}

impl Opinion {
    /// Fails with each field that is wrong. Line breaks of a comment become those of the desk, and characters that nobody can see
    /// are left out.
    pub fn new(rating: Option<i16>, comment: &str) -> Result<Self, AppError> {
        let comment = comment.replace("\r\n", "\n").replace('\r', "\n");
        let comment: String =
            comment.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
        let comment = comment.trim();
        let mut errors = Vec::new();
        let rating = rating.filter(|rating| (1..=5).contains(rating)).unwrap_or_else(|| {
            errors.push(FieldError::new("/rating", "a number from 1 to 5"));
            0
        });
        if comment.chars().count() > COMMENT_MAX {
            let detail = format!("a comment has {COMMENT_MAX} characters at the most");
            errors.push(FieldError::new("/comment", detail));
        }
        if !errors.is_empty() {
            return Err(AppError::Invalid(errors));
        }
        Ok(Self { rating, comment: (!comment.is_empty()).then(|| comment.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_event_asks_by_its_type_or_by_its_data() {
        let asked = |kind, data| Occasion::of(kind, &data, DateTime::UNIX_EPOCH).asked;
        assert!(asked("ticket.survey_requested", json!({})));
        assert!(asked("ticket.status_changed", json!({"survey": true})));
        assert!(!asked("ticket.status_changed", json!({"survey": false})));
        assert!(!asked("ticket.status_changed", json!(null)));
    }

    #[test]
    fn a_comment_is_optional_and_its_length_is_counted_in_characters() {
        assert_eq!(Opinion::new(Some(3), " \r\n ").unwrap().comment, None);
        let long = "ä".repeat(COMMENT_MAX);
        assert_eq!(Opinion::new(Some(3), &long).unwrap().comment, Some(long.clone()));
        let wrong = Opinion::new(Some(6), &format!("{long}!")).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "/rating: a number from 1 to 5; /comment: a comment has 2000 characters at the most"
        );
    }

    proptest! {
        #[test]
        fn what_is_stored_of_a_comment_is_stored_as_it_is(rating in 1_i16..=5, text in "[\\PC\r\n\t\u{0}]{0,200}") {
            let opinion = Opinion::new(Some(rating), &text).unwrap();
            let comment = opinion.comment.clone().unwrap_or_default();
            let hidden = comment.contains(['\r', '\u{0}']);
            prop_assert!(!hidden);
            prop_assert_eq!(Opinion::new(Some(rating), &comment).unwrap(), opinion);
        }
    }
}
