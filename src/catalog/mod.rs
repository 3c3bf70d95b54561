//! What tickets are about: products, categories, components, ticket types, and the processes of external components.
mod http;
mod rules;
mod service;
mod store;

pub use http::routes;
pub use rules::{ProcessStep, StepCheck, numbered};
pub use service::*;
pub use store::Named;
pub use store::categories::Category;
pub use store::components::{Component, Filter as ComponentFilter};
pub use store::products::Product;
pub use store::words::{Process, Steps, TicketType};
