//! With a ticket, the appointments on it end.
use serde_json::{Value, json};

use super::{book, events, hour, sweep_at, with};
use crate::support::{Client, TestApp, path};

/// The types of what happened to a ticket last.
async fn last(caller: &Client, ticket: &Value, count: usize) -> Vec<Value> {
    let page = caller.get(&path(ticket, "/history?limit=100")).await.expect(200);
    let items = page["items"].as_array().unwrap();
    items[items.len() - count..].to_vec()
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

async fn cancelled(caller: &Client, ticket: &Value) -> Vec<bool> {
    let list = caller.get(&path(ticket, "/schedule")).await.expect(200);
    list.as_array().unwrap().iter().map(|one| one["cancelled_at"].is_string()).collect()
}

#[actix_web::test]
async fn closing_a_ticket_cancels_its_coming_appointments_and_reopening_brings_none_back() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let (ticket, other) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    app.follow_automatic().await;
    let agent = json!({"agent_id": app.id("agents", "L1 agent A").await});
    let began = chrono::Utc::now() - chrono::TimeDelta::minutes(5);
    let present = json!({"starts_at": began, "ends_at": began + chrono::TimeDelta::hours(1)});
    let present = book(&coordinator, &ticket, with(present, agent.clone())).await.expect(201);
    let mut coming = Vec::new();
    for from in [11, 9] {
        let made = book(&coordinator, &ticket, with(hour(from), agent.clone())).await;
        coming.insert(0, made.expect(201));
    }
    book(&coordinator, &other, with(hour(10), agent.clone())).await.expect(201);
    let before = app.read(&ticket).await["version"].as_i64().unwrap();

    let close = json!({"to": "050", "resolution": "Solved"});
    let closed = coordinator.post_on(&path(&ticket, "/transitions"), "*", close).await;
    let etag = format!("\"v{}\"", before + 3);
    assert_eq!(closed.header("etag"), etag, "the versions of the cancellations too");
    let told = last(&coordinator, &ticket, 3).await;
    let cancels = ["appointment.cancelled"; 2];
    assert_eq!(types(&told), [&["ticket.status_changed"][..], &cancels].concat());
    for (event, appointment) in told[1..].iter().zip(&coming) {
        assert_eq!(event["data"]["appointment_id"], appointment["id"]);
        assert_eq!(event["data"]["starts_at"], appointment["starts_at"]);
        assert_eq!(event["actor"], told[0]["actor"]);
    }
    let versions: Vec<_> = told.iter().map(|event| event["ticket_version"].as_i64()).collect();
    assert_eq!(versions, [1, 2, 3].map(|more| Some(before + more)));
    // What has begun took place.
    assert_eq!(cancelled(&coordinator, &ticket).await, [true, true, false]);
    let at = path(&ticket, &format!("/schedule/{}", present["id"].as_str().unwrap()));
    assert_eq!(coordinator.get(&at).await.expect(200)["version"], 1);

    // The agent is free again, and nobody is reminded or missed.
    book(&coordinator, &other, with(hour(9), agent)).await.expect(201);
    coordinator
        .post_on(&path(&ticket, "/transitions"), &etag, json!({"to": "017"}))
        .await
        .expect(200);
    assert_eq!(cancelled(&coordinator, &ticket).await, [true, true, false]);
    sweep_at(&app, "2030-05-06T08:59:00Z").await;
    let reminded = "select count(*) as number from events where type = 'appointment.reminder_due'
        and data ->> 'starts_at' like '2030%'";
    assert_eq!(app.number(reminded).await, 1, "of the other ticket's");
    assert_eq!(events(&app, "appointment.cancelled").await, 2);
}

#[actix_web::test]
async fn a_merged_or_deleted_ticket_keeps_no_appointment_and_gets_none_back() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let tickets = [
        app.open_ticket(json!({})).await,
        app.open_ticket(json!({})).await,
        app.open_ticket(json!({})).await,
    ];
    let [merged, deleted, target] = &tickets;
    for (ticket, from) in tickets.iter().zip([9, 10, 11]) {
        book(&coordinator, ticket, hour(from)).await.expect(201);
    }
    let into = json!({"into": target["id"]});
    coordinator.post_on(&path(merged, "/merge"), "*", into).await.expect(200);
    coordinator.delete(&path(deleted, ""), "*").await.expect(204);
    assert_eq!(
        types(&last(&coordinator, merged, 2).await),
        ["ticket.merged", "appointment.cancelled"]
    );
    assert_eq!(cancelled(&coordinator, target).await, [false]);

    coordinator.delete(&path(merged, "/merge"), "*").await.expect(200);
    coordinator.post_on(&path(deleted, "/restoration"), "*", json!({})).await.expect(200);
    assert_eq!(
        types(&last(&coordinator, deleted, 3).await),
        ["ticket.deleted", "appointment.cancelled", "ticket.restored"]
    );
    for ticket in [merged, deleted] {
        assert_eq!(cancelled(&coordinator, ticket).await, [true]);
    }
    // Closed already, it has nothing left to cancel.
    app.follow_automatic().await;
    let close = json!({"to": "050", "resolution": "Solved"});
    coordinator.post_on(&path(merged, "/transitions"), "*", close).await.expect(200);
    coordinator.delete(&path(merged, ""), "*").await.expect(204);
    assert_eq!(events(&app, "appointment.cancelled").await, 2);
}
