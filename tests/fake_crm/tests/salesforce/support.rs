//! A client that says what the organization answered, without judging it.
use fake_crm::salesforce::{FakeSalesforce, Settings};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

pub struct Crm {
    pub fake: FakeSalesforce,
    pub http: Client,
    token: String,
}

pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Reply {
    /// The code of a call that failed as a whole.
    pub fn code(&self) -> &str {
        self.body[0]["errorCode"].as_str().unwrap_or_default()
    }

    /// For each record `ok`, or the code of its failure.
    pub fn outcomes(&self) -> Vec<String> {
        let outcome = |result: &Value| match result["success"] == true {
            true => "ok".to_owned(),
            false => result["errors"][0]["statusCode"].as_str().unwrap_or_default().to_owned(),
        };
        self.body.as_array().unwrap().iter().map(outcome).collect()
    }
}

impl Crm {
    pub async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    pub async fn start_with(settings: Settings) -> Self {
        let fake = FakeSalesforce::start_with(settings).await.unwrap();
        let mut crm = Self { fake, http: Client::new(), token: String::new() };
        crm.log_in().await;
        crm
    }

    pub async fn log_in(&mut self) {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.fake.client_id()),
            ("client_secret", self.fake.client_secret()),
        ];
        let reply = self.token(&form).await;
        self.token = reply.body["access_token"].as_str().unwrap().to_owned();
    }

    pub async fn token(&self, form: &[(&str, &str)]) -> Reply {
        let url = format!("{}/services/oauth2/token", self.fake.url());
        send(self.http.post(url).form(form)).await.unwrap()
    }

    /// Of the API, behind its version; assignment rules are off.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/services/data/v65.0{path}", self.fake.url());
        let request = self.http.request(method, url).bearer_auth(&self.token);
        request.header("sforce-auto-assign", "false")
    }

    pub async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await.unwrap()
    }

    pub async fn query(&self, soql: &str) -> Reply {
        send(self.request(Method::GET, "/query").query(&[("q", soql)])).await.unwrap()
    }

    pub async fn query_all(&self, soql: &str) -> Reply {
        send(self.request(Method::GET, "/queryAll").query(&[("q", soql)])).await.unwrap()
    }

    /// The field of all that the query finds.
    pub async fn column(&self, soql: &str, field: &str) -> Vec<String> {
        let reply = self.query(soql).await;
        let records = reply.body["records"].as_array().unwrap_or_else(|| panic!("{}", reply.body));
        records.iter().map(|record| record[field].as_str().unwrap().to_owned()).collect()
    }

    /// Many records with one call.
    pub async fn save(
        &self,
        method: Method,
        path: &str,
        all_or_none: bool,
        records: Value,
    ) -> Reply {
        let body = json!({ "allOrNone": all_or_none, "records": records });
        let path = format!("/composite/sobjects{path}");
        send(self.request(method, &path).json(&body)).await.unwrap()
    }

    /// Cases by their key.
    pub async fn upsert(&self, records: Value) -> Reply {
        self.save(Method::PATCH, "/Case/Casebridge_Key__c", false, records).await
    }
}

/// A case for a collection.
pub fn case(fields: Value) -> Value {
    let mut case = fields;
    case["attributes"] = json!({ "type": "Case" });
    case
}

pub async fn send(request: RequestBuilder) -> reqwest::Result<Reply> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await?;
    Ok(Reply { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
}
