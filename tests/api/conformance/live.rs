//! The scenarios that need nobody else, one after another on the same CRM: on each simulated one, and on the live one
//! that the environment names, if it does.
use std::env;

use casebridge::crm::adapters;

use super::alone;
use super::bench::{Bench as _, Subject};
use super::espocrm::EspoBench;
use super::salesforce::SalesBench;
use super::suitecrm::SuiteBench;

/// Kind and address of a live CRM, and how to sign in. Without a kind there is none.
fn live() -> Option<Subject> {
    let kind = env::var("CASEBRIDGE_LIVE_CRM_KIND").ok()?;
    let kind = adapters::kind(&kind).unwrap_or_else(|| panic!("there is no kind {kind}"));
    let of = |name: &str| {
        let name = format!("CASEBRIDGE_LIVE_CRM_{name}");
        env::var(&name).unwrap_or_else(|_| panic!("{name} is missing"))
    };
    let client_id = env::var("CASEBRIDGE_LIVE_CRM_CLIENT_ID").unwrap_or_default();
    assert!(!(kind.client_id && client_id.is_empty()), "CASEBRIDGE_LIVE_CRM_CLIENT_ID is missing");
    Some(Subject::new(kind, &of("URL"), &client_id, &of("SECRET")))
}

async fn all(subject: &Subject) {
    println!("{}: all scenarios that need nobody else", subject.kind.key);
    alone::a_case_comes_back_as_it_was_sent(subject).await;
    alone::creating_a_case_twice_makes_one(subject).await;
    alone::an_update_leaves_the_other_fields_alone(subject).await;
    alone::a_note_written_twice_is_one_note(subject).await;
    alone::difficult_text_comes_back_or_is_reported_as_a_loss(subject).await;
    alone::a_case_that_is_not_there_is_not_found(subject).await;
    alone::a_deleted_case_is_not_found(subject).await;
    alone::wrong_credentials_are_a_failure_of_the_connection(subject).await;
    alone::records_are_read_without_repetition(subject).await;
    alone::a_new_case_is_among_the_changes(subject).await;
}

#[actix_web::test]
async fn the_simulations_and_the_live_crm_of_the_environment_pass_every_scenario_in_a_row() {
    all(SuiteBench::start().await.subject()).await;
    all(EspoBench::start().await.subject()).await;
    all(SalesBench::start().await.subject()).await;
    if let Some(subject) = live() {
        all(&subject).await;
    }
}
