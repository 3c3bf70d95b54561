//! A secret is taken out of a ticket for good: everywhere at the desk, and in the CRM.
mod crm;
mod erasing;

use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp, path};

/// What nobody should have written into a ticket.
pub const SECRET: &str = "Zq7k-4111-1111";

/// The tables of the database that hold this text in any column, be it as text, JSON or bytes.
pub async fn tables_with(app: &TestApp, text: &str) -> Vec<String> {
    let names = "select string_agg(table_name, ' ') as text from information_schema.tables
        where table_schema = 'public' and table_type = 'BASE TABLE'";
    let names = app.text(names).await.unwrap();
    let bytes: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut found = Vec::new();
    assert!(names.split(' ').count() > 30, "{names}");
    for name in names.split(' ') {
        let held = format!(
            "select count(*) as number from {name} t
              where row_to_json(t)::text ilike '%{text}%' or row_to_json(t)::text ilike '%{bytes}%'"
        );
        if app.number(&held).await > 0 {
            found.push(name.to_owned());
        }
    }
    found
}

/// Takes the text out of a field, whatever the ticket's version is.
pub async fn redact(caller: &Client, ticket: &Value, field: &str, text: &str) -> Reply {
    let body = json!({"field": field, "text": text, "reason": "A card number"});
    caller.post_on(&path(ticket, "/redactions"), "*", body).await
}
