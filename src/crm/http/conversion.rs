//! What a ticket became, at the desk and in the CRMs.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::auth::Caller;
use crate::crm::service::{self, LeadIn};
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, PathId, now};
use crate::kernel::{AppError, ConnectionId, Permission, TicketId};
use crate::tickets::service::{self as tickets, NewLead};
use crate::tickets::{Conversion, ConversionKind, Lead};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(convert_ticket).service(get_conversion);
}

/// What a ticket shall become. What is left out is taken from the ticket, its contact and its account.
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
    #[garde(length(chars, max = 60_000))]
    #[schema(example = "Asks for twenty more seats")]
    description: Option<String>,
}

/// What a ticket became.
#[derive(Debug, Serialize, ToSchema)]
struct ConversionView {
    ticket_id: TicketId,
    to: ConversionKind,
    lead: Lead,
    converted_by: Uuid,
    #[schema(example = "L1 agent A")]
    converted_by_name: String,
    converted_at: DateTime<Utc>,
    /// One for each connection that writes leads.
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
    let crm = leads.into_iter().map(|LeadIn { connection, lead_id }| LeadView {
        connection_id: connection.id,
        connection: connection.name,
        lead_id,
    });
    Ok(ConversionView {
        ticket_id: row.ticket_id,
        to: row.became,
        lead: serde_json::from_value(row.lead).map_err(AppError::internal)?,
        converted_by: row.converted_by,
        converted_by_name: row.converted_by_name,
        converted_at: row.converted_at,
        crm: crm.collect(),
    })
}

/// Convert a ticket
///
/// To a lead: recorded on the ticket, once, and written to each CRM whose connection wants leads, after the ticket's case
/// and notes. Where the ticket's workflow has a transition with the trigger `conversion`, the ticket moves along it.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), Idempotency),
    request_body = ConvertTicket,
    security(("bearer" = ["tickets:work"]), ("client_credentials" = ["tickets:work"])),
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
    let ConversionKind::Lead = body.to;
    let new = NewLead {
        first_name: body.first_name,
        last_name: body.last_name,
        email: body.email,
        phone: body.phone,
        company: body.company,
        description: body.description,
    };
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            let (conversion, ticket) = tickets::convert(conn, &caller, id.0, new, now())?;
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
        ("bearer" = ["tickets:read", "tickets:work"]),
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
