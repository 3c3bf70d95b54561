//! The versions of the routing table: what each component said, from which version until which.
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::components::Component;
use crate::db::schema::{routing_entries, routing_head, routing_versions};
use crate::kernel::{Actor, ComponentId, DepartmentId, Level, ProductId};

#[derive(Debug, Insertable)]
#[diesel(table_name = routing_entries, check_for_backend(diesel::pg::Pg))]
struct Entry<'a> {
    component_id: ComponentId,
    from_version: i32,
    product_id: ProductId,
    name: &'a str,
    level: Level,
    department_id: DepartmentId,
    process: Option<&'a str>,
    active: bool,
}

/// Makes the next version, in which `changed` say what they say now. The versions' one row stays locked until the
/// transaction ends; call it with the components locked.
pub fn insert_version(
    conn: &mut PgConnection,
    actor: &Actor,
    changed: &[Component],
    now: DateTime<Utc>,
) -> QueryResult<i32> {
    let latest: i32 =
        routing_head::table.select(routing_head::version).for_no_key_update().first(conn)?;
    let version = latest + 1;
    let row = (
        routing_versions::version.eq(version),
        routing_versions::changed_by.eq(actor.id),
        routing_versions::changed_by_name.eq(&actor.name),
        routing_versions::changed_at.eq(now),
    );
    diesel::insert_into(routing_versions::table).values(row).execute(conn)?;
    diesel::update(routing_head::table).set(routing_head::version.eq(version)).execute(conn)?;
    let ids = changed.iter().map(|component| component.id);
    let present = routing_entries::table
        .filter(routing_entries::component_id.eq_any(ids))
        .filter(routing_entries::until_version.is_null());
    diesel::update(present).set(routing_entries::until_version.eq(version)).execute(conn)?;
    let entries: Vec<Entry<'_>> = changed.iter().map(|c| entry(c, version)).collect();
    diesel::insert_into(routing_entries::table).values(&entries).execute(conn)?;
    Ok(version)
}

fn entry(component: &Component, from_version: i32) -> Entry<'_> {
    Entry {
        component_id: component.id,
        from_version,
        product_id: component.product_id,
        name: &component.name,
        level: component.level,
        department_id: component.department_id,
        process: component.process.as_deref(),
        active: component.active,
    }
}

/// The latest version, locked: no other is made meanwhile.
pub fn lock_head(conn: &mut PgConnection) -> QueryResult<i32> {
    routing_head::table.select(routing_head::version).for_no_key_update().first(conn)
}
