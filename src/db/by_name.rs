//! Lists in the order of their names.
use diesel::define_sql_function;
use diesel::sql_types::Text;

define_sql_function! {
    /// In lower case, by the rules of the database's collation.
    fn lower(text: Text) -> Text;
}

/// Bounds and orders a boxed query by name without regard to case, ids breaking ties, and loads the rows of the page
/// that `request` asks for: `load_by_name!(conn, query, table, request)`. Every such table has an index that begins
/// with `lower(name)`.
macro_rules! load_by_name {
    ($conn:expr, $query:expr, $table:ident, $request:expr) => {{
        use $crate::db::lower;
        let (request, mut query): (&$crate::kernel::PageRequest, _) = ($request, $query);
        if let Some(cursor) = &request.cursor {
            let name = lower(cursor.key.as_str().unwrap_or_default().to_owned());
            // Written so that the index is entered at the cursor's name.
            query = if request.backward() {
                let before = lower($table::name).lt(name.clone()).or($table::id.lt(cursor.id));
                query.filter(lower($table::name).le(name)).filter(before)
            } else {
                let behind = lower($table::name).gt(name.clone()).or($table::id.gt(cursor.id));
                query.filter(lower($table::name).ge(name)).filter(behind)
            };
        }
        query = query.limit(request.fetch());
        if request.backward() {
            query.order((lower($table::name).desc(), $table::id.desc())).load($conn)
        } else {
            query.order((lower($table::name), $table::id)).load($conn)
        }
    }};
}
pub(crate) use load_by_name;

/// The LIKE pattern of the texts that contain `part`.
pub fn containing(part: &str) -> String {
    let literal = part.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{literal}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_for_is_taken_literally() {
        assert_eq!(containing(r"50%_\"), r"%50\%\_\\%");
    }
}
