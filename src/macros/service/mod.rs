//! Use cases of the macros.
mod apply;
mod keep;

pub use apply::{Inputs, Preview, Rehearsed, apply, preview};
pub use keep::{actions, change, create, delete, get, list};
