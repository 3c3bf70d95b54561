//! Comparing everything: what is found, what is put right, and what happens to the job on the way.
mod command;
mod finding;
mod repairing;
mod resuming;
