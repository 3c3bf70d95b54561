//! What is to be known of tickets to tell people of them, for many tickets at a time.
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Nullable, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::schema::{accounts, statuses, tickets as t};
use crate::kernel::{AgentId, ContactId, TicketId, WorkflowId};
use crate::notifications::rules::{Facts, Follower, Person};
use crate::workflow::Category;

type Row = (
    (TicketId, i64, String, Option<String>, WorkflowId, String, Category),
    (
        Option<crate::kernel::AccountId>,
        Option<ContactId>,
        Option<AgentId>,
        crate::kernel::DepartmentId,
        crate::kernel::Level,
        Uuid,
    ),
    (Option<chrono::DateTime<chrono::Utc>>, String, Option<bool>),
);

/// These tickets, each with its workflow.
pub fn tickets(conn: &mut PgConnection, ids: &[TicketId]) -> QueryResult<Vec<(Facts, WorkflowId)>> {
    let rows: Vec<Row> = t::table
        .inner_join(
            statuses::table
                .on(statuses::workflow_id.eq(t::workflow_id).and(statuses::code.eq(t::status))),
        )
        .left_join(accounts::table)
        .filter(t::id.eq_any(ids))
        .select((
            (t::id, t::number, t::subject, t::resolution, t::workflow_id, t::status, t::category),
            (
                t::account_id,
                t::contact_id,
                t::assignee_id,
                t::department_id,
                t::level,
                t::opened_by,
            ),
            (t::deleted_at, statuses::customer_label, accounts::surveys.nullable()),
        ))
        .load(conn)?;
    Ok(rows.into_iter().map(facts).collect())
}

fn facts(row: Row) -> (Facts, WorkflowId) {
    let (about, parties, more) = row;
    let (id, number, subject, resolution, workflow, _, category) = about;
    let (account_id, contact_id, assignee_id, department_id, level, opened_by) = parties;
    let (deleted_at, label, surveys) = more;
    let facts = Facts {
        id,
        number,
        subject,
        resolution,
        label,
        account_id,
        contact_id,
        assignee_id,
        department_id,
        level,
        opened_by,
        deleted: deleted_at.is_some(),
        closed: category == Category::Closed,
        surveys: surveys.unwrap_or(false),
        tells_of_delay: false,
    };
    (facts, workflow)
}

/// What the statuses of these workflows are called for customers: workflow, code, label.
pub fn labels(
    conn: &mut PgConnection,
    workflows: &[WorkflowId],
) -> QueryResult<Vec<(WorkflowId, String, String)>> {
    statuses::table
        .filter(statuses::workflow_id.eq_any(workflows))
        .select((statuses::workflow_id, statuses::code, statuses::customer_label))
        .load(conn)
}

/// Who watches these tickets, or one that was merged into them, and whose such a one was.
pub fn followers(conn: &mut PgConnection, ids: &[TicketId]) -> QueryResult<Vec<Follower>> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = SqlUuid)]
        ticket_id: TicketId,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        agent_id: Option<AgentId>,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        contact_id: Option<ContactId>,
    }
    let found: Vec<Found> = sql_query(
        "with recursive conversation (ticket_id, id) as (
           select id, id from unnest($1) t (id)
           union
           select c.ticket_id, t.id from tickets t join conversation c on t.merged_into = c.id)
         select c.ticket_id, w.agent_id, w.contact_id
           from conversation c join ticket_watchers w on w.ticket_id = c.id
         union
         select c.ticket_id, null, t.contact_id from conversation c join tickets t on t.id = c.id
          where c.id <> c.ticket_id and t.contact_id is not null",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .load(conn)?;
    let person =
        |found: &Found| found.agent_id.map(Person::Agent).or(found.contact_id.map(Person::Contact));
    let follower =
        |found: Found| Some(Follower { ticket_id: found.ticket_id, person: person(&found)? });
    Ok(found.into_iter().filter_map(follower).collect())
}
