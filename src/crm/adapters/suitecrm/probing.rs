//! What only a probe does.
use reqwest::Method;
use serde_json::Value;

use super::SuiteCrm;
use super::api::Query;
use super::cases;
use crate::crm::CrmError;
use crate::crm::case::Attribute;

impl SuiteCrm {
    /// Fails when the module cannot be listed with these credentials.
    pub async fn reach(&self, module: &str) -> Result<(), CrmError> {
        let page = [("page[size]", "1"), ("page[number]", "1")];
        let query = Query::from(page.map(|(name, value)| (name.to_owned(), value.to_owned())));
        self.api.get(&["module", module], &query).await.map(drop)
    }

    /// The attributes of cases; `None` where this SuiteCRM has no such list (before 7.11).
    pub async fn case_attributes(&self) -> Result<Option<Vec<Attribute>>, CrmError> {
        let answer = match self.api.get(&["meta", "fields", cases::MODULE], &Query::new()).await {
            Err(CrmError::Permanent { detail }) if detail.starts_with("404") => return Ok(None),
            answer => answer?,
        };
        let Value::Object(attributes) = &answer["data"]["attributes"] else { return Ok(None) };
        let required = |said: &Value| said == true || said == "true" || said == "1";
        let read = attributes.iter().map(|(name, said)| Attribute {
            name: name.clone(),
            // The id is given by us, and what a relation needs is not for a field list to say.
            required: name != "id" && required(&said["required"]),
        });
        Ok(Some(read.collect()))
    }

    /// Deletes a record. A case that has notes is better left without them first: SuiteCRM fails on it.
    pub async fn delete(&self, module: &str, id: &str) -> Result<(), CrmError> {
        self.api.send(Method::DELETE, &["module", module, id], &Value::Null).await.map(drop)
    }
}
