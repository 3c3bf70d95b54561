//! The mirror: every ticket is a case in a CRM, kept equal both ways.
//!
//! Published events mark the mirrors of their tickets ([`mark_dirty`]); polling marks those whose cases changed. The
//! [`Engine`] works on what is marked.
pub mod adapters;
mod backfill;
pub mod case;
mod engine;
mod error;
pub mod hooks;
mod http;
pub mod import;
mod inbox;
pub mod mapping;
pub mod merge;
pub mod probe;
pub mod reconcile;
pub mod provenance;
mod redaction;
mod rules;
pub mod service;
pub mod settings;
mod store;
pub mod vocabulary;

pub use backfill::BACKFILL;
pub use engine::Engine;
pub use error::CrmError;
pub use http::routes;
pub use import::service::IMPORT;
pub use inbox::Inbox;
pub use reconcile::RECONCILE;
pub use service::mark_dirty;
