//! Who is mentioned in a note, and who could be.
use serde_json::{Value, json};

use super::history;
use crate::support::{TestApp, path};

async fn mention(app: &TestApp, name: &str) -> String {
    format!("@[{name}](agent:{})", app.id("agents", name).await)
}

fn names(found: &Value) -> Vec<&str> {
    found["items"].as_array().unwrap().iter().map(|agent| agent["name"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn the_event_names_those_mentioned_who_may_see_the_ticket() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    // The one works in another department, the author need not be told, and nobody has that id.
    let body = format!(
        "{} {} {} @[x](agent:{})",
        mention(&app, "L1 agent A").await,
        mention(&app, "Account manager A").await,
        mention(&app, "Coordinator").await,
        uuid::Uuid::now_v7()
    );
    let note = json!({"body": body, "visibility": "internal"});
    coordinator.post(&path(&ticket, "/notes"), note).await.expect(201);
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    let expected = json!([app.id("agents", "L1 agent A").await]);
    assert_eq!(
        (&event["type"], &event["data"]["mentions"]),
        (&json!("ticket.note_added"), &expected)
    );
    // Whose own it is sees it, whatever department it is in.
    let manager = app.id("agents", "Account manager A").await;
    let own = format!("update tickets set opened_by = '{manager}'");
    app.sql(own).await.unwrap();
    coordinator.post(&path(&ticket, "/notes"), json!({"body": body})).await.expect(201);
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    assert!(event["data"]["mentions"].as_array().unwrap().contains(&json!(manager)));
    // Who left the desk is not told.
    app.sql(format!("update agents set active = false where id = '{manager}'")).await.unwrap();
    coordinator.post(&path(&ticket, "/notes"), json!({"body": body})).await.expect(201);
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    assert_eq!(event["data"]["mentions"], expected);
    // The desk's own business is not the customer's.
    let contact = app.contact("Purchasing contact").await;
    let seen = history(&contact, &ticket).await;
    assert!(seen.iter().all(|event| event["data"].get("mentions").is_none()), "{seen:?}");
}

#[actix_web::test]
async fn a_note_that_comes_with_another_operation_mentions_too_and_a_customer_mentions_nobody() {
    let app = TestApp::start().await;
    let (coordinator, contact) =
        (app.agent("Coordinator").await, app.contact("Purchasing contact").await);
    let ticket = app.open_ticket(json!({})).await;
    let body = mention(&app, "L1 agent A").await;
    let note = json!({"note": {"body": body, "visibility": "internal"}});
    coordinator.post_on(&path(&ticket, "/transfer"), "*", note).await.expect(200);
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    assert_eq!(event["type"], "ticket.transferred");
    assert_eq!(event["data"]["mentions"], json!([app.id("agents", "L1 agent A").await]));
    contact.post(&path(&ticket, "/notes"), json!({"body": body})).await.expect(201);
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    assert_eq!(
        (&event["type"], event["data"].get("mentions")),
        (&json!("ticket.note_added"), None)
    );
    // To be told is not to be a watcher.
    let watchers = coordinator.get(&path(&ticket, "/watchers")).await.expect(200);
    assert!(!watchers.to_string().contains("L1 agent A"), "{watchers}");
}

#[actix_web::test]
async fn whom_a_note_can_mention_is_found_by_a_part_of_the_name() {
    let app = TestApp::start().await;
    let (coordinator, agent) = (app.agent("Coordinator").await, app.agent("L1 agent A").await);
    let ticket = app.open_ticket(json!({})).await;
    let at = |query: &str| path(&ticket, &format!("/mentionable-agents{query}"));
    let all = coordinator.get(&at("?limit=100")).await.expect(200);
    let all = names(&all);
    assert!(all.contains(&"Coordinator") && all.contains(&"Administrator"), "{all:?}");
    assert!(all.contains(&"L1 agent A") && !all.contains(&"Account manager A"), "{all:?}");
    assert!(all.is_sorted_by_key(|name| name.to_lowercase()), "{all:?}");
    let some = agent.get(&at("?q=L1%20AGENT&limit=1")).await.expect(200);
    assert_eq!(names(&some), ["L1 agent A"]);
    assert_eq!(some["items"][0]["id"], app.id("agents", "L1 agent A").await);
    assert_eq!(names(&agent.get(&at("?q=%25")).await.expect(200)), Vec::<&str>::new());
    for name in ["Purchasing contact", "Warehouse contact"] {
        app.contact(name).await.get(&at("")).await.problem(403, "forbidden");
    }
    app.move_elsewhere(&ticket).await;
    agent.get(&at("")).await.problem(404, "not_found");
}
