//! One test for each behaviour of EspoCRM that this CRM copies, over HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod faults;
mod read;
mod stream;
mod support;
mod webhooks;
mod write;
