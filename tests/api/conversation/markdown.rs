//! Notes are shown as safe HTML beside what was written.
use casebridge::http;
use casebridge::kernel::Actor;
use casebridge::notes::{Channel, NewNote, NoteVisibility};
use casebridge::tickets::service;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Reply, TestApp, path};

#[actix_web::test]
async fn a_note_is_shown_as_safe_html_wherever_it_is_shown() {
    let app = TestApp::start().await;
    let (agent, contact) =
        (app.agent("Coordinator").await, app.contact("Purchasing contact").await);
    let ticket = app.open_ticket(json!({})).await;
    let at = path(&ticket, "/notes");
    let body = "It **works**.\n[x](javascript:alert(1))\n<script>alert(1)</script>";
    let html = "<p>It <strong>works</strong>.<br>\n<a rel=\"nofollow noopener noreferrer\">x</a></p>\n\
        <pre><code>&lt;script&gt;alert(1)&lt;/script&gt;</code></pre>";
    for caller in [&agent, &contact] {
        let added = caller.post(&at, json!({"body": body})).await.expect(201);
        assert_eq!((&added["body"], &added["body_html"]), (&json!(body), &json!(html)));
        let one = format!("{at}/{}", added["id"].as_str().unwrap());
        assert_eq!(contact.get(&one).await.expect(200), added);
    }
    let all = contact.get(&at).await.expect(200);
    assert!(all["items"].as_array().unwrap().iter().all(|note| note["body_html"] == html));
}

#[actix_web::test]
async fn what_comes_by_mail_or_from_a_crm_is_shown_as_plain_text() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let id = ticket["id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap().into();
    for channel in [Channel::Email, Channel::Crm] {
        let body = format!("2 * 3 * 4 <b>\n@[x](agent:{})", app.id("agents", "Coordinator").await);
        let note = NewNote {
            visibility: NoteVisibility::Internal,
            channel,
            body,
            attachments: Vec::new(),
        };
        let add = move |conn: &mut _| {
            service::add_note(conn, &Actor::system(), id, note, http::now()).map(drop)
        };
        app.service.db.tx(add).await.unwrap();
    }
    let notes = app.agent("Coordinator").await.get(&path(&ticket, "/notes")).await.expect(200);
    let notes = notes["items"].as_array().unwrap();
    assert_eq!(notes.len(), 2);
    for note in notes {
        let html = note["body_html"].as_str().unwrap();
        assert!(html.starts_with("<p>2 * 3 * 4 &lt;b&gt;<br>\n@[x](agent:"), "{html}");
    }
    let mentioned = "select count(*) as number from notes where mentions <> '{}'";
    assert_eq!(app.number(mentioned).await, 0);
}

#[actix_web::test]
async fn a_secret_that_markup_divides_is_taken_out_of_kept_answers_too() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let body = json!({"body": "The key is zq**7k**41 & mine"});
    let send = || {
        let request = agent.request(Method::POST, &path(&ticket, "/notes"));
        Reply::of(request.header("idempotency-key", "once").json(&body))
    };
    let note = send().await.expect(201);
    assert_eq!(note["body_html"], "<p>The key is zq<strong>7k</strong>41 &amp; mine</p>");
    let redact = json!({"field": "note", "note_id": note["id"], "text": "zq**7k**41 & mine", "reason": "A key"});
    agent.post_on(&path(&ticket, "/redactions"), "*", redact).await.expect(201);
    let again = send().await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    let again: Value = again.expect(201);
    assert_eq!(again["body_html"], "<p>The key is [redacted]</p>");
    let read = agent.get(&path(&ticket, "/notes")).await.expect(200);
    assert_eq!(read["items"][0]["body_html"], "<p>The key is [redacted]</p>");
    let kept = "select count(*) as number from idempotency_keys where body like '%7k%'";
    assert_eq!(app.number(kept).await, 0);
}
