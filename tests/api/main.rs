#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it fails")]

mod support;

mod architecture;
mod auth;
mod authz_coverage;
mod catalog;
mod conformance;
mod contract;
mod crash;
mod demo;
mod crm_import;
mod events;
mod finding;
mod histories;
mod crm_espocrm;
mod crm_flow;
mod crm_hooks;
mod crm_mirror;
mod crm_salesforce;
mod crm_backfill;
mod crm_reconcile;
mod crm_suitecrm;
mod crm_sync;
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
