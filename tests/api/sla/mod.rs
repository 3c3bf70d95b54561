//! Service levels: when business time passes, how soon customers are answered, and who is told when that fails.
mod calendars;
mod changing;
mod clocks;
mod delays;
mod escalating;
mod histories;
mod listing;
mod oracle;
mod policies;
mod scale;
mod telling;

use casebridge::sla;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::support::{Client, TestApp, path};

/// Publishes what happened, and lets the clocks learn it.
pub async fn derive(app: &TestApp) {
    app.publish().await;
    let step = |conn: &mut _| sla::derive_some(conn, Utc::now(), 50);
    while app.service.db.quiet_tx(step).await.unwrap() > 0 {}
}

/// Tells everything that is to be told at `now`; how many steps that took.
async fn tell(app: &TestApp, now: DateTime<Utc>) -> usize {
    let mut steps = 0;
    while app.service.db.tx(move |conn| sla::tell_next(conn, now)).await.unwrap() {
        steps += 1;
    }
    steps
}

async fn sla_of(caller: &Client, ticket: &Value) -> Value {
    caller.get(&path(ticket, "/sla")).await.expect(200)
}

/// The clock of this metric with the highest cycle.
fn clock<'a>(sla: &'a Value, metric: &str) -> &'a Value {
    let mut clocks = sla["clocks"].as_array().unwrap().iter();
    clocks.rfind(|clock| clock["metric"] == metric).unwrap_or(&Value::Null)
}

/// A policy that measures all of the time and comes before every other, for tickets of all kinds.
fn around_the_clock(more: Value) -> Value {
    let mut policy = json!({
        "name": "Around the clock", "rank": 1, "calendar_id": "0199f0c2-b1c9-7000-8000-000000000301",
        "targets": [
            {"metric": "first_response", "within": "PT1H", "time": "calendar", "warn_before": "PT10M"},
            {"metric": "next_response", "within": "PT2H", "time": "calendar"},
            {"metric": "resolution", "within": "PT8H", "time": "calendar", "warn_before": "PT1H"},
        ],
    });
    policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    policy
}
