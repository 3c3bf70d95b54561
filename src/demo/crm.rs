//! The CRM as its own users see it: records, edits, notes.
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::desk::{answer, text};

/// The user who changes things in the CRM; at the desk they have no account.
pub const CLERK: &str = "0c1e4b52-6f0a-4c52-9d3b-8f6a1b2c3d4e";

/// A stored record.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    pub id: String,
    pub deleted: bool,
    values: BTreeMap<String, String>,
}

impl Record {
    pub fn value(&self, field: &str) -> &str {
        self.values.get(field).map_or("", String::as_str)
    }
}

pub struct Crm {
    http: reqwest::Client,
    url: String,
}

impl Crm {
    pub fn new(url: &str) -> Self {
        Self { http: reqwest::Client::new(), url: format!("{url}/_control") }
    }

    /// The records of a module that are not deleted.
    pub async fn records(&self, module: &str) -> anyhow::Result<Vec<Record>> {
        let records = answer(self.http.get(format!("{}/records/{module}", self.url))).await?;
        let mut records: Vec<Record> = serde_json::from_value(records)?;
        records.retain(|record| !record.deleted);
        Ok(records)
    }

    /// The clerk changes a case.
    pub async fn edit(&self, case: &str, attributes: Value) -> anyhow::Result<()> {
        let body = json!({ "attributes": attributes, "user": CLERK });
        answer(self.http.patch(format!("{}/records/Cases/{case}", self.url)).json(&body)).await?;
        Ok(())
    }

    /// The clerk writes a note on a case.
    pub async fn write_note(
        &self,
        case: &str,
        name: &str,
        description: &str,
    ) -> anyhow::Result<()> {
        let body = json!({ "name": name, "description": description, "user": CLERK });
        answer(self.http.post(format!("{}/cases/{case}/notes", self.url)).json(&body)).await?;
        Ok(())
    }

    /// The contacts that a case is related to.
    pub async fn contacts_of(&self, case: &str) -> anyhow::Result<Vec<String>> {
        let ids = answer(self.http.get(format!("{}/cases/{case}/contacts", self.url))).await?;
        Ok(serde_json::from_value(ids)?)
    }

    /// The CRM knows the same people, companies and products, under ids of its own.
    pub async fn populate(
        &self,
        agents: &[Value],
        accounts: &[Value],
        contacts: &[Value],
    ) -> anyhow::Result<()> {
        let user = |agent: &Value| {
            let (name, email) = (text(agent, "name"), text(agent, "email"));
            json!({ "id": crm_id(name), "user_name": email, "last_name": name, "email1": email })
        };
        let clerk = json!({ "id": CLERK, "user_name": "clerk", "last_name": "Sales clerk" });
        let account = |account: &Value| json!({ "id": crm_id(text(account, "name")), "name": account["name"] });
        let contact = |contact: &Value| {
            let (first, last) = text(contact, "name").rsplit_once(' ').unwrap_or_default();
            let id = crm_id(text(contact, "name"));
            json!({ "id": id, "first_name": first, "last_name": last, "email1": contact["email"] })
        };
        let seed = json!({
            "Users": agents.iter().map(user).chain([clerk]).collect::<Vec<_>>(),
            "Accounts": accounts.iter().map(account).collect::<Vec<_>>(),
            "Contacts": contacts.iter().map(contact).collect::<Vec<_>>(),
        });
        answer(self.http.post(format!("{}/seed", self.url)).json(&seed)).await?;
        Ok(())
    }
}

/// The CRM's id of what has this name at the desk.
pub fn crm_id(name: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}
