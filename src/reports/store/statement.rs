//! The statement of a report: which rows it counts, cut into buckets and groups.
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, Text, Timestamptz, Untyped, Uuid as SqlUuid};
use uuid::Uuid;

use crate::reports::rules::{GROUPS_MAX, GroupBy, Period};
use crate::tickets::Selection;

/// Which tickets a report is about; `None`: all that are not deleted.
pub type Tickets = Option<Selection>;

/// SQL with what was asked for.
pub struct Statement<'a> {
    parts: Vec<Part<'a>>,
}

enum Part<'a> {
    Sql(String),
    Time(DateTime<Utc>),
    Times(&'a [DateTime<Utc>]),
    Selected(&'a Selection),
}

impl<'a> Statement<'a> {
    pub fn new(sql: impl Into<String>) -> Self {
        Self { parts: vec![Part::Sql(sql.into())] }
    }

    pub fn sql(mut self, sql: impl Into<String>) -> Self {
        self.parts.push(Part::Sql(sql.into()));
        self
    }

    pub fn time(mut self, time: DateTime<Utc>) -> Self {
        self.parts.push(Part::Time(time));
        self
    }

    /// The number of the bucket that the time `column` is in, from 1 on; 0 before the first.
    pub fn bucket(mut self, column: &str, period: &'a Period) -> Self {
        self.parts.push(Part::Sql(format!("width_bucket({column}, ")));
        self.parts.push(Part::Times(period.starts()));
        self.sql(")")
    }

    /// That the time `column` is in the period.
    pub fn within(self, column: &str, period: &Period) -> Self {
        let from = self.sql(format!("{column} >= ")).time(period.from());
        from.sql(format!(" and {column} < ")).time(period.to())
    }

    /// That `t`, a row of report_tickets, is of one of these tickets.
    pub fn about(mut self, tickets: &'a Tickets) -> Self {
        match tickets {
            None => self.sql("not t.deleted"),
            Some(selection) => {
                self.parts.push(Part::Sql("t.ticket_id in (".into()));
                self.parts.push(Part::Selected(selection));
                self.sql(")")
            }
        }
    }

    /// That `t`, a row of tickets, is one of these.
    pub fn among(mut self, tickets: &'a Tickets) -> Self {
        match tickets {
            None => self.sql("t.deleted_at is null"),
            Some(selection) => {
                self.parts.push(Part::Sql("t.id in (".into()));
                self.parts.push(Part::Selected(selection));
                self.sql(")")
            }
        }
    }

    /// Aggregates the rows that this statement selects (`bucket`, `dim` and whatever `figures` speak of): of all, of each bucket, and with
    /// `grouped` the same of each of the [`GROUPS_MAX`] groups with the most rows and of all others together.
    pub fn figures(mut self, figures: &str, grouped: bool) -> Self {
        self.parts.insert(0, Part::Sql("with counted as materialized (".into()));
        if !grouped {
            return self.sql(format!(
                ") select bucket, null::int as place, null::uuid as dim, {figures} from counted group by grouping sets ((), (bucket))"
            ));
        }
        self.sql(format!(
            "), ranked as (
               select dim, row_number() over (order by count(*) desc, dim)::int as place from counted group by dim
                order by place limit {GROUPS_MAX}),
             placed as (select counted.*, coalesce(place, {GROUPS_MAX} + 1) as place from counted left join ranked using (dim))
             select f.*, ranked.dim from (
               select bucket, place, {figures} from placed
                group by grouping sets ((), (bucket), (place), (place, bucket))) f
             left join ranked using (place)"
        ))
    }
}

impl Query for Statement<'_> {
    type SqlType = Untyped;
}

impl QueryId for Statement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<PgConnection> for Statement<'_> {}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Planned for the period that it is about.
        out.unsafe_to_cache_prepared();
        for part in &self.parts {
            match part {
                Part::Sql(sql) => out.push_sql(sql),
                Part::Time(time) => out.push_bind_param::<Timestamptz, _>(time)?,
                Part::Times(times) => out.push_bind_param::<Array<Timestamptz>, _>(times)?,
                Part::Selected(selection) => selection.walk_ast(out.reborrow())?,
            }
        }
        Ok(())
    }
}

/// The column by which rows of report_tickets `t` are told apart; the nil id is equal to itself, as no value would not be.
pub fn dimension(group_by: Option<GroupBy>) -> String {
    let column = match group_by {
        None => return "null::uuid as dim".into(),
        Some(GroupBy::Department) => "t.department_id",
        Some(GroupBy::Agent) => "t.agent_id",
        Some(GroupBy::Account) => "t.account_id",
        Some(GroupBy::Product) => "t.product_id",
        Some(GroupBy::Component) => "t.component_id",
    };
    or_nil(column)
}

/// A column that may be null, as one by which rows are told apart.
pub fn or_nil(column: &str) -> String {
    format!("coalesce({column}, '{}'::uuid) as dim", Uuid::nil())
}

/// The same of a row of tickets.
pub fn present_dimension(group_by: Option<GroupBy>) -> String {
    match group_by {
        Some(GroupBy::Agent) => or_nil("t.assignee_id"),
        other => dimension(other),
    }
}

/// What the figures of a group are about.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Named {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub name: String,
}

/// The names of departments, agents, accounts, products or components.
pub fn names(conn: &mut PgConnection, of: GroupBy, ids: &[Uuid]) -> QueryResult<Vec<Named>> {
    let query = match of {
        GroupBy::Department => "select id, name from departments where id = any($1)",
        GroupBy::Agent => "select id, name from agents where id = any($1)",
        GroupBy::Account => "select id, name from accounts where id = any($1)",
        GroupBy::Product => "select id, name from products where id = any($1)",
        GroupBy::Component => "select id, name from components where id = any($1)",
    };
    diesel::sql_query(query).bind::<Array<SqlUuid>, _>(ids).load(conn)
}
