//! Events about resources other than tickets.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde::Serialize;
use serde_json::json;

use super::event::{Changes, EventType, NewEvent, Subject, diff};
use super::service::append;
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

fn tell(
    conn: &mut PgConnection,
    actor: &Actor,
    kind: EventType,
    subject: String,
    changes: Changes,
    occurred_at: DateTime<Utc>,
) -> Result<(), AppError> {
    let subject = Subject::Resource(subject);
    append(
        conn,
        actor,
        NewEvent { kind, subject, public: false, changes, data: json!({}), occurred_at },
    )
}
