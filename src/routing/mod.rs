//! A ticket's component decides the level and the department that own it.
mod http;
mod service;
mod store;

pub use http::routes;
pub use service::{Route, resolve};
