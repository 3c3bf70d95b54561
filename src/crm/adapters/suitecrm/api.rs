//! The wire: a bearer token, JSON:API requests, classified failures.
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Url, redirect};
use serde_json::Value;
use tokio::sync::Mutex;

use super::answer::refusal;
use crate::crm::CrmError;
use crate::crm::adapters::Access;
use crate::kernel::Secret;

const MEDIA_TYPE: &str = "application/vnd.api+json";
/// A token is renewed this long before it expires.
const RENEW_BEFORE: Duration = Duration::from_secs(60);
/// A token is renewed after this time whatever the CRM says of it.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Query parameters; their brackets and blanks are escaped on the way out.
pub(super) type Query = Vec<(String, String)>;

#[derive(Debug)]
pub(super) struct Api {
    http: Client,
    base: Url,
    client_id: String,
    client_secret: Secret,
    token: Mutex<Option<Token>>,
    /// How many seconds the CRM's clock is ahead of ours, from the last answer.
    skew: AtomicI64,
}

#[derive(Debug, Clone)]
struct Token {
    value: Secret,
    renew_at: Instant,
}

impl Api {
    pub fn new(access: Access) -> Result<Self, CrmError> {
        let base = Url::parse(&access.base_url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| CrmError::permanent("the base URL is not an http(s) address"))?;
        // A redirect would turn a POST into a GET and carry on as if nothing had happened.
        let http = Client::builder()
            .user_agent(concat!("casebridge/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(access.timeout)
            .build()?;
        Ok(Self {
            http,
            base,
            client_id: access.client_id,
            client_secret: access.secret,
            token: Mutex::default(),
            skew: AtomicI64::new(0),
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
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("index.php");
        }
        let query = [("module", module), ("action", "DetailView"), ("record", id)];
        url.query_pairs_mut().extend_pairs(query);
        url.into()
    }

    /// The CRM's clock at our time `now`, as far as its last answer tells.
    pub fn crm_time(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + TimeDelta::seconds(self.skew.load(Ordering::Relaxed))
    }

    /// Makes sure that there is a token, and with it a reading of the CRM's clock.
    pub async fn sign_in(&self) -> Result<(), CrmError> {
        self.token(None).await.map(drop)
    }

    async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &Query,
        body: Option<&Value>,
    ) -> Result<Value, CrmError> {
        let url = self.url(&[&["Api", "V8"], path].concat())?;
        let request = |token: &Secret| {
            let request = self.http.request(method.clone(), url.clone()).query(query);
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
        let request = self.http.post(self.url(&["Api", "access_token"])?).form(&form);
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
        let response = request.send().await?;
        let status = response.status();
        self.read_clock(response.headers());
        let retry_after = retry_after(response.headers());
        let body = response.text().await?;
        if !status.is_success() {
            return Err(refusal(status, retry_after, &body));
        }
        // A page of a proxy or of a CRM under maintenance also comes with 200.
        serde_json::from_str(&body).map_err(|_| CrmError::transient("the answer is not JSON"))
    }

    fn read_clock(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        if let Some(date) = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()) {
            self.skew.store((date.to_utc() - Utc::now()).num_seconds(), Ordering::Relaxed);
        }
    }

    fn url(&self, path: &[&str]) -> Result<Url, CrmError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| CrmError::permanent("the base URL cannot have a path"))?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }
}

/// How long a token that is valid for `life` is used. Never so long that a clock overflows.
fn used_for(life: Duration) -> Duration {
    let life = life.min(LONGEST_LIFE);
    life - RENEW_BEFORE.min(life / 2)
}

/// `Retry-After` (RFC 9110, 10.2.3) in either of its forms.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    Some((at.to_utc() - Utc::now()).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn api(base_url: &str) -> Result<Api, CrmError> {
        Api::new(Access::stock(&super::super::KIND, base_url, "client", Secret::new("secret")))
    }

    fn headers(name: reqwest::header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn the_clock_of_the_crm_is_read_from_its_answers() {
        let api = api("https://crm.example").unwrap();
        let now = Utc::now();
        assert_eq!(api.crm_time(now), now);
        let ahead = (now + TimeDelta::minutes(5)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        api.read_clock(&headers(DATE, &ahead));
        let ahead = api.crm_time(now) - now;
        assert!((298..=300).contains(&ahead.num_seconds()), "{ahead}");
    }

    #[test]
    fn a_token_is_renewed_before_it_expires_and_once_a_day() {
        let seconds = |life| used_for(Duration::from_secs(life)).as_secs();
        assert_eq!((seconds(3600), seconds(60), seconds(0)), (3540, 30, 0));
        assert_eq!(seconds(u64::MAX), 24 * 3600 - 60);
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_until_a_date() {
        assert_eq!(retry_after(&headers(RETRY_AFTER, "7")), Some(Duration::from_secs(7)));
        let past = retry_after(&headers(RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(past, Some(Duration::ZERO));
        assert_eq!(retry_after(&headers(RETRY_AFTER, "soon")), None);
    }

    #[test]
    fn a_path_is_appended_to_the_base_url_and_ids_are_escaped() {
        for base in ["http://crm/suite", "http://crm/suite/"] {
            let url = api(base).unwrap().url(&["module", "Cases", "a/../b?c"]).unwrap();
            assert_eq!(url.as_str(), "http://crm/suite/module/Cases/a%2F..%2Fb%3Fc");
        }
        for none in ["crm.example", "ftp://crm", ""] {
            assert_eq!(api(none).unwrap_err().class(), "permanent");
        }
    }
}
