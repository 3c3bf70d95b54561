//! Notes that refer to attachments, drafts that take theirs along, and secrets in names.
use serde_json::{Value, json};

use super::{attached, field, file_part, send};
use crate::redaction::{SECRET, redact, tables_with};
use crate::support::{TestApp, path, pointers};

#[actix_web::test]
async fn a_note_refers_to_attachments_that_its_readers_may_see() {
    let app = TestApp::start().await;
    let (ticket, other) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    let (contact, agent) =
        (app.contact("Purchasing contact").await, app.agent("Coordinator").await);
    let public = attached(&contact, &ticket, "a.png", "image/png", b"a").await["id"].clone();
    let elsewhere = attached(&contact, &other, "b.png", "image/png", b"b").await["id"].clone();
    let parts = [file_part("c.log", "text/plain", b"c"), field("visibility", "internal")];
    let internal = send(&agent, &ticket, &parts).await.expect(201)["id"].clone();

    let notes = path(&ticket, "/notes");
    let note = |ids: Vec<&Value>, visibility: &str| json!({"body": "See there", "attachment_ids": ids, "visibility": visibility});
    let made = contact.post(&notes, note(vec![&public], "public")).await.expect(201);
    assert_eq!(made["attachment_ids"], json!([public]));
    let both = agent.post(&notes, note(vec![&internal, &public], "internal")).await.expect(201);
    assert_eq!(both["attachment_ids"], json!([internal, public]));
    for (caller, ids, at) in [
        (&agent, vec![&public, &internal], 1),
        (&contact, vec![&internal], 0),
        (&contact, vec![&elsewhere], 0),
        (&agent, vec![&ticket["id"]], 0),
    ] {
        let refused = pointers(caller.post(&notes, note(ids, "public")).await);
        assert_eq!(refused, [format!("/attachment_ids/{at}")]);
    }
    let listed = contact.get(&notes).await.expect(200);
    assert_eq!(listed["items"], json!([made]));
}

#[actix_web::test]
async fn a_note_refers_to_attachments_of_tickets_that_were_merged_into_its_ticket() {
    let app = TestApp::start().await;
    let (ticket, main) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    let agent = app.agent("Coordinator").await;
    let added = attached(&agent, &ticket, "a.png", "image/png", b"a").await["id"].clone();
    let merge = json!({"into": main["id"]});
    agent.post_on(&path(&ticket, "/merge"), "*", merge).await;
    let note = json!({"body": "See there", "attachment_ids": [added]});
    agent.post(&path(&main, "/notes"), note).await.expect(201);
    send(&agent, &ticket, &[file_part("b", "text/plain", b"b")])
        .await
        .problem(409, "ticket_merged");
}

#[actix_web::test]
async fn the_files_of_a_discarded_draft_go_with_it() {
    let app = TestApp::start().await;
    let contact = app.contact("Purchasing contact").await;
    let draft = contact.post("/v1/drafts", json!({"subject": "Soon"})).await.expect(201);
    attached(&contact, &draft, "a.png", "image/png", b"a").await;
    app.sweep(48).await;
    assert_eq!((app.rows("files").await, app.objects()), (1, 1));
    let at = format!("/v1/drafts/{}", draft["id"].as_str().unwrap());
    contact.delete(&at, "*").await.expect(204);
    assert_eq!(app.rows("files").await, 0);
    app.sweep(0).await;
    assert_eq!((app.rows("file_parts").await, app.objects()), (0, 0));
}

#[actix_web::test]
async fn a_secret_is_taken_out_of_the_names_of_files() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({"description": format!("My card: {SECRET}")})).await;
    let agent = app.agent("Coordinator").await;
    attached(&agent, &ticket, &format!("card {SECRET}.png"), "image/png", b"a").await;
    let link = json!({"name": "a", "url": format!("https://files.example/{SECRET}")});
    agent.post(&path(&ticket, "/attachments"), link).await.expect(201);
    redact(&agent, &ticket, "description", SECRET).await.expect(201);
    let left = tables_with(&app, SECRET).await;
    assert!(!left.contains(&"attachments".into()) && !left.contains(&"files".into()), "{left:?}");
    let listed = agent.get(&path(&ticket, "/attachments")).await.expect(200);
    assert_eq!(listed["items"][0]["name"], "card [redacted].png");
}
