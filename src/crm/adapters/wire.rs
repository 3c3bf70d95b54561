//! What every adapter needs of HTTP: a client, addresses below the base URL, answers read whole, the CRM's clock.
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url, redirect};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::Access;
use crate::crm::CrmError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The way to one CRM.
#[derive(Debug)]
pub struct Wire {
    http: Client,
    base: Url,
    /// One permit for each call that may be under way.
    calls: Semaphore,
    /// How many seconds the CRM's clock is ahead of ours, from the last answer.
    skew: AtomicI64,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Wire {
    /// Fails with [`CrmError::Permanent`] if the base URL is none.
    pub fn new(access: &Access) -> Result<Self, CrmError> {
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
        let calls = Semaphore::new(usize::from(access.calls.max(1)));
        Ok(Self { http, base, calls, skew: AtomicI64::new(0) })
    }

    /// The address of a path below the base URL; what is special in a segment is escaped.
    pub fn url(&self, path: &[&str]) -> Result<Url, CrmError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| CrmError::permanent("the base URL cannot have a path"))?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }

    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends it as soon as few enough calls are under way, and reads the answer, whatever its status.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, CrmError> {
        let _permit = self.calls.acquire().await;
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        self.read_clock(&headers);
        Ok(Answer { status, headers, body: response.text().await? })
    }

    /// The CRM's clock at our time `now`, as far as its last answer tells.
    pub fn crm_time(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + TimeDelta::seconds(self.skew.load(Ordering::Relaxed))
    }

    fn read_clock(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        if let Some(date) = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()) {
            self.skew.store((date.to_utc() - Utc::now()).num_seconds(), Ordering::Relaxed);
        }
    }
}

impl Answer {
    /// The body as JSON. A page of a proxy or of a CRM under maintenance also comes with 200, so what is none is
    /// [`CrmError::Transient`].
    pub fn json(&self) -> Result<Value, CrmError> {
        serde_json::from_str(&self.body).map_err(|_| CrmError::transient("the answer is not JSON"))
    }

    /// The pause that the CRM asks for: `Retry-After` (RFC 9110, 10.2.3) in either of its forms.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let at = DateTime::parse_from_rfc2822(text).ok()?;
        Some((at.to_utc() - Utc::now()).to_std().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;
    use crate::crm::adapters::suitecrm;
    use crate::kernel::Secret;

    fn wire(base_url: &str) -> Result<Wire, CrmError> {
        Wire::new(&Access::stock(&suitecrm::KIND, base_url, "client", Secret::new("secret")))
    }

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn the_clock_of_the_crm_is_read_from_its_answers() {
        let wire = wire("https://crm.example").unwrap();
        let now = Utc::now();
        assert_eq!(wire.crm_time(now), now);
        let ahead = (now + TimeDelta::minutes(5)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        wire.read_clock(&headers(DATE, &ahead));
        let ahead = wire.crm_time(now) - now;
        assert!((298..=300).contains(&ahead.num_seconds()), "{ahead}");
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_until_a_date() {
        let asked = |text| {
            let headers = headers(RETRY_AFTER, text);
            let status = StatusCode::TOO_MANY_REQUESTS;
            Answer { status, headers, body: String::new() }.retry_after()
        };
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(asked("soon"), None);
    }

    #[test]
    fn a_path_is_appended_to_the_base_url_and_ids_are_escaped() {
        for base in ["http://crm/suite", "http://crm/suite/"] {
            let url = wire(base).unwrap().url(&["module", "Cases", "a/../b?c"]).unwrap();
            assert_eq!(url.as_str(), "http://crm/suite/module/Cases/a%2F..%2Fb%3Fc");
        }
        for none in ["crm.example", "ftp://crm", ""] {
            assert_eq!(wire(none).unwrap_err().class(), "permanent");
        }
    }
}
