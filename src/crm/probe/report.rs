//! What a probe tells.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::crm::CrmError;
use crate::kernel::text_enum;

text_enum! {
    /// How a check of a probe came out.
    #[schema(as = CheckOutcome)]
    Outcome {
        Ok = "ok",
        /// The mirror works; the detail says with what limits.
        Warning = "warning",
        /// The mirror cannot work like that.
        Failed = "failed",
        /// It could not be tried.
        Skipped = "skipped",
    }
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Check {
    #[schema(example = "keep emoji")]
    pub check: String,
    pub outcome: Outcome,
    /// What was found, or what is wrong; empty where there is nothing to say.
    #[schema(example = "sent \"ok 🙂\", got \"ok ?\"")]
    pub detail: String,
    /// What to do about it.
    #[schema(example = "convert the CRM's tables to utf8mb4")]
    pub suggestion: Option<String>,
}

/// What the mirror goes by from now on; absent where it could not be found out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Findings {
    /// Seconds that the CRM's stamps are cut to: 60 for whole minutes.
    #[schema(example = 60)]
    pub stamp_seconds: Option<u32>,
    /// Characters of a subject that it keeps. A longer one is repeated in the description.
    #[schema(example = 255)]
    pub subject_limit: Option<u32>,
    /// Characters of a description that it keeps.
    #[schema(example = 65535)]
    pub description_limit: Option<u32>,
    /// Kinds of text that it does not keep as they are.
    #[schema(example = json!(["emoji"]))]
    pub lossy_text: Vec<String>,
    /// Whether creating twice makes one case.
    pub idempotent_create: Option<bool>,
    /// Whether of two saves at a time one can get lost.
    pub lost_updates: Option<bool>,
    /// Whether it refuses a write over a change that was not seen.
    pub version_lock: Option<bool>,
    /// Whether a deleted case is known as deleted.
    pub deletion_told: Option<bool>,
}

impl Findings {
    /// Seconds that the CRM's stamps are cut to; 1 where that was never found out.
    pub fn stamp_seconds(&self) -> u32 {
        self.stamp_seconds.unwrap_or(1)
    }
}

/// What was tried, in that order, and what the mirror learns from it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Report {
    pub checks: Vec<Check>,
    pub findings: Findings,
}

impl Report {
    /// Whether the mirror can work with this CRM.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != Outcome::Failed)
    }

    pub(super) fn add(&mut self, outcome: Outcome, check: &str, detail: impl Into<String>) {
        self.checks.push(Check {
            check: check.to_owned(),
            outcome,
            detail: detail.into(),
            suggestion: None,
        });
    }

    /// Adds what to do about the last check.
    pub(super) fn suggest(&mut self, what: impl Into<String>) {
        if let Some(check) = self.checks.last_mut() {
            check.suggestion = Some(what.into());
        }
    }

    /// Adds the outcome of a call; its value, if it succeeded.
    pub(super) fn call<T>(&mut self, check: &str, outcome: Result<T, CrmError>) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.add(Outcome::Ok, check, "");
                Some(value)
            }
            Err(error) => {
                self.add(Outcome::Failed, check, error.to_string());
                None
            }
        }
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = match self.outcome {
            Outcome::Ok => "ok  ",
            Outcome::Warning => "WARN",
            Outcome::Failed => "FAIL",
            Outcome::Skipped => "-   ",
        };
        write!(f, "{mark}  {}", self.check)?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        match &self.suggestion {
            Some(suggestion) => write!(f, "\n      -> {suggestion}"),
            None => Ok(()),
        }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for check in &self.checks {
            writeln!(f, "{check}")?;
        }
        let count = |outcome| self.checks.iter().filter(|c| c.outcome == outcome).count();
        let (failed, warnings) = (count(Outcome::Failed), count(Outcome::Warning));
        write!(f, "{} checks, {failed} failed, {warnings} with limits", self.checks.len())
    }
}
