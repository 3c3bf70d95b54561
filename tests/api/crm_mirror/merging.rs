//! Merged tickets and their cases.
use serde_json::json;

use crate::support::mirror::{CLERK, Mirrored};

#[actix_web::test]
async fn the_case_of_a_merged_ticket_is_closed_and_what_is_noted_there_is_read_at_the_desk() {
    let desk = Mirrored::start().await;
    let (target, source) = (desk.open("The export stops").await, desk.open("Export, again").await);
    desk.converge().await;
    let at = format!("/v1/tickets/{source}/merge");
    desk.admin.post_on(&at, "*", json!({"into": target})).await.expect(200);
    desk.converge().await;
    let case = desk.case(&source).await;
    assert_eq!(case.value("state"), "Closed");
    let notes = desk.notes(&case.id);
    let number = desk.ticket(&target).await["number"].as_str().unwrap().to_owned();
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].value("description"), format!("Merged into {number}"));

    desk.in_the_crm(|crm| crm.write_note(&case.id, "Call", "They rang.", CLERK).unwrap());
    desk.edit(&source, json!({"status": "Open_Assigned", "state": "Open"})).await;
    desk.pull().await;
    let noted = desk.admin.get(&format!("/v1/tickets/{target}/notes")).await.expect(200);
    let last = noted["items"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["ticket_id"], &last["channel"]), (&json!(target), &json!("crm")));
    // It stays merged; the CRM is told so.
    assert_eq!(desk.ticket(&source).await["merged_into"], target);
    assert_eq!(desk.case(&source).await.value("state"), "Closed");
    assert!(desk.notes(&desk.case(&target).await.id).is_empty());
}
