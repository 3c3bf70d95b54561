//! The reports as a page for people: `/dashboard`. It shows what `GET /v1/reports` says, computes nothing itself, and keeps nothing.
mod choices;
mod form;
mod http;
mod page;
mod rules;
mod service;

pub use http::pages;
