//! Addresses that no mail is sent to.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::schema::suppressed_addresses::{self as s, dsl};
use crate::kernel::{MailId, PageRequest, SuppressionId};
use crate::mail::rules::SuppressionCause;

/// An address that no mail is sent to.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable, Insertable)]
#[diesel(table_name = s, check_for_backend(diesel::pg::Pg))]
pub struct Suppression {
    pub id: SuppressionId,
    /// In lower case.
    #[schema(example = "gone@customer.example")]
    pub email: String,
    pub cause: SuppressionCause,
    /// What was told.
    #[schema(example = "550 5.1.1 no such user")]
    pub detail: String,
    /// The mail that did not arrive; null when it is not known any more.
    pub mail_id: Option<MailId>,
    pub suppressed_at: DateTime<Utc>,
}

/// Adds an address; the first cause stays.
pub fn suppress(conn: &mut PgConnection, new: &Suppression) -> QueryResult<usize> {
    diesel::insert_into(s::table).values(new).on_conflict(dsl::email).do_nothing().execute(conn)
}

/// Those of these addresses that are suppressed.
pub fn suppressed(conn: &mut PgConnection, emails: &[String]) -> QueryResult<Vec<String>> {
    s::table.filter(dsl::email.eq_any(emails)).select(dsl::email).load(conn)
}

/// A page of them, the latest first.
pub fn suppressions(
    conn: &mut PgConnection,
    email: Option<String>,
    page: &PageRequest,
) -> QueryResult<Vec<Suppression>> {
    let mut query = s::table.select(Suppression::as_select()).limit(page.fetch()).into_boxed();
    if let Some(email) = email {
        query = query.filter(dsl::email.eq(email));
    }
    let from = page.cursor.as_ref().map(|cursor| SuppressionId(cursor.id));
    query = match (from, page.backward()) {
        (Some(id), true) => query.filter(dsl::id.gt(id)),
        (Some(id), false) => query.filter(dsl::id.lt(id)),
        (None, _) => query,
    };
    if page.backward() {
        query.order(dsl::id).load(conn)
    } else {
        query.order(dsl::id.desc()).load(conn)
    }
}

/// Takes an address off the list; `None` when it is not on it.
pub fn lift(conn: &mut PgConnection, id: SuppressionId) -> QueryResult<Option<Suppression>> {
    diesel::delete(s::table.find(id))
        .returning(Suppression::as_returning())
        .get_result(conn)
        .optional()
}
