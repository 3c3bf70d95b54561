//! What is taken out of a ticket is taken out of its case and its posts.
use serde_json::json;

use super::desk::EspoDesk;
use crate::redaction::{SECRET, redact, tables_with};
use crate::support::mirror::text;

#[actix_web::test]
async fn case_and_posts_are_written_anew_without_the_secret() {
    let desk = EspoDesk::start().await;
    let ticket = desk.app.open_ticket(json!({"description": format!("It is {SECRET}.")})).await;
    desk.app.follow_automatic().await;
    let id = text(&ticket["id"]);
    desk.note(&id, "internal", &format!("They wrote {SECRET}.")).await;
    desk.converge().await;
    let there = || {
        let records = ["Case", "Note"].map(|entity| format!("{:?}", desk.crm.records(entity)));
        records.map(|text| text.contains(SECRET))
    };
    assert_eq!(there(), [true, true]);
    redact(&desk.admin, &ticket, "description", SECRET).await.expect(201);
    desk.converge().await;
    assert_eq!(there(), [false, false]);
    assert!(desk.case(&id).await.text("description").starts_with("It is [redacted]."));
    let at = format!("/v1/tickets/{id}/redactions");
    let copies = desk.admin.get(&at).await.expect(200)["items"][0]["crm"].clone();
    let states: Vec<_> = copies.as_array().unwrap().iter().map(|copy| &copy["state"]).collect();
    assert_eq!(states, ["done", "done"]);
    // The post is known by its key still: it comes back as nobody's note.
    desk.pull().await;
    desk.reconcile().await;
    assert_eq!(desk.notes(&id).await.len(), 1);
    assert!(tables_with(&desk.app, SECRET).await.is_empty());
}
