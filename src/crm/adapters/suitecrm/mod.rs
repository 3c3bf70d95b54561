//! SuiteCRM 7.14 and later 7.x through its V8 API (a JSON:API dialect).
//!
//! What it is known to do, and what follows for us:
//! - A client may choose the id of a record, so creating is idempotent: repeat it until it answers.
//! - It rewrites the whole row on every save and has no version to check: only one writer for a
//!   case at a time, and only the fields that differ.
//! - It loses what looks like a tag: see [`text`].
//! - Offset paging skips rows that move: see [`SuiteCrm::changed_since`].
mod answer;
mod api;
mod cases;
mod changes;
mod directory;
mod notes;
mod probing;
mod settings;
pub mod text;

pub use changes::Changes;
pub use settings::{FieldNames, SuiteCrmSettings};

use crate::crm::CrmError;
use api::Api;

/// One SuiteCRM; cheap to share behind an `Arc`, its calls may run side by side.
#[derive(Debug)]
pub struct SuiteCrm {
    api: Api,
    fields: FieldNames,
}

impl SuiteCrm {
    /// Fails with [`CrmError::Permanent`] if the base URL is none.
    pub fn new(settings: SuiteCrmSettings) -> Result<Self, CrmError> {
        let fields = settings.fields.clone();
        Ok(Self { api: Api::new(settings)?, fields })
    }
}
