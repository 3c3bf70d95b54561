//! What the desk reads of the answers.
use serde_json::{Value, json};

use super::{asked, link, send};
use crate::support::{Client, TestApp};

async fn list(caller: &Client, query: &str) -> Value {
    caller.get(&format!("/v1/surveys{query}")).await.expect(200)
}

/// The ratings of the surveys that a query finds.
async fn ratings(caller: &Client, query: &str) -> Vec<Value> {
    let page = list(caller, query).await;
    page["items"].as_array().unwrap().iter().map(|survey| survey["rating"].clone()).collect()
}

/// Five tickets, rated 1 to 4 and not at all.
async fn rated(app: &TestApp) -> Vec<Value> {
    let mut tickets = Vec::new();
    for rating in ["1", "2", "3", "4", ""] {
        let ticket = asked(app).await;
        let link = link(app, &ticket).await;
        send(app, &link, &[("rating", rating)]).await;
        tickets.push(ticket);
    }
    tickets
}

#[actix_web::test]
async fn results_are_filtered_and_paged_latest_first() {
    let app = TestApp::start().await;
    let tickets = rated(&app).await;
    let coordinator = app.agent("Coordinator").await;
    let null = Value::Null;
    let all = [&null, &json!(4), &json!(3), &json!(2), &json!(1)];
    assert_eq!(ratings(&coordinator, "").await.iter().collect::<Vec<_>>(), all);
    assert_eq!(ratings(&coordinator, "?answered=false").await, [Value::Null]);
    assert_eq!(ratings(&coordinator, "?rating_to=2").await, [json!(2), json!(1)]);
    assert_eq!(ratings(&coordinator, "?answered=true&rating_from=4").await, [json!(4)]);
    let agent = tickets[0]["assignee_id"].as_str().unwrap();
    let own = tickets.iter().filter(|ticket| ticket["assignee_id"] == *agent).count();
    assert_eq!(ratings(&coordinator, &format!("?agent_id={agent}")).await.len(), own);
    let (account, other) = (
        app.id("accounts", "Northwind Services").await,
        app.id("departments", "Internal IT").await,
    );
    assert_eq!(ratings(&coordinator, &format!("?account_id={account}")).await.len(), 5);
    assert!(ratings(&coordinator, &format!("?department_id={other}")).await.is_empty());
    assert_eq!(ratings(&coordinator, "?asked_from=2020-01-01T00:00:00Z").await.len(), 5);
    assert!(ratings(&coordinator, "?asked_before=2020-01-01T00:00:00Z").await.is_empty());

    let first = list(&coordinator, "?limit=2").await;
    let next = first["next"].as_str().unwrap();
    assert_eq!(
        ratings(&coordinator, &format!("?limit=2&cursor={next}")).await,
        [json!(3), json!(2)]
    );
    let second = list(&coordinator, &format!("?limit=2&cursor={next}")).await;
    let back = format!("?limit=2&cursor={}", second["prev"].as_str().unwrap());
    assert_eq!(list(&coordinator, &back).await["items"], first["items"]);
    let elsewhere = format!("/v1/surveys?answered=true&cursor={next}");
    coordinator.get(&elsewhere).await.problem(400, "malformed_request");
}

#[actix_web::test]
async fn who_works_tickets_reads_about_those_that_they_see_and_customers_read_no_list() {
    let app = TestApp::start().await;
    let tickets = rated(&app).await;
    app.contact("Purchasing contact").await.get("/v1/surveys").await.problem(403, "forbidden");
    let agent = app.agent("L1 agent A").await;
    assert_eq!(ratings(&agent, "").await.len(), 5);
    app.move_elsewhere(&tickets[0]).await;
    assert_eq!(ratings(&agent, "").await.len(), 4);
    let coordinator = app.agent("Coordinator").await;
    coordinator.delete(&crate::support::path(&tickets[1], ""), "*").await.expect(204);
    assert_eq!(ratings(&coordinator, "").await.len(), 4);
}
