//! Pure vocabulary shared by every feature. No I/O, no queries, no web framework.
mod actor;
mod csv;
mod desk;
mod erasure;
mod error;
mod html;
mod ids;
mod page;
pub mod rfc3339;
mod sealed;
mod text_enum;
mod time_zone;

pub use actor::{Actor, Origin, Permission, Role, Visibility};
pub use csv::{csv_line, csv_text};
pub use desk::{Level, Priority};
pub use erasure::{Erasure, MARK};
pub use error::{AppError, FieldError};
pub use html::{plain_html, plain_lines};
pub use ids::*;
pub use page::{Cursor, Direction, PAGE_DEFAULT, PAGE_MAX, Page, PageRequest};
pub use sealed::{SIGNATURE, Secret, SecretKey};
pub(crate) use text_enum::text_enum;
pub use time_zone::TimeZone;
