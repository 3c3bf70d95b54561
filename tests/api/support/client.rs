//! A caller of the API, as a front end would be one.
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Client {
    pub fn new(base: &str, token: Option<String>) -> Self {
        // The server closes a connection that is idle for five seconds: it is not to be met just then.
        let http = reqwest::Client::builder().pool_idle_timeout(Duration::from_secs(2));
        Self { http: http.build().unwrap(), base: base.to_owned(), token }
    }

    /// A request to `path`, authorized, to be completed by the test.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        Reply::of(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        Reply::of(self.request(Method::PUT, path).json(&body)).await
    }

    /// Changes the version that `etag` names; `*` for any.
    pub async fn patch(&self, path: &str, etag: &str, body: Value) -> Reply {
        Reply::of(self.request(Method::PATCH, path).header("if-match", etag).json(&body)).await
    }

    /// POST of an operation that needs the version.
    pub async fn post_on(&self, path: &str, etag: &str, body: Value) -> Reply {
        Reply::of(self.request(Method::POST, path).header("if-match", etag).json(&body)).await
    }

    pub async fn delete(&self, path: &str, etag: &str) -> Reply {
        Reply::of(self.request(Method::DELETE, path).header("if-match", etag)).await
    }
}

impl Reply {
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // A stream has no end.
        let text = match headers.get("content-type") {
            Some(kind) if kind == "text/event-stream" => String::new(),
            _ => response.text().await.unwrap(),
        };
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, headers, body }
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The problem document of a refusal that must have this status and code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.body);
        assert_eq!(
            (self.status, self.body["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.body
        );
        self.body
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
