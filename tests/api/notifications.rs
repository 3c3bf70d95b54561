//! Who is told of what, over what, and when.
mod departments;
mod feed;
mod mailing;
mod once;
mod preferences;
mod telling;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp, path};

/// Publishes what happened, and tells of it as if it were this time.
async fn tell_at(app: &TestApp, now: DateTime<Utc>) {
    app.publish().await;
    loop {
        let notifier = app.service.notifier.clone();
        let step = move |conn: &mut _| notifier.tell_next(conn, now);
        if !app.service.db.tx(step).await.unwrap() {
            return app.publish().await;
        }
    }
}

async fn tell(app: &TestApp) {
    tell_at(app, Utc::now()).await;
}

/// Writes what waits to be mailed as if it were this time.
async fn write_at(app: &TestApp, now: DateTime<Utc>) {
    loop {
        let notifier = app.service.notifier.clone();
        let step = move |conn: &mut _| notifier.write_due(conn, now);
        if !app.service.db.tx(step).await.unwrap() {
            return;
        }
    }
}

/// Whoever was told something: their kinds, oldest first, as `L1 agent A: assigned`.
async fn told(app: &TestApp, ticket: &Value) -> Vec<String> {
    let query = format!(
        "select coalesce(a.name, c.name) || ': ' || n.kind as text from notifications n
           left join agents a on a.id = n.agent_id left join contacts c on c.id = n.contact_id
          where ticket_id = '{}' order by position, 1",
        ticket["id"].as_str().unwrap()
    );
    app.texts(&query).await
}

/// Forgets what people were told until now, and the mails.
async fn forget(app: &TestApp) {
    tell(app).await;
    app.sql("delete from notifications").await.unwrap();
    app.sql("delete from outgoing_mails").await.unwrap();
    app.sql("delete from waiting_mails").await.unwrap();
}

/// A ticket that `L1 agent A` has, and of which everybody knows.
async fn known_ticket(app: &TestApp) -> Value {
    app.set_away(&["L1 agent B"], true).await;
    let ticket = app.open_ticket(json!({})).await;
    let ticket = app.advance_to(&ticket, "020").await;
    app.set_away(&["L1 agent B"], false).await;
    forget(app).await;
    ticket
}

/// The mails that were queued, oldest first.
async fn mails(app: &TestApp) -> Vec<Value> {
    let query = "select row_to_json(m)::text as text from outgoing_mails m order by to_email, id";
    let rows = app.texts(query).await;
    rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}

/// To whom mails were queued, as addresses.
async fn mailed(app: &TestApp) -> Vec<String> {
    mails(app).await.iter().map(|mail| mail["to_email"].as_str().unwrap().to_owned()).collect()
}

async fn note(caller: &Client, ticket: &Value, visibility: &str, body: &str) -> Value {
    let note = json!({"body": body, "visibility": visibility});
    caller.post(&path(ticket, "/notes"), note).await.expect(201)
}

async fn watch(app: &TestApp, ticket: &Value, id: &str) -> Reply {
    let coordinator = app.agent("Coordinator").await;
    let path = path(ticket, &format!("/watchers/{id}"));
    coordinator.put(&path, json!({})).await
}

/// Says what the caller wants to be told of.
async fn prefer(caller: &Client, wants: Value) -> Value {
    caller.patch("/v1/notification-preferences", "*", wants).await.expect(200)
}

async fn feed(caller: &Client, query: &str) -> Value {
    caller.get(&format!("/v1/notifications{query}")).await.expect(200)
}

async fn unread(caller: &Client) -> i64 {
    let count = caller.get("/v1/notifications/unread-count").await.expect(200);
    count["count"].as_i64().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}
