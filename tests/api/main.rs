#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it fails")]

mod support;

mod architecture;
mod auth;
mod authz_coverage;
mod catalog;
mod contract;
mod crash;
mod demo;
mod crm_import;
mod events;
mod crm_backfill;
mod crm_mirror;
mod crm_reconcile;
mod crm_suitecrm;
mod docs;
mod jobs;
mod lifecycle;
mod openapi;
mod operations;
mod people;
mod problems;
mod routing;
mod tickets;
mod workflow;
