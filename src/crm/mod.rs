//! The mirror: every ticket is a case in a CRM, kept equal both ways.
mod error;
pub use error::CrmError;

pub mod adapters;
pub mod case;
pub mod merge;
