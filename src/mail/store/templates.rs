//! Texts that an administrator wrote.
use diesel::prelude::*;

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
