//! What is known of the past of tickets.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;

use crate::db::schema::{report_assignments, report_cycles, report_tickets};
use crate::kernel::{AccountId, AgentId, ComponentId, DepartmentId, ProductId, TicketId};

/// Rows of one statement.
const CHUNK: usize = 2_000;

#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = report_tickets)]
pub struct TicketRow {
    pub ticket_id: TicketId,
    pub applied_version: i32,
    pub account_id: Option<AccountId>,
    pub department_id: DepartmentId,
    pub agent_id: Option<AgentId>,
    pub product_id: Option<ProductId>,
    pub component_id: Option<ComponentId>,
    pub deleted: bool,
    pub opened_at: DateTime<Utc>,
    pub responded_at: Option<DateTime<Utc>>,
    pub response_seconds: Option<i64>,
    pub response_business_seconds: Option<i64>,
}

#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = report_cycles)]
pub struct CycleRow {
    pub ticket_id: TicketId,
    pub cycle: i32,
    pub opened_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    pub merged: bool,
    pub agent_id: Option<AgentId>,
    pub seconds: Option<i64>,
    pub business_seconds: Option<i64>,
    pub reopened_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = report_assignments)]
pub struct AssignmentRow {
    pub ticket_id: TicketId,
    pub seq: i32,
    pub agent_id: AgentId,
    pub assigned_at: DateTime<Utc>,
}

/// Everything about some tickets.
#[derive(Debug, Default)]
pub struct Facts {
    pub tickets: Vec<TicketRow>,
    pub cycles: Vec<CycleRow>,
    pub assignments: Vec<AssignmentRow>,
}

/// Writes all facts of these tickets anew.
pub fn save(conn: &mut PgConnection, facts: &Facts) -> QueryResult<()> {
    use report_tickets as t;
    let ids: Vec<TicketId> = facts.tickets.iter().map(|row| row.ticket_id).collect();
    diesel::delete(report_cycles::table.filter(report_cycles::ticket_id.eq_any(&ids)))
        .execute(conn)?;
    diesel::delete(report_assignments::table.filter(report_assignments::ticket_id.eq_any(&ids)))
        .execute(conn)?;
    for chunk in facts.tickets.chunks(CHUNK) {
        diesel::insert_into(t::table)
            .values(chunk)
            .on_conflict(t::ticket_id)
            .do_update()
            .set((
                t::applied_version.eq(excluded(t::applied_version)),
                t::account_id.eq(excluded(t::account_id)),
                t::department_id.eq(excluded(t::department_id)),
                t::agent_id.eq(excluded(t::agent_id)),
                t::product_id.eq(excluded(t::product_id)),
                t::component_id.eq(excluded(t::component_id)),
                t::deleted.eq(excluded(t::deleted)),
                t::opened_at.eq(excluded(t::opened_at)),
                t::responded_at.eq(excluded(t::responded_at)),
                t::response_seconds.eq(excluded(t::response_seconds)),
                t::response_business_seconds.eq(excluded(t::response_business_seconds)),
            ))
            .execute(conn)?;
    }
    for chunk in facts.cycles.chunks(CHUNK) {
        diesel::insert_into(report_cycles::table).values(chunk).execute(conn)?;
    }
    for chunk in facts.assignments.chunks(CHUNK) {
        diesel::insert_into(report_assignments::table).values(chunk).execute(conn)?;
    }
    Ok(())
}
