//! Finding tickets beyond the plain list: every field, words, saved views, a customer's page.
mod customer;
mod filters;
mod plans;
mod search;
mod texts;
mod views;

use serde_json::Value;

use crate::support::Client;

async fn list(caller: &Client, query: &str) -> Value {
    caller.get(&format!("/v1/tickets?{query}")).await.expect(200)
}

fn id(ticket: &Value) -> &str {
    ticket["id"].as_str().unwrap()
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(id).collect()
}
