use serde_json::{Map, Value};
use uuid::Uuid;

use super::EspoCrm;
use super::record::record;
use super::search::{Search, is};
use super::text::encode;
use crate::crm::CrmError;
use crate::crm::case::NewLead;

const MODULE: &str = "Lead";

impl EspoCrm {
    /// Searches the key, and creates the lead if no lead has it, also if there is one with the same name or address. The
    /// field for the key has the same name as that of cases.
    pub async fn create_lead(&self, key: Uuid, lead: &NewLead) -> Result<String, CrmError> {
        let attribute = self.key()?;
        let key = key.to_string();
        let filters = vec![is(attribute, &key)];
        let search = Search { module: MODULE, select: &["id"], along: "createdAt", filters };
        if let Some(found) = self.page(&search, None).await?.0.first() {
            return Ok(found.id.clone());
        }
        let mut attributes = attributes(lead);
        attributes.insert(attribute.to_owned(), key.into());
        let created = self.api.create_anyway(MODULE, &attributes.into()).await?;
        Ok(record(created)?.id)
    }
}

fn attributes(lead: &NewLead) -> Map<String, Value> {
    let values = [
        ("firstName", encode(&lead.first_name)),
        ("lastName", encode(&lead.last_name)),
        ("emailAddress", lead.email.clone()),
        ("phoneNumber", lead.phone.clone()),
        ("accountName", encode(&lead.company)),
        ("description", lead.description.clone()),
    ];
    let filled = values.into_iter().filter(|(_, value)| !value.is_empty());
    filled.map(|(name, value)| (name.to_owned(), value.into())).collect()
}
