//! What is said on a ticket, and what helps to say it.
mod canned_replies;
mod macro_changes;
mod macros;
mod markdown;
mod mentions;
mod reply_drafts;

use serde_json::Value;

use crate::support::{Client, path};

/// What happened to a ticket, as this caller sees it.
async fn history(caller: &Client, ticket: &Value) -> Vec<Value> {
    let page = caller.get(&path(ticket, "/history?limit=100")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

/// The types of what happened to a ticket from this version on.
async fn told_after(caller: &Client, ticket: &Value, version: i64) -> Vec<String> {
    let later = history(caller, ticket).await.into_iter();
    let later = later.filter(|event| event["ticket_version"].as_i64().unwrap() > version);
    later.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}
