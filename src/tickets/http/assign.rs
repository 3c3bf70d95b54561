//! Assignment, transfer.
use actix_web::{get, post, web};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::service::{self, Assign, Target, Transfer};
use super::notes::AddNote;
use super::view::{TicketView, answer};
use crate::assignment::{self, AssignmentView, DecisionView};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, Params, PathId, now, nullable};
use crate::kernel::{
    AccountId, Actor, AgentId, AppError, CategoryId, ContactId, Permission, ProductId, TicketId,
};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExplainQuery {
    /// True: also who would get the ticket now. Changes nothing.
    #[serde(default)]
    dry_run: bool,
    /// True, with `dry_run`: who would get it if it were handed over.
    #[serde(default)]
    handover: bool,
}

/// Why the ticket is where it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    assignee_id: Option<AgentId>,
    /// The decisions so far, latest first.
    decisions: Vec<AssignmentView>,
    /// Who would get it now; only with `dry_run=true`.
    dry_run: Option<DecisionView>,
}

/// Explain a ticket's assignment
///
/// Every decision with the candidates, their loads and the rule; on request also who would get the ticket now.
#[utoipa::path(
    tag = "assignment",
    params(("id" = TicketId, Path), ExplainQuery),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "The explanation", body = Explanation)),
)]
#[get("/tickets/{id}/assignment")]
pub async fn explain_assignment(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    query: Params<ExplainQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let explanation = db.read(move |conn| {
        let ticket = service::get(conn, &caller, id.0)?;
        let decisions =
            assignment::explain(conn, id.0)?.into_iter().map(AssignmentView::from).collect();
        let dry_run =
            query.dry_run.then(|| service::dry_run(conn, &caller, id.0, query.handover, now()));
        let dry_run = dry_run.transpose()?.map(DecisionView::from);
        Ok(Explanation { assignee_id: ticket.row.assignee_id, decisions, dry_run })
    });
    Answer::ok(&explanation.await?)
}

/// Who shall have the ticket: one of the three.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignTicket {
    /// This agent; your own id to take it yourself. Null: nobody, the ticket waits. Absent: the least-loaded available agent.
    #[garde(skip)]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<AgentId>)]
    agent_id: Option<Option<AgentId>>,
    /// Why; shown in the explanation.
    #[garde(length(chars, min = 1, max = 1000))]
    #[schema(example = "knows this customer")]
    reason: Option<String>,
    /// True: this agent even if they are absent or full, or if you take a ticket that you do not work. It needs a reason.
    #[serde(default, rename = "override")]
    #[garde(skip)]
    #[schema(example = false)]
    insists: bool,
}

impl From<AssignTicket> for Assign {
    fn from(body: AssignTicket) -> Self {
        let to = match body.agent_id {
            None => Target::Automatic,
            Some(None) => Target::Nobody,
            Some(Some(agent)) if body.insists => Target::Despite(agent),
            Some(Some(agent)) => Target::Agent(agent),
        };
        Self { to, reason: body.reason }
    }
}

/// Assign a ticket
///
/// To an agent, to the least-loaded available one, or back into the queue. An agent who is absent or has as many tickets as
/// they can is refused with 409 (`agent_absent`, `agent_full`), as is taking a ticket of a department, level, product,
/// category or type that you do not work (`agent_not_permitted`); `override` with a reason decides so all the same.
#[utoipa::path(
    tag = "assignment",
    params(("id" = TicketId, Path), IfMatch),
    request_body = AssignTicket,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The ticket as it is now", body = TicketView)),
)]
#[post("/tickets/{id}/assignment")]
pub async fn assign_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
    body: Body<AssignTicket>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let wanted = body.into_inner().into();
    db.tx(move |conn| {
        let now = now();
        let located = service::assign(conn, &caller, id.0, seen, wanted, now)?;
        answer(located, &caller, now)
    })
    .await
}

/// To another agent, account, contact, product or category. What is absent stays; null clears.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferTicket {
    #[garde(skip)]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<AgentId>)]
    agent_id: Option<Option<AgentId>>,
    #[garde(skip)]
    account_id: Option<AccountId>,
    #[garde(skip)]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<ContactId>)]
    contact_id: Option<Option<ContactId>>,
    #[garde(skip)]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<ProductId>)]
    product_id: Option<Option<ProductId>>,
    #[garde(skip)]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<CategoryId>)]
    category_id: Option<Option<CategoryId>>,
    #[garde(dive)]
    note: Option<AddNote>,
    /// Gives it to the agent even if they are absent or full: why.
    #[garde(length(chars, min = 1, max = 1000))]
    #[schema(example = "knows this customer")]
    override_reason: Option<String>,
}

impl TransferTicket {
    /// The transfer as this caller asks for it.
    pub fn wanted(self, actor: &Actor) -> Transfer {
        Transfer {
            agent_id: self.agent_id,
            despite: self.override_reason,
            account_id: self.account_id,
            contact_id: self.contact_id,
            product_id: self.product_id,
            category_id: self.category_id,
            note: self.note.map(|note| note.by(actor)),
        }
    }
}

/// Transfer a ticket
///
/// One operation, one event, mirrored to the CRM. The account must have the product, and the contact must belong to it. An
/// agent who is absent or full is refused, as by an assignment.
#[utoipa::path(
    tag = "assignment",
    params(("id" = TicketId, Path), IfMatch),
    request_body = TransferTicket,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The ticket as it is now", body = TicketView)),
)]
#[post("/tickets/{id}/transfer")]
pub async fn transfer_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
    body: Body<TransferTicket>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let wanted = body.into_inner().wanted(&caller);
    db.tx(move |conn| {
        let now = now();
        let located = service::transfer(conn, &caller, id.0, seen, wanted, now)?;
        answer(located, &caller, now)
    })
    .await
}
