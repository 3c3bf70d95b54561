//! Tickets, their conversation and their assignment.
mod appoint;
mod assign;
mod attachments;
mod batch;
mod change;
mod closing;
mod concurrency;
mod conversion;
mod converting;
mod drafts;
mod due;
mod elevate;
mod handover;
mod links;
mod list;
mod loads;
mod merge;
mod notes;
mod open;
mod process;
mod queue;
mod silence;
mod split;
mod tags;
mod transfer;
mod visibility;
mod watchers;
mod workflow;

use serde_json::Value;

use crate::support::{Client, Reply, path};

/// Moves a ticket to a status, whatever its version is.
async fn go(caller: &Client, ticket: &Value, mut body: Value, to: &str) -> Reply {
    body["to"] = to.into();
    caller.post_on(&path(ticket, "/transitions"), "*", body).await
}

/// What happened to a ticket, as this caller sees it.
async fn history(caller: &Client, ticket: &Value) -> Vec<Value> {
    let page = caller.get(&path(ticket, "/history?limit=100")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}
