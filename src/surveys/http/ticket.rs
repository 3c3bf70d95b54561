//! The survey of a ticket.
use actix_web::{get, post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::SurveyView;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, PathId, now};
use crate::kernel::{AppError, Permission, TicketId};
use crate::surveys::Surveys;
use crate::surveys::rules::{COMMENT_MAX, Opinion};
use crate::surveys::service;

/// Get what the customer was asked about a ticket
///
/// About its latest closing, with the answer; for the desk, and for the contacts of the account. 404 when nobody was asked.
#[utoipa::path(
    tag = "surveys",
    params(("id" = TicketId, Path)),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "The survey", body = SurveyView)),
)]
#[get("/tickets/{id}/survey")]
pub async fn get_ticket_survey(
    db: web::Data<Db>,
    surveys: web::Data<Surveys>,
    caller: Caller,
    id: PathId<TicketId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    db.read(move |conn| {
        let survey = service::of_ticket(conn, &caller, id.0)?;
        Answer::ok(&SurveyView::new(survey, &surveys, &caller, now()))
    })
    .await
}

/// How satisfied a customer is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SurveyAnswer {
    /// From 1, very dissatisfied, to 5, very satisfied.
    #[garde(range(min = 1, max = 5))]
    #[schema(minimum = 1, maximum = 5, example = 5)]
    rating: i16,
    /// Plain text.
    #[garde(length(chars, max = COMMENT_MAX))]
    #[schema(example = "That was quick.")]
    comment: Option<String>,
}

/// Answer the survey of a ticket
///
/// For the contact who was asked; anybody else is refused with `not_asked`. An answer replaces the one before, until the survey expires
/// (`survey_over`). It does not change the ticket.
#[utoipa::path(
    tag = "surveys",
    params(("id" = TicketId, Path)),
    request_body = SurveyAnswer,
    security(("client_credentials" = ["tickets:read", "tickets:write"])),
    responses((status = 200, description = "The survey with the answer", body = SurveyView)),
)]
#[post("/tickets/{id}/survey")]
pub async fn answer_ticket_survey(
    db: web::Data<Db>,
    surveys: web::Data<Surveys>,
    caller: Caller,
    id: PathId<TicketId>,
    body: Body<SurveyAnswer>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    caller.require(Permission::TicketsWrite)?;
    let SurveyAnswer { rating, comment } = body.into_inner();
    let opinion = Opinion::new(Some(rating), comment.as_deref().unwrap_or_default())?;
    db.tx(move |conn| {
        let now = now();
        let survey = service::answer_in_portal(conn, &caller, id.0, opinion, now)?;
        Answer::ok(&SurveyView::new(survey, &surveys, &caller, now))
    })
    .await
}
