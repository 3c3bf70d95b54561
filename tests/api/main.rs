#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it fails")]

mod support;

mod auth;
mod crm_suitecrm;
mod routing;
mod workflow;
