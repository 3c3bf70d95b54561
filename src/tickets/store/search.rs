//! Full-text search: candidates, their ranks, and the texts to highlight.
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};

use super::filter::{Filter, conditions};
use super::find::Condition;
use crate::db::schema::tickets;
use crate::kernel::{Actor, TicketId};
use crate::tickets::rules::Words;

/// A ticket that was found, and how well it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Ranked {
    pub id: TicketId,
    /// In millionths; the ticket whose number was searched for is far above the others.
    pub rank: i64,
    pub created_at: DateTime<Utc>,
}

/// The newest `most` of the tickets that have the words, with their ranks, in no order; and the one whose number was
/// searched for, however old it is. It may be among them twice.
pub fn ranked(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    words: &Words,
    most: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Ranked>> {
    Candidates { words, conditions: conditions(actor, filter, now), most }.load(conn)
}

/// The descriptions of these tickets, up to a length.
pub fn descriptions(
    conn: &mut PgConnection,
    ids: &[TicketId],
    length: i32,
) -> QueryResult<Vec<(TicketId, String)>> {
    define_sql_function! { fn left(text: Text, length: diesel::sql_types::Integer) -> Text; }
    let of_these = tickets::table.filter(tickets::id.eq_any(ids));
    of_these.select((tickets::id, left(tickets::description, length))).load(conn)
}

/// Ranks the newest matches only: a word that a tenth of all tickets have costs no more than another. They are taken in
/// the order of `ticket_texts`, or from the index of words when there are few: the planner knows how common a word is,
/// because each search is planned for its own words.
struct Candidates<'a> {
    words: &'a Words,
    conditions: Vec<Condition>,
    most: i64,
}

impl Candidates<'_> {
    fn select<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "(select tickets.id, tickets.number, tickets.created_at, ticket_texts.words from tickets \
             join ticket_texts on ticket_texts.ticket_id = tickets.id where ",
        );
        for condition in &self.conditions {
            condition.walk_ast(out.reborrow())?;
            out.push_sql(" and ");
        }
        Ok(())
    }

    fn tsquery<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("fold_text(");
        out.push_bind_param::<Text, _>(&self.words.query)?;
        out.push_sql(")::tsquery");
        Ok(())
    }
}

impl QueryFragment<Pg> for Candidates<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("select found.id, (ts_rank(found.words, ");
        self.tsquery(out.reborrow())?;
        // 1: a long conversation is not better because it is long.
        out.push_sql(", 1) * 1000000)::bigint + case found.number when ");
        out.push_bind_param::<BigInt, _>(self.words.number.as_ref().unwrap_or(&-1))?;
        out.push_sql(" then 1000000000 else 0 end, found.created_at from (");
        self.select(out.reborrow())?;
        if let Some(contact) = &self.words.contact {
            out.push_sql("tickets.contact_id = ");
            out.push_bind_param::<SqlUuid, _>(contact)?;
        } else {
            out.push_sql("ticket_texts.words @@ ");
            self.tsquery(out.reborrow())?;
        }
        out.push_sql(" order by ticket_texts.created_at desc limit ");
        out.push_sql(&self.most.to_string());
        out.push_sql(")");
        if let Some(number) = &self.words.number {
            out.push_sql(" union all ");
            self.select(out.reborrow())?;
            out.push_sql("tickets.number = ");
            out.push_bind_param::<BigInt, _>(number)?;
            out.push_sql(")");
        }
        out.push_sql(") found");
        Ok(())
    }
}

impl Query for Candidates<'_> {
    type SqlType = (SqlUuid, BigInt, Timestamptz);
}

impl QueryId for Candidates<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<PgConnection> for Candidates<'_> {}
