//! What of a CRM's directory is linked to nothing, and what waits for a link.
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::links::LinkKind;
use crate::crm::import::rules::Reason;
use crate::kernel::ConnectionId;

/// A record that somebody should see to.
#[derive(Debug, QueryableByName)]
pub struct UnmappedRow {
    #[diesel(sql_type = Text)]
    pub remote_id: String,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub account_id: Option<String>,
    #[diesel(sql_type = Text)]
    pub reason: Reason,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub local_id: Option<Uuid>,
    /// `[{"id": ..., "name": ...}]`
    #[diesel(sql_type = Jsonb)]
    pub suggestions: Value,
}

/// A page of them behind (or, `backward`, before) a record; each with up to three of the desk that share a word of its name, or
/// its address, and are linked to nothing.
pub fn unmapped(
    conn: &mut PgConnection,
    connection: ConnectionId,
    kind: LinkKind,
    from: Option<&str>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<UnmappedRow>> {
    let (table, same_address) = match kind {
        LinkKind::Agent => ("agents", "or lower(x.email) = lower(r.email)"),
        LinkKind::Contact => ("contacts", "or lower(x.email) = lower(r.email)"),
        LinkKind::Account => ("accounts", ""),
        LinkKind::Product => ("products", ""),
    };
    let (behind, order) = if backward { ("<", "desc") } else { (">", "asc") };
    diesel::sql_query(format!(
        "select r.*, coalesce(s.items, '[]') as suggestions from (
           select r.remote_id, r.name, r.email, r.phone, r.account_id, r.reason, l.local_id,
                  array(select '%' || word || '%' from regexp_split_to_table(lower(r.name), '[^[:alnum:]]+') word
                         where length(word) > 2) as words
             from crm_records r left join crm_links l using (connection_id, kind, remote_id)
            where r.connection_id = $1 and r.kind = $2 and r.reason is not null
              and (l.local_id is null or r.reason not in ('no_match', 'ambiguous', 'taken', 'other_account', 'unlinked'))
              and ($3::text is null or r.remote_id {behind} $3)
            order by r.remote_id {order} limit $4) r
           left join lateral (
             select jsonb_agg(jsonb_build_object('id', c.id, 'name', c.name)) as items from (
               select x.id, x.name from {table} x
                where x.active and (lower(x.name) like any (r.words) {same_address})
                  and not exists (select from crm_links k
                    where k.connection_id = $1 and k.kind = $2 and k.local_id = x.id)
                order by (select count(*) from unnest(r.words) word where lower(x.name) like word) desc,
                         abs(length(x.name) - length(r.name)), x.name
                limit 3) c) s on true
          order by r.remote_id {order}"
    ))
    .bind::<SqlUuid, _>(connection.0)
    .bind::<Text, _>(kind)
    .bind::<Nullable<Text>, _>(from)
    .bind::<BigInt, _>(limit)
    .load(conn)
}

/// Before links of these are changed: an import leaves alone what somebody unlinks, until it is linked by hand.
pub fn unlink_records(
    conn: &mut PgConnection,
    connection: ConnectionId,
    kind: LinkKind,
    locals: &[Uuid],
) -> QueryResult<usize> {
    diesel::sql_query(
        "update crm_records r set reason = 'unlinked', base = null from crm_links l
          where l.connection_id = $1 and l.kind = $2 and l.local_id = any($3)
            and (r.connection_id, r.kind, r.remote_id) = (l.connection_id, l.kind, l.remote_id)",
    )
    .bind::<SqlUuid, _>(connection.0)
    .bind::<Text, _>(kind)
    .bind::<Array<SqlUuid>, _>(locals)
    .execute(conn)
}

/// After records were linked by hand: nothing is wrong with them, and they have not been compared yet.
pub fn relink_records(
    conn: &mut PgConnection,
    connection: ConnectionId,
    kind: LinkKind,
    remote: &[String],
) -> QueryResult<usize> {
    diesel::sql_query(
        "update crm_records set reason = null, base = null, changed = true
          where connection_id = $1 and kind = $2 and remote_id = any($3)",
    )
    .bind::<SqlUuid, _>(connection.0)
    .bind::<Text, _>(kind)
    .bind::<Array<Text>, _>(remote)
    .execute(conn)
}

/// Tries the tickets again that were parked for want of a link and refer to one of these.
pub fn wake_unmapped(
    conn: &mut PgConnection,
    connection: ConnectionId,
    kind: LinkKind,
    locals: &[Uuid],
) -> QueryResult<usize> {
    let column = match kind {
        LinkKind::Agent => "assignee_id",
        LinkKind::Account => "account_id",
        LinkKind::Contact => "contact_id",
        LinkKind::Product => "product_id",
    };
    diesel::sql_query(format!(
        "update crm_mirrors m set state = case when m.remote_id is null then 'pending' else 'linked' end, attempts = 0,
           dirty_since = coalesce(m.dirty_since, now()), dirty_seq = m.dirty_seq + 1, next_attempt_at = now(),
           last_error = null, error_class = null
          where m.connection_id = $1 and m.state = 'parked' and m.error_class = 'unmapped'
            and m.ticket_id in (select t.id from tickets t where t.{column} = any($2))"
    ))
    .bind::<SqlUuid, _>(connection.0)
    .bind::<Array<SqlUuid>, _>(locals)
    .execute(conn)
}
