//! Conditions of lists and searches whose values the planner must see.
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid};

use crate::db::schema::tickets;
use crate::tickets::rules::Words;
use crate::workflow::Awaiting;

/// It is the turn of one of these. The codes of their statuses tell the planner how many there are, so each such list is
/// planned for its own. What workflows have these codes is no join: the planner would take too few tickets for likely.
#[derive(Debug, Clone)]
pub struct AwaitedBy {
    pub awaiting: Vec<Awaiting>,
    pub codes: Vec<String>,
}

impl QueryFragment<Pg> for AwaitedBy {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("(tickets.status = any(");
        out.push_bind_param::<Array<Text>, _>(&self.codes)?;
        out.push_sql(
            ") and ((tickets.workflow_id, tickets.status) in \
             (select s.workflow_id, s.code from statuses s where s.awaiting = any(",
        );
        out.push_bind_param::<Array<Text>, _>(&self.awaiting)?;
        out.push_sql("))) is true)");
        Ok(())
    }
}

impl QueryId for AwaitedBy {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// A ticket's deadline, or a time that is never reached; as the indexes have it, in the order of which lists go on.
#[derive(Debug, Clone, Copy, QueryId)]
pub struct FarDeadline;

impl FarDeadline {
    pub const SQL: &str = "coalesce(tickets.deadline, timestamptz '9999-12-31 00:00:00+00')";
    /// The time that is never reached, in microseconds since 1970.
    pub const NEVER: i64 = 253_402_214_400_000_000;
}

impl Expression for FarDeadline {
    type SqlType = Timestamptz;
}
impl AppearsOnTable<tickets::table> for FarDeadline {}
impl SelectableExpression<tickets::table> for FarDeadline {}
impl ValidGrouping<()> for FarDeadline {
    type IsAggregate = is_aggregate::No;
}

impl QueryFragment<Pg> for FarDeadline {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(Self::SQL);
        Ok(())
    }
}

/// The tickets that have one of these tags. How many these are differs, so each such list is planned for its own.
#[derive(Debug, Clone)]
pub struct HasTags(pub Vec<String>);

impl QueryFragment<Pg> for HasTags {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("(tickets.tags && ");
        out.push_bind_param::<Array<Text>, _>(&self.0)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for HasTags {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// The tickets that have these words, or are of the contact whose e-mail address this is. How many have a word differs so
/// much that each search is planned for its own words.
#[derive(Debug, Clone)]
pub struct Matches(pub Words);

impl QueryFragment<Pg> for Matches {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql(
            "exists (select from ticket_texts where ticket_texts.ticket_id = tickets.id and ",
        );
        matching(out.reborrow(), &self.0)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for Matches {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// Tells whether `ticket_texts` has the words, or the ticket is of the contact whose address was searched for.
pub fn matching<'b>(mut out: AstPass<'_, 'b, Pg>, words: &'b Words) -> QueryResult<()> {
    if let Some(contact) = &words.contact {
        out.push_sql("tickets.contact_id = ");
        return out.push_bind_param::<SqlUuid, _>(contact);
    }
    if words.phrases.is_empty() {
        out.push_sql("ticket_texts.words @@ ");
        return tsquery(out, &words.query);
    }
    // Few tickets have a pair, beside those that have both of its words; which of them have the phrase, the words tell.
    // `is true` keeps their index out of that.
    out.push_sql("(ticket_texts.words @@ ");
    tsquery(out.reborrow(), &words.query)?;
    out.push_sql(") is true");
    for phrase in &words.phrases {
        out.push_sql(" and ticket_texts.pairs @> word_pairs(string_to_array(fold_text(");
        out.push_bind_param::<Text, _>(phrase)?;
        out.push_sql("), ' '))");
    }
    if let Some(beside) = &words.beside {
        out.push_sql(" and ticket_texts.words @@ ");
        tsquery(out, beside)?;
    }
    Ok(())
}

pub fn tsquery<'b>(mut out: AstPass<'_, 'b, Pg>, query: &'b str) -> QueryResult<()> {
    out.push_sql("fold_text(");
    out.push_bind_param::<Text, str>(query)?;
    out.push_sql(")::tsquery");
    Ok(())
}
