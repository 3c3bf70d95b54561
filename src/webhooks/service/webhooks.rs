//! The webhooks themselves, and their secrets.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{MISSING, find, purpose, require};
use crate::events::{self, diff};
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Page, PageRequest, Permission, Secret, SecretKey, WebhookId};
use crate::webhooks::rules::{self, WEBHOOKS_MAX};
use crate::webhooks::signature::new_secret;
use crate::webhooks::store::{self, Webhook};

/// What somebody asks for; its URL is checked.
#[derive(Debug)]
pub struct Wanted {
    pub name: String,
    pub url: String,
    pub types: Vec<String>,
    pub account_ids: Vec<Uuid>,
    pub department_ids: Vec<Uuid>,
}

/// What the log tells of a webhook. Its path may be a secret between it and its receiver.
#[derive(Serialize)]
struct Logged<'a> {
    name: &'a str,
    host: &'a str,
    types: &'a [String],
    account_ids: &'a [Uuid],
    department_ids: &'a [Uuid],
    active: bool,
    disabled_reason: Option<rules::DisabledReason>,
}

impl<'a> Logged<'a> {
    fn new(webhook: &'a Webhook) -> Self {
        let rest = webhook.url.split_once("://").map_or("", |(_, rest)| rest);
        Self {
            name: &webhook.name,
            host: rest.split(['/', '?']).next().unwrap_or_default(),
            types: &webhook.types,
            account_ids: &webhook.account_ids,
            department_ids: &webhook.department_ids,
            active: webhook.active,
            disabled_reason: webhook.disabled_reason,
        }
    }
}

fn subject(id: WebhookId) -> String {
    format!("webhook/{id}")
}

fn check_types(types: &[String]) -> Result<(), AppError> {
    let unknown = |word: &str| format!("there is no event type, and no group of them, {word}");
    rules::types(types).map(drop).map_err(|word| AppError::field("/types", unknown(word)))
}

/// Makes a webhook that is told what happens from now on. Its secret is returned, and never again. Fails with
/// `too_many_webhooks`.
pub fn create(
    conn: &mut PgConnection,
    key: &SecretKey,
    actor: &Actor,
    wanted: Wanted,
    now: DateTime<Utc>,
) -> Result<(Webhook, Secret), AppError> {
    require(actor, &[Permission::WebhooksWrite, Permission::EventsRead])?;
    check_types(&wanted.types)?;
    if store::how_many(conn)? >= WEBHOOKS_MAX {
        let detail = format!("there are {WEBHOOKS_MAX} webhooks already");
        return Err(AppError::conflict("too_many_webhooks", detail));
    }
    let (id, secret) = (WebhookId::new(), new_secret()?);
    let webhook = Webhook {
        id,
        name: wanted.name,
        url: wanted.url,
        types: wanted.types,
        account_ids: wanted.account_ids,
        department_ids: wanted.department_ids,
        active: true,
        disabled_reason: None,
        sealed_secret: seal(key, id, &secret)?,
        sealed_previous: None,
        previous_until: None,
        position: events::last_position(conn)?,
        fence: 0,
        rest_until: None,
        failures: 0,
        delivered_at: None,
        created_by: actor.id,
        created_by_name: actor.name.clone(),
        created_at: now,
        updated_at: now,
        version: 1,
    };
    store::insert(conn, &webhook)?;
    events::resource_created(conn, actor, subject(id), &Logged::new(&webhook), now)?;
    Ok((webhook, secret))
}

fn seal(key: &SecretKey, id: WebhookId, secret: &Secret) -> Result<Vec<u8>, AppError> {
    key.seal(&purpose(id), secret.expose().as_bytes()).map_err(AppError::Internal)
}

pub fn get(conn: &mut PgConnection, actor: &Actor, id: WebhookId) -> Result<Webhook, AppError> {
    require(actor, &[Permission::WebhooksRead])?;
    find(conn, id)
}

/// A page of the webhooks, oldest first.
pub fn page(
    conn: &mut PgConnection,
    actor: &Actor,
    page: &PageRequest,
) -> Result<Page<Webhook>, AppError> {
    require(actor, &[Permission::WebhooksRead])?;
    let rows = store::page(conn, page)?;
    Ok(page.page(rows, |webhook| (Value::Null, webhook.id.0)))
}

/// Changes one under lock; `change` gets the present state. One that is switched on goes on where it was switched off.
pub fn change(
    conn: &mut PgConnection,
    actor: &Actor,
    id: WebhookId,
    seen: IfMatch,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut Webhook),
) -> Result<Webhook, AppError> {
    require(actor, &[Permission::WebhooksWrite, Permission::EventsRead])?;
    let before = store::lock(conn, id)?.ok_or(MISSING)?;
    seen.check(before.version)?;
    let mut after = before.clone();
    change(&mut after);
    check_types(&after.types)?;
    if after.active && !before.active {
        (after.disabled_reason, after.rest_until, after.failures) = (None, None, 0);
    }
    let changes = diff(&Logged::new(&before), &Logged::new(&after));
    if changes.is_empty() && after.url == before.url {
        return Ok(before);
    }
    (after.version, after.updated_at) = (before.version + 1, now);
    store::save(conn, &after)?;
    events::resource_changed(conn, actor, subject(id), changes, now)?;
    Ok(after)
}

/// Removes a webhook with its deliveries.
pub fn delete(
    conn: &mut PgConnection,
    actor: &Actor,
    id: WebhookId,
    seen: IfMatch,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    require(actor, &[Permission::WebhooksWrite])?;
    let webhook = store::lock(conn, id)?.ok_or(MISSING)?;
    seen.check(webhook.version)?;
    store::delete(conn, id)?;
    events::resource_deleted(conn, actor, subject(id), &Logged::new(&webhook), now)
}

/// Makes a new secret, which is returned and never again; the one before signs too for `overlap`.
pub fn rotate(
    conn: &mut PgConnection,
    key: &SecretKey,
    actor: &Actor,
    id: WebhookId,
    overlap: TimeDelta,
    now: DateTime<Utc>,
) -> Result<(Webhook, Secret), AppError> {
    require(actor, &[Permission::WebhooksWrite])?;
    let mut webhook = store::lock(conn, id)?.ok_or(MISSING)?;
    let secret = new_secret()?;
    let before = std::mem::replace(&mut webhook.sealed_secret, seal(key, id, &secret)?);
    let overlaps = overlap > TimeDelta::zero();
    webhook.sealed_previous = overlaps.then_some(before);
    webhook.previous_until = overlaps.then(|| now + overlap);
    (webhook.version, webhook.updated_at) = (webhook.version + 1, now);
    store::save(conn, &webhook)?;
    let changes = diff(&Value::Null, &serde_json::json!({ "secret": "renewed" }));
    events::resource_changed(conn, actor, subject(id), changes, now)?;
    Ok((webhook, secret))
}

/// Switches off a webhook whose receiver wants nothing any more.
pub(super) fn disable(
    conn: &mut PgConnection,
    id: WebhookId,
    reason: rules::DisabledReason,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let Some(before) = store::lock(conn, id)?.filter(|webhook| webhook.active) else {
        return Ok(());
    };
    let mut after = before.clone();
    (after.active, after.disabled_reason) = (false, Some(reason));
    (after.version, after.updated_at) = (before.version + 1, now);
    store::save(conn, &after)?;
    let changes = diff(&Logged::new(&before), &Logged::new(&after));
    events::resource_changed(conn, &Actor::system(), subject(id), changes, now)
}

/// The secrets that sign at this time, the present one first.
pub fn signs_with(
    key: &SecretKey,
    webhook: &Webhook,
    now: DateTime<Utc>,
) -> Result<Vec<Secret>, AppError> {
    let previous = webhook.sealed_previous.as_ref();
    let previous = previous.filter(|_| webhook.previous_until.is_some_and(|until| now < until));
    let opened = std::iter::once(&webhook.sealed_secret).chain(previous).map(|sealed| {
        let plain = key.open(&purpose(webhook.id), sealed).map_err(AppError::Internal)?;
        Ok(Secret::new(String::from_utf8(plain).map_err(AppError::internal)?))
    });
    opened.collect()
}

/// Seals with the present secret key what a previous one sealed; returns how many webhooks.
pub fn reseal(conn: &mut PgConnection, key: &SecretKey) -> Result<usize, AppError> {
    let mut changed = Vec::new();
    for (id, secret, previous) in store::sealed(conn)? {
        let anew = |sealed: &Vec<u8>| key.reseal(&purpose(id), sealed).map_err(AppError::Internal);
        let new_secret = anew(&secret)?;
        let new_previous = previous.as_ref().map(anew).transpose()?.flatten();
        if new_secret.is_some() || new_previous.is_some() {
            changed.push((id, new_secret.unwrap_or(secret), new_previous.or(previous)));
        }
    }
    Ok(store::replace_sealed(conn, &changed)?)
}
