//! The EspoCRM adapter against a CRM that behaves as the real one, and a desk that mirrors into it. What every adapter
//! must do is in `conformance`.
pub mod desk;
mod hooks;
mod mirroring;
mod probing;
mod reading;
mod redacting;
mod writing;

use casebridge::crm::adapters::Access;
use casebridge::crm::adapters::espocrm::{self, EspoCrm};
use casebridge::crm::case::{Case, Field};
use casebridge::kernel::Secret;
use fake_crm::espo::FakeEspo;
use serde_json::json;

/// Somebody who works in the CRM and is no agent of the desk.
pub const CLERK: &str = "65f0000000000c1e4";

fn access(crm: &FakeEspo) -> Access {
    Access::stock(&espocrm::KIND, &crm.url(), "", Secret::new(crm.api_key()))
}

async fn start() -> (FakeEspo, EspoCrm) {
    let crm = FakeEspo::start().await.unwrap();
    let clerk = json!({ "id": CLERK, "userName": "clerk", "lastName": "Sales clerk" });
    crm.create("User", clerk).unwrap();
    let espo = EspoCrm::new(access(&crm)).unwrap();
    (crm, espo)
}

fn case(subject: &str) -> Case {
    Case::from_iter([
        (Field::Subject, subject),
        (Field::Description, "It does not start."),
        (Field::Type, "Question"),
        (Field::Status, "Assigned"),
        (Field::Priority, "Normal"),
        (Field::Assignee, CLERK),
        (Field::Account, ""),
    ])
}
