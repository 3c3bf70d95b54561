//! The workflows that a new desk starts with: `workflows.json` holds what one would post.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::kernel::{Actor, AppError};
use crate::workflow::{NewWorkflow, Workflow, service};

/// Creates the workflows `consultancy` and `simple`, in this order.
pub fn load(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<Vec<Workflow>, AppError> {
    let workflows: Vec<NewWorkflow> =
        serde_json::from_str(include_str!("workflows.json")).map_err(AppError::internal)?;
    let actor = Actor::system();
    workflows.into_iter().map(|new| service::create(conn, &actor, new, now)).collect()
}
