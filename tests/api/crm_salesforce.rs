//! The Salesforce adapter against an organization that behaves as the documentation says.
pub mod desk;
mod failing;
mod mirrored;
mod noting;
mod probing;
mod reading;
mod writing;

use casebridge::crm::adapters::salesforce::{self, Salesforce};
use casebridge::crm::adapters::{Access, Adapter as _};
use casebridge::crm::case::{Case, Field, NewNote, RemoteCase};
use casebridge::kernel::Secret;
use fake_crm::salesforce::FakeSalesforce;
use uuid::Uuid;

fn access(crm: &FakeSalesforce) -> Access {
    let secret = Secret::new(crm.client_secret());
    Access::stock(&salesforce::KIND, &crm.url(), crm.client_id(), secret)
}

async fn start() -> (FakeSalesforce, Salesforce) {
    let crm = FakeSalesforce::start().await.unwrap();
    let sales = Salesforce::new(access(&crm)).unwrap();
    (crm, sales)
}

fn case(subject: &str) -> Case {
    Case::from_iter([
        (Field::Subject, subject),
        (Field::Description, "It does not start."),
        (Field::Type, "Question"),
        (Field::Status, "Working"),
        (Field::Priority, "Medium"),
        (Field::Assignee, ""),
        (Field::Account, ""),
    ])
}

fn note(body: &str) -> NewNote {
    NewNote {
        id: Uuid::now_v7(),
        title: "Reply by Ann".into(),
        body: body.into(),
        contact_id: None,
        internal: false,
    }
}

async fn made(sales: &Salesforce, subject: &str) -> RemoteCase {
    sales.create_case(Uuid::now_v7(), &case(subject)).await.unwrap()
}
