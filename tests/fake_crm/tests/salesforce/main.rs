//! One test for each documented rule of Salesforce that this organization follows, over HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod collections;
mod control;
mod query;
mod replication;
mod session;
mod support;
