//! The change feed as server-sent events.
mod listening;
mod many;
mod rights;

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;

use crate::support::Client;

/// Something that a stream said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    pub id: Option<i64>,
    pub event: Option<String>,
    pub data: Value,
    pub comment: Option<String>,
}

/// One who listens.
pub struct Listener {
    response: Response,
    text: String,
}

impl Listener {
    /// Listens from the position that the stream says first.
    pub async fn start(client: &Client, query: &str, last: Option<i64>) -> Self {
        let mut request = client.request(Method::GET, &format!("/v1/events/stream{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self { response, text: String::new() }
    }

    /// What comes next; `None` at the end of the stream. Fails when nothing comes.
    pub async fn next(&mut self) -> Option<Said> {
        let next = async {
            loop {
                if let Some((said, rest)) = self.text.split_once("\n\n") {
                    let said = parse(said);
                    self.text = rest.to_owned();
                    return Some(said);
                }
                let chunk = self.response.chunk().await.ok()??;
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        tokio::time::timeout(Duration::from_secs(30), next).await.expect("the stream is silent")
    }

    /// The next event.
    pub async fn event(&mut self) -> Said {
        loop {
            let said = self.next().await.expect("the stream has ended");
            if said.event.is_some() {
                return said;
            }
        }
    }

    /// Whether nothing comes for a moment.
    pub async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(700), self.next()).await.is_err()
    }
}

fn parse(text: &str) -> Said {
    let mut said = Said::default();
    for line in text.lines() {
        match line.split_once(": ").unwrap() {
            ("id", id) => said.id = Some(id.parse().unwrap()),
            ("event", event) => said.event = Some(event.to_owned()),
            ("data", data) => said.data = serde_json::from_str(data).unwrap(),
            ("", comment) => said.comment = Some(comment.to_owned()),
            ("retry", _) => {}
            other => panic!("{other:?}"),
        }
    }
    said
}
