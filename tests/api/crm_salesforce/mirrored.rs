//! A desk whose connection is of the kind `salesforce`.
use fake_crm::{Fault, FaultRule};
use futures_util::future::join_all;
use serde_json::json;

use super::desk::SalesDesk;
use crate::redaction::{SECRET, tables_with};

#[actix_web::test]
async fn a_ticket_becomes_a_case_with_its_contact_and_its_comments_and_comes_to_rest() {
    let desk = SalesDesk::start().await;
    let ticket = desk.open("The export stops").await;
    desk.note(&ticket, "public", "We are looking into it.").await;
    desk.note(&ticket, "internal", "Looks like the limit.").await;
    desk.converge().await;

    let case = desk.case(&ticket).await;
    assert_eq!(case.value("Subject"), "The export stops");
    let url = "https://app.example/exports/7";
    let description = format!("It stops after <b>100</b> rows.\n\nURL: {url}");
    assert_eq!(case.value("Description"), description);
    assert_eq!(case.value("AccountId"), desk.crm_id("Northwind Services"));
    assert_eq!(case.value("ContactId"), desk.crm_id("Purchasing contact"));
    assert_eq!((case.value("Status"), case.value("Priority")), ("New", "Medium"));
    assert_eq!(case.value("Product__c"), "CoreTrac");
    assert_eq!(case.value("Ticket_Number__c"), desk.ticket(&ticket).await["number"]);
    let agents = ["L1 agent A", "L1 agent B"].map(|agent| desk.crm_id(agent));
    assert!(agents.contains(&case.value("OwnerId")), "{case:?}");
    let comments = desk.crm.records("CaseComment");
    let published: Vec<_> = comments.iter().map(|c| c.values["IsPublished"].clone()).collect();
    assert_eq!(published, [json!(true), json!(false)]);
    assert!(comments[0].value("CommentBody").starts_with("We are looking into it.\n\n-- Reply by"));
    let link = format!("{}/lightning/r/Case/{}/view", desk.crm.url(), case.id);
    assert_eq!(desk.mirror(&ticket).await["link"], link);

    desk.crm.clear_calls();
    for _ in 0..2 {
        desk.pull().await;
    }
    for method in ["POST", "PATCH", "DELETE"] {
        for object in ["Case", "CaseComment"] {
            assert_eq!(desk.crm.count(method, object), 0, "{method} {object} is an echo");
        }
    }
}

#[actix_web::test]
async fn edits_and_comments_of_people_in_the_crm_come_back() {
    let desk = SalesDesk::start().await;
    let ticket = desk.open("Edited there").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    let edit = json!({
        "OwnerId": desk.crm_id("L1 agent B"), "AccountId": desk.crm_id("Harbor Logistics"),
        "Priority": "High", "Status": "Working",
    });
    desk.in_the_crm(|crm| {
        crm.edit("Case", &case, edit, &desk.clerk).unwrap();
        crm.write_comment(&case, "They rang about it.", &desk.clerk).unwrap();
    });
    for _ in 0..2 {
        desk.pull().await;
    }
    let shown = desk.ticket(&ticket).await;
    assert_eq!(shown["assignee_id"], desk.id("L1 agent B"));
    assert_eq!(shown["account_id"], desk.id("Harbor Logistics"));
    assert_eq!(
        (&shown["priority"], &shown["status"]["category"]),
        (&json!("high"), &json!("open"))
    );
    let notes = desk.admin.get(&format!("/v1/tickets/{ticket}/notes")).await.expect(200);
    let notes = notes["items"].as_array().unwrap();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0]["body"], "They rang about it.");
    assert_eq!(notes[0]["author"]["name"], "Sales clerk (Salesforce)");
}

#[actix_web::test]
async fn a_long_note_is_not_brought_back_as_somebody_elses() {
    let desk = SalesDesk::start().await;
    let ticket = desk.open("Long").await;
    desk.note(&ticket, "public", &"All about it. ".repeat(1000)).await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.in_the_crm(|crm| crm.write_comment(&case, "Called.", &desk.clerk).unwrap());
    desk.pull().await;
    let notes = desk.admin.get(&format!("/v1/tickets/{ticket}/notes")).await.expect(200);
    assert_eq!(notes["items"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn tickets_of_a_moment_share_their_calls() {
    let desk = SalesDesk::start().await;
    let tickets = join_all((0..8).map(async |n| desk.open(&format!("Ticket {n}")).await)).await;
    desk.crm.clear_calls();
    desk.converge().await;
    for (n, ticket) in tickets.iter().enumerate() {
        assert_eq!(desk.case(ticket).await.value("Subject"), format!("Ticket {n}"));
    }
    let upserts =
        desk.crm.calls().into_iter().filter(|call| call.path.ends_with("/Case/Casebridge_Key__c"));
    let calls = upserts.count();
    assert!(calls < 8, "{calls} calls for 8 cases");
}

#[actix_web::test]
async fn a_timeout_after_the_commit_makes_no_second_case_and_no_second_comment() {
    let desk = SalesDesk::start().await;
    let ticket = desk.open("Twice").await;
    desk.note(&ticket, "public", "Once.").await;
    desk.crm.fail(FaultRule::next(Fault::DropAfter).method("PATCH").module("Case"));
    desk.crm.fail(FaultRule::next(Fault::DropAfter).method("POST").module("CaseComment"));
    for _ in 0..4 {
        desk.converge().await;
        desk.wait().await;
    }
    assert!(desk.crm.pending_faults().is_empty());
    assert_eq!((desk.crm.records("Case").len(), desk.crm.records("CaseComment").len()), (1, 1));
    assert_eq!(desk.mirror(&ticket).await["state"], "linked");
}

#[actix_web::test]
async fn a_case_deleted_in_the_crm_is_noticed_and_not_made_again() {
    let desk = SalesDesk::start().await;
    let ticket = desk.open("Deleted there").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.in_the_crm(|crm| crm.delete("Case", &case).unwrap());
    desk.pull().await;
    let before = desk.mirror(&ticket).await["state"].clone();
    assert_ne!(before, "linked");
    desk.pull().await;
    assert_eq!(desk.crm.records("Case").len(), 1);
}

#[actix_web::test]
async fn a_comment_that_holds_a_secret_is_told_to_be_put_right_by_hand() {
    let desk = SalesDesk::start().await;
    let ticket = desk.open("Card").await;
    desk.note(&ticket, "public", &format!("You wrote {SECRET}.")).await;
    desk.converge().await;
    let note = desk.admin.get(&format!("/v1/tickets/{ticket}/notes")).await.expect(200);
    let body = json!({
        "field": "note", "note_id": note["items"][0]["id"], "text": SECRET, "reason": "A card number",
    });
    let at = format!("/v1/tickets/{ticket}/redactions");
    desk.admin.post_on(&at, "*", body).await.expect(201);
    desk.converge().await;
    let copies = desk.admin.get(&at).await.expect(200)["items"][0]["crm"].clone();
    assert_eq!((&copies[0]["what"], &copies[0]["state"]), (&json!("note"), &json!("not_possible")));
    assert_eq!(
        copies[0]["detail"],
        "the CRM refused the request: notes of this CRM cannot be changed"
    );
    assert_eq!(desk.mirror(&ticket).await["state"], "linked");
    assert!(tables_with(&desk.app, SECRET).await.is_empty());
}
