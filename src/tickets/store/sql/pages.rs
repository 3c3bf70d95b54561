//! Queries around queries: pages, and bounded counts.
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::BigInt;

use crate::kernel::{PAGE_DEFAULT, PAGE_MAX};

/// A query for a page. While its LIMIT is a bind, PostgreSQL expects a tenth of the rows, finds no generic plan cheap
/// enough, and plans the statement at each execution, which takes longer than to execute it. So the usual sizes are
/// literal. The others are not, for each text of its own stays prepared in every connection.
pub struct Limited<Q> {
    pub query: Q,
    pub rows: i64,
}

impl<Q: Query> Query for Limited<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<PgConnection> for Limited<Q> {}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Limited<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        push_rows(out, &self.rows)
    }
}

/// The limit of a page.
pub fn push_rows<'b>(mut out: AstPass<'_, 'b, Pg>, rows: &'b i64) -> QueryResult<()> {
    const DEFAULT: i64 = PAGE_DEFAULT + 1;
    const MAX: i64 = PAGE_MAX + 1;
    out.push_sql(" LIMIT ");
    match *rows {
        DEFAULT | MAX => out.push_sql(&rows.to_string()),
        _ => out.push_bind_param::<BigInt, _>(rows)?,
    }
    Ok(())
}

impl<Q> QueryId for Limited<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// A page of what two queries find, which have no row in common; each has the page's order and bound already.
pub struct Merged<Q> {
    pub queries: [Limited<Q>; 2],
    /// As `ORDER BY` has it.
    pub order: String,
    pub rows: i64,
}

impl<Q: Query> Query for Merged<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<PgConnection> for Merged<Q> {}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Merged<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let [first, second] = &self.queries;
        out.push_sql("select * from ((");
        first.walk_ast(out.reborrow())?;
        out.push_sql(") union all (");
        second.walk_ast(out.reborrow())?;
        out.push_sql(")) tickets order by ");
        out.push_sql(&self.order);
        out.push_sql(" limit ");
        out.push_bind_param::<BigInt, _>(&self.rows)
    }
}

impl<Q> QueryId for Merged<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// How many rows each query finds, up to `most`; in the order of the queries, in one statement.
pub struct Bounded<Q> {
    pub queries: Vec<Q>,
    pub most: i64,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Bounded<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("select counted from (");
        for (place, query) in self.queries.iter().enumerate() {
            out.push_sql(if place == 0 { "" } else { " union all " });
            out.push_sql(&format!("select {place} as place, (select count(*) from ("));
            query.walk_ast(out.reborrow())?;
            out.push_sql(&format!(" limit {}) found) as counted", self.most));
        }
        out.push_sql(") counts order by place");
        Ok(())
    }
}

impl<Q> Query for Bounded<Q> {
    type SqlType = BigInt;
}

impl<Q> QueryId for Bounded<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> RunQueryDsl<PgConnection> for Bounded<Q> {}
