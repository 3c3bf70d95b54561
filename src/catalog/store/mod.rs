//! Queries of products, categories, components, ticket types and processes.
pub mod categories;
pub mod components;
pub mod products;
pub mod routes;
pub mod words;

/// Which products or categories a list holds.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// Part of the name.
    pub q: Option<String>,
    pub active: Option<bool>,
}
