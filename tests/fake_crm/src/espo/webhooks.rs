//! Webhooks: what is queued for them, and how it is sent.
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::control::Control;
use super::settings::API_USER;
use super::state::{Crm, Record, new_id};

/// Events in one call.
const BATCH: usize = 50;
/// Calls until an event is given up.
const ATTEMPTS: u32 = 4;
const BETWEEN_ATTEMPTS: TimeDelta = TimeDelta::minutes(10);
const TIMEOUT: Duration = Duration::from_secs(10);
/// Answers after which a call is repeated; 0 is none at all.
const RETRIED: [u16; 8] = [0, 401, 403, 404, 405, 408, 500, 503];
/// What changes with every save is no news.
const SILENT: [&str; 3] = ["modifiedAt", "modifiedById", "versionNumber"];

/// Events that are not delivered yet, oldest first.
#[derive(Debug, Default)]
pub struct Queue(Vec<Event>);

/// An event for a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    pub webhook: String,
    pub event: String,
    /// What the record became, as far as it changed.
    pub data: Value,
    pub attempts: u32,
    pub due: DateTime<Utc>,
}

/// A call of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    pub webhook: String,
    pub url: String,
    pub body: String,
    /// 0 if there was no answer.
    pub status: u16,
}

/// Makes a webhook of the API's user.
pub fn create(
    crm: &mut Crm,
    attributes: &Map<String, Value>,
    user: &str,
) -> Result<String, Refusal> {
    let event = attributes.get("event").and_then(Value::as_str).unwrap_or_default();
    let parts: Vec<&str> = event.split('.').collect();
    match parts.as_slice() {
        [entity, "create" | "update" | "delete"] | [entity, "fieldUpdate", _]
            if crm.entity(entity).is_some_and(|e| !["Note", "Webhook"].contains(&e.name)) => {}
        _ => return Err(Refusal::new(403, "Not supported event.")),
    }
    let id = crm.insert("Webhook", None, attributes, user)?;
    let mut webhook = crm.row("Webhook", &id)?.clone();
    webhook.set("secretKey", format!("{}{}", new_id(), new_id()));
    if user == API_USER {
        webhook.set("userId", user);
    } else {
        webhook.set("skipOwn", false);
    }
    crm.store("Webhook", webhook);
    Ok(id)
}

/// `base64(id:hex(HMAC-SHA256(body)))`, as the `Signature` header has it.
pub fn signature(webhook: &str, secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    STANDARD.encode(format!("{webhook}:{hex}"))
}

impl Crm {
    pub(super) fn tell_webhooks(
        &mut self,
        entity: &str,
        record: &Record,
        changed: &[String],
        user: &str,
        new: bool,
    ) {
        if new {
            let mut data = record.values.clone();
            data.insert("id".into(), record.id.as_str().into());
            self.enqueue(&format!("{entity}.create"), &data.into(), user);
            return;
        }
        let news = changed.iter().filter(|name| !SILENT.contains(&name.as_str()));
        let mut data: Map<String, Value> =
            news.map(|name| (name.clone(), record.value(name))).collect();
        if data.is_empty() {
            return;
        }
        data.insert("id".into(), record.id.as_str().into());
        self.enqueue(&format!("{entity}.update"), &data.clone().into(), user);
        for name in changed {
            let field = name.strip_suffix("Id").unwrap_or(name);
            let one = json!({ "id": record.id, name.as_str(): record.value(name) });
            self.enqueue(&format!("{entity}.fieldUpdate.{field}"), &one, user);
        }
    }

    pub(super) fn tell_webhooks_of_deletion(&mut self, entity: &str, record: &Record, user: &str) {
        self.enqueue(&format!("{entity}.delete"), &json!({ "id": record.id }), user);
    }

    fn enqueue(&mut self, event: &str, data: &Value, user: &str) {
        let due = self.now();
        let wanted = self.rows("Webhook").filter(|webhook| {
            let own = webhook.value("skipOwn") == true && webhook.text("userId") == user;
            !webhook.deleted && webhook.text("event") == event && !own
        });
        let events: Vec<Event> = wanted
            .map(|webhook| Event {
                webhook: webhook.id.clone(),
                event: event.to_owned(),
                data: data.clone(),
                attempts: 0,
                due,
            })
            .collect();
        self.queue.0.extend(events);
    }

    /// The next batch that is due: the webhook, and its events.
    fn next_batch(&mut self, done: &[String]) -> Option<(Record, Vec<Event>)> {
        let now = self.now();
        let is_due = |event: &Event| event.due <= now && !done.contains(&event.webhook);
        let id = self.queue.0.iter().find(|event| is_due(event))?.webhook.clone();
        let webhook = self.row("Webhook", &id).ok().cloned();
        let mut batch = Vec::new();
        self.queue.0.retain(|event| {
            let taken = event.webhook == id && event.due <= now && batch.len() < BATCH;
            if taken {
                batch.push(event.clone());
            }
            !taken
        });
        // What is left for a webhook that is gone is forgotten.
        Some((webhook.unwrap_or_else(|| Record { deleted: true, ..Record::default() }), batch))
    }

    fn answered(&mut self, webhook: &str, batch: Vec<Event>, status: u16) {
        if status == 410 {
            self.queue.0.retain(|event| event.webhook != webhook);
            // The webhook cannot be gone already: it was there a moment ago.
            let _ = self.delete("Webhook", webhook, "system");
        } else if RETRIED.contains(&status) {
            let due = self.now() + BETWEEN_ATTEMPTS;
            let again = batch.into_iter().map(|event| {
                let attempts = event.attempts + 1;
                Event { attempts, due, ..event }
            });
            self.queue.0.extend(again.filter(|event| event.attempts < ATTEMPTS));
        }
    }
}

impl Control {
    /// The events that are not delivered yet.
    pub fn queued_events(&self) -> Vec<Event> {
        self.crm().queue.0.clone()
    }

    /// What the CRM's scheduled job does: sends to each webhook its next batch that is due.
    pub async fn send_webhooks(&self) -> Vec<Delivery> {
        let mut done = Vec::new();
        let mut deliveries = Vec::new();
        while let Some((webhook, batch)) = self.next_batch(&done) {
            if webhook.deleted {
                continue;
            }
            done.push(webhook.id.clone());
            let data: Vec<&Value> = batch.iter().map(|event| &event.data).collect();
            let body = json!(data).to_string();
            let status = call(&webhook, &body).await;
            self.crm().answered(&webhook.id, batch, status);
            let url = webhook.text("url").to_owned();
            deliveries.push(Delivery { webhook: webhook.id, url, body, status });
        }
        deliveries
    }

    fn next_batch(&self, done: &[String]) -> Option<(Record, Vec<Event>)> {
        self.crm().next_batch(done)
    }
}

/// The status of the answer; 0 if there is none.
async fn call(webhook: &Record, body: &str) -> u16 {
    let signature = signature(&webhook.id, webhook.text("secretKey"), body);
    let request = reqwest::Client::new()
        .post(webhook.text("url"))
        .timeout(TIMEOUT)
        .header("content-type", "application/json")
        .header("signature", signature)
        .body(body.to_owned());
    match request.send().await {
        Ok(answer) => answer.status().as_u16(),
        Err(error) if error.is_timeout() => 408,
        Err(_) => 0,
    }
}
