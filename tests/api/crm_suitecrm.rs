//! The SuiteCRM adapter against a CRM that behaves as the real one.
mod failing;
mod reading;
mod writing;

use casebridge::crm::adapters::Access;
use casebridge::crm::adapters::suitecrm::{self, SuiteCrm};
use casebridge::crm::case::{Case, Field, NewNote};
use casebridge::kernel::Secret;
use fake_crm::FakeCrm;
use uuid::Uuid;

fn settings(crm: &FakeCrm) -> Access {
    Access::stock(&suitecrm::KIND, &crm.url(), crm.client_id(), Secret::new(crm.client_secret()))
}

async fn start() -> (FakeCrm, SuiteCrm) {
    let crm = FakeCrm::start().await.unwrap();
    let suite = SuiteCrm::new(settings(&crm)).unwrap();
    (crm, suite)
}

fn case(subject: &str) -> Case {
    Case::from_iter([
        (Field::Subject, subject),
        (Field::Description, "It does not start."),
        (Field::Type, "User"),
        (Field::Status, "Open/Open_Pending Input"),
        (Field::Priority, "P2"),
        (Field::Assignee, "1"),
        (Field::Account, ""),
    ])
}

fn note(body: &str) -> NewNote {
    NewNote {
        id: Uuid::now_v7(),
        title: "Reply".into(),
        body: body.into(),
        contact_id: None,
        internal: false,
    }
}
