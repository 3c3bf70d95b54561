#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it fails")]

mod support;

mod auth;
mod catalog;
mod crm_mirror;
mod crm_suitecrm;
mod people;
mod routing;
mod workflow;
