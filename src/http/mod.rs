//! HTTP without domain knowledge: problem documents, extractors, answers, idempotency.
mod answer;
mod body;
mod cors;
mod idempotency;
mod methods;
mod params;
mod patch;
mod preconditions;
mod problem;

use chrono::{DateTime, SubsecRound as _, Utc};

pub use answer::{Answer, seen};
pub use body::{BODY_MAX, Body, fingerprint, read};
pub use cors::cors;
pub use idempotency::{Idempotency, erase as erase_kept_answers, sweep as sweep_idempotency_keys};
pub use methods::head_as_get;
pub use params::{PageQuery, Params, PathId, WantsTotal, header_param};
pub use patch::{nullable, set};
pub use preconditions::IfMatch;
pub use problem::{ItemProblem, Problem, complete as complete_problems};

/// The time, as exact as PostgreSQL keeps it: what an answer says is what is read again later.
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}
