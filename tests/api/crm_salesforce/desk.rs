//! A desk that is connected to a Salesforce organization which knows the same people and companies.
use std::collections::BTreeMap;
use std::ops::Deref;

use chrono::TimeDelta;
use fake_crm::salesforce::{FakeSalesforce, Record};
use serde_json::{Value, json};

use crate::support::mirror::{Desk, text};

pub struct SalesDesk {
    desk: Desk,
    pub crm: FakeSalesforce,
    /// The organization's ids by name: it chooses them itself.
    ids: BTreeMap<String, String>,
    /// Somebody who works there and is no agent of the desk.
    pub clerk: String,
}

impl Deref for SalesDesk {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

impl SalesDesk {
    pub async fn start() -> Self {
        Self::start_with(json!({})).await
    }

    /// With these settings beside the custom fields.
    pub async fn start_with(mut settings: Value) -> Self {
        let crm = FakeSalesforce::start().await.unwrap();
        let clerk = crm.create("User", json!({"LastName": "Sales clerk"})).unwrap();
        settings["fields"] = json!({
            "product": "Product__c", "number": "Ticket_Number__c", "link": "Ticket_Link__c",
        });
        let new = json!({
            "name": "Salesforce", "kind": "salesforce", "base_url": crm.url(),
            "client_id": crm.client_id(), "client_secret": crm.client_secret(), "settings": settings,
        });
        let mut ids = BTreeMap::new();
        let desk = Desk::connect(new, |path, item| {
            ids.insert(text(&item["name"]), populate(&crm, path, item));
        });
        Self { desk: desk.await, crm, ids, clerk }
    }

    /// The organization's id of what has this name.
    pub fn crm_id(&self, name: &str) -> &str {
        &self.ids[name]
    }

    /// What somebody did in the CRM a little while ago: the mirror stays behind its clock.
    pub fn in_the_crm<T>(&self, act: impl FnOnce(&FakeSalesforce) -> T) -> T {
        self.crm.set_clock_offset(TimeDelta::seconds(-10));
        let done = act(&self.crm);
        self.crm.set_clock_offset(TimeDelta::zero());
        done
    }

    /// The case of the ticket as the CRM stores it.
    pub async fn case(&self, ticket: &str) -> Record {
        self.crm.record("Case", &self.case_id(ticket).await).unwrap()
    }
}

fn populate(crm: &FakeSalesforce, path: &str, item: &Value) -> String {
    let (name, email) = (&item["name"], &item["email"]);
    let (object, record) = match path {
        "agents" => ("User", json!({"LastName": name, "Email": email})),
        "accounts" => ("Account", json!({"Name": name})),
        "contacts" => ("Contact", json!({"LastName": name, "Email": email})),
        _ => ("Product2", json!({"Name": name})),
    };
    crm.create(object, record).unwrap()
}
