//! Reminders, and what was missed.
use serde_json::{Value, json};

use super::{at, book, events, hour, sweep_at};
use crate::support::{TestApp, path};

async fn delays(app: &TestApp, query: &str) -> Vec<Value> {
    let at = format!("/v1/schedule/delays{query}");
    let page = app.agent("Coordinator").await.get(&at).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn a_reminder_is_told_once_by_any_number_of_processes() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let made = book(&coordinator, &ticket, hour(9)).await.expect(201);
    let version = app.read(&ticket).await["version"].clone();
    sweep_at(&app, "2030-05-06T08:29:59Z").await;
    assert_eq!(events(&app, "appointment.reminder_due").await, 0);
    let now = "2030-05-06T08:30:00Z";
    tokio::join!(sweep_at(&app, now), sweep_at(&app, now), sweep_at(&app, now));
    sweep_at(&app, now).await;
    assert_eq!(events(&app, "appointment.reminder_due").await, 1);
    app.publish().await;
    let feed =
        coordinator.get("/v1/events?after=0&types=appointment.reminder_due").await.expect(200);
    let told = &feed["items"][0];
    assert_eq!(told["data"]["ticket_id"], ticket["id"]);
    assert_eq!(told["data"]["agent_id"], made["agent_id"]);
    assert_eq!(app.read(&ticket).await["version"], version, "nobody changed the ticket");

    // At another time, it is told again.
    let later = json!({"starts_at": "2030-05-07T09:00:00Z", "remind_minutes": 60});
    coordinator.patch(&at(&made, ""), "*", later).await.expect(200);
    sweep_at(&app, "2030-05-07T07:59:59Z").await;
    assert_eq!(events(&app, "appointment.reminder_due").await, 1);
    sweep_at(&app, "2030-05-07T08:00:00Z").await;
    assert_eq!(events(&app, "appointment.reminder_due").await, 2);
}

#[actix_web::test]
async fn nobody_is_reminded_of_what_is_cancelled_over_or_about_a_closed_ticket() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let made = book(&coordinator, &ticket, hour(9)).await.expect(201);
    coordinator.delete(&at(&made, ""), "*").await.expect(204);
    book(&coordinator, &ticket, hour(10)).await.expect(201);
    app.advance_to(&ticket, "050").await;
    let other = app.open_ticket(json!({})).await;
    book(&coordinator, &other, hour(11)).await.expect(201);
    let silent = app.open_ticket(json!({})).await;
    let body = super::with(hour(12), json!({"remind_minutes": null}));
    book(&coordinator, &silent, body).await.expect(201);
    // The service was down all day.
    sweep_at(&app, "2030-05-07T00:00:00Z").await;
    assert_eq!(events(&app, "appointment.reminder_due").await, 0);
}

#[actix_web::test]
async fn a_start_that_was_missed_is_recorded_once_and_told_with_the_new_time() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let (missed, kept) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    let made = book(&coordinator, &missed, hour(9)).await.expect(201);
    let other = book(&coordinator, &kept, hour(9)).await.expect(201);
    let begun = format!(
        "insert into events (type, ticket_id, ticket_version, subject, public, actor_id, actor_role, actor_name, origin, occurred_at)
         values ('ticket.note_added', '{0}', 99, 'ticket/{0}', false, '{1}', 'agent', 'a', 'api', '2030-05-06T08:50:00Z')",
        kept["id"].as_str().unwrap(), other["agent_id"].as_str().unwrap()
    );
    app.sql(begun).await.unwrap();
    sweep_at(&app, "2030-05-06T09:14:59Z").await;
    assert_eq!(delays(&app, "").await, Vec::<Value>::new());
    let now = "2030-05-06T09:15:00Z";
    tokio::join!(sweep_at(&app, now), sweep_at(&app, now));
    let found = delays(&app, "?told=false").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0]["appointment_id"], &found[0]["agent_id"]),
        (&made["id"], &made["agent_id"])
    );
    assert_eq!(found[0]["due_at"], "2030-05-06T09:00:00Z");
    assert_eq!(events(&app, "delay.noticed").await, 1);
    let own = app.client_for(made["agent_id"].as_str().unwrap().parse().unwrap()).await;
    let mine = own.get("/v1/schedule/delays?agent=me").await.expect(200);
    assert_eq!(mine["items"][0]["id"], found[0]["id"]);
    let stranger = app.agent("Business analyst A").await;
    assert_eq!(stranger.get("/v1/schedule/delays").await.expect(200)["items"], json!([]));
    app.contact("Purchasing contact")
        .await
        .get("/v1/schedule/delays")
        .await
        .problem(403, "forbidden");

    let delay = json!({"starts_at": "2030-05-06T11:00:00Z"});
    coordinator.post_on(&at(&made, "/delay"), "*", delay).await.expect(200);
    assert_eq!(delays(&app, "?told=false").await, Vec::<Value>::new());
    assert!(delays(&app, "?told=true").await[0]["told_at"].is_string());
    sweep_at(&app, "2030-05-06T11:15:00Z").await;
    assert_eq!(delays(&app, "").await.len(), 2, "the new start was missed too");
}

#[actix_web::test]
async fn a_deadline_that_passes_is_recorded_once_while_the_ticket_is_open() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let deadline = json!({"deadline": "2030-05-06T12:00:00Z"});
    let late = app.open_ticket(deadline.clone()).await;
    let closed = app.advance_to(&app.open_ticket(deadline).await, "050").await;
    sweep_at(&app, "2030-05-06T11:59:59Z").await;
    assert_eq!(delays(&app, "").await, Vec::<Value>::new());
    let now = "2030-05-06T12:00:00Z";
    tokio::join!(sweep_at(&app, now), sweep_at(&app, now));
    sweep_at(&app, "2030-05-07T12:00:00Z").await;
    let found = delays(&app, "").await;
    assert_eq!(found.len(), 1, "{closed}");
    assert_eq!((&found[0]["ticket_id"], &found[0]["appointment_id"]), (&late["id"], &Value::Null));
    // Told and moved, it is watched again.
    let told =
        json!({"deadline": "2030-05-08T12:00:00Z", "message": "The vendor needs more time."});
    coordinator.post(&path(&late, "/delay"), told).await.expect(200);
    assert!(delays(&app, "").await[0]["told_at"].is_string());
    let changed = json!({"deadline": "2030-05-07T12:00:00Z"});
    coordinator.patch(&path(&late, ""), "*", changed).await.expect(200);
    sweep_at(&app, "2030-05-07T12:00:00Z").await;
    assert_eq!(delays(&app, "").await.len(), 2);
    assert_eq!(events(&app, "delay.noticed").await, 2);
}
