//! A client that says what the CRM answered, without judging it.
use fake_crm::{FakeCrm, Settings};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

pub const CASE: &str = "11111111-1111-4111-8111-111111111111";

pub struct Crm {
    pub fake: FakeCrm,
    pub http: Client,
    token: String,
}

pub struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Reply {
    pub fn detail(&self) -> &str {
        self.body["errors"]["detail"].as_str().unwrap_or_default()
    }

    pub fn attribute(&self, name: &str) -> &str {
        self.body["data"]["attributes"][name].as_str().unwrap()
    }

    /// The names of the listed records, in order.
    pub fn names(&self) -> Vec<&str> {
        let data = self.body["data"].as_array().unwrap();
        data.iter().map(|row| row["attributes"]["name"].as_str().unwrap()).collect()
    }
}

impl Crm {
    pub async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    pub async fn start_with(settings: Settings) -> Self {
        let fake = FakeCrm::start_with(settings).await.unwrap();
        let mut crm = Self { fake, http: Client::new(), token: String::new() };
        crm.log_in().await;
        crm
    }

    pub async fn log_in(&mut self) {
        let credentials = json!({
            "grant_type": "client_credentials",
            "client_id": self.fake.client_id(),
            "client_secret": self.fake.client_secret(),
        });
        let request = self.http.post(self.url("/Api/access_token")).json(&credentials);
        let reply = send(request).await.unwrap();
        self.token = reply.body["access_token"].as_str().unwrap().to_owned();
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.fake.url())
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = self.url(&format!("/Api/V8{path}"));
        let content_type = "application/vnd.api+json";
        self.http.request(method, url).bearer_auth(&self.token).header("content-type", content_type)
    }

    pub async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await.unwrap()
    }

    pub async fn delete(&self, path: &str) -> Reply {
        send(self.request(Method::DELETE, path)).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        send(self.request(Method::POST, path).body(body.to_string())).await.unwrap()
    }

    pub async fn create(&self, module: &str, id: Option<&str>, attributes: Value) -> Reply {
        let data = json!({ "type": module, "id": id, "attributes": attributes });
        self.post("/module", json!({ "data": data })).await
    }

    pub async fn patch(&self, module: &str, id: &str, attributes: Value) -> Reply {
        let data = json!({ "type": module, "id": id, "attributes": attributes });
        let body = json!({ "data": data }).to_string();
        send(self.request(Method::PATCH, "/module").body(body)).await.unwrap()
    }

    /// Creates the case `CASE` with these attributes.
    pub async fn case(&self, attributes: Value) -> Reply {
        let reply = self.create("Cases", Some(CASE), attributes).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply
    }

    pub async fn read_case(&self) -> Reply {
        self.get(&format!("/module/Cases/{CASE}")).await
    }
}

pub async fn send(request: RequestBuilder) -> reqwest::Result<Reply> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let text = response.text().await?;
    Ok(Reply { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
}
