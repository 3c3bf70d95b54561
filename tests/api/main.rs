#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it fails")]

mod support;

mod auth;
mod authz_coverage;
mod crm_suitecrm;
mod openapi;
