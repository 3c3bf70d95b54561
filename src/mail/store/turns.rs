//! Who sends what: a mail is sent under a lease.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::schema::automatic_deliveries as deliveries;
use crate::db::schema::outgoing_mails::{self as m, dsl};
use crate::kernel::MailId;
use crate::mail::rules::MailState;

use super::mails::OutgoingMail;

/// One at a time counts automatic mails: two that counted at once would both let the last one pass.
const COUNTING: i64 = 0x006d_6169_6c63_6170;

/// Mails that are due, locked; those by hand before the automatic ones. Mails that others claim at the moment are passed over.
pub fn lock_due(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<OutgoingMail>> {
    m::table
        // Literal, so that the partial index serves.
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>(
            "outgoing_mails.state in ('queued', 'sending')",
        ))
        .filter(dsl::due_at.le(now))
        .order((dsl::automatic, dsl::due_at))
        .limit(limit)
        .select(OutgoingMail::as_select())
        .for_no_key_update()
        .skip_locked()
        .load(conn)
}

/// Waits until nobody else counts.
pub fn lock_counting(conn: &mut PgConnection) -> QueryResult<usize> {
    diesel::sql_query("select pg_advisory_xact_lock($1)").bind::<BigInt, _>(COUNTING).execute(conn)
}

/// The automatic mails that went to these addresses since `since`.
pub fn lately(
    conn: &mut PgConnection,
    emails: &[String],
    since: DateTime<Utc>,
) -> QueryResult<Vec<(String, MailId)>> {
    deliveries::table
        .filter(deliveries::email.eq_any(emails).and(deliveries::delivered_at.gt(since)))
        .select((deliveries::email, deliveries::mail_id))
        .load(conn)
}

/// Counts automatic mails to addresses; each mail once.
pub fn count(
    conn: &mut PgConnection,
    counted: &[(String, MailId)],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let rows: Vec<_> = counted
        .iter()
        .map(|(email, mail)| {
            (
                deliveries::email.eq(email),
                deliveries::mail_id.eq(*mail),
                deliveries::delivered_at.eq(now),
            )
        })
        .collect();
    diesel::insert_into(deliveries::table).values(rows).on_conflict_do_nothing().execute(conn)
}

/// Forgets what no count looks at any more.
pub fn forget_counted(conn: &mut PgConnection, before: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(deliveries::table.filter(deliveries::delivered_at.lt(before))).execute(conn)
}

/// What a claim decided about a mail.
#[derive(Debug)]
pub struct Settled {
    pub id: MailId,
    pub state: MailState,
    pub reason: Option<String>,
    /// Of one that is sent: its `Message-ID` from now on.
    pub message_id: Option<String>,
}

/// Stores the decisions; what is to be sent gets a lease until `lease_until`.
pub fn settle(
    conn: &mut PgConnection,
    settled: &[Settled],
    lease_until: DateTime<Utc>,
) -> QueryResult<usize> {
    let ids: Vec<Uuid> = settled.iter().map(|one| one.id.0).collect();
    let states: Vec<&str> = settled.iter().map(|one| one.state.as_str()).collect();
    let reasons: Vec<Option<&str>> = settled.iter().map(|one| one.reason.as_deref()).collect();
    let message_ids: Vec<Option<&str>> =
        settled.iter().map(|one| one.message_id.as_deref()).collect();
    diesel::sql_query(
        "update outgoing_mails m
            set state = s.state, reason = s.reason, message_id = coalesce(m.message_id, s.message_id),
                fence = m.fence + 1, due_at = case when s.state = 'sending' then $5 else m.due_at end
           from unnest($1, $2, $3, $4) as s (id, state, reason, message_id) where m.id = s.id",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Text>, _>(states)
    .bind::<Array<Nullable<Text>>, _>(reasons)
    .bind::<Array<Nullable<Text>>, _>(message_ids)
    .bind::<Timestamptz, _>(lease_until)
    .execute(conn)
}

type OfTurn =
    diesel::dsl::Filter<diesel::dsl::Find<m::table, MailId>, diesel::dsl::Eq<dsl::fence, i64>>;
type Held = diesel::dsl::Filter<OfTurn, diesel::dsl::Eq<dsl::state, MailState>>;

/// A mail that is being sent, while nobody has taken it over.
fn held(id: MailId, fence: i64) -> Held {
    m::table.find(id).filter(dsl::fence.eq(fence)).filter(dsl::state.eq(MailState::Sending))
}

/// Notes that an attempt begins whose answer may never come; 0 when the mail was taken over.
pub fn begin(conn: &mut PgConnection, id: MailId, fence: i64) -> QueryResult<usize> {
    diesel::update(held(id, fence)).set(dsl::unanswered.eq(dsl::unanswered + 1)).execute(conn)
}

/// How a mail stands after an attempt.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = m, treat_none_as_null = true)]
pub struct After {
    pub state: MailState,
    pub reason: Option<String>,
    pub attempts: i32,
    pub unanswered: i32,
    pub due_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
}

/// Records what became of an attempt, unless the mail was taken over.
pub fn record(
    conn: &mut PgConnection,
    id: MailId,
    fence: i64,
    after: &After,
) -> QueryResult<usize> {
    diesel::update(held(id, fence)).set(after).execute(conn)
}

/// Renews the leases on what is still to be sent; returns how many are held.
pub fn renew(
    conn: &mut PgConnection,
    turn: &[(MailId, i64)],
    until: DateTime<Utc>,
) -> QueryResult<usize> {
    let (ids, fences): (Vec<Uuid>, Vec<i64>) =
        turn.iter().map(|(id, fence)| (id.0, *fence)).unzip();
    diesel::sql_query(
        "update outgoing_mails m set due_at = $3 from unnest($1, $2) as held (id, fence)
          where m.id = held.id and m.fence = held.fence and m.state = 'sending'",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<BigInt>, _>(fences)
    .bind::<Timestamptz, _>(until)
    .execute(conn)
}

/// Gives mails back that were not begun.
pub fn release(
    conn: &mut PgConnection,
    turn: &[(MailId, i64)],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let (ids, fences): (Vec<Uuid>, Vec<i64>) =
        turn.iter().map(|(id, fence)| (id.0, *fence)).unzip();
    diesel::sql_query(
        "update outgoing_mails m set state = 'queued', due_at = $3 from unnest($1, $2) as held (id, fence)
          where m.id = held.id and m.fence = held.fence and m.state = 'sending'",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<BigInt>, _>(fences)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
}
