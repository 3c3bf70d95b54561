//! The reports as a page for people: `/dashboard`. It shows what the reports of the API say, computes nothing itself, and keeps nothing.
mod choices;
mod form;
mod http;
mod page;
mod rules;
mod service;

pub use http::pages;
