//! Queries of the surveys.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::{survey_cursor, surveys, tickets};
use crate::kernel::{
    AccountId, Actor, AgentId, ContactId, DepartmentId, Erasure, PageRequest, SurveyId, TicketId,
};
use crate::tickets::visible;

/// What a customer is asked about one resolution of a ticket, and the answer.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = surveys, check_for_backend(diesel::pg::Pg))]
pub struct Survey {
    pub id: SurveyId,
    pub ticket_id: TicketId,
    pub closed_at: DateTime<Utc>,
    pub account_id: AccountId,
    pub department_id: DepartmentId,
    pub agent_id: Option<AgentId>,
    pub contact_id: ContactId,
    pub asked_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub rating: Option<i16>,
    pub comment: Option<String>,
    pub answered_at: Option<DateTime<Utc>>,
    pub changed_at: Option<DateTime<Utc>>,
}

/// Up to where the feed was read; `None` while another process reads on.
pub fn lock_cursor(conn: &mut PgConnection) -> QueryResult<Option<i64>> {
    let cursor = survey_cursor::table.select(survey_cursor::position);
    cursor.for_update().skip_locked().first(conn).optional()
}

pub fn move_cursor(conn: &mut PgConnection, position: i64) -> QueryResult<usize> {
    diesel::update(survey_cursor::table).set(survey_cursor::position.eq(position)).execute(conn)
}

/// False if this resolution was asked about before.
pub fn insert(conn: &mut PgConnection, survey: &Survey) -> QueryResult<bool> {
    let insert = diesel::insert_into(surveys::table).values(survey);
    let once = (surveys::ticket_id, surveys::closed_at);
    Ok(insert.on_conflict(once).do_nothing().execute(conn)? == 1)
}

pub fn find(conn: &mut PgConnection, id: SurveyId) -> QueryResult<Option<Survey>> {
    surveys::table.find(id).select(Survey::as_select()).first(conn).optional()
}

pub fn lock(conn: &mut PgConnection, id: SurveyId) -> QueryResult<Option<Survey>> {
    surveys::table.find(id).for_update().select(Survey::as_select()).first(conn).optional()
}

/// About the latest closing of the ticket that was asked about.
pub fn latest(conn: &mut PgConnection, ticket: TicketId) -> QueryResult<Option<Survey>> {
    surveys::table
        .filter(surveys::ticket_id.eq(ticket))
        .order(surveys::closed_at.desc())
        .select(Survey::as_select())
        .first(conn)
        .optional()
}

pub fn save_answer(conn: &mut PgConnection, survey: &Survey) -> QueryResult<usize> {
    diesel::update(surveys::table.find(survey.id))
        .set((
            surveys::rating.eq(survey.rating),
            surveys::comment.eq(&survey.comment),
            surveys::answered_at.eq(survey.answered_at),
            surveys::changed_at.eq(survey.changed_at),
        ))
        .execute(conn)
}

/// Which surveys a list holds.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub answered: Option<bool>,
    pub rating_from: Option<i16>,
    pub rating_to: Option<i16>,
    pub account: Option<AccountId>,
    pub department: Option<DepartmentId>,
    pub agent: Option<AgentId>,
    pub contact: Option<ContactId>,
    pub asked_from: Option<DateTime<Utc>>,
    pub asked_before: Option<DateTime<Utc>>,
}

/// The surveys about tickets that the caller may see, latest first.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    page: &PageRequest,
) -> QueryResult<Vec<Survey>> {
    let seen = tickets::table
        .into_boxed()
        .filter(visible(actor))
        .filter(tickets::deleted_at.is_null())
        .select(tickets::id);
    let mut query = surveys::table
        .filter(surveys::ticket_id.eq_any(seen))
        .limit(page.fetch())
        .select(Survey::as_select())
        .into_boxed();
    query = match filter.answered {
        Some(true) => query.filter(surveys::rating.is_not_null()),
        Some(false) => query.filter(surveys::rating.is_null()),
        None => query,
    };
    if let Some(rating) = filter.rating_from {
        query = query.filter(surveys::rating.ge(rating));
    }
    if let Some(rating) = filter.rating_to {
        query = query.filter(surveys::rating.le(rating));
    }
    if let Some(account) = filter.account {
        query = query.filter(surveys::account_id.eq(account));
    }
    if let Some(department) = filter.department {
        query = query.filter(surveys::department_id.eq(department));
    }
    if let Some(agent) = filter.agent {
        query = query.filter(surveys::agent_id.eq(agent));
    }
    if let Some(contact) = filter.contact {
        query = query.filter(surveys::contact_id.eq(contact));
    }
    if let Some(from) = filter.asked_from {
        query = query.filter(surveys::asked_at.ge(from));
    }
    if let Some(before) = filter.asked_before {
        query = query.filter(surveys::asked_at.lt(before));
    }
    let from: Option<Uuid> = page.cursor.as_ref().map(|cursor| cursor.id);
    query = match (from, page.backward()) {
        (Some(id), false) => query.filter(surveys::id.lt(id)),
        (Some(id), true) => query.filter(surveys::id.gt(id)),
        (None, _) => query,
    };
    if page.backward() {
        query.order(surveys::id).load(conn)
    } else {
        query.order(surveys::id.desc()).load(conn)
    }
}

/// Takes a secret out of what was commented about a ticket.
pub fn erase(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> QueryResult<()> {
    let commented: Vec<(SurveyId, String)> = surveys::table
        .filter(surveys::ticket_id.eq(ticket))
        .filter(surveys::comment.is_not_null())
        .select((surveys::id, surveys::comment.assume_not_null()))
        .load(conn)?;
    for (id, comment) in commented {
        if let Some(erased) = erasure.text(&comment) {
            // The mark can be longer than what it stands for.
            let erased: String = erased.chars().take(super::rules::COMMENT_MAX).collect();
            let survey = diesel::update(surveys::table.find(id));
            survey.set(surveys::comment.eq(erased)).execute(conn)?;
        }
    }
    Ok(())
}
