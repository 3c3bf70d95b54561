//! The wire: a bearer token, JSON:API requests, classified failures.
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::sync::Mutex;

use super::answer::{record, refusal};
use crate::crm::CrmError;
use crate::crm::adapters::Access;
use crate::crm::adapters::wire::Wire;
use crate::kernel::Secret;

const MEDIA_TYPE: &str = "application/vnd.api+json";
/// A token is renewed this long before it expires.
const RENEW_BEFORE: Duration = Duration::from_secs(60);
/// A token is renewed after this time whatever the CRM says of it.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Query parameters; their brackets and blanks are escaped on the way out.
pub(super) type Query = Vec<(String, String)>;

#[derive(Debug)]
pub(super) struct Api {
    wire: Wire,
    client_id: String,
    client_secret: Secret,
    token: Mutex<Option<Token>>,
}

#[derive(Debug, Clone)]
struct Token {
    value: Secret,
    renew_at: Instant,
}

impl Api {
    pub fn new(access: Access) -> Result<Self, CrmError> {
        Ok(Self {
            wire: Wire::new(&access)?,
            client_id: access.client_id,
            client_secret: access.secret,
            token: Mutex::default(),
        })
    }

    pub async fn get(&self, path: &[&str], query: &Query) -> Result<Value, CrmError> {
        self.call(Method::GET, path, query, None).await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: &Value,
    ) -> Result<Value, CrmError> {
        self.call(method, path, &Query::new(), Some(body)).await
    }

    /// Where people see a record.
    pub fn record_url(&self, module: &str, id: &str) -> String {
        let Ok(mut url) = self.wire.url(&["index.php"]) else { return String::new() };
        let query = [("module", module), ("action", "DetailView"), ("record", id)];
        url.query_pairs_mut().extend_pairs(query);
        url.into()
    }

    /// The CRM's clock at our time `now`, as far as its last answer tells.
    pub fn crm_time(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.wire.crm_time(now)
    }

    /// Makes sure that there is a token, and with it a reading of the CRM's clock.
    pub async fn sign_in(&self) -> Result<(), CrmError> {
        self.token(None).await.map(drop)
    }

    /// The id of the user whom the OAuth client is assigned to (SuiteCRM's "JSON API V8", "Current User").
    pub async fn own_user(&self) -> Result<String, CrmError> {
        Ok(record(&self.get(&["current-user"], &Query::new()).await?)?.id)
    }

    async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &Query,
        body: Option<&Value>,
    ) -> Result<Value, CrmError> {
        let url = self.wire.url(&[&["Api", "V8"], path].concat())?;
        let request = |token: &Secret| {
            let request = self.wire.request(method.clone(), url.clone()).query(query);
            let request = request.header(CONTENT_TYPE, MEDIA_TYPE).bearer_auth(token.expose());
            match body {
                Some(body) => request.body(body.to_string()),
                None => request,
            }
        };
        let token = self.token(None).await?;
        match self.answer(request(&token)).await {
            // Tokens are revoked at any time; a fresh one settles whether the client is.
            Err(CrmError::Auth { .. }) => {
                let token = self.token(Some(&token)).await?;
                self.answer(request(&token)).await
            }
            answer => answer,
        }
    }

    /// The cached token, or a new one if it is about to expire or is the `refused` one. The lock
    /// is held meanwhile, so that many callers cause one request.
    async fn token(&self, refused: Option<&Secret>) -> Result<Secret, CrmError> {
        let mut cached = self.token.lock().await;
        if let Some(token) = cached.as_ref() {
            let refused = refused.is_some_and(|refused| refused.expose() == token.value.expose());
            if !refused && Instant::now() < token.renew_at {
                return Ok(token.value.clone());
            }
        }
        *cached = None;
        let token = self.fetch_token().await?;
        let value = token.value.clone();
        *cached = Some(token);
        Ok(value)
    }

    async fn fetch_token(&self) -> Result<Token, CrmError> {
        let asked_at = Instant::now();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.expose()),
        ];
        let url = self.wire.url(&["Api", "access_token"])?;
        let request = self.wire.request(Method::POST, url).form(&form);
        let answer = self.answer(request).await.map_err(|e| match e {
            // Whatever it dislikes about a sign-in, it is the connection and not the ticket.
            CrmError::Permanent { detail } | CrmError::NotFound { detail } => {
                CrmError::Auth { detail }
            }
            e => e,
        })?;
        let value = answer["access_token"]
            .as_str()
            .ok_or_else(|| CrmError::transient("no token in the answer"))?;
        let life = Duration::from_secs(answer["expires_in"].as_u64().unwrap_or(0));
        Ok(Token { value: Secret::new(value), renew_at: asked_at + used_for(life) })
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Value, CrmError> {
        let answer = self.wire.send(request).await?;
        if answer.status.is_success() {
            answer.json()
        } else {
            Err(refusal(answer.status, answer.retry_after(), &answer.body))
        }
    }
}

/// How long a token that is valid for `life` is used. Never so long that a clock overflows.
fn used_for(life: Duration) -> Duration {
    let life = life.min(LONGEST_LIFE);
    life - RENEW_BEFORE.min(life / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_before_it_expires_and_once_a_day() {
        let seconds = |life| used_for(Duration::from_secs(life)).as_secs();
        assert_eq!((seconds(3600), seconds(60), seconds(0)), (3540, 30, 0));
        assert_eq!(seconds(u64::MAX), 24 * 3600 - 60);
    }
}
