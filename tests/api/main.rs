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
mod events;
mod crm_espocrm;
mod crm_mirror;
mod crm_salesforce;
mod crm_suitecrm;
mod docs;
mod lifecycle;
mod openapi;
mod operations;
mod people;
mod problems;
mod routing;
mod tickets;
mod workflow;
