//! How tickets stand to their service levels, in lists.
use casebridge::kernel::Role;
use serde_json::{Value, json};

use super::{around_the_clock, clock, derive, sla_of};
use crate::support::{Client, TestApp, path};

/// The tickets that a query finds, by their ids.
async fn found(caller: &Client, query: &str) -> Vec<Value> {
    let page = caller.get(&format!("/v1/tickets?{query}")).await.expect(200);
    page["items"].as_array().unwrap().iter().map(|ticket| ticket["id"].clone()).collect()
}

/// What the clocks of the ticket say is due at another time, from now on in minutes.
async fn due_in(app: &TestApp, ticket: &Value, minutes: i64) {
    let id = ticket["id"].as_str().unwrap();
    let moved = format!(
        "update sla_tickets set due_at = now() + {minutes} * interval '1 minute' where ticket_id = '{id}'"
    );
    assert_eq!(app.sql(moved).await.unwrap(), 1);
}

/// A desk without other tickets, whose critical tickets have targets.
async fn desk() -> (TestApp, Client) {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let policies = admin.get("/v1/sla-policies").await.expect(200);
    for policy in policies["items"].as_array().unwrap() {
        let at = format!("/v1/sla-policies/{}", policy["id"].as_str().unwrap());
        admin.patch(&at, "*", json!({"active": false})).await.expect(200);
    }
    let policy = around_the_clock(json!({"conditions": {"priorities": ["critical"]}}));
    admin.post("/v1/sla-policies", policy).await.expect(201);
    let caller = app.agent("Coordinator").await;
    (app, caller)
}

#[actix_web::test]
async fn a_ticket_shows_what_is_due_next_to_the_desk_alone() {
    let (app, caller) = desk().await;
    let ticket = app.open_ticket(json!({"priority": "critical"})).await;
    derive(&app).await;
    let sla = sla_of(&caller, &ticket).await;
    let expected = json!({
        "standing": "running", "metric": "first_response", "due_at": clock(&sla, "first_response")["due_at"],
    });
    assert_eq!(caller.get(&path(&ticket, "")).await.expect(200)["sla"], expected);
    let list = caller.get("/v1/tickets?fields=sla").await.expect(200);
    assert_eq!(list["items"], json!([{"id": ticket["id"], "sla": expected}]));
    due_in(&app, &ticket, -1).await;
    assert_eq!(caller.get(&path(&ticket, "")).await.expect(200)["sla"]["standing"], "breached");
    let contact = app.contact("Purchasing contact").await;
    assert!(contact.get(&path(&ticket, "")).await.expect(200).get("sla").is_none());
    for query in
        ["sla=running", "sla_due_before=2040-01-01T00:00:00Z", "sort=sla_due", "fields=sla"]
    {
        let at = format!("/v1/tickets?{query}");
        contact.get(&at).await.problem(400, "malformed_request");
    }
}

#[actix_web::test]
async fn tickets_are_found_by_how_they_stand() {
    let (app, caller) = desk().await;
    let critical = json!({"priority": "critical"});
    let unmeasured = app.open_ticket(json!({})).await;
    let running = app.open_ticket(critical.clone()).await;
    let soon = app.open_ticket(critical.clone()).await;
    let late = app.open_ticket(critical.clone()).await;
    let paused = app.open_ticket(critical.clone()).await;
    app.advance_to(&paused, "035").await;
    let met = app.open_ticket(critical.clone()).await;
    app.advance_to(&met, "050").await;
    let missed = app.open_ticket(critical).await;
    app.advance_to(&missed, "050").await;
    derive(&app).await;
    due_in(&app, &running, 25 * 60).await;
    due_in(&app, &soon, 23 * 60).await;
    due_in(&app, &late, -1).await;
    let was_late = format!(
        "update sla_tickets set standing = 'breached' where ticket_id = '{}'",
        missed["id"].as_str().unwrap()
    );
    app.sql(was_late).await.unwrap();
    let now = chrono::Utc::now();
    let time =
        |hours| (now + chrono::TimeDelta::hours(hours)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    for (query, expected) in [
        ("sla=none".to_owned(), vec![&unmeasured]),
        ("sla=running".into(), vec![&running, &soon]),
        ("sla=due_soon".into(), vec![&soon]),
        ("sla=paused".into(), vec![&paused]),
        ("sla=met".into(), vec![&met]),
        ("sla=breached".into(), vec![&late, &missed]),
        ("sla=breached&category=active".into(), vec![&late]),
        ("sla=paused,due_soon".into(), vec![&soon, &paused]),
        (format!("sla_due_before={}", time(24)), vec![&soon, &late]),
        (format!("sla_due_from={}&sla_due_before={}", time(1), time(48)), vec![&running, &soon]),
        (format!("sla_due_from={}", time(24)), vec![&running]),
        (format!("sla=breached&sla_due_from={}", time(-1)), vec![&late]),
    ] {
        let expected: Vec<Value> = expected.iter().map(|ticket| ticket["id"].clone()).collect();
        assert_eq!(found(&caller, &format!("{query}&sort=created_at")).await, expected, "{query}");
    }
    caller.get("/v1/tickets?sla=late").await.problem(400, "malformed_request");
    // A view and a search ask for the same.
    let view = json!({"name": "Late", "audience": "personal", "filters": {"sla": "breached"}, "sort": "sla_due", "columns": ["number", "sla"]});
    let view = caller.post("/v1/views", view).await.expect(201);
    let view = format!("/v1/views/{}/tickets", view["id"].as_str().unwrap());
    let page = caller.get(&view).await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 2, "{page}");
    assert_eq!(
        (&page["items"][0]["id"], &page["items"][1]["sla"]["standing"]),
        (&late["id"], &json!("breached"))
    );
    let search = caller.get("/v1/search?q=export&sla=due_soon").await.expect(200);
    assert_eq!(search["items"].as_array().unwrap().len(), 1, "{search}");
}

#[actix_web::test]
async fn a_list_in_the_order_of_what_is_due_holds_every_ticket_and_goes_both_ways() {
    let (app, caller) = desk().await;
    let mut expected = Vec::new();
    for minutes in [300, -10, 20, 20] {
        let ticket = app.open_ticket(json!({"priority": "critical"})).await;
        derive(&app).await;
        expected.push((minutes, ticket));
    }
    for (minutes, ticket) in &expected {
        due_in(&app, ticket, *minutes).await;
    }
    // These have nothing that is due.
    for _ in 0..2 {
        expected.push((i64::MAX, app.open_ticket(json!({})).await));
    }
    derive(&app).await;
    for (minutes, ticket) in expected.iter().filter(|(minutes, _)| *minutes < i64::MAX) {
        due_in(&app, ticket, *minutes).await;
    }
    let same = "update sla_tickets set due_at = (select max(due_at) from sla_tickets where due_at < now() + interval '1 hour')
        where due_at between now() and now() + interval '1 hour'";
    app.sql(same).await.unwrap();
    expected.sort_by_key(|(minutes, ticket)| (*minutes, ticket["id"].as_str().unwrap().to_owned()));
    let expected: Vec<Value> = expected.iter().map(|(_, ticket)| ticket["id"].clone()).collect();
    for (sort, expected) in [
        ("sla_due", expected.clone()),
        ("-sla_due", expected.iter().rev().cloned().collect::<Vec<_>>()),
    ] {
        assert_eq!(found(&caller, &format!("sort={sort}")).await, expected, "{sort}");
        let (mut next, mut walked, mut last) = (String::new(), Vec::new(), Value::Null);
        while walked.len() < expected.len() {
            let page =
                caller.get(&format!("/v1/tickets?sort={sort}&limit=2{next}")).await.expect(200);
            walked.extend(page["items"].as_array().unwrap().iter().map(|one| one["id"].clone()));
            next = format!("&cursor={}", page["next"].as_str().unwrap_or_default());
            last = page;
        }
        assert_eq!(walked, expected, "{sort}, in pages");
        assert_eq!(last["next"], Value::Null);
        let prev = last["prev"].as_str().unwrap();
        let back = found(&caller, &format!("sort={sort}&limit=2&cursor={prev}")).await;
        assert_eq!(back, expected[2..4], "{sort}, back");
    }
}
