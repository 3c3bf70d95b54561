//! Full-text search: candidates, their ranks, and the texts to highlight.
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz, Uuid as SqlUuid};

use uuid::Uuid;

use super::filter::{Filter, conditions};
use super::find::{Condition, no_foreign_draft, visible};
use super::sql::{matching, tsquery};
use crate::db::schema::tickets;
use crate::kernel::{Actor, TicketId, Visibility};
use crate::tickets::rules::Words;

/// A ticket that was found, and how well it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Ranked {
    pub id: TicketId,
    /// In millionths; the ticket whose number was searched for is far above the others.
    pub rank: i64,
    pub created_at: DateTime<Utc>,
    /// Its number was searched for.
    pub by_number: bool,
}

/// At least the newest `most` of the tickets that have the words, with their ranks, in no order; and the one whose number
/// was searched for, however old it is. A ticket may be among them more than once.
pub fn ranked(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    words: &Words,
    most: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Ranked>> {
    let candidates = Candidates {
        words,
        visible: visible(actor),
        no_foreign_draft: no_foreign_draft(actor),
        conditions: conditions(filter, now),
        parts: parts(actor),
        most,
    };
    candidates.load(conn)
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

/// A part of what a caller sees, in which the newest matches are found by themselves.
enum Part {
    All,
    Department(Uuid),
    /// Wherever they are.
    AssignedOrOpened(Uuid),
}

/// An agent of few departments sees a small part of the desk, and would pass by much to find the newest there.
fn parts(actor: &Actor) -> Vec<Part> {
    const FEW: usize = 3;
    match actor.visibility() {
        Visibility::Departments(agent, departments) if departments.len() <= FEW => {
            let departments = departments.into_iter().map(|id| Part::Department(id.0));
            departments.chain([Part::AssignedOrOpened(agent.0)]).collect()
        }
        _ => vec![Part::All],
    }
}

/// Ranks the newest matches only: a word that a tenth of all tickets have costs no more than another. They are taken in
/// the order of `ticket_texts`, or from the index of words when there are few: the planner knows how common a word is,
/// because each search is planned for its own words.
struct Candidates<'a> {
    words: &'a Words,
    visible: Condition,
    no_foreign_draft: Condition,
    conditions: Vec<Condition>,
    parts: Vec<Part>,
    most: i64,
}

const JOINED: &str = "tickets join ticket_texts on ticket_texts.ticket_id = tickets.id";

impl Candidates<'_> {
    /// The newest matches of a part.
    fn newest<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>, part: &'b Part) -> QueryResult<()> {
        self.select(out.reborrow())?;
        // Not what the caller sees besides: the planner would take the part for a part of that.
        let seen = if matches!(part, Part::All) { &self.visible } else { &self.no_foreign_draft };
        seen.walk_ast(out.reborrow())?;
        out.push_sql(" and ");
        match part {
            Part::All => {}
            Part::Department(id) => {
                out.push_sql("ticket_texts.department_id = ");
                out.push_bind_param::<SqlUuid, _>(id)?;
                out.push_sql(" and ");
            }
            Part::AssignedOrOpened(agent) => {
                out.push_sql("(tickets.assignee_id = ");
                out.push_bind_param::<SqlUuid, _>(agent)?;
                out.push_sql(" or tickets.opened_by = ");
                out.push_bind_param::<SqlUuid, _>(agent)?;
                out.push_sql(") and ");
            }
        }
        matching(out.reborrow(), self.words)?;
        out.push_sql(&format!(" order by ticket_texts.created_at desc limit {})", self.most));
        Ok(())
    }

    fn select<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(select tickets.id, tickets.number, tickets.created_at from ");
        out.push_sql(JOINED);
        out.push_sql(" where ");
        for condition in &self.conditions {
            condition.walk_ast(out.reborrow())?;
            out.push_sql(" and ");
        }
        Ok(())
    }
}

impl QueryFragment<Pg> for Candidates<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        // 1: a long conversation is not better because it is long.
        out.push_sql("select found.id, (ts_rank(texts.words, ");
        tsquery(out.reborrow(), &self.words.query)?;
        out.push_sql(", 1) * 1000000)::bigint + case found.number when ");
        let number = self.words.number.as_ref().unwrap_or(&-1);
        out.push_bind_param::<BigInt, _>(number)?;
        out.push_sql(" then 1000000000 else 0 end, found.created_at, found.number = ");
        out.push_bind_param::<BigInt, _>(number)?;
        out.push_sql(" from (");
        for (place, part) in self.parts.iter().enumerate() {
            out.push_sql(if place == 0 { "" } else { " union all " });
            self.newest(out.reborrow(), part)?;
        }
        if let Some(number) = &self.words.number {
            out.push_sql(" union all ");
            self.select(out.reborrow())?;
            self.visible.walk_ast(out.reborrow())?;
            out.push_sql(" and tickets.number = ");
            out.push_bind_param::<BigInt, _>(number)?;
            out.push_sql(")");
        }
        out.push_sql(") found join ticket_texts texts on texts.ticket_id = found.id");
        Ok(())
    }
}

impl Query for Candidates<'_> {
    type SqlType = (SqlUuid, BigInt, Timestamptz, Bool);
}

impl QueryId for Candidates<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<PgConnection> for Candidates<'_> {}
