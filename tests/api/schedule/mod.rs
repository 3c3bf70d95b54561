//! Appointments, reminders, delays, calendars and loads.
mod appointments;
mod calendar;
mod delays;
mod due;
mod ending;
mod load;

use chrono::Utc;
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp, path};

/// An hour of 6 May 2030, UTC.
fn hour(from: u32) -> Value {
    json!({"starts_at": format!("2030-05-06T{from:02}:00:00Z"), "ends_at": format!("2030-05-06T{:02}:00:00Z", from + 1)})
}

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn book(caller: &Client, ticket: &Value, body: Value) -> Reply {
    caller.post(&path(ticket, "/schedule"), body).await
}

/// `/v1/tickets/<id>/schedule/<id><rest>`
fn at(appointment: &Value, rest: &str) -> String {
    let text = |field: &str| appointment[field].as_str().unwrap().to_owned();
    format!("/v1/tickets/{}/schedule/{}{rest}", text("ticket_id"), text("id"))
}

/// Does what is due at this moment of the test's own.
async fn sweep_at(app: &TestApp, now: &str) {
    let now: chrono::DateTime<Utc> = now.parse().unwrap();
    let step = move |conn: &mut _| casebridge::schedule::service::sweep(conn, now);
    while app.service.db.tx(step).await.unwrap() {}
}

/// The events of a type, published or not.
async fn events(app: &TestApp, kind: &str) -> i64 {
    app.number(&format!("select count(*) as number from events where type = '{kind}'")).await
}
