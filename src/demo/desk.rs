//! The desk, called as any client calls it.
use std::time::Duration;

use anyhow::Context as _;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// Calls with one person's token.
#[derive(Clone)]
pub struct Desk {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Desk {
    pub fn new(url: &str, token: String) -> Self {
        Self { http: reqwest::Client::new(), url: url.to_owned(), token }
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        answer(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        answer(self.request(Method::POST, path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        answer(self.request(Method::PUT, path).json(body)).await
    }

    /// Replaces the latest version.
    pub async fn put_on(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        answer(self.request(Method::PUT, path).header("if-match", "*").json(body)).await
    }

    /// An operation on the latest version.
    pub async fn post_on(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        answer(self.request(Method::POST, path).header("if-match", "*").json(body)).await
    }

    /// As a good client does: sends the same request with the same Idempotency-Key until there is an answer.
    pub async fn post_surely(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let key = uuid::Uuid::now_v7().to_string();
        for _ in 0..600 {
            let request =
                self.request(Method::POST, path).header("idempotency-key", &key).json(body);
            match request.send().await {
                Ok(answer) if answer.status().is_success() => return Ok(answer.json().await?),
                // Nobody answered, or the first try is still running: what became of it is unknown.
                Ok(answer) if matches!(answer.status().as_u16(), 409 | 503) => {}
                Ok(answer) => anyhow::bail!("{path}: {}", answer.text().await?),
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("{path} was never answered")
    }

    /// Everything of a list that fits on one page.
    pub async fn all(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let page = self.get(&format!("{path}{joint}limit=100")).await?;
        anyhow::ensure!(page["next"].is_null(), "{path} has more than a page");
        Ok(page["items"].as_array().context("not a list")?.clone())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }
}

/// The JSON of a success; anything else is an error that says what came back.
pub async fn answer(request: RequestBuilder) -> anyhow::Result<Value> {
    let answer = request.send().await?;
    let (status, path, text) =
        (answer.status(), answer.url().path().to_owned(), answer.text().await?);
    anyhow::ensure!(status.is_success(), "{path}: {status}: {text}");
    Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
}

/// The text of a field; empty when it is null or absent.
pub fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}
