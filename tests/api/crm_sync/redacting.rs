//! What is taken out of a ticket, where an integration writes the cases.
use serde_json::{Value, json};

use super::Integrated;
use crate::redaction::{SECRET, redact, tables_with};
use crate::support::mirror::text;

#[actix_web::test]
async fn an_integration_is_offered_what_lost_a_secret_and_brings_nothing_back() {
    let desk = Integrated::start().await;
    let old = format!("It is {SECRET}.");
    let ticket = desk.app.open_ticket(json!({"description": old})).await;
    desk.app.follow_automatic().await;
    desk.app.publish().await;
    let id = text(&ticket["id"]);
    desk.made(&id, "c-1").await;
    for body in [format!("You wrote {SECRET}."), format!("Again {SECRET}.")] {
        let at = format!("/v1/tickets/{id}/notes");
        desk.admin.post(&at, json!({ "body": body })).await.expect(201);
    }
    desk.tell("theirs", &id, json!({"note": {"body": format!("Ours too: {SECRET}")}})).await;
    let edited = json!({"fields": {"description": format!("Edited, {SECRET}")}});
    assert_eq!(desk.tell("edit", &id, edited).await["outcome"], "conflict");
    desk.app.publish().await;
    let before = desk.pull(0, "").await["last_position"].as_i64().unwrap();
    assert!(tables_with(&desk.app, SECRET).await.contains(&"crm_changes".to_owned()));

    redact(&desk.admin, &ticket, "description", SECRET).await.expect(201);
    assert!(tables_with(&desk.app, SECRET).await.is_empty());
    desk.app.publish().await;
    let page = desk.pull(before, "").await;
    let case = &page["items"][0];
    assert!(text(&case["fields"]["description"]).starts_with("It is [redacted]."), "{case}");
    let notes: Vec<_> = case["notes"].as_array().unwrap().iter().map(|n| &n["body"]).collect();
    assert_eq!(notes, ["You wrote [redacted].", "Again [redacted]."]);
    // It tells what the CRM shows before it has written, and then what it wrote.
    let fields = case["fields"].clone();
    let shown = |description: &Value| {
        let mut shown = fields.clone();
        shown["description"] = description.clone();
        json!({"fields": shown, "base": {"description": old}})
    };
    let told = desk.tell("late", &id, shown(&json!(old))).await;
    assert_eq!(told["write"]["description"], fields["description"], "{told}");
    assert!(tables_with(&desk.app, SECRET).await.is_empty());
    let states = async || {
        let at = format!("/v1/tickets/{id}/redactions");
        let copies = desk.admin.get(&at).await.expect(200)["items"][0]["crm"].clone();
        let mut states: Vec<_> = copies
            .as_array()
            .unwrap()
            .iter()
            .map(|copy| format!("{} {}", text(&copy["what"]), text(&copy["state"])))
            .collect();
        states.sort();
        states
    };
    let notes = ["note not_possible"; 3];
    assert_eq!(states().await, [&["case due"][..], &notes].concat());
    desk.tell("written", &id, shown(&fields["description"])).await;
    assert_eq!(states().await, [&["case done"][..], &notes].concat());
    assert_eq!(desk.notes(&id).await[2], "Ours too: [redacted]");
}
