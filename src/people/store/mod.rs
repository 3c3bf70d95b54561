//! Queries of accounts, contacts, departments and agents. What belongs to a row (the products of an account) is read
//! with it, in the same statement.
pub mod accounts;
pub mod agents;
pub mod colleagues;
pub mod contacts;
pub mod departments;
pub mod pool;
