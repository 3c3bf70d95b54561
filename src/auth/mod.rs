//! From a bearer token to an actor; keys, clients and the token endpoint.
//!
//! Tokens are JWTs (RFC 7519) signed with EdDSA by keys that live, sealed, in the database, so that every replica
//! signs and verifies alike. What a caller may do comes from the database, not from the token: a deactivated agent is
//! out within [`MEMORY`], whatever their token says.
mod caller;
mod http;
mod keys;
mod limits;
mod service;
mod store;
mod tokens;

pub use caller::{Caller, Session};
pub use http::{client_token, public_routes, routes};
pub use keys::{ensure_signing_key, reseal};
pub use limits::{Limits, tell as tell_limits};
pub use service::{acting, find_principal, first_of_role};
pub use tokens::{Authenticator, MEMORY};
