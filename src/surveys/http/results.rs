//! What customers answered.
use actix_web::{get, web};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::SurveyView;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Params, now};
use crate::kernel::{
    AccountId, AgentId, AppError, ContactId, DepartmentId, Page, PageRequest, Permission,
};
use crate::surveys::Surveys;
use crate::surveys::service;
use crate::surveys::store::Filter;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SurveyQuery {
    /// Only those that were answered, or only those that were not.
    answered: Option<bool>,
    /// Ratings of this or better.
    #[param(minimum = 1, maximum = 5, example = 1)]
    rating_from: Option<i16>,
    /// Ratings of this or worse.
    #[param(minimum = 1, maximum = 5, example = 2)]
    rating_to: Option<i16>,
    account_id: Option<AccountId>,
    contact_id: Option<ContactId>,
    /// Where the ticket was when it was asked about.
    department_id: Option<DepartmentId>,
    /// Who had the ticket when it was asked about.
    agent_id: Option<AgentId>,
    /// Asked then or later.
    #[param(example = "2026-11-01T00:00:00Z")]
    asked_from: Option<DateTime<Utc>>,
    /// Asked before then.
    #[param(example = "2026-12-01T00:00:00Z")]
    asked_before: Option<DateTime<Utc>>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page; only with the same filter.
    cursor: Option<String>,
}

/// List surveys, latest first
///
/// About tickets that you may see: what was asked, and what was answered.
#[utoipa::path(
    tag = "surveys",
    params(SurveyQuery),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "A page of surveys", body = Page<SurveyView>)),
)]
#[get("/surveys")]
pub async fn list_surveys(
    db: web::Data<Db>,
    surveys: web::Data<Surveys>,
    caller: Caller,
    query: Params<SurveyQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    caller.require(Permission::TicketsWork)?;
    let Params(query) = query;
    let filter = Filter {
        answered: query.answered,
        rating_from: rating("rating_from", query.rating_from)?,
        rating_to: rating("rating_to", query.rating_to)?,
        account: query.account_id,
        contact: query.contact_id,
        department: query.department_id,
        agent: query.agent_id,
        asked_from: query.asked_from,
        asked_before: query.asked_before,
    };
    let binding = format!("surveys {filter:?}");
    let page = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    db.read(move |conn| {
        let found = service::list(conn, &caller, &filter, &page)?;
        let now = now();
        Answer::page(&found.map(|survey| SurveyView::new(survey, &surveys, &caller, now)))
    })
    .await
}

fn rating(name: &str, rating: Option<i16>) -> Result<Option<i16>, AppError> {
    match rating {
        Some(rating) if !(1..=5).contains(&rating) => {
            Err(AppError::Malformed(format!("query parameter {name}: 1 to 5")))
        }
        rating => Ok(rating),
    }
}
