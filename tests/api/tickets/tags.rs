//! Tags, one by one.
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp, path, pointers};

async fn put(caller: &Client, ticket: &Value, tag: &str) -> Reply {
    Reply::of(caller.request(Method::PUT, &path(ticket, &format!("/tags/{tag}")))).await
}

async fn take(caller: &Client, ticket: &Value, tag: &str) -> Reply {
    Reply::of(caller.request(Method::DELETE, &path(ticket, &format!("/tags/{tag}")))).await
}

#[actix_web::test]
async fn tags_come_and_go_one_by_one_and_what_is_so_already_is_no_change() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({"tags": ["export"]})).await;
    assert_eq!(
        put(&agent, &ticket, "big%20file").await.expect(200)["tags"],
        json!(["export", "big file"])
    );
    let again = put(&agent, &ticket, "export").await;
    assert_eq!(again.header("etag"), "\"v2\"");
    assert_eq!(take(&agent, &ticket, "export").await.expect(200)["tags"], json!(["big file"]));
    assert_eq!(take(&agent, &ticket, "export").await.header("etag"), "\"v3\"");
    assert_eq!(pointers(put(&agent, &ticket, "%20").await), ["/add/0"]);
    assert_eq!(pointers(put(&agent, &ticket, &"a".repeat(61)).await), ["/add/0"]);
    let told = super::history(&agent, &ticket).await;
    assert_eq!(
        told[1]["changes"],
        json!({"tags": {"from": ["export"], "to": ["export", "big file"]}})
    );
}

#[actix_web::test]
async fn tags_are_put_on_by_those_who_work_tickets_that_they_see() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    put(&app.contact("Purchasing contact").await, &ticket, "vip").await.problem(403, "forbidden");
    put(&app.contact("Warehouse contact").await, &ticket, "vip").await.problem(404, "not_found");
    app.move_elsewhere(&ticket).await;
    put(&app.agent("L1 agent A").await, &ticket, "vip").await.problem(404, "not_found");
    // A draft is its author's.
    let contact = app.contact("Purchasing contact").await;
    let draft = contact.post("/v1/tickets", json!({"draft": true})).await.expect(201);
    assert_eq!(put(&contact, &draft, "vip").await.expect(200)["tags"], json!(["vip"]));
}

#[actix_web::test]
async fn of_many_who_tag_at_once_nobody_writes_over_another() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({"tags": ["old"]})).await;
    let tags: Vec<String> = (0..16).map(|n| format!("t{n:02}")).collect();
    let tagged = join_all(tags.iter().map(|tag| put(&agent, &ticket, tag)));
    let (tagged, untagged) = futures_util::future::join(tagged, take(&agent, &ticket, "old")).await;
    assert!(tagged.iter().all(|reply| reply.status == 200) && untagged.status == 200);
    let mut found: Vec<String> =
        serde_json::from_value(app.read(&ticket).await["tags"].clone()).unwrap();
    found.sort();
    assert_eq!(found, tags);
}

#[actix_web::test]
async fn the_tags_in_use_are_counted_within_what_a_caller_sees() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    for tags in [json!(["export", "vip"]), json!(["export"]), json!(["expired"])] {
        app.open_ticket(json!({"tags": tags})).await;
    }
    let deleted = app.open_ticket(json!({"tags": ["gone"]})).await;
    agent.delete(&path(&deleted, ""), "*").await;
    let other = app.contact("Warehouse contact").await;
    let found = async |caller: &Client, query: &str| {
        let reply = caller.get(&format!("/v1/tags{query}")).await.expect(200);
        let items = reply["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|t| format!("{} {}", t["tag"].as_str().unwrap(), t["tickets"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(found(&agent, "").await, ["export 2", "expired 1", "vip 1"]);
    assert_eq!(found(&agent, "?prefix=exp&limit=1").await, ["export 2"]);
    assert_eq!(found(&app.contact("Purchasing contact").await, "").await.len(), 3);
    assert_eq!(found(&other, "").await, Vec::<String>::new());
}
