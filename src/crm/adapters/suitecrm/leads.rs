use reqwest::Method;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::SuiteCrm;
use super::answer::is_taken;
use super::text::{Kind, encode};
use crate::crm::CrmError;
use crate::crm::case::NewLead;

const MODULE: &str = "Leads";

impl SuiteCrm {
    /// Creates the lead, or finds it if an earlier attempt created it. A lead that was created and deleted in the CRM
    /// since stays deleted.
    pub async fn create_lead(&self, key: Uuid, lead: &NewLead) -> Result<String, CrmError> {
        let id = key.to_string();
        match self.write(Method::POST, MODULE, &id, attributes(lead)).await {
            Ok(created) => Ok(created.id),
            Err(e) if is_taken(&e) => Ok(id),
            Err(e) => Err(e),
        }
    }
}

fn attributes(lead: &NewLead) -> Map<String, Value> {
    let line = |text: &str| encode(Kind::Line, text);
    let values = [
        ("first_name", line(&lead.first_name)),
        ("last_name", line(&lead.last_name)),
        ("email1", line(&lead.email)),
        ("phone_work", line(&lead.phone)),
        ("account_name", line(&lead.company)),
        ("description", encode(Kind::Text, &lead.description)),
    ];
    values.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}
