//! One attempt: a signed POST, and what the receiver says to it.
use std::error::Error as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use std::sync::Arc;

use super::guard::Guard;
use super::rules::Ended;

/// Until the receiver has answered.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How much of an answer is kept, in bytes.
const EXCERPT: usize = 1000;
/// How long the answer's body is waited for: its status has said everything already.
const BODY: Duration = Duration::from_secs(2);
/// How long a connection without work is kept.
const IDLE: Duration = Duration::from_secs(30);
const AGENT: &str = concat!("Casebridge/", env!("CARGO_PKG_VERSION"));

/// What is to be sent.
#[derive(Debug, Clone)]
pub struct Message {
    /// The same in each attempt.
    pub id: String,
    pub body: String,
}

/// The way out: never through a proxy, never along a redirect, never to an address that the guard refuses.
pub struct Sender {
    pub guard: Guard,
    encrypted: Client,
    plain: Client,
}

fn client(guard: Guard) -> anyhow::Result<Client> {
    let client = Client::builder()
        .user_agent(AGENT)
        .dns_resolver(Arc::new(guard))
        .no_proxy()
        .redirect(Policy::none())
        .timeout(TIMEOUT)
        .pool_idle_timeout(IDLE);
    client.build().context("no client for webhooks")
}

impl Sender {
    pub fn new(guard: Guard) -> anyhow::Result<Self> {
        let (encrypted, plain) = (client(guard.clone())?, client(guard.inside())?);
        Ok(Self { guard, encrypted, plain })
    }

    /// Sends it once; `signature` is made for this time.
    pub async fn send(
        &self,
        url: &str,
        message: &Message,
        signature: &str,
        now: DateTime<Utc>,
    ) -> Ended {
        let url = match Url::parse(url) {
            Ok(url) => url,
            Err(error) => return Ended::without_answer(format!("the URL is wrong: {error}")),
        };
        if let Err(why) = self.guard.check(&url) {
            return Ended::without_answer(why);
        }
        let began = Instant::now();
        let client = if url.scheme() == "https" { &self.encrypted } else { &self.plain };
        let request = client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", now.timestamp().to_string())
            .header("webhook-signature", signature)
            .body(message.body.clone());
        let mut ended = match request.send().await {
            Err(error) => Ended::without_answer(reason(error)),
            Ok(response) => {
                let status = Some(response.status().as_u16());
                let retry_after = retry_after(response.headers(), now);
                let response = excerpt(response).await;
                Ended { status, retry_after, response, ..Ended::default() }
            }
        };
        ended.took = TimeDelta::from_std(began.elapsed()).unwrap_or_default();
        ended
    }
}

/// Why there was no answer: the cause of the causes, which names the trouble.
fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} seconds", TIMEOUT.as_secs());
    }
    let error = error.without_url();
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(deeper) = cause {
        text = deeper.to_string();
        cause = deeper.source();
    }
    text.chars().take(EXCERPT).collect()
}

/// The beginning of the body, as far as it comes; the rest is never read.
async fn excerpt(mut response: Response) -> Option<String> {
    let mut bytes = Vec::new();
    let read = async {
        while bytes.len() < EXCERPT {
            let Ok(Some(chunk)) = response.chunk().await else { break };
            bytes.extend_from_slice(&chunk[..chunk.len().min(EXCERPT)]);
        }
    };
    _ = tokio::time::timeout(BODY, read).await;
    bytes.truncate(EXCERPT);
    // PostgreSQL stores no NUL.
    let text = String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}");
    (!text.is_empty()).then_some(text)
}

/// `Retry-After` (RFC 9110, section 10.2.3) in either of its forms.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<TimeDelta> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(TimeDelta::seconds(i64::from(seconds)));
    }
    Some(DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_told_in_seconds_or_as_a_time() {
        let now = DateTime::UNIX_EPOCH;
        let read = |text: &str| {
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]), now)
        };
        assert_eq!(read("120"), Some(TimeDelta::seconds(120)));
        assert_eq!(read("Thu, 01 Jan 1970 00:01:00 GMT"), Some(TimeDelta::seconds(60)));
        assert_eq!(read("soon"), None);
        assert_eq!(read("-3"), None);
    }
}
