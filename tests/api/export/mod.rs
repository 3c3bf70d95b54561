//! Everything that tickets have, as a stream.
mod content;
mod losing_nothing;
mod rights;
mod table;

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;

use crate::support::{Client, TestApp};

/// The lines of a text that were sent whole.
fn whole_lines(text: &str) -> Vec<Value> {
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a warehouse knows.
#[derive(Default)]
struct Warehouse {
    cursor: Option<String>,
    /// The last line about each ticket.
    tickets: BTreeMap<String, Value>,
}

impl Warehouse {
    fn path(&self) -> String {
        let after = self.cursor.as_ref().map(|cursor| format!("?after={cursor}"));
        format!("/v1/export/tickets{}", after.unwrap_or_default())
    }

    /// Takes these lines in, which come behind those that it has.
    fn take(&mut self, lines: Vec<Value>) {
        let position = |cursor: &str| cursor.parse::<i64>().unwrap();
        for line in lines {
            let cursor = line["cursor"].as_str().unwrap().to_owned();
            let before = self.cursor.replace(cursor.clone());
            assert!(before.is_none_or(|before| position(&before) < position(&cursor)));
            self.tickets.insert(line["id"].as_str().unwrap().to_owned(), line);
        }
    }

    /// Reads on to the end; returns how many lines came.
    async fn read_on(&mut self, caller: &Client) -> usize {
        let response = caller.request(Method::GET, &self.path()).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        let lines = whole_lines(&response.text().await.unwrap());
        let count = lines.len();
        self.take(lines);
        count
    }

    /// Reads on until a part has come, and hangs up in the middle of it.
    async fn read_some(&mut self, caller: &Client) {
        let mut response = caller.request(Method::GET, &self.path()).send().await.unwrap();
        let mut text = Vec::new();
        while text.len() < 20_000 {
            let Some(chunk) = response.chunk().await.unwrap() else { break };
            text.extend(chunk);
        }
        text.truncate(text.len() * 3 / 4);
        let text = String::from_utf8_lossy(&text);
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        self.take(whole_lines(&format!("{whole}\n")));
    }

    /// It knows every ticket that is no draft, as it is now.
    async fn is_complete(&self, app: &TestApp) {
        let known = self.tickets.values().map(|line| {
            let id = line["id"].as_str().unwrap();
            let notes = line["ticket"]["notes"].as_array().map_or(0, Vec::len);
            let notes = if line["deleted_at"].is_null() { notes.to_string() } else { "-".into() };
            format!("{id} {} {notes}", line["version"])
        });
        let there = app.texts(
            "select t.id || ' ' || t.version || ' ' || case when t.deleted_at is null
               then (select count(*) from notes n where n.ticket_id = t.id)::text else '-' end as text
               from tickets t where category <> 'draft' order by t.id",
        );
        assert_eq!(known.collect::<Vec<_>>(), there.await);
    }
}
