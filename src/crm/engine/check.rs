//! A connection's settings against the live CRM, before they are saved.
use std::time::Duration;

use super::{Engine, access};
use crate::crm::CrmError;
use crate::crm::adapters::{Access, Adapter, integration};
use crate::crm::probe::missing_attributes;
use crate::crm::store::Connection;
use crate::crm::vocabulary::FieldNames;
use crate::kernel::{AppError, FieldError};

/// Somebody waits for the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

impl Engine {
    /// Asks the CRM whether the credentials are right and whether its cases have every attribute that the settings name.
    /// Nobody is asked where an integration works the connection. Call it outside of transactions.
    ///
    /// Fails with the fields that are wrong, or with `crm_unreachable` when the CRM does not answer.
    pub async fn check(&self, connection: &Connection) -> Result<(), AppError> {
        if connection.kind == integration::KEY {
            return Ok(());
        }
        let (kind, settings) = (connection.kind()?, connection.settings()?);
        let access = access(self.secret(), connection, kind, &settings).map_err(unreachable)?;
        let fields = access.fields.clone();
        let opened = (kind.open)(Access { timeout: TIMEOUT, ..access });
        let crm = opened.map_err(|error| AppError::field("/base_url", error.to_string()))?;
        check(crm.as_ref(), &fields).await
    }
}

async fn check(crm: &dyn Adapter, fields: &FieldNames) -> Result<(), AppError> {
    crm.sign_in().await.map_err(|error| match error {
        CrmError::Auth { .. } => AppError::field("/client_secret", error.to_string()),
        error => unreachable(error),
    })?;
    let Some(there) = crm.case_attributes().await.map_err(unreachable)? else { return Ok(()) };
    let missing = missing_attributes(fields, &there).into_iter().map(|(place, name)| {
        let detail = format!("cases of this CRM have no attribute {name}");
        FieldError::new(format!("/settings/{place}"), detail)
    });
    let errors: Vec<FieldError> = missing.collect();
    if errors.is_empty() { Ok(()) } else { Err(AppError::Invalid(errors)) }
}

/// The CRM could not be asked.
pub(super) fn unreachable(error: CrmError) -> AppError {
    AppError::rule("crm_unreachable", format!("the CRM could not be asked: {error}"))
}
