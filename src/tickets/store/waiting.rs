//! The tickets that wait for somebody: open, and nobody has them.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::find::{revision, visible};
use super::row::{Located, Summary, Ticket};
use super::sql::{IsOpen, LessUrgent, Limited, OfKind, order_of_urgency};
use crate::db::schema::tickets;
use crate::kernel::{Actor, AgentId, CategoryId, DepartmentId, Level, ProductId, TicketId};

/// What waiting tickets have in common that need the same of an agent.
#[derive(Debug, Clone)]
pub struct Kind {
    pub department: DepartmentId,
    pub level: Level,
    pub type_key: String,
    pub product: Option<ProductId>,
    pub category: Option<CategoryId>,
    pub handed_over_by: Option<AgentId>,
}

#[derive(QueryableByName)]
struct KindRow {
    #[diesel(sql_type = SqlUuid)]
    department_id: Uuid,
    #[diesel(sql_type = Text)]
    level: Level,
    #[diesel(sql_type = Text)]
    type_key: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    product: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    category: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    handed: Option<Uuid>,
}

/// Jumps from kind to kind through the index `tickets_waiting_kinds`, and looks at the first of each only. The index has the
/// nil id where there is none, because NULL has no place in an order.
const KINDS: &str = "
with recursive kinds as (
  (select department_id, level, type_key, coalesce(product_id, :nil) as product, coalesce(category_id, :nil) as category,
          coalesce(handed_over_by, :nil) as handed
     from tickets where :waiting order by 1, 2, 3, 4, 5, 6 limit 1)
  union all
  select next.* from kinds k cross join lateral (
    select department_id, level, type_key, coalesce(product_id, :nil), coalesce(category_id, :nil), coalesce(handed_over_by, :nil)
      from tickets
     where :waiting
       and (department_id, level, type_key, coalesce(product_id, :nil), coalesce(category_id, :nil), coalesce(handed_over_by, :nil))
         > (k.department_id, k.level, k.type_key, k.product, k.category, k.handed)
     order by 1, 2, 3, 4, 5, 6 limit 1) next
)
select k.department_id, k.level, k.type_key, nullif(k.product, :nil) as product, nullif(k.category, :nil) as category,
       nullif(k.handed, :nil) as handed
  from kinds k cross join lateral (
    select priority, created_at, id from tickets
     where :waiting and department_id = k.department_id and level = k.level and type_key = k.type_key
       and coalesce(product_id, :nil) = k.product and coalesce(category_id, :nil) = k.category
       and coalesce(handed_over_by, :nil) = k.handed
     order by priority desc, created_at, id limit 1) first
 order by first.priority desc, first.created_at, first.id";

/// The kinds of the tickets that wait, that of the most urgent and oldest ticket first.
pub fn waiting_kinds(conn: &mut PgConnection) -> QueryResult<Vec<Kind>> {
    let waiting = "assignee_id is null and deleted_at is null and category in ('new', 'open', 'pending', 'on_hold')";
    let nil = "'00000000-0000-0000-0000-000000000000'::uuid";
    let query = KINDS.replace(":waiting", waiting).replace(":nil", nil);
    let rows: Vec<KindRow> = diesel::sql_query(query).load(conn)?;
    let kind = |row: KindRow| Kind {
        department: DepartmentId(row.department_id),
        level: row.level,
        type_key: row.type_key,
        product: row.product.map(ProductId),
        category: row.category.map(CategoryId),
        handed_over_by: row.handed.map(AgentId),
    };
    Ok(rows.into_iter().map(kind).collect())
}

/// Locks the most urgent and oldest ticket of this kind, of those that no other process has.
pub fn lock_first(conn: &mut PgConnection, kind: &Kind) -> QueryResult<Option<Located<Ticket>>> {
    tickets::table
        .filter(tickets::assignee_id.is_null())
        .filter(tickets::deleted_at.is_null())
        .filter(IsOpen)
        .filter(OfKind::new(kind))
        .order((tickets::priority.desc(), tickets::created_at, tickets::id))
        .select((Ticket::as_select(), revision()))
        .for_no_key_update()
        .skip_locked()
        .first(conn)
        .optional()
}

/// Which part of the queue.
#[derive(Debug, Clone, Copy)]
pub struct QueueFilter {
    pub department: Option<DepartmentId>,
    pub level: Option<Level>,
}

/// A place in the queue: more urgent tickets come first, then older ones.
#[derive(Debug, Clone, Copy)]
pub struct Urgency {
    /// 1 for critical to 4 for low.
    pub rank: i32,
    pub created_at: DateTime<Utc>,
    pub id: TicketId,
}

impl Urgency {
    pub fn of(row: &Summary) -> Self {
        let rank = 5 - i32::from(row.priority.rank());
        Self { rank, created_at: row.created_at, id: row.id }
    }
}

/// The waiting tickets that the caller may see behind (or, `backward`, before) a place, nearest first.
pub fn queue(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: QueueFilter,
    from: Option<Urgency>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Located<Summary>>> {
    let mut query = tickets::table
        .into_boxed()
        .filter(visible(actor))
        .filter(tickets::assignee_id.is_null())
        .filter(tickets::deleted_at.is_null())
        .filter(IsOpen);
    if let Some(department) = filter.department {
        query = query.filter(tickets::department_id.eq(department));
    }
    if let Some(level) = filter.level {
        query = query.filter(tickets::level.eq(level));
    }
    if let Some(place) = from {
        query = query.filter(LessUrgent { than: place, reversed: backward });
    }
    let query = query.order(order_of_urgency(backward)).select((Summary::as_select(), revision()));
    Limited { query, rows: limit }.load(conn)
}
