//! Events about resources other than tickets.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde::Serialize;
use serde_json::json;

use super::event::{Changes, EventType, NewEvent, Subject, diff};
use super::service::{append, append_all};
use crate::kernel::{Actor, AppError};

/// Appends `resource.created` with the whole resource; `subject` is such as `account/<id>`.
pub fn resource_created(
    conn: &mut PgConnection,
    actor: &Actor,
    subject: String,
    resource: &impl Serialize,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let resource = serde_json::to_value(resource).map_err(AppError::internal)?;
    let changes = diff(&json!({}), &resource);
    tell(conn, actor, EventType::ResourceCreated, subject, changes, now)
}

/// Appends `resource.changed`.
pub fn resource_changed(
    conn: &mut PgConnection,
    actor: &Actor,
    subject: String,
    changes: Changes,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    tell(conn, actor, EventType::ResourceChanged, subject, changes, now)
}

/// Appends `resource.deleted` with what it was.
pub fn resource_deleted(
    conn: &mut PgConnection,
    actor: &Actor,
    subject: String,
    resource: &impl Serialize,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let before = serde_json::to_value(resource).map_err(AppError::internal)?;
    let fields = before.as_object().into_iter().flatten();
    let gone = fields.map(|(field, from)| (field.clone(), json!({ "from": from, "to": null })));
    tell(conn, actor, EventType::ResourceDeleted, subject, gone.collect(), now)
}

/// As [`resource_created`], for many at a time.
pub fn resources_created<'a, T: Serialize + 'a>(
    conn: &mut PgConnection,
    actor: &Actor,
    created: impl Iterator<Item = (String, &'a T)>,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let told = created.map(|(subject, resource)| {
        let resource = serde_json::to_value(resource).map_err(AppError::internal)?;
        Ok(event(EventType::ResourceCreated, subject, diff(&json!({}), &resource), now))
    });
    let told = told.collect::<Result<_, AppError>>()?;
    append_all(conn, actor, told)
}

/// As [`resource_changed`], for many at a time.
pub fn resources_changed(
    conn: &mut PgConnection,
    actor: &Actor,
    changed: Vec<(String, Changes)>,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let told = changed.into_iter();
    let told =
        told.map(|(subject, changes)| event(EventType::ResourceChanged, subject, changes, now));
    append_all(conn, actor, told.collect())
}

fn tell(
    conn: &mut PgConnection,
    actor: &Actor,
    kind: EventType,
    subject: String,
    changes: Changes,
    occurred_at: DateTime<Utc>,
) -> Result<(), AppError> {
    append(conn, actor, event(kind, subject, changes, occurred_at))
}

fn event(
    kind: EventType,
    subject: String,
    changes: Changes,
    occurred_at: DateTime<Utc>,
) -> NewEvent {
    let subject = Subject::Resource(subject);
    NewEvent { kind, subject, public: false, changes, data: json!({}), occurred_at }
}
