//! Who sees a ticket.
use diesel::PgConnection;

use crate::kernel::{AgentId, AppError};
use crate::people::store::colleagues::{self as store, Colleague, Sees};

/// Those of these agents who are active and see it.
pub fn who_sees(
    conn: &mut PgConnection,
    sees: &Sees,
    of: &[AgentId],
) -> Result<Vec<Colleague>, AppError> {
    let limit = i64::try_from(of.len()).map_err(AppError::internal)?;
    Ok(store::who_sees(conn, sees, Some(of), "", limit)?)
}

/// Up to `limit` active agents who see it and have `part` in their name or e-mail address, by name.
pub fn find_who_sees(
    conn: &mut PgConnection,
    sees: &Sees,
    part: &str,
    limit: i64,
) -> Result<Vec<Colleague>, AppError> {
    Ok(store::who_sees(conn, sees, None, part, limit)?)
}
