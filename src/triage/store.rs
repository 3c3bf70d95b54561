//! Queries of the matrix, which is one row.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::rules::{GRADES, Priorities};
use crate::db::schema::triage_matrix;
use crate::kernel::Priority;

/// The matrix of triage.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TriageMatrix {
    /// Rows are the severities 1 (worst) to 4, columns the impacts 1 (most) to 4.
    pub priorities: Priorities,
    #[schema(example = 1)]
    pub version: i32,
    pub updated_at: DateTime<Utc>,
}

type Columns = (Vec<Priority>, i32, DateTime<Utc>);
const COLUMNS: (triage_matrix::priorities, triage_matrix::version, triage_matrix::updated_at) =
    (triage_matrix::priorities, triage_matrix::version, triage_matrix::updated_at);

fn matrix((cells, version, updated_at): Columns) -> TriageMatrix {
    let cell = |place: usize| cells.get(place).copied().unwrap_or_default();
    let row = |severity| std::array::from_fn(|impact| cell(severity * GRADES + impact));
    TriageMatrix { priorities: Priorities(std::array::from_fn(row)), version, updated_at }
}

pub fn find(conn: &mut PgConnection) -> QueryResult<TriageMatrix> {
    triage_matrix::table.select(COLUMNS).first(conn).map(matrix)
}

pub fn lock(conn: &mut PgConnection) -> QueryResult<TriageMatrix> {
    triage_matrix::table.select(COLUMNS).for_no_key_update().first(conn).map(matrix)
}

/// Writes the matrix, which the caller has locked.
pub fn save(conn: &mut PgConnection, matrix: &TriageMatrix) -> QueryResult<usize> {
    diesel::update(triage_matrix::table)
        .set((
            triage_matrix::priorities.eq(matrix.priorities.0.as_flattened()),
            triage_matrix::version.eq(matrix.version),
            triage_matrix::updated_at.eq(matrix.updated_at),
        ))
        .execute(conn)
}
