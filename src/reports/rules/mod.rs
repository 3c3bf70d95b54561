//! Pure decisions about reports, and the documents that they answer.
mod document;
mod figures;
mod history;
mod period;

pub use document::*;
pub use figures::*;
pub use history::*;
pub use period::*;
