//! Reports: figures about tickets, held to what their histories say.
mod asking;
mod expected;

mod keeping;
mod oracle;
mod past;
mod world;

use casebridge::reports::service::{self, Followed};
use chrono::Utc;
use serde_json::Value;

use crate::sla::derive;
use crate::support::{Client, TestApp};

/// Lets the facts of reports learn everything that has happened.
pub async fn follow(app: &TestApp) {
    derive(app).await;
    let step = |conn: &mut _| service::follow(conn, Utc::now());
    while app.service.db.quiet_tx(step).await.unwrap() == Followed::Some {}
}

pub async fn report(caller: &Client, path: &str) -> Value {
    caller.get(&format!("/v1/reports/{path}")).await.expect(200)
}
