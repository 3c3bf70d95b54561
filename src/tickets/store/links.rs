//! Links between tickets.
use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Uuid as SqlUuid};
use uuid::Uuid;

use super::find::{present, revision};
use super::row::{Located, Summary};
use crate::db::schema::{ticket_links as links, tickets};
use crate::kernel::{Actor, LinkId, TicketId};
use crate::tickets::rules::Relation;

/// A link as it is stored: the first ticket is this to the second.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = links, check_for_backend(diesel::pg::Pg))]
pub struct Link {
    pub id: LinkId,
    pub kind: Relation,
    pub from_id: TicketId,
    pub to_id: TicketId,
    pub linked_by: Uuid,
    pub linked_by_name: String,
    pub linked_at: DateTime<Utc>,
}

impl Link {
    /// What `ticket` is to the other one, and which that is.
    pub fn seen_from(&self, ticket: TicketId) -> (Relation, TicketId) {
        if self.from_id == ticket {
            (self.kind, self.to_id)
        } else {
            (self.kind.opposite(), self.from_id)
        }
    }
}

pub fn insert_link(conn: &mut PgConnection, link: &Link) -> QueryResult<usize> {
    diesel::insert_into(links::table).values(link).execute(conn)
}

pub fn delete_link(conn: &mut PgConnection, id: LinkId) -> QueryResult<usize> {
    diesel::delete(links::table.find(id)).execute(conn)
}

/// Which links of a ticket are asked for.
#[derive(Debug, Clone, Copy)]
pub struct LinkFilter {
    pub ticket: TicketId,
    /// Those between parent and child too.
    pub hierarchy: bool,
    pub link: Option<LinkId>,
}

/// The links of a ticket to tickets that this caller may see, behind (or, `backward`, before) the one with this id.
pub fn links(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: LinkFilter,
    from: Option<Uuid>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Link>> {
    let ticket = filter.ticket;
    let other = tickets::table
        .filter(tickets::id.eq(links::from_id).or(tickets::id.eq(links::to_id)))
        .filter(tickets::id.ne(ticket))
        .filter(tickets::deleted_at.is_null())
        .filter(present(actor));
    let mut query = links::table
        .limit(limit)
        .select(Link::as_select())
        .into_boxed()
        .filter(links::from_id.eq(ticket).or(links::to_id.eq(ticket)))
        .filter(exists(other));
    if !filter.hierarchy {
        query = query.filter(links::kind.ne(Relation::ChildOf));
    }
    if let Some(link) = filter.link {
        query = query.filter(links::id.eq(link));
    }
    query = match (from, backward) {
        (Some(id), true) => query.filter(links::id.lt(LinkId(id))),
        (Some(id), false) => query.filter(links::id.gt(LinkId(id))),
        (None, _) => query,
    };
    if backward {
        query.order(links::id.desc()).load(conn)
    } else {
        query.order(links::id).load(conn)
    }
}

/// These tickets without their long texts, in no order.
pub fn summaries_of_any(
    conn: &mut PgConnection,
    ids: &[TicketId],
) -> QueryResult<Vec<Located<Summary>>> {
    tickets::table
        .filter(tickets::id.eq_any(ids))
        .select((Summary::as_select(), revision()))
        .load(conn)
}

/// PostgreSQL advisory lock that lets one transaction link a parent at a time.
const HIERARCHY_LOCK: i64 = 0x6361_7365_7061_7265;

/// Of all who are about to link a parent, one goes on: whether there will be a circle depends on links that others make.
pub fn lock_hierarchy(conn: &mut PgConnection) -> QueryResult<usize> {
    diesel::sql_query("select pg_advisory_xact_lock($1)")
        .bind::<BigInt, _>(HIERARCHY_LOCK)
        .execute(conn)
}

/// True when `ancestor` is a parent of `ticket`, or of one of its parents.
pub fn is_ancestor(
    conn: &mut PgConnection,
    ancestor: TicketId,
    ticket: TicketId,
) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        found: bool,
    }
    let found = diesel::sql_query(
        "with recursive parents (id) as (
           select to_id from ticket_links where from_id = $1 and kind = 'child_of'
           union
           select l.to_id from ticket_links l join parents p on l.from_id = p.id and l.kind = 'child_of')
         select exists (select from parents where id = $2) as found",
    );
    let found = found.bind::<SqlUuid, _>(ticket.0).bind::<SqlUuid, _>(ancestor.0);
    Ok(found.get_result::<Found>(conn)?.found)
}

/// The link whose child waits the longest to be told that its parent was closed.
pub fn untold_child(conn: &mut PgConnection) -> QueryResult<Option<Link>> {
    links::table
        .filter(links::parent_closed_at.is_not_null())
        .order(links::parent_closed_at)
        .select(Link::as_select())
        .first(conn)
        .optional()
}

/// Remembers that the child was told; false when somebody else was faster, or the link is gone.
pub fn set_told(conn: &mut PgConnection, id: LinkId) -> QueryResult<bool> {
    let untold = links::table.find(id).filter(links::parent_closed_at.is_not_null());
    let told = diesel::update(untold).set(links::parent_closed_at.eq(None::<DateTime<Utc>>));
    Ok(told.execute(conn)? == 1)
}
