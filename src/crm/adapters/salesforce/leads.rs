use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Salesforce;
use super::answer::{filled, key_is_taken};
use super::cases::normal;
use super::soql;
use crate::crm::CrmError;
use crate::crm::case::NewLead;

/// What Salesforce itself puts into a required field of a lead that it makes from a form without one.
const NOT_PROVIDED: &str = "[not provided]";

impl Salesforce {
    /// Creates the lead, or finds it if an earlier attempt created it; one that was deleted since stays deleted.
    pub(super) async fn create_lead(&self, key: Uuid, lead: &NewLead) -> Result<String, CrmError> {
        let (api, field) = (&self.cases.api, &self.cases.key_field);
        let quoted = soql::quote(&key.to_string());
        let soql = format!("SELECT Id FROM Lead WHERE {field} = {quoted}");
        let (found, _) = api.query_all(&soql).await?;
        if let Some(id) = found.first().and_then(|lead| filled(lead, "Id")) {
            return Ok(id);
        }
        let mut record = attributes(lead);
        record.insert("attributes".into(), json!({ "type": "Lead" }));
        record.insert(field.clone(), key.to_string().into());
        let path = ["Lead", field];
        let made = api.collection(Method::PATCH, &path, false, vec![record.into()]).await?;
        let made = made.into_iter().next().unwrap_or_else(|| Err(CrmError::transient("no result")));
        made.map_err(|error| match key_is_taken(&error, field) {
            true => CrmError::transient("somebody else makes this lead"),
            false => error,
        })
    }
}

/// `LastName` and `Company` are required ("Object Reference: Lead").
fn attributes(lead: &NewLead) -> Map<String, Value> {
    let required = |text: &str| match normal(text) {
        text if text.is_empty() => NOT_PROVIDED.to_owned(),
        text => text,
    };
    let values = [
        ("FirstName", normal(&lead.first_name)),
        ("LastName", required(&lead.last_name)),
        ("Email", normal(&lead.email)),
        ("Phone", normal(&lead.phone)),
        ("Company", required(&lead.company)),
        ("Description", normal(&lead.description)),
    ];
    let filled = values.into_iter().filter(|(_, value)| !value.is_empty());
    filled.map(|(name, value)| (name.to_owned(), value.into())).collect()
}
