//! In the CRM, and in what the mirror remembers of it.
use std::time::Duration;

use chrono::Utc;
use fake_crm::{Fault, FaultRule};
use serde_json::{Value, json};

use super::{SECRET, redact, tables_with};
use crate::support::mirror::{Mirrored, text};

/// The records of the CRM that hold the secret, by module.
fn there(desk: &Mirrored) -> Vec<&'static str> {
    let holds = |module: &&'static str| {
        let mut records = desk.crm.records(module).into_iter();
        records.any(|record| format!("{record:?}").contains(SECRET))
    };
    ["Cases", "Notes", "Leads"].into_iter().filter(holds).collect()
}

/// A ticket whose texts hold the secret.
async fn open(desk: &Mirrored) -> Value {
    let new = json!({"subject": format!("Card {SECRET}"), "description": format!("It is {SECRET}, thanks.")});
    let ticket = desk.app.open_ticket(new).await;
    desk.app.follow_automatic().await;
    ticket
}

async fn how_far(desk: &Mirrored, ticket: &Value) -> Vec<(String, String)> {
    let at = format!("/v1/tickets/{}/redactions", text(&ticket["id"]));
    let list = desk.admin.get(&at).await.expect(200);
    let copies = list["items"][0]["crm"].as_array().unwrap().iter();
    let mut copies: Vec<_> = copies.map(|c| (text(&c["what"]), text(&c["state"]))).collect();
    copies.sort();
    copies
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(what, state)| ((*what).to_owned(), (*state).to_owned())).collect()
}

#[actix_web::test]
async fn the_crm_gets_case_and_notes_without_the_secret_and_the_mirror_forgets_it() {
    let desk = Mirrored::start().await;
    let ticket = open(&desk).await;
    let id = text(&ticket["id"]);
    desk.note(&id, "public", &format!("You wrote {SECRET}.")).await;
    desk.converge().await;
    let case = desk.case(&id).await.id;
    // The clerk writes over the description, which is the desk's, and writes a note.
    desk.edit(&id, json!({"description": format!("Changed, {SECRET}")})).await;
    desk.in_the_crm(|crm| {
        let note = json!({"name": format!("Called about {SECRET}"), "description": "Nothing more.",
            "parent_type": "Cases", "parent_id": case});
        crm.create("Notes", note).unwrap()
    });
    desk.pull().await;
    desk.edit(&id, json!({"description": format!("Again {SECRET}")})).await;
    desk.reconcile(json!({})).await;
    desk.app.publish().await;
    let held = tables_with(&desk.app, SECRET).await;
    for table in ["crm_mirrors", "crm_conflicts", "crm_differences", "events", "notes"] {
        assert!(held.iter().any(|found| found == table), "{table} in {held:?}");
    }
    assert_eq!(there(&desk), ["Cases", "Notes"]);

    redact(&desk.admin, &ticket, "description", SECRET).await.expect(201);
    assert_eq!(tables_with(&desk.app, SECRET).await, Vec::<String>::new());
    assert_eq!(
        how_far(&desk, &ticket).await,
        pairs(&[("case", "due"), ("note", "due"), ("note", "due")])
    );
    // Neither a comparison nor a poll brings back what the CRM still has.
    desk.reconcile(json!({})).await;
    assert_eq!(tables_with(&desk.app, SECRET).await, Vec::<String>::new());
    desk.pull().await;
    assert!(there(&desk).is_empty(), "{:?}", there(&desk));
    assert_eq!(
        how_far(&desk, &ticket).await,
        pairs(&[("case", "done"), ("note", "done"), ("note", "done")])
    );
    assert_eq!(tables_with(&desk.app, SECRET).await, Vec::<String>::new());
    let shown = desk.case(&id).await;
    assert!(shown.value("description").starts_with("It is [redacted], thanks."), "{shown:?}");
    assert_eq!(shown.value("name"), "Card [redacted]");
    for field in desk.mirror(&id).await["fields"].as_array().unwrap() {
        assert_eq!((&field["desk"], &field["crm"]), (&field["base"], &field["base"]), "{field}");
    }
    // It is at rest: the next poll finds nothing, and nobody's edit was lost.
    desk.crm.clear_calls();
    desk.pull().await;
    assert!(desk.crm.calls().iter().all(|call| call.method == "GET"));
    assert_eq!(desk.notes(&case).len(), 2);
}

#[actix_web::test]
async fn a_lead_that_was_written_is_told_to_be_put_right_by_hand() {
    let desk = Mirrored::start().await;
    let ticket = open(&desk).await;
    let at = format!("/v1/tickets/{}/conversion", text(&ticket["id"]));
    desk.admin.post(&at, json!({"to": "lead"})).await.expect(201);
    desk.converge().await;
    redact(&desk.admin, &ticket, "subject", SECRET).await.expect(201);
    assert!(tables_with(&desk.app, SECRET).await.is_empty());
    desk.converge().await;
    assert_eq!(how_far(&desk, &ticket).await, pairs(&[("case", "done"), ("lead", "not_possible")]));
    assert_eq!(there(&desk), ["Leads"]);
}

#[actix_web::test]
async fn a_note_that_the_crm_does_not_let_be_changed_is_told_and_holds_up_nothing() {
    let desk = Mirrored::start().await;
    let ticket = open(&desk).await;
    let id = text(&ticket["id"]);
    desk.note(&id, "public", &format!("You wrote {SECRET}.")).await;
    desk.converge().await;
    desk.crm.uninstall("Notes");
    redact(&desk.admin, &ticket, "description", SECRET).await.expect(201);
    desk.converge().await;
    assert_eq!(how_far(&desk, &ticket).await, pairs(&[("case", "done"), ("note", "not_possible")]));
    assert!(!there(&desk).contains(&"Cases"));
    assert_eq!(desk.mirror(&id).await["state"], "linked");
}

#[actix_web::test]
async fn an_attempt_that_had_read_the_secret_does_not_bring_it_back() {
    let desk = Mirrored::start().await;
    let ticket = open(&desk).await;
    desk.app.publish().await;
    desk.crm.set_latency(Duration::from_millis(150));
    let attempt = desk.app.service.mirror.converge_due(Utc::now());
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(250)).await;
        redact(&desk.admin, &ticket, "description", SECRET).await.expect(201);
    };
    let (done, ()) = tokio::join!(attempt, meanwhile);
    done.unwrap();
    assert!(tables_with(&desk.app, SECRET).await.is_empty());
    desk.crm.set_latency(Duration::ZERO);
    desk.sql("update crm_mirrors set leased_until = null, next_attempt_at = now()").await;
    desk.converge().await;
    assert!(there(&desk).is_empty());
    assert!(tables_with(&desk.app, SECRET).await.is_empty());
    assert_eq!(desk.crm.records("Cases").len(), 1);
}

#[actix_web::test]
async fn a_case_whose_making_was_not_answered_is_found_and_written_without_the_secret() {
    let desk = Mirrored::start().await;
    desk.crm.fail(FaultRule::next(Fault::DropAfter).method("POST").module("Cases"));
    let ticket = open(&desk).await;
    desk.converge().await;
    assert_eq!(there(&desk), ["Cases"]);
    redact(&desk.admin, &ticket, "description", SECRET).await.expect(201);
    assert!(tables_with(&desk.app, SECRET).await.is_empty());
    desk.wait().await;
    desk.converge().await;
    assert!(there(&desk).is_empty());
    assert_eq!(desk.crm.records("Cases").len(), 1);
    assert!(tables_with(&desk.app, SECRET).await.is_empty());
    assert_eq!(how_far(&desk, &ticket).await, pairs(&[("case", "done")]));
}

#[actix_web::test]
async fn a_case_that_is_not_made_yet_is_made_without_the_secret() {
    let desk = Mirrored::start().await;
    let ticket = open(&desk).await;
    desk.app.publish().await;
    redact(&desk.admin, &ticket, "description", SECRET).await.expect(201);
    assert!(how_far(&desk, &ticket).await.is_empty());
    desk.converge().await;
    assert!(there(&desk).is_empty());
    assert_eq!(desk.mirror(&text(&ticket["id"])).await["state"], "linked");
}
