//! Queries of the views.
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::rules::Audience;
use crate::db::schema::views;
use crate::kernel::{Actor, DepartmentId, PageRequest, Role, ViewId};
use crate::tickets::Sort;

/// A saved view.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = views, treat_none_as_null = true, check_for_backend(Pg))]
pub struct View {
    pub id: ViewId,
    #[schema(example = "My open tickets")]
    pub name: String,
    pub audience: Audience,
    /// Who made it; null for one that came with the service.
    pub owner_id: Option<Uuid>,
    /// The department that it is shared with.
    pub department_id: Option<DepartmentId>,
    /// The query of `GET /v1/tickets`, by name.
    #[schema(value_type = Object, example = json!({"category": "active", "assignee": "me"}))]
    pub filters: Value,
    #[schema(inline)]
    pub sort: Sort,
    /// The fields of a ticket that it shows, in order.
    #[diesel(column_name = column_names)]
    #[schema(example = json!(["number", "subject", "priority"]))]
    pub columns: Vec<String>,
    /// Views are listed in the order of their positions.
    #[schema(example = 20)]
    pub position: i32,
    #[schema(example = 1)]
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

type Query<'a> = views::BoxedQuery<'a, Pg>;

/// The views that are for this caller. Who shares views sees those for customers too.
fn visible(actor: &Actor) -> Query<'static> {
    let personal = views::audience.eq(Audience::Personal).and(views::owner_id.eq(actor.id));
    let query = views::table.into_boxed();
    let shared = |audiences: &[Audience]| views::audience.eq_any(audiences.to_vec());
    match actor.role {
        Role::Contact => {
            query.filter(personal.assume_not_null().or(shared(&[Audience::Customers])))
        }
        Role::Agent => {
            let of_department = views::department_id.eq_any(actor.departments.clone());
            let theirs = shared(&[Audience::Desk]).or(of_department.assume_not_null());
            query.filter(personal.assume_not_null().or(theirs))
        }
        Role::Coordinator | Role::Admin | Role::Integration => {
            let all = shared(&[Audience::Desk, Audience::Department, Audience::Customers]);
            query.filter(personal.assume_not_null().or(all))
        }
    }
}

pub fn insert(conn: &mut PgConnection, view: &View) -> QueryResult<usize> {
    diesel::insert_into(views::table).values(view).execute(conn)
}

pub fn find(conn: &mut PgConnection, actor: &Actor, id: ViewId) -> QueryResult<Option<View>> {
    visible(actor).filter(views::id.eq(id)).select(View::as_select()).first(conn).optional()
}

/// Locks a view; whether the caller may see it was asked before.
pub fn lock(conn: &mut PgConnection, id: ViewId) -> QueryResult<Option<View>> {
    views::table.find(id).for_no_key_update().select(View::as_select()).first(conn).optional()
}

/// A page by position.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    page: &PageRequest,
    from: Option<(i32, Uuid)>,
) -> QueryResult<Vec<View>> {
    let mut query = visible(actor).select(View::as_select()).limit(page.fetch());
    if let Some((position, id)) = from {
        let same = views::position.eq(position);
        query = if page.backward() {
            query.filter(views::position.lt(position).or(same.and(views::id.lt(id))))
        } else {
            query.filter(views::position.gt(position).or(same.and(views::id.gt(id))))
        };
    }
    if page.backward() {
        query.order((views::position.desc(), views::id.desc())).load(conn)
    } else {
        query.order((views::position, views::id)).load(conn)
    }
}

/// All that the caller sees; there are never many.
pub fn all(conn: &mut PgConnection, actor: &Actor) -> QueryResult<Vec<View>> {
    visible(actor).order((views::position, views::id)).select(View::as_select()).load(conn)
}

/// How many personal views somebody has, or how many shared ones there are.
pub fn how_many(conn: &mut PgConnection, personal_of: Option<Uuid>) -> QueryResult<i64> {
    let query = views::table.into_boxed();
    let query = match personal_of {
        Some(owner) => {
            query.filter(views::audience.eq(Audience::Personal)).filter(views::owner_id.eq(owner))
        }
        None => query.filter(views::audience.ne(Audience::Personal)),
    };
    query.count().get_result(conn)
}

pub fn save(conn: &mut PgConnection, view: &View) -> QueryResult<usize> {
    diesel::update(views::table.find(view.id)).set(view).execute(conn)
}

pub fn delete(conn: &mut PgConnection, id: ViewId) -> QueryResult<usize> {
    diesel::delete(views::table.find(id)).execute(conn)
}
