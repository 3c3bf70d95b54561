//! Writing tickets.
use diesel::prelude::*;

use super::row::Ticket;
use crate::db::schema::tickets;

/// Inserts a new ticket; the database gives the number.
pub fn insert(conn: &mut PgConnection, t: &Ticket) -> QueryResult<i64> {
    diesel::insert_into(tickets::table)
        .values((
            (
                tickets::id.eq(t.id),
                tickets::workflow_id.eq(t.workflow_id),
                tickets::status.eq(&t.status),
                tickets::category.eq(t.category),
                tickets::subject.eq(&t.subject),
                tickets::description.eq(&t.description),
                tickets::url.eq(&t.url),
                tickets::priority.eq(t.priority),
                tickets::priority_manual.eq(t.priority_manual),
                tickets::type_key.eq(&t.type_key),
                tickets::account_id.eq(t.account_id),
                tickets::contact_id.eq(t.contact_id),
                tickets::product_id.eq(t.product_id),
                tickets::category_id.eq(t.category_id),
            ),
            (
                tickets::component_id.eq(t.component_id),
                tickets::department_id.eq(t.department_id),
                tickets::level.eq(t.level),
                tickets::assignee_id.eq(t.assignee_id),
                tickets::deadline.eq(t.deadline),
                tickets::sla_policy_id.eq(t.sla_policy_id),
                tickets::source.eq(t.source),
                tickets::external_id.eq(&t.external_id),
                tickets::tags.eq(&t.tags),
                tickets::opened_by.eq(t.opened_by),
                tickets::opened_by_role.eq(t.opened_by_role),
                tickets::submitted_at.eq(t.submitted_at),
                tickets::automatic_at.eq(t.automatic_at),
                tickets::silent_since.eq(t.silence.since),
                tickets::silence_due_at.eq(t.silence.due_at),
                tickets::routing_version.eq(t.routing_version),
                tickets::created_at.eq(t.created_at),
                tickets::updated_at.eq(t.updated_at),
            ),
        ))
        .returning(tickets::number)
        .get_result(conn)
}

/// Writes every column that can change, of a ticket that the caller has locked.
pub fn save(conn: &mut PgConnection, t: &Ticket) -> QueryResult<usize> {
    diesel::update(tickets::table.find(t.id))
        .set((
            (
                tickets::workflow_id.eq(t.workflow_id),
                tickets::status.eq(&t.status),
                tickets::category.eq(t.category),
                tickets::subject.eq(&t.subject),
                tickets::description.eq(&t.description),
                tickets::url.eq(&t.url),
                tickets::priority.eq(t.priority),
                tickets::priority_manual.eq(t.priority_manual),
                tickets::severity.eq(t.severity),
                tickets::impact.eq(t.impact),
                tickets::type_key.eq(&t.type_key),
                tickets::account_id.eq(t.account_id),
                tickets::contact_id.eq(t.contact_id),
                tickets::product_id.eq(t.product_id),
                tickets::category_id.eq(t.category_id),
                tickets::component_id.eq(t.component_id),
                tickets::department_id.eq(t.department_id),
                tickets::level.eq(t.level),
            ),
            (
                tickets::assignee_id.eq(t.assignee_id),
                tickets::handed_over_by.eq(t.handed_over_by),
                tickets::deadline.eq(t.deadline),
                tickets::sla_policy_id.eq(t.sla_policy_id),
                tickets::tags.eq(&t.tags),
                tickets::resolution.eq(&t.resolution),
                tickets::vendor_reference.eq(&t.vendor_reference),
                tickets::merged_into.eq(t.merged_into),
                tickets::routing_version.eq(t.routing_version),
                tickets::merged_count.eq(t.merged_count),
                tickets::note_count.eq(t.note_count),
                tickets::reopen_count.eq(t.reopen_count),
                tickets::submitted_at.eq(t.submitted_at),
                tickets::closed_at.eq(t.closed_at),
                tickets::deleted_at.eq(t.deleted_at),
                tickets::automatic_at.eq(t.automatic_at),
                tickets::silent_since.eq(t.silence.since),
                tickets::reminded_at.eq(t.silence.reminded_at),
                tickets::silence_due_at.eq(t.silence.due_at),
                tickets::version.eq(t.version),
                tickets::updated_at.eq(t.updated_at),
            ),
        ))
        .execute(conn)
}
