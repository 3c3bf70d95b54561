//! Policies and their versions.
use chrono::{DateTime, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::kept_as_json;
use crate::db::schema::{
    accounts, agents, calendar_versions, calendars, departments, sla_policies, sla_policy_versions,
    sla_revision, sla_tickets, ticket_types, webhooks,
};
use crate::kernel::{
    AccountId, AgentId, CalendarId, DepartmentId, PageRequest, SlaPolicyId, TicketId, WebhookId,
};
use crate::sla::rules::{Basis, Terms};
use crate::sla::store::Calendar;

/// As they are kept.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
#[schema(value_type = Terms)]
pub struct KeptTerms(pub Terms);
kept_as_json!(KeptTerms);

/// What is promised for some tickets.
#[derive(
    Debug, Clone, Serialize, Deserialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset,
)]
#[diesel(table_name = sla_policies, check_for_backend(Pg))]
pub struct SlaPolicy {
    pub id: SlaPolicyId,
    #[schema(example = "Gold, urgent")]
    pub name: String,
    /// The first active policy that fits a ticket is the ticket's: the lowest rank, and of the same rank the oldest.
    #[schema(example = 10)]
    pub rank: i32,
    /// An inactive policy fits no ticket.
    pub active: bool,
    /// By which business time is measured.
    pub calendar_id: CalendarId,
    #[serde(flatten)]
    #[schema(value_type = Terms)]
    pub terms: KeptTerms,
    #[schema(example = 1)]
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A policy as it was.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sla_policy_versions, check_for_backend(Pg))]
pub struct PolicyVersion {
    pub policy_id: SlaPolicyId,
    pub version: i32,
    pub document: Value,
    pub changed_by: Uuid,
    pub changed_by_name: String,
    pub changed_at: DateTime<Utc>,
}

pub fn insert_policy(conn: &mut PgConnection, policy: &SlaPolicy) -> QueryResult<usize> {
    diesel::insert_into(sla_policies::table).values(policy).execute(conn)
}

pub fn insert_policy_version(
    conn: &mut PgConnection,
    version: &PolicyVersion,
) -> QueryResult<usize> {
    diesel::insert_into(sla_policy_versions::table).values(version).execute(conn)
}

pub fn count_policies(conn: &mut PgConnection) -> QueryResult<i64> {
    sla_policies::table.count().get_result(conn)
}

pub fn find_policy(conn: &mut PgConnection, id: SlaPolicyId) -> QueryResult<Option<SlaPolicy>> {
    sla_policies::table.find(id).select(SlaPolicy::as_select()).first(conn).optional()
}

pub fn lock_policy(conn: &mut PgConnection, id: SlaPolicyId) -> QueryResult<Option<SlaPolicy>> {
    let row = sla_policies::table.find(id).for_no_key_update();
    row.select(SlaPolicy::as_select()).first(conn).optional()
}

pub fn save_policy(conn: &mut PgConnection, policy: &SlaPolicy) -> QueryResult<usize> {
    diesel::update(sla_policies::table.find(policy.id)).set(policy).execute(conn)
}

/// A page in the order in which they are tried.
pub fn policies(conn: &mut PgConnection, page: &PageRequest) -> QueryResult<Vec<SlaPolicy>> {
    let mut query =
        sla_policies::table.select(SlaPolicy::as_select()).limit(page.fetch()).into_boxed();
    if let Some(cursor) = &page.cursor {
        let rank = i32::try_from(cursor.key.as_i64().unwrap_or_default()).unwrap_or_default();
        let (same, id) = (sla_policies::rank.eq(rank), sla_policies::id);
        query = if page.backward() {
            query.filter(sla_policies::rank.lt(rank).or(same.and(id.lt(cursor.id))))
        } else {
            query.filter(sla_policies::rank.gt(rank).or(same.and(id.gt(cursor.id))))
        };
    }
    if page.backward() {
        query.order((sla_policies::rank.desc(), sla_policies::id.desc())).load(conn)
    } else {
        query.order((sla_policies::rank, sla_policies::id)).load(conn)
    }
}

/// The versions of a policy, latest first.
pub fn policy_versions(
    conn: &mut PgConnection,
    id: SlaPolicyId,
    page: &PageRequest,
) -> QueryResult<Vec<PolicyVersion>> {
    let mut query = sla_policy_versions::table
        .filter(sla_policy_versions::policy_id.eq(id))
        .select(PolicyVersion::as_select())
        .limit(page.fetch())
        .into_boxed();
    let from = page.cursor.as_ref().map(|cursor| cursor.key.as_i64().unwrap_or_default());
    let from = from.map(|from| i32::try_from(from).unwrap_or_default());
    query = match (from, page.backward()) {
        (Some(from), false) => query.filter(sla_policy_versions::version.lt(from)),
        (Some(from), true) => query.filter(sla_policy_versions::version.gt(from)),
        (None, _) => query,
    };
    if page.backward() {
        query.order(sla_policy_versions::version).load(conn)
    } else {
        query.order(sla_policy_versions::version.desc()).load(conn)
    }
}

pub fn revision(conn: &mut PgConnection) -> QueryResult<i64> {
    sla_revision::table.select(sla_revision::revision).first(conn)
}

/// The active policies in the order in which they are tried, each with the present version of its calendar.
pub fn active_policies(conn: &mut PgConnection) -> QueryResult<Vec<(SlaPolicy, i32)>> {
    sla_policies::table
        .inner_join(calendars::table)
        .filter(sla_policies::active)
        .order((sla_policies::rank, sla_policies::id))
        .select((SlaPolicy::as_select(), calendars::version))
        .load(conn)
}

pub fn agreements(
    conn: &mut PgConnection,
    ids: &[AccountId],
) -> QueryResult<Vec<(AccountId, Option<String>)>> {
    let rows = accounts::table.filter(accounts::id.eq_any(ids));
    rows.select((accounts::id, accounts::agreement)).load(conn)
}

/// What the policies of these tickets say, of those that have one.
pub fn terms_of(
    conn: &mut PgConnection,
    ids: &[TicketId],
) -> QueryResult<Vec<(TicketId, KeptTerms)>> {
    sla_tickets::table
        .inner_join(sla_policies::table)
        .filter(sla_tickets::ticket_id.eq_any(ids))
        .select((sla_tickets::ticket_id, sla_policies::terms))
        .load(conn)
}

/// What there is of what terms name.
#[derive(Debug, Default)]
pub struct Known {
    pub agents: Vec<AgentId>,
    pub departments: Vec<DepartmentId>,
    pub types: Vec<String>,
    pub webhooks: Vec<WebhookId>,
}

pub fn known(conn: &mut PgConnection, terms: &Terms) -> QueryResult<Known> {
    let told = &terms.escalations;
    let agent_ids: Vec<_> = told.iter().flat_map(|one| &one.agent_ids).collect();
    let webhook_ids: Vec<_> = told.iter().flat_map(|one| &one.webhook_ids).collect();
    let department_ids: Vec<_> = told
        .iter()
        .flat_map(|one| &one.department_ids)
        .chain(&terms.conditions.department_ids)
        .collect();
    let types = ticket_types::table.filter(ticket_types::key.eq_any(&terms.conditions.types));
    Ok(Known {
        agents: agents::table.filter(agents::id.eq_any(agent_ids)).select(agents::id).load(conn)?,
        departments: departments::table
            .filter(departments::id.eq_any(department_ids))
            .select(departments::id)
            .load(conn)?,
        types: types.select(ticket_types::key).load(conn)?,
        webhooks: webhooks::table
            .filter(webhooks::id.eq_any(webhook_ids))
            .select(webhooks::id)
            .load(conn)?,
    })
}

/// The policies and calendars of these bases, in the versions that they name.
pub fn documents(
    conn: &mut PgConnection,
    bases: &[Basis],
) -> QueryResult<(Vec<SlaPolicy>, Vec<Calendar>)> {
    use calendar_versions as c;
    use sla_policy_versions as p;
    let ids: Vec<_> = bases.iter().map(|basis| basis.policy_id).collect();
    let versions: Vec<_> = bases.iter().map(|basis| basis.policy_version).collect();
    let policies = p::table.filter(p::policy_id.eq_any(ids)).filter(p::version.eq_any(versions));
    let policies: Vec<Value> = policies.select(p::document).load(conn)?;
    let ids: Vec<_> = bases.iter().map(|basis| basis.calendar_id).collect();
    let versions: Vec<_> = bases.iter().map(|basis| basis.calendar_version).collect();
    let calendars = c::table.filter(c::calendar_id.eq_any(ids)).filter(c::version.eq_any(versions));
    let calendars: Vec<Value> = calendars.select(c::document).load(conn)?;
    Ok((read_all(policies)?, read_all(calendars)?))
}

fn read_all<T: serde::de::DeserializeOwned>(documents: Vec<Value>) -> QueryResult<Vec<T>> {
    let read = documents.into_iter().map(serde_json::from_value);
    read.collect::<Result<_, _>>()
        .map_err(|error| diesel::result::Error::DeserializationError(error.into()))
}
