//! Texts that are written anew.
use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use uuid::Uuid;

/// Writes these texts into a column, each by the id of its row, in one statement. Table and column are names in the code.
pub fn rewrite(
    conn: &mut PgConnection,
    (table, column): (&'static str, &'static str),
    texts: impl IntoIterator<Item = (Uuid, String)>,
) -> QueryResult<usize> {
    let (ids, texts): (Vec<Uuid>, Vec<String>) = texts.into_iter().unzip();
    if ids.is_empty() {
        return Ok(0);
    }
    let update = format!(
        "update {table} t set {column} = anew.said from unnest($1, $2) as anew (id, said) where t.id = anew.id"
    );
    let update = diesel::sql_query(update).bind::<Array<SqlUuid>, _>(ids);
    update.bind::<Array<Text>, _>(texts).execute(conn)
}
