//! HTTP without domain knowledge: problem documents, extractors, answers, idempotency.
mod answer;
mod body;
mod idempotency;
mod params;
mod patch;
mod preconditions;
mod problem;

pub use answer::Answer;
pub use body::{BODY_MAX, Body};
pub use idempotency::{Idempotency, sweep as sweep_idempotency_keys};
pub use params::{Params, PathId, WantsTotal};
pub use patch::{nullable, set};
pub use preconditions::IfMatch;
pub use problem::{Problem, complete as complete_problems};
