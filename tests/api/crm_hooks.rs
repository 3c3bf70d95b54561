//! Webhooks of CRMs: who is believed, what is remembered, and that the case is read afterwards.
mod inbox;
mod schemes;

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::Utc;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::mirror::Mirrored;
use crate::support::{Client, Reply};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The base64 of HMAC-SHA256.
fn sign(key: &[u8], content: &str) -> String {
    STANDARD.encode(tag(key, content))
}

fn tag(key: &[u8], content: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), content.as_bytes())
}

fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

/// Sets how the connection's webhooks are signed.
async fn set(desk: &Mirrored, scheme: &str, secret: &str) -> Reply {
    let path = format!("/v1/crm/connections/{}/hooks", desk.connection);
    let body = json!({ "scheme": scheme, "secret": secret });
    Reply::of(desk.admin.request(Method::PUT, &path).header("if-match", "*").json(&body)).await
}

/// A Standard Webhook of the connection, signed at this time.
fn standard(
    to: &Client,
    connection: &str,
    id: &str,
    signed_at: i64,
    body: &Value,
) -> reqwest::RequestBuilder {
    let (body, key) = (body.to_string(), STANDARD.decode(&SECRET[6..]).unwrap());
    let signature = format!("v1,{}", sign(&key, &format!("{id}.{signed_at}.{body}")));
    to.request(Method::POST, &format!("/v1/crm/hooks/{connection}"))
        .header("webhook-id", id)
        .header("webhook-timestamp", signed_at.to_string())
        .header("webhook-signature", signature)
        .header("content-type", "application/json")
        .body(body)
}

/// Sends a Standard Webhook about a case now.
async fn send(desk: &Mirrored, id: &str, case: &str) -> Reply {
    let body = json!({"type": "case.updated", "data": {"id": case}});
    let anonymous = desk.app.anonymous();
    let now = Utc::now().timestamp();
    Reply::of(standard(&anonymous, &desk.connection, id, now, &body)).await
}

/// Takes what is in the inbox.
async fn take(desk: &Mirrored) {
    while desk.app.service.inbox.take_due(Utc::now()).await.unwrap() {}
}

/// How many hints the inbox remembers.
async fn remembered(desk: &Mirrored) -> i64 {
    desk.app.number("select count(*) as number from crm_inbox").await
}

/// Until what another process remembers is over.
const MEMORY: Duration = Duration::from_secs(5);
