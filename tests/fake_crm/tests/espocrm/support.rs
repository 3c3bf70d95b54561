//! A client that says what the CRM answered, without judging it.
use fake_crm::espo::{FakeEspo, Settings};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

/// Somebody who works in the CRM.
pub const CLERK: &str = "65f0000000000c1e4";

pub struct Crm {
    pub fake: FakeEspo,
    pub http: Client,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub reason: String,
    pub body: Value,
}

impl Reply {
    pub fn id(&self) -> &str {
        self.body["id"].as_str().unwrap()
    }

    /// An attribute of the listed records, in order.
    pub fn column(&self, name: &str) -> Vec<&str> {
        let list = self.body["list"].as_array().unwrap();
        list.iter().map(|row| row[name].as_str().unwrap()).collect()
    }
}

impl Crm {
    pub async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    pub async fn start_with(settings: Settings) -> Self {
        let fake = FakeEspo::start_with(settings).await.unwrap();
        let clerk = json!({ "id": CLERK, "userName": "clerk", "lastName": "Sales clerk" });
        fake.create("User", clerk).unwrap();
        Self { fake, http: Client::new() }
    }

    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/api/v1/{path}", self.fake.url()))
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).header("x-api-key", self.fake.api_key())
    }

    pub async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await.unwrap()
    }

    pub async fn list(&self, entity: &str, search: Value) -> Reply {
        let query = [("searchParams", search.to_string())];
        send(self.request(Method::GET, entity).query(&query)).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        send(self.request(Method::POST, path).json(&body)).await.unwrap()
    }

    pub async fn delete(&self, path: &str) -> Reply {
        send(self.request(Method::DELETE, path)).await.unwrap()
    }

    pub async fn put(&self, path: &str, version: Option<i64>, body: Value) -> Reply {
        let mut request = self.request(Method::PUT, path).json(&body);
        if let Some(version) = version {
            request = request.header("x-version-number", version);
        }
        send(request).await.unwrap()
    }

    /// Creates a case of this name.
    pub async fn case(&self, name: &str) -> Reply {
        let reply = self.post("Case", json!({ "name": name })).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply
    }
}

pub async fn send(request: RequestBuilder) -> reqwest::Result<Reply> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let reason = response.headers().get("x-status-reason");
    let reason = reason.map_or("", |reason| reason.to_str().unwrap()).to_owned();
    let text = response.text().await?;
    Ok(Reply { status, reason, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
}
