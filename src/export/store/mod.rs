//! Queries of the export.
mod order;
mod rows;

pub use order::*;
pub use rows::*;
