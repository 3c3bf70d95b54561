//! Decides who owns a ticket, and says why.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::kernel::{AppError, ComponentId, DepartmentId, Level, WorkflowId};
use crate::routing::store::{self, Entry, Owner, Process, Wanted};

/// Where a ticket belongs.
#[derive(Debug, Clone)]
pub struct Route {
    pub level: Level,
    pub department_id: DepartmentId,
    pub department_name: String,
    pub workflow_id: WorkflowId,
    /// By which the workflow is found in memory.
    pub workflow_revision: uuid::Uuid,
    /// The team outside the desk, when the level is external.
    pub team: Option<String>,
    /// The process that the ticket follows there.
    pub process: Option<Process>,
    /// The version of the routing table that led here.
    pub version: i32,
    /// Why, in plain English.
    pub explanation: String,
}

/// A route with the names that explain it.
#[derive(Debug, Clone)]
pub struct Decision {
    pub route: Route,
    pub component: Option<(ComponentId, String)>,
    pub workflow_key: String,
    pub workflow_name: String,
}

/// Which version of the routing table is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Now,
    /// In this version.
    Version(i32),
    /// In the version that held at this time.
    At(DateTime<Utc>),
}

/// Routes a ticket by its component; one query. Without a component, the default department takes it at level L1. The
/// workflow is that of the ticket type, or else of the department. Fails with a field error when there is no such active
/// component.
pub fn resolve(
    conn: &mut PgConnection,
    component_id: Option<ComponentId>,
    type_key: &str,
) -> Result<Route, AppError> {
    Ok(decide(conn, component_id.map(Wanted::Id), type_key, When::Now)?.route)
}

/// [`resolve`], with everything that explains it.
pub fn decide(
    conn: &mut PgConnection,
    wanted: Option<Wanted>,
    type_key: &str,
    when: When,
) -> Result<Decision, AppError> {
    let past = past(conn, when)?;
    let Some(wanted) = wanted else {
        let (owner, version) = store::default_owner(conn, type_key)?.ok_or_else(|| {
            AppError::rule("no_default_department", "no department is the default one")
        })?;
        return Ok(by_default(owner, past.unwrap_or(version)));
    };
    let pointer = match &wanted {
        Wanted::Id(_) => "/component_id",
        Wanted::Name(..) => "/component",
    };
    let mut entries = match past {
        None => store::entries(conn, wanted, type_key)?,
        Some(version) => {
            let entries = store::entries_at(conn, wanted, type_key, version)?.into_iter();
            entries.map(|(entry, owner)| (entry, owner, version)).collect()
        }
    };
    match (entries.pop(), entries.pop()) {
        (Some((entry, owner, version)), None) => Ok(by_component(entry, owner, version)),
        (None, _) => Err(AppError::field(pointer, "there is no such component in use")),
        _ => Err(AppError::field(pointer, "several products have it; name the product")),
    }
}

/// The version that is asked instead of the present one.
fn past(conn: &mut PgConnection, when: When) -> Result<Option<i32>, AppError> {
    let (found, pointer) = match when {
        When::Now => return Ok(None),
        When::Version(version) => {
            (store::version(conn, version)?.map(|found| found.version), "/version")
        }
        When::At(at) => (store::version_at(conn, at)?, "/at"),
    };
    let missing = || AppError::field(pointer, "the routing table had no such version");
    found.map(Some).ok_or_else(missing)
}

fn by_default(owner: Owner, version: i32) -> Decision {
    let explanation = format!(
        "No component is given, so the default department {} takes it at level L1.",
        owner.department_name
    );
    decision(owner, version, Level::L1, None, None, explanation)
}

fn by_component(entry: Entry, owner: Owner, version: i32) -> Decision {
    let (component, product, department) =
        (&entry.component, &entry.product, &owner.department_name);
    let mut explanation = match entry.level {
        Level::External => {
            format!(
                "The component {component} of {product} is handled outside the desk, by {department}."
            )
        }
        level => format!(
            "The component {component} of {product} belongs to level {level}, in the department {department}."
        ),
    };
    if let Some(process) = &entry.process {
        explanation.push_str(&format!(" The ticket follows the process {:?}.", process.name));
    }
    let component = Some((entry.component_id, entry.component));
    decision(owner, version, entry.level, component, entry.process, explanation)
}

fn decision(
    owner: Owner,
    version: i32,
    level: Level,
    component: Option<(ComponentId, String)>,
    process: Option<Process>,
    explanation: String,
) -> Decision {
    let route = Route {
        level,
        department_id: owner.department_id,
        team: (level == Level::External).then(|| owner.department_name.clone()),
        department_name: owner.department_name,
        workflow_id: owner.workflow_id,
        workflow_revision: owner.workflow_revision,
        process,
        version,
        explanation,
    };
    let (workflow_key, workflow_name) = (owner.workflow_key, owner.workflow_name);
    Decision { route, component, workflow_key, workflow_name }
}
