//! Policies.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::named;
use crate::events;
use crate::kernel::{Actor, AppError, DepartmentId, FieldError, Page, PageRequest, SlaPolicyId};
use crate::sla::rules::Terms;
use crate::sla::store::{self, PolicyVersion, SlaPolicy};

/// Policies that a desk has at the most: every ticket is compared with each.
const POLICIES_MAX: i64 = 200;

const MISSING: AppError = AppError::NotFound("the policy");

fn subject(id: SlaPolicyId) -> String {
    format!("sla-policy/{id}")
}

/// Refuses terms that contradict themselves or name what is not there, by their place.
pub fn check_terms(conn: &mut PgConnection, terms: &Terms) -> Result<(), AppError> {
    terms.check().map_err(|(pointer, detail)| AppError::field(pointer, detail))?;
    let known = store::known(conn, terms)?;
    let (conditions, mut errors) = (&terms.conditions, Vec::new());
    let mut check = |pointer: String, all_known: bool, detail| {
        if !all_known {
            errors.push(FieldError::new(pointer, detail));
        }
    };
    let departments = |ids: &[DepartmentId]| ids.iter().all(|id| known.departments.contains(id));
    let types = conditions.types.iter().all(|key| known.types.contains(key));
    check("/conditions/types".into(), types, "there is no such ticket type");
    let theirs = departments(&conditions.department_ids);
    check("/conditions/department_ids".into(), theirs, "there is no such department");
    for (place, one) in terms.escalations.iter().enumerate() {
        let at = |list: &str| format!("/escalations/{place}/{list}");
        let agents = one.agent_ids.iter().all(|id| known.agents.contains(id));
        check(at("agent_ids"), agents, "there is no such agent");
        let theirs = departments(&one.department_ids);
        check(at("department_ids"), theirs, "there is no such department");
        let webhooks = one.webhook_ids.iter().all(|id| known.webhooks.contains(id));
        check(at("webhook_ids"), webhooks, "there is no such webhook");
    }
    if errors.is_empty() { Ok(()) } else { Err(AppError::Invalid(errors)) }
}

/// Open tickets that it fits are measured by it from now on. Fails with `name_taken` and `too_many_policies`.
pub fn create_policy(
    conn: &mut PgConnection,
    actor: &Actor,
    policy: &SlaPolicy,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    check_terms(conn, &policy.terms.0)?;
    // Holds up whoever adds another one.
    store::next_revision(conn)?;
    if store::count_policies(conn)? >= POLICIES_MAX {
        let detail = format!("a desk has {POLICIES_MAX} policies at the most");
        return Err(AppError::conflict("too_many_policies", detail));
    }
    store::insert_policy(conn, policy).map_err(named)?;
    keep_version(conn, actor, policy, now)?;
    events::resource_created(conn, actor, subject(policy.id), policy, now)
}

pub fn get_policy(conn: &mut PgConnection, id: SlaPolicyId) -> Result<SlaPolicy, AppError> {
    store::find_policy(conn, id)?.ok_or(MISSING)
}

/// In the order in which they are tried.
pub fn list_policies(
    conn: &mut PgConnection,
    page: &PageRequest,
) -> Result<Page<SlaPolicy>, AppError> {
    let rows = store::policies(conn, page)?;
    Ok(page.page(rows, |policy| (json!(policy.rank), policy.id.0)))
}

/// Changes a policy under lock; `change` gets the present state. Anything new is another version, by which open clocks are derived
/// anew.
pub fn change_policy(
    conn: &mut PgConnection,
    actor: &Actor,
    id: SlaPolicyId,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut SlaPolicy) -> Result<(), AppError>,
) -> Result<SlaPolicy, AppError> {
    let before = store::lock_policy(conn, id)?.ok_or(MISSING)?;
    let mut after = before.clone();
    change(&mut after)?;
    let changes = events::diff(&before, &after);
    if changes.is_empty() {
        return Ok(before);
    }
    // What it named before may be gone since: that tells nobody.
    if after.terms != before.terms {
        check_terms(conn, &after.terms.0)?;
    }
    (after.version, after.updated_at) = (before.version + 1, now);
    store::save_policy(conn, &after).map_err(named)?;
    keep_version(conn, actor, &after, now)?;
    store::next_revision(conn)?;
    events::resource_changed(conn, actor, subject(id), changes, now)?;
    Ok(after)
}

fn keep_version(
    conn: &mut PgConnection,
    actor: &Actor,
    policy: &SlaPolicy,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let document: Value = serde_json::to_value(policy).map_err(AppError::internal)?;
    let version = PolicyVersion {
        policy_id: policy.id,
        version: policy.version,
        document,
        changed_by: actor.id,
        changed_by_name: actor.name.clone(),
        changed_at: now,
    };
    store::insert_policy_version(conn, &version)?;
    Ok(())
}

/// The versions of a policy, latest first.
pub fn list_policy_versions(
    conn: &mut PgConnection,
    id: SlaPolicyId,
    page: &PageRequest,
) -> Result<Page<PolicyVersion>, AppError> {
    get_policy(conn, id)?;
    let rows = store::policy_versions(conn, id, page)?;
    Ok(page.page(rows, |version| (json!(version.version), Uuid::nil())))
}
