//! The data that a new desk starts with: workflows, the routing table, and people to try it with.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::{accounts, agents, contact_accounts, contacts};
use crate::kernel::{AppError, Role};

/// Loads the seed data when the database has none.
pub fn load(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<(), AppError> {
    if agents::table.count().get_result::<i64>(conn)? > 0 {
        return Ok(());
    }
    let people = [Role::Agent, Role::Coordinator, Role::Admin].map(|role| {
        (
            agents::id.eq(Uuid::now_v7()),
            agents::name.eq(format!("Example {role}")),
            agents::email.eq(format!("{role}@desk.example")),
            agents::role.eq(role.as_str()),
            agents::created_at.eq(now),
        )
    });
    diesel::insert_into(agents::table).values(&people[..]).execute(conn)?;
    let (account, contact) = (Uuid::now_v7(), Uuid::now_v7());
    diesel::insert_into(accounts::table)
        .values((accounts::id.eq(account), accounts::name.eq("Example Ltd")))
        .execute(conn)?;
    diesel::insert_into(contacts::table)
        .values((
            contacts::id.eq(contact),
            contacts::name.eq("Example contact"),
            contacts::email.eq("contact@customer.example"),
        ))
        .execute(conn)?;
    diesel::insert_into(contact_accounts::table)
        .values((
            contact_accounts::contact_id.eq(contact),
            contact_accounts::account_id.eq(account),
        ))
        .execute(conn)?;
    Ok(())
}
