//! Jobs: work that takes longer than a request.
//!
//! A job is a row. Some process claims it with a lease, does one step, saves how far it came together with what the step
//! did, and gives it back; so it goes on after a crash, in whatever process is there. What a step does is known to the
//! feature that the job belongs to: the composition root registers each kind with the [`Runner`].
mod http;
mod runner;
mod service;
mod store;

pub use http::{JobView, routes};
pub use runner::{Kind, Runner, Step};
pub use service::{NewJob, cancel_all, get, latest, save, start};
pub use store::{Job, JobState, Progress};
