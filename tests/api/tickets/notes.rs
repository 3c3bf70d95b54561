//! The conversation: append-only, in order.
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Reply, TestApp, path, pointers};

fn numbers(page: &Value) -> Vec<i64> {
    page["items"].as_array().unwrap().iter().map(|note| note["seq"].as_i64().unwrap()).collect()
}

#[actix_web::test]
async fn notes_are_numbered_in_order_and_paged_both_ways() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let (contact, agent) =
        (app.contact("Purchasing contact").await, app.agent("Coordinator").await);
    let at = path(&ticket, "/notes");
    for number in 1..=7 {
        let (caller, body) = match number % 3 {
            0 => (&agent, json!({"body": "Psst", "visibility": "internal"})),
            1 => (&agent, json!({"body": "Hello"})),
            _ => (&contact, json!({"body": "Here it is"})),
        };
        let added = caller.post(&at, body).await;
        assert_eq!(added.header("etag"), format!("\"v{}\"", number + 1));
        assert_eq!(added.expect(201)["seq"], number);
    }
    let first = agent.get(&format!("{at}?limit=3")).await.expect(200);
    let next = first["next"].as_str().unwrap();
    let second = agent.get(&format!("{at}?limit=3&cursor={next}")).await.expect(200);
    assert_eq!((numbers(&first), numbers(&second)), (vec![1, 2, 3], vec![4, 5, 6]));
    let prev = second["prev"].as_str().unwrap();
    let back = agent.get(&format!("{at}?limit=3&cursor={prev}")).await.expect(200);
    assert_eq!(back["items"], first["items"]);
    assert_eq!((&first["prev"], &back["prev"]), (&Value::Null, &Value::Null));
    let public = contact.get(&at).await.expect(200);
    assert_eq!(numbers(&public), [1, 2, 4, 5, 7]);
    let reply = &public["items"][1];
    assert_eq!((&reply["channel"], &reply["visibility"]), (&json!("portal"), &json!("public")));
    assert_eq!(reply["author"]["role"], "contact");

    let other = app.open_ticket(json!({})).await;
    let foreign = format!("{}?limit=3&cursor={next}", path(&other, "/notes"));
    agent.get(&foreign).await.problem(400, "malformed_request");
}

#[actix_web::test]
async fn a_note_says_something_and_is_written_once() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let (contact, agent) =
        (app.contact("Purchasing contact").await, app.agent("Coordinator").await);
    let at = path(&ticket, "/notes");
    for body in [json!({}), json!({"body": ""}), json!({"body": " \n"})] {
        let refused = pointers(agent.post(&at, body).await);
        assert!(refused.iter().all(|pointer| pointer == "/body") && !refused.is_empty());
    }
    let internal = json!({"body": "x", "visibility": "internal"});
    let refused = contact.post(&at, internal).await.problem(403, "forbidden");
    assert_eq!(refused["required_permission"], "tickets:work");
    let post = || {
        let request = contact.request(Method::POST, &at).header("idempotency-key", "mail-1");
        Reply::of(request.json(&json!({"body": "Here it is"})))
    };
    let (first, again) = (post().await, post().await);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.expect(201), again.expect(201));
    assert_eq!(app.read(&ticket).await["note_count"], 1);
}

#[actix_web::test]
async fn concurrent_notes_all_count() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let at = path(&ticket, "/notes");
    let adding = (0..12).map(|_| agent.post(&at, json!({"body": "Hello"})));
    for reply in futures_util::future::join_all(adding).await {
        reply.expect(201);
    }
    let all = agent.get(&at).await.expect(200);
    assert_eq!(numbers(&all), (1..=12).collect::<Vec<_>>());
    assert_eq!(app.read(&ticket).await["version"], 13);
}
