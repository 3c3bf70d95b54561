#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it fails")]

mod support;

mod architecture;
mod auth;
mod authz_coverage;
mod catalog;
mod contract;
mod crash;
mod demo;
mod events;
mod histories;
mod crm_hooks;
mod crm_mirror;
mod crm_suitecrm;
mod crm_sync;
mod docs;
mod lifecycle;
mod openapi;
mod operations;
mod people;
mod problems;
mod routing;
mod tickets;
mod workflow;
