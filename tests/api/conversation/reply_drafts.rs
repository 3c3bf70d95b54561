//! What somebody has begun to reply.
use casebridge::tickets::service;
use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::json;

use super::history;
use crate::support::{TestApp, path, pointers};

#[actix_web::test]
async fn a_reply_is_kept_for_its_author_alone_until_it_is_sent() {
    let app = TestApp::start().await;
    let (coordinator, agent, contact) = (
        app.agent("Coordinator").await,
        app.agent("L1 agent A").await,
        app.contact("Purchasing contact").await,
    );
    let ticket = app.open_ticket(json!({})).await;
    let (at, notes) = (path(&ticket, "/reply-draft"), path(&ticket, "/notes"));
    agent.get(&at).await.problem(404, "not_found");
    let mine = agent.put(&at, json!({"body": "The export wo"})).await.expect(200);
    assert_eq!((&mine["body"], &mine["visibility"]), (&json!("The export wo"), &json!("public")));
    let saved = json!({"body": "The export works", "visibility": "internal"});
    let saved = agent.put(&at, saved).await.expect(200);
    contact.put(&at, json!({"body": ""})).await.expect(200);
    assert_eq!(agent.get(&at).await.expect(200), saved);
    assert_eq!(contact.get(&at).await.expect(200)["body"], "");
    coordinator.get(&at).await.problem(404, "not_found");
    // It is no note, and nothing that happened.
    assert_eq!(coordinator.get(&notes).await.expect(200)["items"], json!([]));
    assert_eq!(history(&coordinator, &ticket).await.len(), 1);

    // What is sent beside it leaves it; a refusal does too.
    agent.post(&notes, json!({"body": "Another thing"})).await.expect(201);
    let blank = agent.post(&notes, json!({"body": " ", "discard_draft": true})).await;
    assert_eq!(pointers(blank), ["/body"]);
    assert_eq!(agent.get(&at).await.expect(200), saved);
    let sent = json!({"body": "The export works", "visibility": "internal", "discard_draft": true});
    agent.post(&notes, sent).await.expect(201);
    agent.get(&at).await.problem(404, "not_found");
    assert_eq!(contact.get(&at).await.expect(200)["body"], "");
    assert_eq!(contact.delete(&at, "*").await.status, 204);
    assert_eq!(contact.delete(&at, "*").await.status, 204);
    contact.get(&at).await.problem(404, "not_found");
}

#[actix_web::test]
async fn a_reply_that_is_refused_leaves_the_draft() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let at = path(&ticket, "/reply-draft");
    agent.put(&at, json!({"body": "Still here"})).await.expect(200);
    agent.delete(&path(&ticket, ""), "*").await;
    let sent = json!({"body": "Still here", "discard_draft": true});
    agent.post(&path(&ticket, "/notes"), sent).await.problem(409, "ticket_deleted");
    assert_eq!(agent.get(&at).await.expect(200)["body"], "Still here");
}

#[actix_web::test]
async fn who_may_not_write_it_as_a_note_may_not_begin_it() {
    let app = TestApp::start().await;
    let (contact, stranger) =
        (app.contact("Purchasing contact").await, app.contact("Warehouse contact").await);
    let ticket = app.open_ticket(json!({})).await;
    let at = path(&ticket, "/reply-draft");
    let internal = json!({"body": "x", "visibility": "internal"});
    contact.put(&at, internal).await.problem(403, "forbidden");
    for foreign in [&stranger] {
        foreign.put(&at, json!({"body": "x"})).await.problem(404, "not_found");
        foreign.get(&at).await.problem(404, "not_found");
        foreign.delete(&at, "*").await.problem(404, "not_found");
    }
    let long = contact.put(&at, json!({"body": "x".repeat(60_001)})).await;
    assert_eq!(pointers(long), ["/body"]);
    let draft = app.open_ticket(json!({"draft": true})).await;
    let coordinator = app.agent("Coordinator").await;
    let refused = coordinator.put(&path(&draft, "/reply-draft"), json!({"body": "x"})).await;
    refused.problem(409, "not_submitted");
}

#[actix_web::test]
async fn of_saves_at_once_one_stays() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let at = path(&ticket, "/reply-draft");
    let saves = (0..12).map(|n| agent.put(&at, json!({"body": format!("Text {n}")})));
    for reply in join_all(saves).await {
        reply.expect(200);
    }
    assert_eq!(app.number("select count(*) as number from reply_drafts").await, 1);
}

#[actix_web::test]
async fn a_redaction_reaches_drafts_and_an_abandoned_one_is_forgotten() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({"description": "It is zq7k-41."})).await;
    let at = path(&ticket, "/reply-draft");
    let other = app.agent("L1 agent A").await;
    for author in [&agent, &other] {
        author.put(&at, json!({"body": "Never send zq7k-41 again"})).await.expect(200);
    }
    let redact = json!({"field": "description", "text": "zq7k-41", "reason": "A key"});
    agent.post_on(&path(&ticket, "/redactions"), "*", redact).await.expect(201);
    for author in [&agent, &other] {
        let draft = author.get(&at).await.expect(200);
        assert_eq!(draft["body"], "Never send [redacted] again");
    }
    let old = "update reply_drafts set updated_at = now() - interval '91 days' where author_id = ";
    let old = format!("{old}'{}'", app.id("agents", "Coordinator").await);
    app.sql(old).await.unwrap();
    let forget = |conn: &mut _| service::forget_drafts(conn, Utc::now());
    assert!(!app.service.db.tx(forget).await.unwrap());
    agent.get(&at).await.problem(404, "not_found");
    other.get(&at).await.expect(200);
    let later = |conn: &mut _| service::forget_drafts(conn, Utc::now() + TimeDelta::days(91));
    app.service.db.tx(later).await.unwrap();
    other.get(&at).await.problem(404, "not_found");
}
