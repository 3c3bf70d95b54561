//! What happens is heard at once, in order, and again from where one stopped.
use std::time::Duration;

use casebridge::kernel::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::Listener;
use crate::support::{Client, Process, Reply, TestApp};

async fn add(client: &Client, name: &str) {
    client.post("/v1/products", json!({ "name": name })).await.expect(201);
}

#[actix_web::test]
async fn a_listener_hears_what_happens_from_now_on_as_the_feed_shows_it() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    app.publish().await;
    let mut listener = Listener::start(&admin, "", None).await;
    let begin = listener.next().await.unwrap().id.unwrap();
    for name in ["One", "Two"] {
        add(&admin, name).await;
    }
    app.publish().await;
    let heard = [listener.event().await, listener.event().await];
    assert_eq!(heard.each_ref().map(|said| said.id.unwrap()), [begin + 1, begin + 2]);
    let page = admin.get(&format!("/v1/events?after={begin}")).await.expect(200);
    assert_eq!(page["items"], json!([heard[0].data, heard[1].data]));
    assert_eq!(heard[0].event.as_deref(), Some("resource.created"));
    assert!(listener.is_silent().await);
}

#[actix_web::test]
async fn who_comes_back_with_the_last_id_misses_nothing_and_hears_nothing_twice() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    app.publish().await;
    let mut listener = Listener::start(&admin, "", None).await;
    listener.next().await.unwrap();
    add(&admin, "Heard").await;
    app.publish().await;
    let last = listener.event().await.id.unwrap();
    drop(listener);
    for n in 0..150 {
        add(&admin, &format!("Missed {n}")).await;
    }
    app.publish().await;
    // The header goes before the query: that is what a browser does by itself.
    let mut listener = Listener::start(&admin, "?after=0", Some(last)).await;
    for n in 0..150 {
        let said = listener.event().await;
        assert_eq!(said.id, Some(last + 1 + n));
        assert_eq!(said.data["changes"]["name"]["to"], format!("Missed {n}"));
    }
    assert!(listener.is_silent().await);
    let mut again = Listener::start(&admin, &format!("?after={last}"), None).await;
    assert_eq!(again.event().await.id, Some(last + 1));
}

#[actix_web::test]
async fn only_what_was_asked_for_is_heard() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    app.publish().await;
    let ticket = app.open_ticket(json!({})).await;
    let other = app.open_ticket(json!({})).await;
    app.publish().await;
    let id = |ticket: &Value| ticket["id"].as_str().unwrap().to_owned();
    for (query, expected) in [
        (format!("?after=0&ticket={}", id(&ticket)), id(&ticket)),
        (format!("?after=0&types=ticket.opened&ticket={}", id(&other)), id(&other)),
    ] {
        let mut listener = Listener::start(&admin, &query, None).await;
        assert_eq!(listener.event().await.data["ticket_id"], expected);
    }
    let elsewhere = admin.post("/v1/accounts", json!({"name": "Elsewhere"})).await.expect(201);
    app.publish().await;
    let query = format!("?after=0&account={}", id(&elsewhere));
    let mut listener = Listener::start(&admin, &query, None).await;
    listener.next().await.unwrap();
    assert!(listener.is_silent().await);
    for query in ["?after=-1", "?types=ticket.exploded", "?after=x", "?ticket=x"] {
        let refused = admin.get(&format!("/v1/events/stream{query}")).await;
        refused.problem(400, "malformed_request");
    }
    let request = admin.request(Method::GET, "/v1/events/stream");
    let refused = Reply::of(request.header("last-event-id", "soon")).await;
    refused.problem(400, "malformed_request");
}

#[actix_web::test]
async fn who_asks_for_the_head_of_a_stream_alone_keeps_the_connection_for_other_requests() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    for _ in 0..3 {
        let head = admin.request(Method::HEAD, "/v1/events/stream").send().await.unwrap();
        assert_eq!(head.status(), 200);
        assert_eq!(head.headers()["content-type"], "text/event-stream");
        drop(head);
        let products = admin.request(Method::GET, "/v1/products").timeout(Duration::from_secs(5));
        assert_eq!(Reply::of(products).await.status, 200);
    }
}

#[actix_web::test]
async fn a_sign_of_life_comes_when_nothing_happens_and_says_how_far_one_is() {
    let app = TestApp::start().await;
    let agent = app.client(Role::Agent).await;
    let admin = app.client(Role::Admin).await;
    app.publish().await;
    let mut listener = Listener::start(&agent, "", None).await;
    let begin = listener.next().await.unwrap().id.unwrap();
    // Nothing for an agent, who need not pass it again.
    add(&admin, "Nobody's business").await;
    app.publish().await;
    let sign = listener.next().await.unwrap();
    assert_eq!((sign.id, sign.event), (Some(begin + 1), None));
    assert_eq!(sign.comment.as_deref(), Some("nothing new"));
}

#[actix_web::test]
async fn a_listener_hears_what_another_process_publishes_and_is_let_go_when_its_own_ends() {
    let app = TestApp::start().await;
    app.publish().await;
    let more = [("CASEBRIDGE_WORKERS", "false")];
    let process = Process::serve(&app.database, &more).await;
    let client = process.client("admin");
    let mut listener = Listener::start(&client, "", None).await;
    let begin = listener.next().await.unwrap().id.unwrap();
    add(&client, "From elsewhere").await;
    app.publish().await;
    assert_eq!(listener.event().await.id, Some(begin + 1));
    process.terminate();
    assert_eq!(listener.next().await, None);
    let (status, logs) = process.ended().await;
    assert!(status.success(), "{logs}");
}
