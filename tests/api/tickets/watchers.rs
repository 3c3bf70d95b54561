//! Who watches a ticket.
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::history;
use crate::support::{Client, Reply, TestApp, path};

async fn call(caller: &Client, method: Method, ticket: &Value, id: &str) -> Reply {
    Reply::of(caller.request(method, &path(ticket, &format!("/watchers/{id}")))).await
}

async fn names(caller: &Client, ticket: &Value) -> Vec<String> {
    let found = caller.get(&path(ticket, "/watchers")).await.expect(200);
    found.as_array().unwrap().iter().map(|w| w["name"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn agents_and_the_accounts_contacts_watch_and_a_contact_sees_the_contacts() {
    let app = TestApp::start().await;
    let (agent, contact) =
        (app.agent("Coordinator").await, app.contact("Purchasing contact").await);
    let ticket = app.open_ticket(json!({})).await;
    let agent_id = app.id("agents", "L1 agent B").await;
    let contact_id = app.id("contacts", "Purchasing contact").await;
    call(&agent, Method::PUT, &ticket, &agent_id).await.expect(200);
    let own = call(&contact, Method::PUT, &ticket, &contact_id).await;
    assert_eq!(own.header("etag"), "\"v3\"");
    assert_eq!(call(&contact, Method::PUT, &ticket, &contact_id).await.header("etag"), "\"v3\"");
    assert_eq!(names(&agent, &ticket).await, ["L1 agent B", "Purchasing contact"]);
    assert_eq!(names(&contact, &ticket).await, ["Purchasing contact"]);
    assert_eq!(history(&contact, &ticket).await.len(), 1);
    call(&contact, Method::DELETE, &ticket, &contact_id).await.expect(200);
    call(&agent, Method::DELETE, &ticket, &agent_id).await.expect(200);
    let last = call(&agent, Method::DELETE, &ticket, &agent_id).await;
    assert_eq!(last.header("etag"), "\"v5\"");
    assert!(names(&agent, &ticket).await.is_empty());
    let told = history(&agent, &ticket).await;
    let kinds: Vec<_> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds[1..],
        ["ticket.watched", "ticket.watched", "ticket.unwatched", "ticket.unwatched"]
    );
    assert_eq!(told[1]["data"]["watcher_id"], agent_id);
}

#[actix_web::test]
async fn nobody_watches_who_may_not_and_a_contact_speaks_for_themselves() {
    let app = TestApp::start().await;
    let (agent, contact) =
        (app.agent("Coordinator").await, app.contact("Purchasing contact").await);
    let ticket = app.open_ticket(json!({})).await;
    let outsider = app.id("contacts", "Warehouse contact").await;
    let colleague = app.id("agents", "L1 agent A").await;
    for id in [outsider.as_str(), "00000000-0000-0000-0000-000000000000"] {
        call(&agent, Method::PUT, &ticket, id).await.problem(404, "not_found");
    }
    for (method, id) in
        [(Method::PUT, &colleague), (Method::DELETE, &colleague), (Method::PUT, &outsider)]
    {
        call(&contact, method, &ticket, id).await.problem(404, "not_found");
    }
    let stranger = app.contact("Warehouse contact").await;
    call(&stranger, Method::PUT, &ticket, &outsider).await.problem(404, "not_found");
    stranger.get(&path(&ticket, "/watchers")).await.problem(404, "not_found");
    app.move_elsewhere(&ticket).await;
    let elsewhere = app.agent("L1 agent A").await;
    elsewhere.get(&path(&ticket, "/watchers")).await.problem(404, "not_found");
    let draft = app.open_ticket(json!({"draft": true})).await;
    call(&agent, Method::PUT, &draft, &colleague).await.problem(409, "not_submitted");
}

#[actix_web::test]
async fn a_contact_watches_as_long_as_they_belong_to_the_tickets_account() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let contact = app.id("contacts", "Purchasing contact").await;
    call(&agent, Method::PUT, &ticket, &contact).await.expect(200);
    let to = json!({"account_id": app.id("accounts", "Harbor Logistics").await, "contact_id": null,
        "product_id": null, "category_id": app.text("select id::text as text from categories limit 1").await});
    agent.post_on(&path(&ticket, "/transfer"), "*", to).await.expect(200);
    assert!(names(&agent, &ticket).await.is_empty());
}

#[actix_web::test]
async fn a_ticket_has_a_hundred_watchers_at_the_most_however_many_come_at_once() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    app.sql(
        "insert into agents (id, name, email, role) select gen_random_uuid(), 'Bulk ' || n, 'bulk' || n || '@desk.example', 'agent'
           from generate_series(1, 98) n",
    )
    .await
    .unwrap();
    app.sql(
        "insert into ticket_watchers (ticket_id, agent_id, added_by, added_by_name, added_at)
         select t.id, a.id, t.opened_by, '', now() from tickets t, agents a where a.name like 'Bulk%'",
    )
    .await
    .unwrap();
    let mut ids = Vec::new();
    for name in ["L1 agent A", "L1 agent B", "Coordinator", "Administrator", "L2 agent B"] {
        ids.push(app.id("agents", name).await);
    }
    let replies = join_all(ids.iter().map(|id| call(&agent, Method::PUT, &ticket, id))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 2);
    let refused = replies.into_iter().find(|reply| reply.status != 200).unwrap();
    refused.problem(409, "too_many_watchers");
}

#[actix_web::test]
async fn watchers_follow_a_merge_and_are_each_tickets_own_again_when_it_is_undone() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let contact = app.contact("Purchasing contact").await;
    let [target, middle, source] = [
        app.open_ticket(json!({})).await,
        app.open_ticket(json!({})).await,
        app.open_ticket(json!({})).await,
    ];
    let (both, gone, contact_id) = (
        app.id("agents", "L1 agent A").await,
        app.id("agents", "L1 agent B").await,
        app.id("contacts", "Purchasing contact").await,
    );
    for (ticket, watcher) in
        [(&source, &both), (&source, &gone), (&source, &contact_id), (&target, &both)]
    {
        call(&agent, Method::PUT, ticket, watcher).await.expect(200);
    }
    let merge = async |source: &Value, target: &Value| {
        let into = json!({"into": target["id"]});
        agent.post_on(&path(source, "/merge"), "*", into).await.expect(200)
    };
    merge(&source, &middle).await;
    merge(&middle, &target).await;
    let joint = ["L1 agent A", "L1 agent B", "Purchasing contact"];
    assert_eq!(names(&agent, &target).await, joint, "each once, through the whole chain");
    assert_eq!(names(&contact, &target).await, ["Purchasing contact"]);
    assert_eq!(names(&agent, &source).await, joint, "its own are still told");
    call(&agent, Method::PUT, &source, &both).await.problem(409, "ticket_merged");

    // What is changed meanwhile holds afterwards: who wants to be told no more, and who wants to.
    let new = app.id("agents", "Coordinator").await;
    call(&agent, Method::PUT, &target, &new).await.expect(200);
    let without = call(&agent, Method::DELETE, &target, &gone).await;
    assert_eq!(without.header("etag"), "\"v5\"");
    let again = call(&agent, Method::DELETE, &target, &gone).await;
    assert_eq!(again.header("etag"), "\"v5\"");
    assert_eq!(names(&agent, &target).await, ["L1 agent A", "Purchasing contact", "Coordinator"]);
    for ticket in [&middle, &source] {
        agent.delete(&path(ticket, "/merge"), "*").await.expect(200);
    }
    assert_eq!(names(&agent, &target).await, ["L1 agent A", "Coordinator"]);
    assert!(names(&agent, &middle).await.is_empty());
    assert_eq!(names(&agent, &source).await, ["L1 agent A", "Purchasing contact"]);
}

#[actix_web::test]
async fn tickets_that_too_many_watch_together_are_not_merged() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let (target, source) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    app.sql(
        "insert into agents (id, name, email, role) select gen_random_uuid(), 'Bulk ' || n, 'bulk' || n || '@desk.example', 'agent'
           from generate_series(1, 120) n",
    )
    .await
    .unwrap();
    let watch = |ticket: &Value, numbers: &str| {
        app.sql(format!(
            "insert into ticket_watchers (ticket_id, agent_id, added_by, added_by_name, added_at)
             select t.id, a.id, t.opened_by, '', now() from tickets t, agents a
              where t.id = {} and substring(a.name from 'Bulk (.+)')::integer {numbers}",
            ticket["id"].to_string().replace('"', "'")
        ))
    };
    watch(&target, "<= 99").await.unwrap();
    watch(&source, "between 99 and 101").await.unwrap();
    let into = json!({"into": target["id"]});
    let merge = async || agent.post_on(&path(&source, "/merge"), "*", into.clone()).await;
    merge().await.problem(409, "too_many_watchers");
    app.sql("delete from ticket_watchers where agent_id = (select id from agents where name = 'Bulk 101')")
        .await
        .unwrap();
    merge().await.expect(200);
    assert_eq!(names(&agent, &target).await.len(), 100);
    let one_more = app.id("agents", "L1 agent A").await;
    call(&agent, Method::PUT, &target, &one_more).await.problem(409, "too_many_watchers");
}
