//! What a ticket became, at the desk and in the CRMs.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::auth::Caller;
use crate::crm::service::{self, LeadIn};
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, PathId, now};
use crate::kernel::{
    AgentId, AppError, ConnectionId, FieldError, Permission, TicketId, WorkflowId,
};
use crate::tickets::service::{self as tickets, Convert, NewLead, NewWorkOrder, Wanted};
use crate::tickets::{Conversion, ConversionKind, Lead, WorkOrder, WorkflowMove};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(convert_ticket).service(get_conversion);
}

/// What a ticket shall become. A lead is a person, a job is a work order, a workflow is where the ticket goes on. What is left
/// out is taken from the ticket, its contact and its account.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConvertTicket {
    #[garde(skip)]
    #[schema(example = "lead")]
    to: ConversionKind,
    #[garde(length(chars, max = 100))]
    #[schema(example = "Purchasing")]
    first_name: Option<String>,
    /// Required when the ticket has no contact.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "contact")]
    last_name: Option<String>,
    #[garde(email, length(max = 254))]
    #[schema(example = "purchasing@customer.example")]
    email: Option<String>,
    #[garde(length(chars, max = 50))]
    #[schema(example = "+43 1 0000000")]
    phone: Option<String>,
    #[garde(length(chars, max = 200))]
    #[schema(example = "Northwind Services")]
    company: Option<String>,
    /// Of a lead or a job.
    #[garde(length(chars, max = 60_000))]
    #[schema(example = "Asks for twenty more seats")]
    description: Option<String>,
    /// Of a job.
    #[garde(length(chars, min = 1, max = 255))]
    #[schema(example = "Replace the card reader")]
    title: Option<String>,
    /// Of a job; the ticket's deadline when absent.
    #[garde(skip)]
    due_at: Option<DateTime<Utc>>,
    /// Of a job.
    #[garde(skip)]
    assignee_id: Option<AgentId>,
    /// The workflow in which the ticket goes on.
    #[garde(skip)]
    workflow_id: Option<WorkflowId>,
    /// What another system calls it.
    #[garde(length(chars, min = 1, max = 255))]
    #[schema(example = "WO-2207")]
    reference: Option<String>,
    /// Why the conversion closes the ticket although steps of its process are open; recorded.
    #[garde(length(chars, min = 1, max = 2000))]
    #[schema(example = "The account manager was told in a meeting")]
    override_reason: Option<String>,
}

impl ConvertTicket {
    fn wanted(self) -> Result<Convert, AppError> {
        self.refuse_foreign()?;
        let to = match self.to {
            ConversionKind::Lead => Wanted::Lead(NewLead {
                first_name: self.first_name,
                last_name: self.last_name,
                email: self.email,
                phone: self.phone,
                company: self.company,
                description: self.description,
            }),
            ConversionKind::Job => Wanted::Job(NewWorkOrder {
                title: self.title,
                description: self.description,
                due_at: self.due_at,
                assignee_id: self.assignee_id,
            }),
            ConversionKind::Workflow => {
                let missing = || AppError::field("/workflow_id", "a workflow is required");
                Wanted::Workflow(self.workflow_id.ok_or_else(missing)?)
            }
        };
        let (reference, override_reason) = (self.reference, self.override_reason);
        Ok(Convert { to, reference, override_reason })
    }

    /// What is asked of another kind is not silently left out.
    fn refuse_foreign(&self) -> Result<(), AppError> {
        use ConversionKind::{Job, Lead, Workflow};
        let given = [
            ("/first_name", self.first_name.is_some(), &[Lead][..]),
            ("/last_name", self.last_name.is_some(), &[Lead]),
            ("/email", self.email.is_some(), &[Lead]),
            ("/phone", self.phone.is_some(), &[Lead]),
            ("/company", self.company.is_some(), &[Lead]),
            ("/description", self.description.is_some(), &[Lead, Job]),
            ("/title", self.title.is_some(), &[Job]),
            ("/due_at", self.due_at.is_some(), &[Job]),
            ("/assignee_id", self.assignee_id.is_some(), &[Job]),
            ("/workflow_id", self.workflow_id.is_some(), &[Workflow]),
        ];
        let foreign = given.iter().filter(|(_, given, of)| *given && !of.contains(&self.to));
        let errors: Vec<FieldError> = foreign
            .map(|(pointer, ..)| FieldError::new(*pointer, format!("a {} has no such", self.to)))
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(AppError::Invalid(errors)) }
    }
}

/// What a ticket became.
#[derive(Debug, Serialize, ToSchema)]
struct ConversionView {
    ticket_id: TicketId,
    to: ConversionKind,
    lead: Option<Lead>,
    job: Option<WorkOrder>,
    workflow: Option<WorkflowMove>,
    /// What another system calls it.
    #[schema(example = "WO-2207")]
    reference: Option<String>,
    converted_by: Uuid,
    #[schema(example = "L1 agent A")]
    converted_by_name: String,
    converted_at: DateTime<Utc>,
    /// Of a lead, one for each connection that writes leads. A job or a workflow is told to every CRM in a note.
    crm: Vec<LeadView>,
}

/// The lead in a CRM.
#[derive(Debug, Serialize, ToSchema)]
struct LeadView {
    connection_id: ConnectionId,
    #[schema(example = "SuiteCRM")]
    connection: String,
    /// The CRM's id of the lead; null until it is written.
    #[schema(example = "7c9e6679-7425-40de-944b-e07fc1f90ae7")]
    lead_id: Option<String>,
}

fn view(row: Conversion, leads: Vec<LeadIn>) -> Result<ConversionView, AppError> {
    let leads = leads.into_iter().filter(|_| row.became == ConversionKind::Lead);
    let crm = leads.map(|LeadIn { connection, lead_id }| LeadView {
        connection_id: connection.id,
        connection: connection.name,
        lead_id,
    });
    Ok(ConversionView {
        ticket_id: row.ticket_id,
        to: row.became,
        lead: details(&row, ConversionKind::Lead)?,
        job: details(&row, ConversionKind::Job)?,
        workflow: details(&row, ConversionKind::Workflow)?,
        reference: row.reference,
        converted_by: row.converted_by,
        converted_by_name: row.converted_by_name,
        converted_at: row.converted_at,
        crm: crm.collect(),
    })
}

fn details<T: DeserializeOwned>(
    row: &Conversion,
    kind: ConversionKind,
) -> Result<Option<T>, AppError> {
    let own = (row.became == kind).then(|| serde_json::from_value(row.details.clone()));
    own.transpose().map_err(AppError::internal)
}

/// Convert a ticket
///
/// Recorded on the ticket, once. A lead is written to each CRM whose connection wants leads, after the ticket's case
/// and notes. A job (a work order) and a workflow are told in an internal note, which each CRM gets with the case. To another
/// workflow the ticket goes over, and begins there anew; as a lead or a job it moves along its workflow's transition with the
/// trigger `conversion`, where there is one; if that closes it while steps of its process are open, with an `override_reason` only.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), Idempotency),
    request_body(content = ConvertTicket, example = json!({"to": "lead", "description": "Asks for twenty more seats"})),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 201, description = "What the ticket became", body = ConversionView)),
)]
#[post("/tickets/{id}/conversion")]
async fn convert_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    key: Idempotency,
    body: Body<ConvertTicket>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let (fingerprint, body) = (body.fingerprint.clone(), body.into_inner());
    let wanted = body.wanted()?;
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            let (conversion, ticket) = tickets::convert(conn, &caller, id.0, wanted, now())?;
            let location = format!("/v1/tickets/{}/conversion", id.0);
            // The ETag is the ticket's: a conversion moves its version.
            let view = view(conversion, service::leads(conn, id.0)?)?;
            Ok(Answer::created(location, &view)?.version(ticket.row.version))
        })
    })
    .await
}

/// Get what a ticket became
///
/// With the leads that were made of it in the CRMs.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path)),
    security(
        ("client_credentials" = ["tickets:read", "tickets:work"]),
    ),
    responses((status = 200, description = "What the ticket became", body = ConversionView)),
)]
#[get("/tickets/{id}/conversion")]
async fn get_conversion(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let found = db.read(move |conn| {
        let conversion = tickets::conversion(conn, &caller, id.0)?;
        view(conversion, service::leads(conn, id.0)?)
    });
    Answer::ok(&found.await?)
}
