//! One module for each CRM that a connection can point at.
pub mod suitecrm;
