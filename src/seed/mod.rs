//! The data that a new desk starts with: workflows, the routing table, and people to try it with.
mod routing;
mod workflow;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::db::schema::{agents, contacts, workflows};
use crate::kernel::{AgentId, AppError, ContactId, Role};

/// Loads the seed data when the database has none.
pub fn load(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<(), AppError> {
    // Makes another replica that starts at the same time wait, and then find the data.
    diesel::sql_query("lock table workflows in share row exclusive mode").execute(conn)?;
    if workflows::table.count().get_result::<i64>(conn)? > 0 {
        return Ok(());
    }
    let workflows = workflow::load(conn, now)?;
    let first = workflows.first().ok_or(AppError::NotFound("a workflow in the seed data"))?;
    routing::load(conn, first.id)?;
    people(conn)?;
    Ok(())
}

/// One person of each role.
fn people(conn: &mut PgConnection) -> QueryResult<()> {
    let rows = [Role::Admin, Role::Coordinator, Role::Agent].map(|role| {
        (
            agents::id.eq(AgentId::new()),
            agents::name.eq(role.as_str()),
            agents::email.eq(format!("{role}@desk.example")),
            agents::role.eq(role),
        )
    });
    diesel::insert_into(agents::table).values(rows.to_vec()).execute(conn)?;
    diesel::insert_into(contacts::table)
        .values((
            contacts::id.eq(ContactId::new()),
            contacts::name.eq("contact"),
            contacts::email.eq("contact@customer.example"),
        ))
        .execute(conn)?;
    Ok(())
}
