//! Timers, one for each agent.
use casebridge::time_entries::book_forgotten;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{at, events, log, set_zone, totals};
use crate::support::{Client, TestApp, path};

async fn start(caller: &Client, ticket: &Value) -> Value {
    caller.post(&path(ticket, "/timer"), json!({"chargeable": true})).await.expect(201)
}

async fn timer(caller: &Client) -> Value {
    caller.get("/v1/me/timer").await.expect(200)["timer"].clone()
}

/// The timers that run were started at this time.
async fn started_at(app: &TestApp, time: &str) {
    app.sql(format!("update timers set started_at = '{time}'")).await.unwrap();
}

async fn sweep_at(app: &TestApp, now: &str) {
    let now: DateTime<Utc> = now.parse().unwrap();
    let step = move |conn: &mut _| book_forgotten(conn, TimeDelta::hours(12), now);
    while app.service.db.tx(step).await.unwrap() {}
}

#[actix_web::test]
async fn a_timer_that_stops_is_an_entry_of_begun_minutes() {
    let app = TestApp::start().await;
    let agent = app.agent("L1 agent A").await;
    let ticket = app.open_ticket(json!({})).await;
    assert_eq!(timer(&agent).await, Value::Null);
    let started = start(&agent, &ticket).await;
    assert_eq!(started["booked"], Value::Null);
    assert_eq!(timer(&agent).await, started["timer"]);
    assert_eq!(start(&agent, &ticket).await["timer"], started["timer"], "it goes on as it is");
    assert_eq!(app.read(&ticket).await["version"], 1, "nothing has happened to the ticket yet");
    let reply = agent.post("/v1/me/timer/stop", json!({"note": "Found it"})).await;
    let location = reply.header("location").to_owned();
    let entry = reply.expect(201);
    assert_eq!(location, at(&entry));
    assert_eq!(
        [&entry["minutes"], &entry["chargeable"], &entry["note"], &entry["capped"]],
        [&json!(1), &json!(true), &json!("Found it"), &json!(false)]
    );
    agent.post("/v1/me/timer/stop", json!({})).await.problem(409, "no_timer");
    start(&agent, &ticket).await;
    agent.delete("/v1/me/timer", "*").await.expect(204);
    agent.delete("/v1/me/timer", "*").await.expect(204);
    assert_eq!((timer(&agent).await, events(&app, "time.logged").await), (Value::Null, 1));
    let program = app.integration(casebridge::kernel::Permission::ALL).await;
    let program = app.client_for(program).await;
    program.get("/v1/me/timer").await.problem(409, "not_an_agent");
}

#[actix_web::test]
async fn a_start_on_another_ticket_books_what_the_timer_counted() {
    let app = TestApp::start().await;
    let agent = app.agent("L1 agent A").await;
    let (one, two) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    start(&agent, &one).await;
    app.sql("update timers set started_at = started_at - interval '61 seconds'").await.unwrap();
    let switched = start(&agent, &two).await;
    assert_eq!(switched["booked"]["ticket_id"], one["id"]);
    assert_eq!(
        [&switched["booked"]["minutes"], &switched["timer"]["ticket_id"]],
        [&json!(2), &two["id"]]
    );
    assert_eq!(totals(&agent, &one).await["minutes"], 2);
    // Whoever goes past the service meets the key of the table.
    let second = "insert into timers (agent_id, ticket_id, started_at, chargeable) select agent_id, ticket_id, now(), false from timers";
    assert!(app.sql(second).await.is_err());
}

#[actix_web::test]
async fn of_many_starts_at_once_one_timer_is_left_and_no_time_is_lost() {
    let app = TestApp::start().await;
    let agent = app.agent("L1 agent A").await;
    let mut tickets = Vec::new();
    for _ in 0..4 {
        tickets.push(app.open_ticket(json!({})).await);
    }
    let starts = (0..32).map(|n| {
        let (agent, ticket) = (&agent, &tickets[n % tickets.len()]);
        async move { agent.post(&path(ticket, "/timer"), json!({})).await }
    });
    let replies = join_all(starts).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert!(statuses.iter().all(|status| *status == 201), "{statuses:?}");
    assert_eq!(app.number("select count(*) as number from timers").await, 1);
    let booked = replies.iter().filter(|reply| reply.body["booked"].is_object()).count() as i64;
    assert_eq!(app.number("select count(*) as number from time_entries").await, booked);
    assert_eq!(events(&app, "time.logged").await, booked);
    let stops = (0..8).map(|_| agent.post("/v1/me/timer/stop", json!({})));
    let statuses: Vec<u16> = join_all(stops).await.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(app.number("select count(*) as number from time_entries").await, booked + 1);
}

#[actix_web::test]
async fn a_forgotten_timer_is_booked_with_the_most_that_one_counts() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("L1 agent A").await;
    start(&agent, &ticket).await;
    started_at(&app, "2026-03-02T09:00:00Z").await;
    sweep_at(&app, "2026-03-02T20:59:59Z").await;
    assert!(timer(&agent).await.is_object());
    let (one, two) =
        (sweep_at(&app, "2026-03-02T21:00:00Z"), sweep_at(&app, "2026-03-02T21:00:00Z"));
    futures_util::join!(one, two);
    assert_eq!(timer(&agent).await, Value::Null);
    let list = agent.get("/v1/time-entries").await.expect(200);
    let entry = &list["items"][0];
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!([&entry["minutes"], &entry["capped"]], [&json!(720), &json!(true)]);
    let history = app.agent("Coordinator").await.get(&path(&ticket, "/history")).await.expect(200);
    assert_eq!(history["items"][1]["type"], "time.logged");
    assert_eq!(history["items"][1]["origin"], "timer");
    // Stopped by hand before anybody looked: the same.
    start(&agent, &ticket).await;
    started_at(&app, "2026-03-04T09:00:00Z").await;
    let late = agent.post("/v1/me/timer/stop", json!({})).await.expect(201);
    assert_eq!([&late["minutes"], &late["capped"]], [&json!(720), &json!(true)]);
    // The agent puts it right.
    agent.patch(&at(&late), "*", json!({"minutes": 30})).await.expect(200);
}

#[actix_web::test]
async fn a_timer_over_midnight_and_a_changed_clock_counts_what_passed_on_the_day_that_it_began() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("L1 agent A").await;
    set_zone(&app, "L1 agent A", "Europe/Vienna").await;
    // 23:30 in Vienna, three hours and a half before the clock is put forward from 02:00 to 03:00.
    start(&agent, &ticket).await;
    started_at(&app, "2026-03-28T22:30:00Z").await;
    sweep_at(&app, "2026-03-29T10:30:00Z").await;
    let list = agent.get("/v1/time-entries").await.expect(200);
    let entry = &list["items"][0];
    assert_eq!([&entry["work_date"], &entry["minutes"]], [&json!("2026-03-28"), &json!(720)]);
}

#[actix_web::test]
async fn time_is_booked_whatever_became_of_the_ticket() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let agent = app.agent("L1 agent A").await;
    let [moved, deleted, merged, target] = [
        app.open_ticket(json!({})).await,
        app.open_ticket(json!({})).await,
        app.open_ticket(json!({})).await,
        app.open_ticket(json!({})).await,
    ];
    start(&agent, &moved).await;
    app.move_elsewhere(&moved).await;
    let booked = start(&agent, &deleted).await["booked"].clone();
    assert_eq!(booked["ticket_id"], moved["id"]);
    coordinator.delete(&path(&deleted, ""), "*").await.expect(204);
    let booked = start(&agent, &merged).await["booked"].clone();
    assert_eq!(booked["ticket_id"], deleted["id"]);
    coordinator
        .post_on(&path(&merged, "/merge"), "*", json!({"into": target["id"]}))
        .await
        .expect(200);
    let stopped = agent.post("/v1/me/timer/stop", json!({})).await.expect(201);
    assert_eq!(stopped["ticket_id"], merged["id"]);
    log(&coordinator, &target, json!({"minutes": 9})).await;
    assert_eq!(totals(&coordinator, &target).await["minutes"], 10);
    agent.post(&path(&deleted, "/timer"), json!({})).await.problem(404, "not_found");
    coordinator.post(&path(&deleted, "/timer"), json!({})).await.problem(409, "ticket_deleted");
}
