//! Pure vocabulary shared by every feature. No I/O, no queries, no web framework.
mod actor;
mod error;
mod ids;
mod page;
mod sealed;

pub(crate) use actor::text_enum;
pub use actor::{Actor, Origin, Permission, Role, Visibility};
pub use error::{AppError, FieldError};
pub use ids::*;
pub use page::{Cursor, Direction, PAGE_DEFAULT, PAGE_MAX, Page, PageRequest};
pub use sealed::{Secret, SecretKey};
