//! Endpoints of surveys: for programs, and the page for customers.
mod page;
mod results;
mod ticket;

use actix_web::web;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::kernel::{
    AccountId, Actor, AgentId, ContactId, DepartmentId, SurveyId, TicketId, rfc3339,
};
use crate::surveys::Surveys;
use crate::surveys::rules::SurveyState;
use crate::surveys::store::Survey;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(ticket::get_ticket_survey)
        .service(ticket::answer_ticket_survey)
        .service(results::list_surveys);
}

/// What customers open in a browser: no part of the API, so the specification says nothing of it.
pub fn pages(cfg: &mut web::ServiceConfig) {
    let survey = web::resource("/s/{token}").name("survey");
    cfg.service(survey.get(page::show_survey).post(page::answer_survey));
}

/// What a customer is asked after a ticket was closed, and the answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct SurveyView {
    id: SurveyId,
    ticket_id: TicketId,
    state: SurveyState,
    /// Which closing of the ticket it is about.
    #[serde(serialize_with = "rfc3339::serialize")]
    closed_at: DateTime<Utc>,
    account_id: AccountId,
    /// Who is asked.
    contact_id: ContactId,
    /// Where the ticket was when it was asked about; null for contacts.
    department_id: Option<DepartmentId>,
    /// Who had the ticket when it was asked about; null for contacts.
    agent_id: Option<AgentId>,
    #[serde(serialize_with = "rfc3339::serialize")]
    asked_at: DateTime<Utc>,
    #[serde(serialize_with = "rfc3339::serialize")]
    expires_at: DateTime<Utc>,
    /// The page on which it is answered; only for the contact who is asked, until it expires.
    #[schema(example = "https://desk.example/s/AZnwwrHJfV6LH1o8fZ4vEKb1M0WQm3m6")]
    url: Option<String>,
    /// From 1, very dissatisfied, to 5, very satisfied; null while it is not answered.
    #[schema(minimum = 1, maximum = 5, example = 5)]
    rating: Option<i16>,
    #[schema(example = "That was quick.")]
    comment: Option<String>,
    #[serde(serialize_with = "rfc3339::option")]
    answered_at: Option<DateTime<Utc>>,
    /// When the answer was last changed.
    #[serde(serialize_with = "rfc3339::option")]
    changed_at: Option<DateTime<Utc>>,
}

impl SurveyView {
    fn new(survey: Survey, surveys: &Surveys, caller: &Actor, now: DateTime<Utc>) -> Self {
        let asked = caller.contact_id() == Some(survey.contact_id) && !survey.is_over(now);
        let desk = !caller.is_contact();
        Self {
            state: survey.state(now),
            url: asked.then(|| surveys.url(survey.id)),
            id: survey.id,
            ticket_id: survey.ticket_id,
            closed_at: survey.closed_at,
            account_id: survey.account_id,
            contact_id: survey.contact_id,
            department_id: desk.then_some(survey.department_id),
            agent_id: survey.agent_id.filter(|_| desk),
            asked_at: survey.asked_at,
            expires_at: survey.expires_at,
            rating: survey.rating,
            comment: survey.comment,
            answered_at: survey.answered_at,
            changed_at: survey.changed_at,
        }
    }
}
