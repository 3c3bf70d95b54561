//! Answer a survey.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::read::shown;
use super::{NOT_FOUND, of_ticket};
use crate::events::{self, EventType, NewEvent, Subject};
use crate::kernel::{Actor, AppError, Origin, Permission, Role, SurveyId, TicketId};
use crate::surveys::rules::Opinion;
use crate::surveys::store::{self, Survey};

/// Records what whoever has the link says, as said by the contact who was asked.
pub fn answer_on_page(
    conn: &mut PgConnection,
    id: SurveyId,
    opinion: Opinion,
    now: DateTime<Utc>,
) -> Result<Survey, AppError> {
    let survey = store::lock(conn, id)?.ok_or(NOT_FOUND)?;
    let shown = shown(conn, survey, now)?;
    if shown.over {
        return Err(over());
    }
    let contact = Actor {
        id: shown.contact.id.0,
        role: Role::Contact,
        name: shown.contact.name,
        permissions: Vec::new(),
        origin: Origin::Api,
        departments: Vec::new(),
        accounts: Vec::new(),
    };
    record(conn, &contact, shown.survey, opinion, now)
}

/// Records what the contact says who was last asked about the ticket. Fails with `not_asked` for anybody else.
pub fn answer_in_portal(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    opinion: Opinion,
    now: DateTime<Utc>,
) -> Result<Survey, AppError> {
    actor.require(Permission::TicketsWrite)?;
    let id = of_ticket(conn, actor, ticket)?.id;
    let survey = store::lock(conn, id)?.ok_or(NOT_FOUND)?;
    if actor.contact_id() != Some(survey.contact_id) {
        let detail = "somebody else is asked how satisfied they are";
        return Err(AppError::conflict("not_asked", detail));
    }
    if survey.is_over(now) {
        return Err(over());
    }
    record(conn, actor, survey, opinion, now)
}

fn over() -> AppError {
    AppError::conflict("survey_over", "the time to answer this survey is over")
}

/// The event tells who may follow it up that there is an answer; the comment stays with the survey. What is sent twice is
/// recorded once.
fn record(
    conn: &mut PgConnection,
    actor: &Actor,
    mut survey: Survey,
    opinion: Opinion,
    now: DateTime<Utc>,
) -> Result<Survey, AppError> {
    let (rating, comment) = (survey.rating, survey.comment.clone());
    if rating == Some(opinion.rating) && comment == opinion.comment {
        return Ok(survey);
    }
    survey.rating = Some(opinion.rating);
    survey.comment = opinion.comment;
    survey.answered_at.get_or_insert(now);
    survey.changed_at = Some(now);
    store::save_answer(conn, &survey)?;
    let data = json!({
        "ticket_id": survey.ticket_id,
        "account_id": survey.account_id,
        "department_id": survey.department_id,
        "agent_id": survey.agent_id,
        "rating": survey.rating,
        "commented": survey.comment.is_some(),
    });
    let event = NewEvent {
        kind: EventType::SurveyAnswered,
        subject: Subject::Resource(format!("survey/{}", survey.id)),
        public: false,
        changes: events::diff(&json!({ "rating": rating }), &json!({ "rating": survey.rating })),
        data,
        occurred_at: now,
    };
    events::append(conn, actor, event)?;
    Ok(survey)
}
