//! The endpoint that explains routing.
use actix_web::{post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::catalog::ProcessStep;
use crate::db::Db;
use crate::http::{Answer, Body};
use crate::kernel::{
    AppError, ComponentId, DepartmentId, Level, Permission, ProductId, WorkflowId,
};
use crate::routing::service::{self, Decision, When};
use crate::routing::store::Wanted;

/// What a ticket would be about. With nothing given: a ticket without a component.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"component": "Report Writer"}))]
struct RoutingQuestion {
    #[garde(skip)]
    component_id: Option<ComponentId>,
    /// Instead of the id: the component's name, in any case.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Report Writer")]
    component: Option<String>,
    /// The product of the named component; needed when several products have one of this name.
    #[garde(skip)]
    product_id: Option<ProductId>,
    /// The key of its ticket type, which can have a workflow of its own.
    #[garde(length(chars, max = 50))]
    #[schema(example = "incident")]
    r#type: Option<String>,
    /// As this version of the routing table would have it; the present one when absent.
    #[garde(range(min = 1))]
    #[schema(example = 1)]
    version: Option<i32>,
    /// As the version that held at this time would have it.
    #[garde(skip)]
    at: Option<DateTime<Utc>>,
}

impl RoutingQuestion {
    fn when(&self) -> Result<When, AppError> {
        match (self.version, self.at) {
            (Some(_), Some(_)) => Err(AppError::field("/at", "give version or at, not both")),
            (Some(version), None) => Ok(When::Version(version)),
            (None, Some(at)) => Ok(When::At(at)),
            (None, None) => Ok(When::Now),
        }
    }

    fn wanted(self) -> Result<Option<Wanted>, AppError> {
        match (self.component_id, self.component) {
            (Some(_), Some(_)) => {
                Err(AppError::field("/component", "give component_id or component, not both"))
            }
            (Some(id), None) => Ok(Some(Wanted::Id(id))),
            (None, Some(name)) => Ok(Some(Wanted::Name(name, self.product_id))),
            (None, None) => Ok(None),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct RoutedComponent {
    id: ComponentId,
    #[schema(example = "Managed Upgrade")]
    name: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct RoutedDepartment {
    id: DepartmentId,
    #[schema(example = "Account Management")]
    name: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct RoutedWorkflow {
    id: WorkflowId,
    #[schema(example = "consultancy")]
    key: String,
    #[schema(example = "Consultancy")]
    name: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct RoutedProcess {
    #[schema(example = "account_manager")]
    key: String,
    #[schema(example = "Hand to the account manager")]
    name: String,
    /// What is done, in order, and how the service can tell that it was.
    steps: Vec<ProcessStep>,
}

/// Who would own the ticket, and why.
#[derive(Debug, Serialize, ToSchema)]
struct RoutingAnswer {
    level: Level,
    department: RoutedDepartment,
    workflow: RoutedWorkflow,
    /// The team outside the desk; null inside.
    #[schema(example = "Account Management")]
    team: Option<String>,
    /// What the ticket goes through there; null when there is nothing to follow.
    process: Option<RoutedProcess>,
    component: Option<RoutedComponent>,
    /// The version of the routing table that was asked.
    #[schema(example = 2)]
    routing_version: i32,
    #[schema(
        example = "The component Managed Upgrade of CoreTrac is handled outside the desk, by Account Management."
    )]
    reason: String,
}

impl From<Decision> for RoutingAnswer {
    fn from(decision: Decision) -> Self {
        let Decision { route, component, workflow_key, workflow_name } = decision;
        Self {
            level: route.level,
            department: RoutedDepartment { id: route.department_id, name: route.department_name },
            workflow: RoutedWorkflow {
                id: route.workflow_id,
                key: workflow_key,
                name: workflow_name,
            },
            team: route.team,
            process: route.process.map(|p| RoutedProcess {
                key: p.key,
                name: p.name,
                steps: p.steps.0,
            }),
            component: component.map(|(id, name)| RoutedComponent { id, name }),
            routing_version: route.version,
            reason: route.explanation,
        }
    }
}

/// Explain where a ticket would go
///
/// The component decides the level and the department that own a ticket, by the present version of the routing table or by
/// an earlier one. Nothing is created.
#[utoipa::path(
    tag = "routing",
    request_body = RoutingQuestion,
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "The decision and its reason", body = RoutingAnswer)),
)]
#[post("/routing/resolve")]
pub async fn resolve_routing(
    db: web::Data<Db>,
    caller: Caller,
    body: Body<RoutingQuestion>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let body = body.into_inner();
    let when = body.when()?;
    let type_key = body.r#type.clone().unwrap_or_default();
    let wanted = body.wanted()?;
    let decide = move |conn: &mut _| service::decide(conn, wanted.clone(), &type_key, when);
    let decision = db.read(decide).await?;
    Answer::ok(&RoutingAnswer::from(decision))
}
