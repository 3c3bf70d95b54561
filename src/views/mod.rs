//! Saved views: the filters, the order and the columns of a list under a name, for oneself or shared. What a view finds is
//! within what its reader may see, and `me` in a filter is whoever looks.
mod http;
mod rules;
mod service;
mod store;

pub use http::routes;
pub use rules::Audience;
