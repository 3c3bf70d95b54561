//! The workflows that a new desk starts with: `workflows.json` holds what one would post.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::kernel::{Actor, AppError, WorkflowId};
use crate::workflow::{NewWorkflow, service};

/// Creates the workflows `consultancy` and `simple`; returns them in this order.
pub fn load(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<(WorkflowId, WorkflowId), AppError> {
    let mut workflows: [NewWorkflow; 2] =
        serde_json::from_str(include_str!("workflows.json")).map_err(AppError::internal)?;
    workflows[0].id = WorkflowId::EXAMPLE;
    let actor = Actor::system();
    let [consultancy, simple] = workflows.map(|new| service::create(conn, &actor, new, now));
    Ok((consultancy?.id, simple?.id))
}
