//! The steps in which a draft is filled in.
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::kernel::{FieldError, text_enum};
use crate::tickets::store::Ticket;

text_enum! {
    /// A step of the wizard.
    StepKey {
        /// On behalf of whom: account and contact.
        Parties = "parties",
        /// What it is about: product or category, component, type.
        SubjectMatter = "subject_matter",
        /// Subject and description.
        Description = "description",
        /// Priority, deadline, address, tags.
        Details = "details",
    }
}

impl StepKey {
    /// The fields that are asked for in this step.
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Parties => &["account_id", "contact_id"],
            Self::SubjectMatter => &["product_id", "category_id", "component_id", "type"],
            Self::Description => &["subject", "description"],
            Self::Details => &["priority", "deadline", "url", "tags"],
        }
    }

    fn of(pointer: &str) -> Self {
        let field = pointer.trim_start_matches('/');
        let step = Self::ALL.iter().copied().find(|step| step.fields().contains(&field));
        step.unwrap_or(Self::Details)
    }
}

/// A step, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Step {
    pub step: StepKey,
    /// The fields that are asked for in it.
    #[schema(example = json!(["account_id", "contact_id"]))]
    pub fields: &'static [&'static str],
    /// True when nothing of this step keeps the draft from being submitted.
    pub complete: bool,
    /// What is missing or does not fit: submitting is refused because of it.
    pub errors: Vec<FieldError>,
    /// What should be looked at; the draft can be submitted so.
    pub warnings: Vec<FieldError>,
}

/// Every step in its order; `errors` is all that keeps the draft from being submitted.
pub fn steps(draft: &Ticket, errors: &[FieldError], now: DateTime<Utc>) -> Vec<Step> {
    let warnings = warnings(draft, now);
    let of = |all: &[FieldError], step| {
        all.iter().filter(|error| StepKey::of(&error.pointer) == step).cloned().collect::<Vec<_>>()
    };
    let step = |key: &StepKey| {
        let errors = of(errors, *key);
        let warnings = of(&warnings, *key);
        Step { step: *key, fields: key.fields(), complete: errors.is_empty(), errors, warnings }
    };
    StepKey::ALL.iter().map(step).collect()
}

fn warnings(draft: &Ticket, now: DateTime<Utc>) -> Vec<FieldError> {
    let checks = [
        (draft.contact_id.is_none(), "/contact_id", "without a contact nobody is told of replies"),
        (
            draft.component_id.is_none(),
            "/component_id",
            "without a component the ticket goes to the default department",
        ),
        (draft.deadline.is_some_and(|at| at <= now), "/deadline", "the deadline is over"),
    ];
    let found = checks.into_iter().filter(|(holds, ..)| *holds);
    found.map(|(_, pointer, detail)| FieldError::new(pointer, detail)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_shown_at_the_step_that_asks_for_its_field() {
        for (pointer, step) in [
            ("/account_id", StepKey::Parties),
            ("/contact_id", StepKey::Parties),
            ("/product_id", StepKey::SubjectMatter),
            ("/type", StepKey::SubjectMatter),
            ("/subject", StepKey::Description),
            ("/deadline", StepKey::Details),
            ("/of_another_time", StepKey::Details),
        ] {
            assert_eq!(StepKey::of(pointer), step, "{pointer}");
        }
    }

    #[test]
    fn no_field_is_asked_for_twice() {
        let mut fields: Vec<_> = StepKey::ALL.iter().flat_map(|step| step.fields()).collect();
        let count = fields.len();
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len(), count);
    }
}
