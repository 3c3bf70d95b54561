//! One test for each quirk of SuiteCRM that this CRM copies, over HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod auth;
mod control;
mod faults;
mod read;
mod relations;
mod support;
mod text;
mod time;
mod write;
