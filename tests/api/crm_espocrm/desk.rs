//! A desk that is connected to an EspoCRM which knows the same people and companies.
use std::ops::Deref;

use chrono::TimeDelta;
use fake_crm::espo::{Control, FakeEspo, Record};
use serde_json::{Value, json};

use super::CLERK;
use crate::support::mirror::{Desk, crm_id, text};

pub struct EspoDesk {
    desk: Desk,
    pub crm: FakeEspo,
}

impl Deref for EspoDesk {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

impl EspoDesk {
    pub async fn start() -> Self {
        Self::start_with(json!({})).await
    }

    /// With these settings beside the custom fields.
    pub async fn start_with(mut settings: Value) -> Self {
        let crm = FakeEspo::start().await.unwrap();
        let clerk = json!({"id": CLERK, "userName": "clerk", "lastName": "Sales clerk"});
        crm.create("User", clerk).unwrap();
        settings["fields"] =
            json!({"product": "cProduct", "number": "cTicketNumber", "link": "cTicketUrl"});
        let new = json!({
            "name": "EspoCRM", "kind": "espocrm", "base_url": crm.url(),
            "client_secret": crm.api_key(), "settings": settings,
        });
        let desk = Desk::connect(new, |path, item| populate(&crm, path, item)).await;
        Self { desk, crm }
    }

    pub async fn notes(&self, ticket: &str) -> Vec<Value> {
        let page = self.admin.get(&format!("/v1/tickets/{ticket}/notes")).await.expect(200);
        page["items"].as_array().unwrap().clone()
    }

    /// Compares everything.
    pub async fn reconcile(&self) {
        let path = format!("/v1/crm/connections/{}/reconcile", self.connection);
        self.admin.post(&path, json!({"mode": "repair"})).await.expect(202);
        self.app.run_jobs().await;
        self.converge().await;
    }

    /// What somebody did in the CRM a little while ago: the mirror stays behind its clock.
    pub fn in_the_crm<T>(&self, act: impl FnOnce(&Control) -> T) -> T {
        self.crm.set_clock_offset(TimeDelta::seconds(-10));
        let done = act(&self.crm);
        self.crm.set_clock_offset(TimeDelta::zero());
        done
    }

    /// The clerk changes the ticket's case.
    pub async fn edit(&self, ticket: &str, attributes: Value) {
        let case = self.case(ticket).await.id;
        self.in_the_crm(|crm| crm.edit("Case", &case, attributes, CLERK).unwrap());
    }

    /// The case of the ticket as the CRM stores it.
    pub async fn case(&self, ticket: &str) -> Record {
        self.crm.record("Case", &self.case_id(ticket).await).unwrap()
    }
}

/// The CRM knows everybody and everything that the desk knows, under ids of its own.
fn populate(crm: &FakeEspo, path: &str, item: &Value) {
    let (name, email) = (text(&item["name"]), item["email"].clone());
    let id = crm_id(&name);
    let (first, last) = name.rsplit_once(' ').unwrap_or(("", &name));
    let (entity, attributes) = match path {
        "agents" => {
            ("User", json!({"id": id, "userName": name, "lastName": name, "emailAddress": email}))
        }
        "accounts" => ("Account", json!({"id": id, "name": name})),
        "contacts" => {
            let person =
                json!({"id": id, "firstName": first, "lastName": last, "emailAddress": email});
            ("Contact", person)
        }
        _ => return,
    };
    crm.create(entity, attributes).unwrap();
}
