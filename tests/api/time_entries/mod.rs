//! What agents work on tickets: entries, timers, money, tables.
mod entries;
mod money;
mod table;
mod timers;

use serde_json::Value;

use crate::support::{Client, TestApp, path};

/// Logs time on a ticket as this caller, who may.
async fn log(caller: &Client, ticket: &Value, entry: Value) -> Value {
    caller.post(&path(ticket, "/time-entries"), entry).await.expect(201)
}

/// `/v1/time-entries/<id>`
fn at(entry: &Value) -> String {
    format!("/v1/time-entries/{}", entry["id"].as_str().unwrap())
}

async fn totals(caller: &Client, ticket: &Value) -> Value {
    caller.get(&path(ticket, "/time-totals")).await.expect(200)
}

/// The events of a type, published or not.
async fn events(app: &TestApp, kind: &str) -> i64 {
    app.number(&format!("select count(*) as number from events where type = '{kind}'")).await
}

/// By which clock the agent with this name works.
async fn set_zone(app: &TestApp, agent: &str, zone: &str) {
    let change = format!("update agents set time_zone = '{zone}' where name = '{agent}'");
    app.sql(change).await.unwrap();
}
