//! The directory of a CRM as it was listed, and what the desk has of it. Each a statement for a whole batch.
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::imports::ImportRow;
use super::links::LinkKind;
use crate::crm::case::RemoteRecord;
use crate::crm::import::rules::Reason;

/// Keeps a page of records; what differs from what is kept is to be matched.
pub fn keep_records(
    conn: &mut PgConnection,
    import: &ImportRow,
    page: &[RemoteRecord],
) -> QueryResult<usize> {
    // PostgreSQL stores no NUL.
    let clean = |text: &String| text.replace('\0', "");
    let texts = |of: fn(&RemoteRecord) -> &Option<String>| -> Vec<Option<String>> {
        page.iter().map(|record| of(record).as_ref().map(clean)).collect()
    };
    let ids: Vec<String> = page.iter().map(|record| clean(&record.id)).collect();
    let names: Vec<String> = page.iter().map(|record| clean(&record.name)).collect();
    let active: Vec<bool> = page.iter().map(|record| record.active).collect();
    diesel::sql_query(
        "insert into crm_records as r (connection_id, kind, remote_id, name, email, phone, account_id, active, listed_in)
         select distinct on (n.id) $1, $2, n.id, n.name, n.email, n.phone, n.account_id, n.active, $3
           from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bool[])
             as n(id, name, email, phone, account_id, active)
          where n.id <> ''
         on conflict (connection_id, kind, remote_id) do update set
           name = excluded.name, email = excluded.email, phone = excluded.phone, account_id = excluded.account_id,
           active = excluded.active, listed_in = excluded.listed_in, gone = false,
           changed = r.changed or r.gone or (r.name, r.email, r.phone, r.account_id, r.active)
             is distinct from (excluded.name, excluded.email, excluded.phone, excluded.account_id, excluded.active)",
    )
    .bind::<SqlUuid, _>(import.connection_id.0)
    .bind::<Text, _>(import.kind)
    .bind::<BigInt, _>(import.run)
    .bind::<Array<Text>, _>(ids)
    .bind::<Array<Text>, _>(names)
    .bind::<Array<Nullable<Text>>, _>(texts(|record| &record.email))
    .bind::<Array<Nullable<Text>>, _>(texts(|record| &record.phone))
    .bind::<Array<Nullable<Text>>, _>(texts(|record| &record.account_id))
    .bind::<Array<Bool>, _>(active)
    .execute(conn)
}

/// Marks what an import of everything did not list.
pub fn mark_gone(conn: &mut PgConnection, import: &ImportRow) -> QueryResult<usize> {
    diesel::sql_query(
        "update crm_records set gone = true, changed = true
          where connection_id = $1 and kind = $2 and listed_in < $3 and not gone",
    )
    .bind::<SqlUuid, _>(import.connection_id.0)
    .bind::<Text, _>(import.kind)
    .bind::<BigInt, _>(import.run)
    .execute(conn)
}

/// A record to be matched, with what it is linked to.
#[derive(Debug, QueryableByName)]
pub struct DueRecord {
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
    #[diesel(sql_type = Bool)]
    pub active: bool,
    #[diesel(sql_type = Bool)]
    pub gone: bool,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub base: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<Reason>,
    #[diesel(sql_type = Nullable<Text>)]
    pub match_key: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub local_id: Option<Uuid>,
}

/// The next records behind `after` that changed, or that something is wrong with, by their ids.
pub fn due_records(
    conn: &mut PgConnection,
    import: &ImportRow,
    after: &str,
    limit: i64,
) -> QueryResult<Vec<DueRecord>> {
    diesel::sql_query(
        "select r.remote_id, r.name, r.email, r.phone, r.account_id, r.active, r.gone, r.base, r.reason, r.match_key,
                l.local_id
           from crm_records r left join crm_links l using (connection_id, kind, remote_id)
          where r.connection_id = $1 and r.kind = $2 and r.remote_id > $3 and (r.changed or r.reason is not null)
          order by r.remote_id limit $4",
    )
    .bind::<SqlUuid, _>(import.connection_id.0)
    .bind::<Text, _>(import.kind)
    .bind::<Text, _>(after)
    .bind::<BigInt, _>(limit)
    .load(conn)
}

/// What was decided about a record.
#[derive(Debug)]
pub struct Settled {
    pub remote_id: String,
    pub base: Option<Value>,
    pub reason: Option<Reason>,
}

/// Notes what was decided about records, and forgets others.
pub fn settle_records(
    conn: &mut PgConnection,
    import: &ImportRow,
    settled: &[Settled],
    forget: &[String],
) -> QueryResult<()> {
    let ids: Vec<&str> = settled.iter().map(|record| record.remote_id.as_str()).collect();
    let bases: Vec<Option<&Value>> = settled.iter().map(|record| record.base.as_ref()).collect();
    let reasons: Vec<Option<&str>> =
        settled.iter().map(|record| record.reason.map(Reason::as_str)).collect();
    diesel::sql_query(
        "update crm_records r set base = n.base, reason = n.reason, changed = false
           from unnest($3::text[], $4::jsonb[], $5::text[]) as n(id, base, reason)
          where r.connection_id = $1 and r.kind = $2 and r.remote_id = n.id",
    )
    .bind::<SqlUuid, _>(import.connection_id.0)
    .bind::<Text, _>(import.kind)
    .bind::<Array<Text>, _>(ids)
    .bind::<Array<Nullable<Jsonb>>, _>(bases)
    .bind::<Array<Nullable<Text>>, _>(reasons)
    .execute(conn)?;
    diesel::sql_query(
        "delete from crm_records where connection_id = $1 and kind = $2 and remote_id = any($3)",
    )
    .bind::<SqlUuid, _>(import.connection_id.0)
    .bind::<Text, _>(import.kind)
    .bind::<Array<Text>, _>(forget)
    .execute(conn)?;
    Ok(())
}

/// Those of the keys that several records of the CRM have.
pub fn ambiguous_keys(
    conn: &mut PgConnection,
    import: &ImportRow,
    keys: &[String],
) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Key {
        #[diesel(sql_type = Text)]
        key: String,
    }
    let found: Vec<Key> = diesel::sql_query(
        "select match_key as key from crm_records
          where connection_id = $1 and kind = $2 and not gone and active and match_key = any($3)
          group by match_key having count(*) > 1",
    )
    .bind::<SqlUuid, _>(import.connection_id.0)
    .bind::<Text, _>(import.kind)
    .bind::<Array<Text>, _>(keys)
    .load(conn)?;
    Ok(found.into_iter().map(|row| row.key).collect())
}

/// A person, a company or a product of the desk.
#[derive(Debug, QueryableByName)]
pub struct LocalRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    #[diesel(sql_type = Array<SqlUuid>)]
    pub account_ids: Vec<Uuid>,
    #[diesel(sql_type = Text)]
    pub key: String,
    #[diesel(sql_type = Bool)]
    pub linked: bool,
}

/// What of the desk has one of these ids or keys.
pub fn locals(
    conn: &mut PgConnection,
    import: &ImportRow,
    ids: &[Uuid],
    keys: &[String],
) -> QueryResult<Vec<LocalRow>> {
    let select = match import.kind {
        LinkKind::Agent => {
            "select x.id, x.name, x.email, null::text as phone, '{}'::uuid[] as account_ids, lower(x.email) as key
               from agents x where x.id = any($3) or (x.active and lower(x.email) = any($4))"
        }
        LinkKind::Account => {
            "select x.id, x.name, null::text as email, null::text as phone, '{}'::uuid[] as account_ids,
                    lower(x.name) as key
               from accounts x where x.id = any($3) or lower(x.name) = any($4)"
        }
        LinkKind::Product => {
            "select x.id, x.name, null::text as email, null::text as phone, '{}'::uuid[] as account_ids,
                    lower(x.name) as key
               from products x where x.id = any($3) or lower(x.name) = any($4)"
        }
        LinkKind::Contact => {
            "select x.id, x.name, x.email, x.phone, lower(x.email) as key,
                    array(select m.account_id from contact_accounts m where m.contact_id = x.id) as account_ids
               from contacts x where x.id = any($3) or lower(x.email) = any($4)"
        }
    };
    diesel::sql_query(format!(
        "select d.*, exists (select from crm_links l
           where l.connection_id = $1 and l.kind = $2 and l.local_id = d.id) as linked from ({select}) d"
    ))
    .bind::<SqlUuid, _>(import.connection_id.0)
    .bind::<Text, _>(import.kind)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Text>, _>(keys)
    .load(conn)
}
