//! The directory of a CRM at the desk: users, accounts, products and contacts, by reference and kept up to date.
//!
//! An import takes each kind in two steps. It lists what changed in the CRM, page by page, into `crm_records`; then it
//! matches what is new or different with the desk, a batch at a time. Both go on where they stopped.
pub mod matching;
pub mod rules;
pub mod service;
