//! Queries of the canned replies.
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::rules::ReplyAudience;
use crate::db::schema::canned_replies;
use crate::db::{containing, load_by_name};
use crate::kernel::{Actor, CannedReplyId, DepartmentId, PageRequest, Role};

/// A text that is sent again and again.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = canned_replies, treat_none_as_null = true, check_for_backend(Pg))]
pub struct CannedReply {
    pub id: CannedReplyId,
    #[schema(example = "Ask for the version")]
    pub name: String,
    pub audience: ReplyAudience,
    /// Who made it.
    pub owner_id: Uuid,
    /// The department that it is shared with.
    pub department_id: Option<DepartmentId>,
    /// Markdown with placeholders.
    #[schema(example = "Dear {{ contact.name }}, which version do you use?")]
    pub body: String,
    #[schema(example = 1)]
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Those that are for this caller.
fn visible(actor: &Actor) -> canned_replies::BoxedQuery<'static, Pg> {
    let query = canned_replies::table.into_boxed();
    let personal = canned_replies::audience
        .eq(ReplyAudience::Personal)
        .and(canned_replies::owner_id.eq(actor.id));
    let desk = canned_replies::audience.eq(ReplyAudience::Desk);
    match actor.role {
        Role::Contact => query.filter(personal),
        Role::Agent => {
            let theirs = canned_replies::department_id.eq_any(actor.departments.clone());
            query.filter(personal.or(desk).or(theirs.assume_not_null()))
        }
        Role::Coordinator | Role::Admin | Role::Integration => {
            query.filter(personal.or(canned_replies::audience.ne(ReplyAudience::Personal)))
        }
    }
}

pub fn insert(conn: &mut PgConnection, reply: &CannedReply) -> QueryResult<usize> {
    diesel::insert_into(canned_replies::table).values(reply).execute(conn)
}

pub fn find(
    conn: &mut PgConnection,
    actor: &Actor,
    id: CannedReplyId,
) -> QueryResult<Option<CannedReply>> {
    let query = visible(actor).filter(canned_replies::id.eq(id)).select(CannedReply::as_select());
    query.first(conn).optional()
}

pub fn lock(conn: &mut PgConnection, id: CannedReplyId) -> QueryResult<Option<CannedReply>> {
    let row = canned_replies::table.find(id).for_no_key_update();
    row.select(CannedReply::as_select()).first(conn).optional()
}

/// A page by name; `q` is a part of name or text.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    q: Option<&str>,
    request: &PageRequest,
) -> QueryResult<Vec<CannedReply>> {
    let mut query = visible(actor).select(CannedReply::as_select());
    if let Some(q) = q {
        let part = containing(q);
        let found = canned_replies::name.ilike(part.clone()).or(canned_replies::body.ilike(part));
        query = query.filter(found);
    }
    load_by_name!(conn, query, canned_replies, request)
}

/// How many personal ones somebody has, or how many shared ones there are.
pub fn how_many(conn: &mut PgConnection, personal_of: Option<Uuid>) -> QueryResult<i64> {
    let query = canned_replies::table.into_boxed();
    let query = match personal_of {
        Some(owner) => query
            .filter(canned_replies::audience.eq(ReplyAudience::Personal))
            .filter(canned_replies::owner_id.eq(owner)),
        None => query.filter(canned_replies::audience.ne(ReplyAudience::Personal)),
    };
    query.count().get_result(conn)
}

pub fn save(conn: &mut PgConnection, reply: &CannedReply) -> QueryResult<usize> {
    diesel::update(canned_replies::table.find(reply.id)).set(reply).execute(conn)
}

pub fn delete(conn: &mut PgConnection, id: CannedReplyId) -> QueryResult<usize> {
    diesel::delete(canned_replies::table.find(id)).execute(conn)
}
