//! Calls: a session, the version of the API, the day's quota.
use std::sync::{Mutex as StdMutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::answer::{refusal, results, saved};
use crate::crm::CrmError;
use crate::crm::adapters::Access;
use crate::crm::adapters::wire::Wire;
use crate::kernel::Secret;

/// Winter '26, the release that the documentation was read for.
const VERSION: &str = "v65.0";
/// Assignment rules would give the case another owner than we say, and apply where nothing is said ("Assignment Rule Header").
const AUTO_ASSIGN: HeaderName = HeaderName::from_static("sforce-auto-assign");
/// `api-usage=18/5000`: calls of the last 24 hours and how many are allowed ("Limit Info Header").
const LIMIT_INFO: &str = "sforce-limit-info";
/// Percent of the day's calls that may be used before we stop; the rest is left to everything else that calls the CRM.
pub(super) const QUOTA_SHARE: u64 = 95;
/// How long we stop, before one call tells whether calls have come back.
const QUOTA_CHECK: Duration = Duration::from_secs(5 * 60);

#[derive(Debug)]
pub(super) struct Api {
    wire: Wire,
    client_id: String,
    client_secret: Secret,
    session: Mutex<Option<Session>>,
    /// Whom the session acts as; known from the first sign-in on.
    user: OnceLock<String>,
    /// When the quota's share was seen to be used up.
    spent: StdMutex<Option<Instant>>,
}

#[derive(Debug, Clone)]
struct Session {
    token: Secret,
    /// Where the API is.
    instance: Url,
}

impl Api {
    pub fn new(access: Access) -> Result<Self, CrmError> {
        Ok(Self {
            wire: Wire::new(&access)?,
            client_id: access.client_id,
            client_secret: access.secret,
            session: Mutex::default(),
            user: OnceLock::new(),
            spent: StdMutex::default(),
        })
    }

    /// Where people see a record.
    pub fn record_url(&self, object: &str, id: &str) -> String {
        let url = self.wire.url(&["lightning", "r", object, id, "view"]);
        url.map(String::from).unwrap_or_default()
    }

    /// The CRM's clock at our time `now`, as far as its last answer tells.
    pub fn crm_time(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.wire.crm_time(now)
    }

    /// The id of the user whom we act as; signs in if nobody has.
    pub async fn user(&self) -> Result<String, CrmError> {
        self.session(None).await?;
        self.known_user().ok_or_else(|| CrmError::transient("the sign-in names no user"))
    }

    /// The same, if somebody has signed in.
    pub fn known_user(&self) -> Option<String> {
        self.user.get().cloned()
    }

    /// The records that a query finds, at most 2,000, and whether they are all.
    pub async fn query(&self, soql: &str) -> Result<(Vec<Value>, bool), CrmError> {
        self.find("query", soql).await
    }

    /// The same with deleted records, as long as they are in the recycle bin ("QueryAll").
    pub async fn query_all(&self, soql: &str) -> Result<(Vec<Value>, bool), CrmError> {
        self.find("queryAll", soql).await
    }

    async fn find(&self, resource: &str, soql: &str) -> Result<(Vec<Value>, bool), CrmError> {
        let mut answer = self.get(&[resource], &[("q", soql)]).await?;
        let done = answer["done"] == true;
        match answer["records"].take() {
            Value::Array(records) => Ok((records, done)),
            _ => Err(CrmError::transient("no records in the answer")),
        }
    }

    pub async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, CrmError> {
        self.call(Method::GET, path, query, None).await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Value, CrmError> {
        self.call(method, path, &[], body).await
    }

    /// Writes up to 200 records with one call; what became of each, in their order ("sObject Collections").
    pub async fn collection(
        &self,
        method: Method,
        path: &[&str],
        all_or_none: bool,
        records: Vec<Value>,
    ) -> Result<Vec<Result<String, CrmError>>, CrmError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let expected = records.len();
        let body = json!({ "allOrNone": all_or_none, "records": records });
        let path = [&["composite", "sobjects"], path].concat();
        let answer = self.send(method, &path, Some(&body)).await.map_err(|e| match e {
            // No record is missing here, but the object or its external id field.
            CrmError::NotFound { detail } => CrmError::Permanent { detail },
            e => e,
        })?;
        Ok(results(&answer, expected)?.iter().map(saved).collect())
    }

    async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, CrmError> {
        self.check_quota()?;
        let session = self.session(None).await?;
        match self.attempt(&session, &method, path, query, body).await {
            // Sessions end at any time; a fresh one settles whether the client is refused.
            Err(CrmError::Auth { .. }) => {
                let session = self.session(Some(&session.token)).await?;
                self.attempt(&session, &method, path, query, body).await
            }
            answer => answer,
        }
    }

    async fn attempt(
        &self,
        session: &Session,
        method: &Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, CrmError> {
        let mut url = session.instance.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["services", "data", VERSION]).extend(path);
        }
        let request = self.wire.request(method.clone(), url).query(query);
        let request = request.bearer_auth(session.token.expose()).header(AUTO_ASSIGN, "FALSE");
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = self.wire.send(request).await?;
        self.read_quota(&answer.headers);
        match answer.status.is_success() {
            true if answer.body.is_empty() => Ok(Value::Null),
            true => answer.json(),
            false => Err(refusal(&answer)),
        }
    }

    /// The session, or a new one if it is the one with the `refused` token; Salesforce does not tell how long one lasts. The
    /// lock is held meanwhile, so that many callers cause one request.
    async fn session(&self, refused: Option<&Secret>) -> Result<Session, CrmError> {
        let mut kept = self.session.lock().await;
        if let Some(session) = kept.as_ref()
            && refused.is_none_or(|refused| refused.expose() != session.token.expose())
        {
            return Ok(session.clone());
        }
        *kept = None;
        let session = self.sign_in().await?;
        *kept = Some(session.clone());
        Ok(session)
    }

    /// "OAuth 2.0 Client Credentials Flow for Server-to-Server Integration": at the organization's own domain, as the user
    /// whom the app runs as.
    async fn sign_in(&self) -> Result<Session, CrmError> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.expose()),
        ];
        let base = self.wire.url(&["services", "oauth2", "token"])?;
        let answer =
            self.wire.send(self.wire.request(Method::POST, base.clone()).form(&form)).await?;
        if !answer.status.is_success() {
            return Err(match refusal(&answer) {
                // Whatever it dislikes about a sign-in, it is the connection and not the ticket.
                CrmError::Permanent { detail } | CrmError::NotFound { detail } => {
                    CrmError::Auth { detail }
                }
                e => e,
            });
        }
        let answer = answer.json()?;
        let missing = || CrmError::transient("no token in the answer");
        let token = answer["access_token"].as_str().ok_or_else(missing)?;
        let instance = answer["instance_url"].as_str().and_then(|url| Url::parse(url).ok());
        // A token that came over a secure connection is not sent over another one.
        let instance = instance.filter(|url| url.scheme() == base.scheme()).ok_or_else(missing)?;
        // https://login.salesforce.com/id/{organization}/{user}
        let user =
            answer["id"].as_str().and_then(|id| id.rsplit('/').next()).ok_or_else(missing)?;
        self.user.get_or_init(|| user.to_owned());
        Ok(Session { token: Secret::new(token), instance })
    }

    fn check_quota(&self) -> Result<(), CrmError> {
        let spent = *self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = spent.and_then(|seen| QUOTA_CHECK.checked_sub(seen.elapsed()));
        match wait.filter(|wait| !wait.is_zero()) {
            Some(wait) => Err(CrmError::Throttled { retry_after: Some(wait) }),
            None => Ok(()),
        }
    }

    fn read_quota(&self, headers: &HeaderMap) {
        let header = headers.get(LIMIT_INFO).and_then(|value| value.to_str().ok());
        if let Some((used, allowed)) = header.and_then(usage) {
            let spent = used.saturating_mul(100) >= allowed.saturating_mul(QUOTA_SHARE);
            *self.spent.lock().unwrap_or_else(PoisonError::into_inner) = spent.then(Instant::now);
        }
    }
}

fn usage(header: &str) -> Option<(u64, u64)> {
    let usage = header.split([';', ',']).find_map(|part| part.trim().strip_prefix("api-usage="))?;
    let (used, allowed) = usage.split_once('/')?;
    Some((used.parse().ok()?, allowed.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn the_quota_is_read_in_both_documented_forms() {
        assert_eq!(usage("api-usage=18/5000"), Some((18, 5000)));
        assert_eq!(usage("api-usage=10018/100000; api-bursts=1/750"), Some((10_018, 100_000)));
        assert_eq!(usage("per-app-api-usage=17/250(appName=x); api-usage=25/50"), Some((25, 50)));
        assert_eq!(usage("api-usage=many"), None);
    }

    #[test]
    fn calls_stop_near_the_end_of_the_quota_and_go_on_when_it_recovers() {
        let access = Access::stock(&super::super::KIND, "https://x.example", "c", Secret::new("s"));
        let api = Api::new(access).unwrap();
        let seen = |usage: &'static str| {
            let name = HeaderName::from_static(LIMIT_INFO);
            api.read_quota(&HeaderMap::from_iter([(name, HeaderValue::from_static(usage))]));
            api.check_quota()
        };
        assert!(seen("api-usage=4749/5000").is_ok());
        let Err(CrmError::Throttled { retry_after: Some(wait) }) = seen("api-usage=4750/5000")
        else {
            panic!("calls go on");
        };
        assert!(wait <= QUOTA_CHECK && wait > Duration::from_secs(290));
        assert!(seen("api-usage=4000/5000").is_ok());
    }
}
