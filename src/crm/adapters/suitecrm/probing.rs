//! What only a probe does.
use reqwest::Method;
use serde_json::Value;

use super::SuiteCrm;
use super::api::Query;
use crate::crm::CrmError;

impl SuiteCrm {
    /// Fails when the module cannot be listed with these credentials.
    pub async fn reach(&self, module: &str) -> Result<(), CrmError> {
        let page = [("page[size]", "1"), ("page[number]", "1")];
        let query = Query::from(page.map(|(name, value)| (name.to_owned(), value.to_owned())));
        self.api.get(&["module", module], &query).await.map(drop)
    }

    /// Deletes a record. A case that has notes is better left without them first: SuiteCRM fails on it.
    pub async fn delete(&self, module: &str, id: &str) -> Result<(), CrmError> {
        self.api.send(Method::DELETE, &["module", module, id], &Value::Null).await.map(drop)
    }
}
