//! Texts that an administrator wrote.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::mail_templates::{self as t, dsl};
use crate::mail::templates::Source;

/// The texts of a template in these languages.
pub fn template_sources(
    conn: &mut PgConnection,
    key: &str,
    languages: &[String],
) -> QueryResult<Vec<(String, Source)>> {
    let rows: Vec<(String, String, String, String)> = t::table
        .filter(dsl::key.eq(key).and(dsl::language.eq_any(languages)))
        .select((dsl::language, dsl::subject, dsl::text_body, dsl::html_body))
        .load(conn)?;
    let source = |(language, subject, text, html)| (language, Source { subject, text, html });
    Ok(rows.into_iter().map(source).collect())
}

/// Key, language and text of these templates in every language.
pub fn sources_of(
    conn: &mut PgConnection,
    keys: &[&str],
) -> QueryResult<Vec<(String, String, Source)>> {
    let rows: Vec<(String, String, String, String, String)> = t::table
        .filter(dsl::key.eq_any(keys))
        .select((dsl::key, dsl::language, dsl::subject, dsl::text_body, dsl::html_body))
        .load(conn)?;
    let source =
        |(key, language, subject, text, html)| (key, language, Source { subject, text, html });
    Ok(rows.into_iter().map(source).collect())
}

/// A text that an administrator wrote.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = t, check_for_backend(diesel::pg::Pg))]
pub struct OwnTemplate {
    pub key: String,
    pub language: String,
    pub subject: String,
    pub text_body: String,
    pub html_body: String,
    pub version: i32,
    pub updated_by: Uuid,
    pub updated_by_name: String,
    pub updated_at: DateTime<Utc>,
}

/// All of them.
pub fn own_templates(conn: &mut PgConnection) -> QueryResult<Vec<OwnTemplate>> {
    t::table.order((dsl::key, dsl::language)).select(OwnTemplate::as_select()).load(conn)
}

/// One, locked.
pub fn find_template(
    conn: &mut PgConnection,
    key: &str,
    language: &str,
) -> QueryResult<Option<OwnTemplate>> {
    t::table
        .find((key, language))
        .select(OwnTemplate::as_select())
        .for_no_key_update()
        .first(conn)
        .optional()
}

/// Puts a text in the place of the version before it; 0 when somebody else did meanwhile.
pub fn save_template(conn: &mut PgConnection, own: &OwnTemplate) -> QueryResult<usize> {
    if own.version == 1 {
        return diesel::insert_into(t::table).values(own).on_conflict_do_nothing().execute(conn);
    }
    diesel::update(t::table.find((&own.key, &own.language)))
        .filter(dsl::version.eq(own.version - 1))
        .set(own)
        .execute(conn)
}

pub fn delete_template(conn: &mut PgConnection, key: &str, language: &str) -> QueryResult<usize> {
    diesel::delete(t::table.find((key, language))).execute(conn)
}
