//! Tickets that come out of others: a note that is a matter of its own, a reply that comes too late.
use reqwest::Method;
use serde_json::{Value, json};

use super::history;
use crate::support::{Client, Reply, TestApp, path, pointers};

async fn note(caller: &Client, ticket: &Value, body: &str) -> Value {
    caller.post(&path(ticket, "/notes"), json!({"body": body})).await.expect(201)
}

async fn split(caller: &Client, ticket: &Value, body: Value) -> Reply {
    caller.post(&path(ticket, "/split"), body).await
}

/// What a ticket is to which other one; it has one link.
async fn only_link(caller: &Client, ticket: &Value) -> (Value, Value) {
    let page = caller.get(&path(ticket, "/links")).await.expect(200);
    let [link] = page["items"].as_array().unwrap().as_slice() else { panic!("{page}") };
    (link["kind"].clone(), link["ticket"]["id"].clone())
}

/// A ticket that was closed before its reopen window began.
async fn closed_long_ago(app: &TestApp) -> Value {
    let ticket = app.advance_to(&app.open_ticket(json!({"priority": "high"})).await, "050").await;
    let id = ticket["id"].as_str().unwrap();
    let ago =
        format!("update tickets set closed_at = now() - interval '31 days' where id = '{id}'");
    app.sql(ago).await.unwrap();
    app.read(&ticket).await
}

#[actix_web::test]
async fn a_note_becomes_a_ticket_of_the_same_customer() {
    let app = TestApp::start().await;
    let (agent, contact) = (app.agent("L1 agent A").await, app.contact("Purchasing contact").await);
    let ticket = app.open_ticket(json!({"priority": "high", "type": "incident"})).await;
    let asked = note(&contact, &ticket, "And the import is slow.").await;
    let before = app.read(&ticket).await;
    let wanted = json!({"note_id": asked["id"], "link": "follow_up_of"});
    let made = split(&agent, &ticket, wanted).await;
    let (location, etag) = (made.header("location").to_owned(), made.header("etag").to_owned());
    let made = made.expect(201);
    assert_eq!((location, etag), (path(&made, ""), format!("\"v{}\"", made["version"])));
    assert_eq!(made["description"], "And the import is slow.");
    for field in ["subject", "account_id", "contact_id", "product_id", "priority", "type"] {
        assert_eq!(made[field], ticket[field], "{field}");
    }
    assert_eq!((&made["source"], &made["status"]["code"]), (&json!("portal"), &json!("010")));
    assert!(made["assignee_id"].is_string());
    assert_eq!(only_link(&contact, &made).await, (json!("follow_up_of"), ticket["id"].clone()));
    assert_eq!(only_link(&contact, &ticket).await, (json!("followed_up_by"), made["id"].clone()));
    let told = history(&agent, &ticket).await.pop().unwrap();
    assert_eq!(
        (&told["type"], &told["data"]["split_note_id"]),
        (&json!("ticket.linked"), &asked["id"])
    );
    let kinds: Vec<Value> =
        history(&agent, &made).await.iter().map(|e| e["type"].clone()).collect();
    assert_eq!(kinds, ["ticket.opened", "ticket.linked"]);
    // The note stays where it is.
    let now = app.read(&ticket).await;
    assert_eq!((&now["note_count"], &now["status"]), (&before["note_count"], &before["status"]));
    app.loads_are_true().await;

    let other = json!({
        "note_id": asked["id"], "subject": "Slow import", "priority": "low", "type": "question",
        "category_id": app.id("categories", "General").await,
    });
    let request =
        || agent.request(Method::POST, &path(&ticket, "/split")).header("idempotency-key", "s");
    let first = Reply::of(request().json(&other)).await.expect(201);
    assert_eq!(Reply::of(request().json(&other)).await.expect(201), first);
    assert_eq!((&first["subject"], &first["priority"]), (&json!("Slow import"), &json!("low")));
    assert_eq!((&first["product_id"], first["category_id"].is_string()), (&Value::Null, true));
    assert_eq!(only_link(&agent, &first).await.0, "related");
}

#[actix_web::test]
async fn a_split_that_makes_no_sense_is_refused() {
    let app = TestApp::start().await;
    let (agent, contact) =
        (app.agent("Coordinator").await, app.contact("Purchasing contact").await);
    let [ticket, other] = [app.open_ticket(json!({})).await, app.open_ticket(json!({})).await];
    let public = note(&contact, &ticket, "Hello").await;
    let internal = json!({"body": "Psst", "visibility": "internal"});
    let internal = agent.post(&path(&ticket, "/notes"), internal).await.expect(201);
    let elsewhere = note(&contact, &other, "Hello").await;
    for note in [&internal, &elsewhere] {
        let refused = split(&agent, &ticket, json!({"note_id": note["id"]})).await;
        assert_eq!(pointers(refused), ["/note_id"]);
    }
    let wanted = json!({"note_id": public["id"], "link": "parent_of"});
    assert_eq!(pointers(split(&agent, &ticket, wanted).await), ["/link"]);
    let wanted = json!({"note_id": public["id"], "type": "no such"});
    assert_eq!(pointers(split(&agent, &ticket, wanted).await), ["/type"]);
    let wanted = json!({"note_id": public["id"]});
    split(&contact, &ticket, wanted.clone()).await.problem(403, "forbidden");
    let stranger = app.agent("Business analyst A").await;
    split(&stranger, &ticket, wanted.clone()).await.problem(404, "not_found");
    assert_eq!(app.number("select count(*) as number from tickets").await, 2);

    // A note of a ticket that was merged into this one is of its conversation.
    agent.post_on(&path(&ticket, "/merge"), "*", json!({"into": other["id"]})).await.expect(200);
    let made = split(&agent, &other, wanted).await.expect(201);
    assert_eq!(made["description"], "Hello");
}

#[actix_web::test]
async fn a_reply_after_the_reopen_window_opens_a_follow_up() {
    let app = TestApp::start().await;
    let (agent, contact) =
        (app.agent("Coordinator").await, app.contact("Operations contact").await);
    let closed = closed_long_ago(&app).await;
    let reply = json!({"body": "It stopped again."});
    let post = || {
        contact.request(Method::POST, &path(&closed, "/notes")).header("idempotency-key", "late")
    };
    let answer = Reply::of(post().json(&reply)).await;
    let (location, etag) = (answer.header("location").to_owned(), answer.header("etag").to_owned());
    let answer = answer.expect(201);
    assert_eq!(answer["follow_up_of"], closed["id"]);
    assert_eq!(location, format!("/v1/tickets/{}", answer["ticket_id"].as_str().unwrap()));
    let again = Reply::of(post().json(&reply)).await;
    assert_eq!(
        (again.header("location"), again.header("idempotency-replayed")),
        (&*location, "true")
    );

    let opened = contact.get(&location).await;
    assert_eq!(opened.header("etag"), etag);
    let opened = opened.expect(200);
    assert_eq!((&opened["number"], &opened["description"]), (&answer["number"], &reply["body"]));
    assert_eq!(opened["contact_id"], *app.id("contacts", "Operations contact").await);
    for field in ["subject", "account_id", "product_id", "priority", "type"] {
        assert_eq!(opened[field], closed[field], "{field}");
    }
    assert_eq!(only_link(&contact, &opened).await, (json!("follow_up_of"), closed["id"].clone()));
    assert_eq!(only_link(&contact, &closed).await, (json!("followed_up_by"), opened["id"].clone()));
    let after = app.read(&closed).await;
    assert_eq!(
        (&after["status"], &after["note_count"]),
        (&closed["status"], &closed["note_count"])
    );
    assert_eq!(history(&agent, &closed).await.pop().unwrap()["type"], "ticket.linked");
    app.loads_are_true().await;

    // The desk's notes stay on the closed ticket.
    note(&agent, &closed, "For the record").await;
    assert_eq!(app.read(&closed).await["status"], closed["status"]);
    let internal = json!({"body": "x", "visibility": "internal"});
    contact.post(&path(&closed, "/notes"), internal).await.problem(403, "forbidden");
}

#[actix_web::test]
async fn a_late_reply_to_a_merged_ticket_follows_up_the_one_at_the_end() {
    let app = TestApp::start().await;
    let (agent, contact) =
        (app.agent("Coordinator").await, app.contact("Purchasing contact").await);
    let (source, target) = (closed_long_ago(&app).await, closed_long_ago(&app).await);
    agent.post_on(&path(&source, "/merge"), "*", json!({"into": target["id"]})).await.expect(200);
    let answer = note(&contact, &source, "It stopped again.").await;
    assert_eq!(answer["follow_up_of"], target["id"]);
    agent.delete(&path(&source, "/merge"), "*").await.problem(409, "merge_followed");
}

#[actix_web::test]
async fn a_late_reply_that_cannot_become_a_ticket_is_refused_as_before() {
    let app = TestApp::start().await;
    let contact = app.contact("Purchasing contact").await;
    let closed = closed_long_ago(&app).await;
    app.sql("delete from account_products").await.unwrap();
    let reply = contact.post(&path(&closed, "/notes"), json!({"body": "Again"})).await;
    reply.problem(409, "reopen_window_over");
    assert_eq!(app.read(&closed).await, closed);
    assert_eq!(app.number("select count(*) as number from tickets").await, 1);
}
