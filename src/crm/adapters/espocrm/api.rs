//! The wire: a key in each request, classified failures.
use chrono::{DateTime, Utc};
use reqwest::{Method, RequestBuilder, Url};
use serde_json::Value;

use crate::crm::CrmError;
use crate::crm::adapters::Access;
use crate::crm::adapters::wire::{Answer, Wire};
use crate::kernel::Secret;

/// Why the CRM refused, in a word or a sentence. Set by EspoCRM itself, never by a proxy before it.
const REASON: &str = "x-status-reason";
/// The reason of a 409: the case was changed since the version that the write has seen.
const MODIFIED: &str = "modified";
/// The reason of a 409: another record has the same values in the fields that tell records apart.
const DUPLICATE: &str = "duplicate";

#[derive(Debug)]
pub(super) struct Api {
    wire: Wire,
    /// Empty where the secret is the key of an API user.
    user: String,
    secret: Secret,
}

impl Api {
    pub fn new(access: Access) -> Result<Self, CrmError> {
        let wire = Wire::new(&access)?;
        Ok(Self { wire, user: access.client_id, secret: access.secret })
    }

    pub async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, CrmError> {
        self.call(self.request(Method::GET, path)?.query(query)).await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: &Value,
    ) -> Result<Value, CrmError> {
        self.call(self.request(method, path)?.json(body)).await
    }

    /// Writes to a record of which this version was seen. Fails with [`CrmError::Stale`] if there is a newer one that
    /// differs in what is written.
    pub async fn update(
        &self,
        path: &[&str],
        version: Option<&str>,
        body: &Value,
    ) -> Result<Value, CrmError> {
        let request = self.request(Method::PUT, path)?.json(body);
        let request = match version {
            Some(version) => request.header("x-version-number", version),
            None => request,
        };
        self.call(request).await
    }

    /// Creates a record although there is one that EspoCRM takes for its duplicate.
    pub async fn create_anyway(&self, module: &str, body: &Value) -> Result<Value, CrmError> {
        let request = self.request(Method::POST, &[module])?.json(body);
        self.call(request.header("x-skip-duplicate-check", "true")).await
    }

    pub async fn delete(&self, module: &str, id: &str) -> Result<(), CrmError> {
        self.call(self.request(Method::DELETE, &[module, id])?).await.map(drop)
    }

    /// Fails with [`CrmError::Auth`] whatever the CRM dislikes about who we are.
    pub async fn sign_in(&self) -> Result<(), CrmError> {
        self.own_user().await.map(drop)
    }

    /// The id of the user whose key or password we have. Fails as a sign-in does.
    pub async fn own_user(&self) -> Result<String, CrmError> {
        let answer = self.get(&["App", "user"], &[]).await.map_err(|error| match error {
            CrmError::Permanent { detail } | CrmError::NotFound { detail } => {
                CrmError::Auth { detail }
            }
            error => error,
        })?;
        let id = answer["user"]["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| CrmError::transient("no user in the answer"))
    }

    /// Fails when the module cannot be listed with these credentials.
    pub async fn reach(&self, module: &str) -> Result<(), CrmError> {
        self.get(&[module], &[("maxSize", "1")]).await.map(drop)
    }

    /// A part of what records are made of; null where our user may not see it, which EspoCRM says with an empty answer.
    pub async fn metadata(&self, key: &str) -> Result<Value, CrmError> {
        let request = self.request(Method::GET, &["Metadata"])?.query(&[("key", key)]);
        let answer = self.wire.send(request).await?;
        match answer.status.is_success() {
            true if answer.body.is_empty() => Ok(Value::Null),
            true => answer.json(),
            false => Err(refusal(&answer)),
        }
    }

    /// The CRM's clock at our time `now`, as far as its last answer tells.
    pub fn crm_time(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.wire.crm_time(now)
    }

    /// Where people see a record.
    pub fn record_url(&self, module: &str, id: &str) -> String {
        let Ok(mut url) = self.wire.url(&[""]) else { return String::new() };
        url.set_fragment(Some(&format!("{module}/view/{id}")));
        url.into()
    }

    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, CrmError> {
        let url: Url = self.wire.url(&[&["api", "v1"], path].concat())?;
        let request = self.wire.request(method, url);
        Ok(if self.user.is_empty() {
            request.header("x-api-key", self.secret.expose())
        } else {
            request.basic_auth(&self.user, Some(self.secret.expose()))
        })
    }

    async fn call(&self, request: RequestBuilder) -> Result<Value, CrmError> {
        let answer = self.wire.send(request).await?;
        if answer.status.is_success() { answer.json() } else { Err(refusal(&answer)) }
    }
}

/// Classifies an answer that is no success.
fn refusal(answer: &Answer) -> CrmError {
    let reason = answer.headers.get(REASON).and_then(|reason| reason.to_str().ok());
    let said = [reason.unwrap_or_default().to_owned(), rule(&answer.body)].join(" ");
    let said = format!("{}: {}", answer.status, said.trim());
    let retry_after = answer.retry_after();
    match answer.status.as_u16() {
        401 => CrmError::auth(&said),
        // Without a reason it is no answer of EspoCRM: there is none at this address.
        404 if reason.is_some() => CrmError::not_found(&said),
        409 if reason == Some(MODIFIED) => CrmError::Stale,
        429 => CrmError::Throttled { retry_after },
        503 if retry_after.is_some() => CrmError::Throttled { retry_after },
        408 | 425 | 500..=599 => CrmError::transient(&said),
        _ => CrmError::permanent(&said),
    }
}

/// Whether a creation was refused because such a record exists.
pub(super) fn is_duplicate(error: &CrmError) -> bool {
    matches!(error, CrmError::Permanent { detail } if detail.starts_with("409") && detail.contains(DUPLICATE))
}

/// The field and the rule that a value broke.
fn rule(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let data = &body["messageTranslation"]["data"];
    let words = [&data["field"], &data["type"]];
    words.into_iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn refused(status: u16, reason: Option<&'static str>, body: &str) -> CrmError {
        let headers = reason
            .map(|reason| (HeaderName::from_static(REASON), HeaderValue::from_static(reason)));
        refusal(&Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::from_iter(headers),
            body: body.to_owned(),
        })
    }

    #[test]
    fn the_reason_tells_what_a_status_means() {
        let class = |status, reason| refused(status, reason, "").class();
        assert_eq!(class(401, None), "auth");
        assert_eq!(class(403, Some("No access to 'Case'.")), "permanent");
        assert_eq!(class(404, Some("Record x does not exist.")), "not_found");
        assert_eq!(class(404, None), "permanent");
        assert_eq!(class(409, Some("modified")), "stale");
        assert_eq!(class(409, None), "permanent");
        assert_eq!(class(500, Some("")), "transient");
        assert_eq!(class(503, None), "transient");
        let duplicate = refused(409, Some("duplicate"), "[]");
        assert!(is_duplicate(&duplicate) && !is_duplicate(&refused(400, Some("duplicate"), "")));
    }

    #[test]
    fn a_refused_value_is_named() {
        let body = r#"{"messageTranslation":{"label":"validationFailure","scope":null,"data":{"field":"name","type":"pattern"}}}"#;
        let refused = refused(400, Some("Field validation failure; entityType: Case"), body);
        assert!(refused.to_string().ends_with("entityType: Case name pattern"), "{refused}");
    }
}
