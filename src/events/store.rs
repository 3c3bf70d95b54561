//! Queries of the event log.
mod feed;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text};
use serde_json::{Value, json};
use uuid::Uuid;

use super::event::{EventType, NewEvent, Subject};
use crate::db::schema::{event_feed, events};

pub use self::feed::{Filter, feed};
use crate::kernel::{Actor, ConnectionId, Erasure, TicketId};

/// An event of the log.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = events, check_for_backend(diesel::pg::Pg))]
pub struct Event {
    pub id: i64,
    pub position: Option<i64>,
    #[diesel(column_name = type_)]
    pub kind: String,
    pub ticket_id: Option<TicketId>,
    pub ticket_version: Option<i32>,
    pub subject: String,
    pub public: bool,
    pub actor_id: Uuid,
    pub actor_role: String,
    pub actor_name: String,
    pub origin: String,
    pub changes: Value,
    pub data: Value,
    pub occurred_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = events)]
struct NewRow<'a> {
    type_: &'static str,
    ticket_id: Option<TicketId>,
    ticket_version: Option<i32>,
    subject: String,
    public: bool,
    actor_id: Uuid,
    actor_role: &'static str,
    actor_name: &'a str,
    origin: &'static str,
    changes: Value,
    data: Value,
    occurred_at: DateTime<Utc>,
}

impl<'a> NewRow<'a> {
    fn new(actor: &'a Actor, event: NewEvent) -> Self {
        let (ticket_id, ticket_version, subject) = match event.subject {
            Subject::Ticket(id, version) => (Some(id), Some(version), format!("ticket/{id}")),
            Subject::Resource(name) => (None, None, name),
        };
        Self {
            type_: event.kind.as_str(),
            ticket_id,
            ticket_version,
            subject,
            public: event.public,
            actor_id: actor.id,
            actor_role: actor.role.as_str(),
            actor_name: &actor.name,
            origin: actor.origin.as_str(),
            changes: Value::Object(event.changes),
            data: event.data,
            occurred_at: event.occurred_at,
        }
    }
}

pub fn insert(conn: &mut PgConnection, actor: &Actor, event: NewEvent) -> QueryResult<usize> {
    diesel::insert_into(events::table).values(NewRow::new(actor, event)).execute(conn)
}

/// In one statement, which is not kept prepared as that for a single event is.
pub fn insert_all(
    conn: &mut PgConnection,
    actor: &Actor,
    new: Vec<NewEvent>,
) -> QueryResult<usize> {
    let rows: Vec<_> = new.into_iter().map(|event| NewRow::new(actor, event)).collect();
    diesel::insert_into(events::table).values(rows).execute(conn)
}

/// The last position given, with the lock that makes the relay single; `None` while another relay holds it.
pub fn lock_feed(conn: &mut PgConnection) -> QueryResult<Option<i64>> {
    event_feed::table
        .select(event_feed::last_position)
        .for_update()
        .skip_locked()
        .first(conn)
        .optional()
}

/// The last position given.
pub fn last_position(conn: &mut PgConnection) -> QueryResult<i64> {
    event_feed::table.select(event_feed::last_position).first(conn)
}

/// The subjects of the next `limit` committed events that have no position, the longest waiting first.
pub fn waiting_subjects(conn: &mut PgConnection, limit: i64) -> QueryResult<Vec<String>> {
    let waiting = events::table
        .filter(events::position.is_null())
        .order(events::id)
        .limit(limit)
        .select(events::subject);
    let mut subjects: Vec<String> = waiting.load(conn)?;
    let mut seen = HashSet::new();
    subjects.retain(|subject| seen.insert(subject.clone()));
    Ok(subjects)
}

/// Gives up to `limit` committed events, of this subject or of any, the positions behind `last`, in the order of their
/// insertion.
pub fn give_positions(
    conn: &mut PgConnection,
    last: i64,
    subject: Option<&str>,
    limit: i64,
) -> QueryResult<Vec<i64>> {
    #[derive(QueryableByName)]
    struct Given {
        #[diesel(sql_type = BigInt)]
        position: i64,
    }
    let given: Vec<Given> = diesel::sql_query(
        "update events e set position = $1 + n.row
           from (select id, row_number() over (order by id) as row
                   from (select id from events where position is null and ($3::text is null or subject = $3)
                          order by id limit $2) waiting) n
          where e.id = n.id
          returning e.position",
    )
    .bind::<BigInt, _>(last)
    .bind::<BigInt, _>(limit)
    .bind::<Nullable<Text>, _>(subject)
    .load(conn)?;
    Ok(given.into_iter().map(|row| row.position).collect())
}

pub fn set_last_position(conn: &mut PgConnection, position: i64) -> QueryResult<usize> {
    diesel::update(event_feed::table).set(event_feed::last_position.eq(position)).execute(conn)
}

/// The published events behind `after`, up to and including `until`.
pub fn between(conn: &mut PgConnection, after: i64, until: i64) -> QueryResult<Vec<Event>> {
    events::table
        .filter(events::position.gt(after))
        .filter(events::position.le(until))
        .order(events::position)
        .select(Event::as_select())
        .load(conn)
}

/// The events at these positions.
pub fn at(conn: &mut PgConnection, positions: &[i64]) -> QueryResult<Vec<Event>> {
    events::table
        .filter(events::position.eq_any(positions.iter().copied().map(Some)))
        .order(events::position)
        .select(Event::as_select())
        .load(conn)
}

/// The next published event behind `after`, up to and including `until`, that moved a ticket to another status or asks for a
/// survey of its customer.
pub fn next_move(conn: &mut PgConnection, after: i64, until: i64) -> QueryResult<Option<Event>> {
    let asks = events::type_
        .eq("ticket.survey_requested")
        .or(events::data.contains(json!({ "survey": true })));
    events::table
        .filter(events::position.gt(after))
        .filter(events::position.le(until))
        .filter(events::ticket_id.is_not_null())
        .filter(events::changes.has_key("status").or(asks))
        .order(events::position)
        .select(Event::as_select())
        .first(conn)
        .optional()
}

/// The last position of an event from before this time.
pub fn position_before(conn: &mut PgConnection, time: DateTime<Utc>) -> QueryResult<Option<i64>> {
    events::table
        .filter(events::position.is_not_null().and(events::occurred_at.lt(time)))
        .order(events::position.desc())
        .select(events::position.assume_not_null())
        .first(conn)
        .optional()
}

/// What happened to a ticket behind (or, `backward`, before) a version, nearest first, published or not.
pub fn history(
    conn: &mut PgConnection,
    ticket: TicketId,
    public_only: bool,
    from_version: Option<i32>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Event>> {
    let mut query = events::table
        .filter(events::ticket_id.eq(ticket))
        .limit(limit)
        .select(Event::as_select())
        .into_boxed();
    if public_only {
        query = query.filter(events::public);
    }
    if backward {
        query = query.order(events::ticket_version.desc());
        return query.filter(events::ticket_version.lt(from_version)).load(conn);
    }
    query
        .filter(events::ticket_version.gt(from_version.unwrap_or(0)))
        .order(events::ticket_version)
        .load(conn)
}

/// What happened to a ticket of this kind from `since` on, oldest first; there are few.
pub fn of_kind(
    conn: &mut PgConnection,
    ticket: TicketId,
    kind: EventType,
    since: DateTime<Utc>,
) -> QueryResult<Vec<Event>> {
    events::table
        .filter(events::ticket_id.eq(ticket))
        .filter(events::type_.eq(kind.as_str()))
        .filter(events::occurred_at.ge(since))
        .order(events::ticket_version)
        .limit(100)
        .select(Event::as_select())
        .load(conn)
}

/// When the oldest event without a position happened.
pub fn waiting_since(conn: &mut PgConnection) -> QueryResult<Option<DateTime<Utc>>> {
    let waiting = events::table.filter(events::position.is_null());
    waiting.select(diesel::dsl::min(events::occurred_at)).first(conn)
}

/// Position, ticket, `note_id` and `notes`.
pub type AboutTicket = (i64, TicketId, Option<Value>, Option<Value>);

/// Position, ticket and notes of the published events about tickets and about decided conflicts of this connection, behind
/// `after` up to and including `until`: the note that an event added, and those that a redaction changed.
pub fn about_tickets(
    conn: &mut PgConnection,
    connection: ConnectionId,
    after: i64,
    until: i64,
) -> QueryResult<Vec<AboutTicket>> {
    type Found = (i64, Option<TicketId>, Option<String>, Option<Value>, Option<Value>);
    let data = |key: &'static str| events::data.retrieve_as_text(key).nullable();
    let notes = |key: &'static str| events::data.retrieve_as_object(key).nullable();
    let decided = events::type_
        .eq(EventType::MirrorConflictDecided.as_str())
        .and(data("connection_id").eq(connection.to_string()).assume_not_null());
    let found: Vec<Found> = events::table
        .filter(events::position.gt(after).and(events::position.le(until)))
        .filter(events::ticket_id.is_not_null().or(decided))
        .order(events::position)
        .select((
            events::position.assume_not_null(),
            events::ticket_id,
            data("ticket_id"),
            notes("note_id"),
            notes("notes"),
        ))
        .load(conn)?;
    let about = |(position, ticket, named, note, notes): Found| {
        let ticket = ticket.or_else(|| named?.parse().ok().map(TicketId))?;
        Some((position, ticket, note, notes))
    };
    Ok(found.into_iter().filter_map(about).collect())
}

/// Takes a secret out of the events of a ticket and of its mirror, in the transaction that has recorded the redaction.
pub fn erase(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> QueryResult<usize> {
    let columns = (events::id, events::changes, events::data);
    let mut all: Vec<(i64, Value, Value)> =
        events::table.filter(events::ticket_id.eq(ticket)).select(columns).load(conn)?;
    let naming = events::data.retrieve_as_text("ticket_id").eq(ticket.to_string());
    let of_mirror = events::table.filter(events::ticket_id.is_null()).filter(naming);
    all.extend(of_mirror.select(columns).load::<(i64, Value, Value)>(conn)?);
    all.retain_mut(|(_, changes, data)| erasure.json(changes) | erasure.json(data));
    let (mut ids, mut changes, mut data) = (Vec::new(), Vec::new(), Vec::new());
    for (id, changed, told) in all {
        ids.push(id);
        changes.push(changed);
        data.push(told);
    }
    diesel::sql_query(
        "update events e set changes = erased.changes, data = erased.data
           from unnest($1, $2, $3) as erased (id, changes, data) where e.id = erased.id",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Jsonb>, _>(changes)
    .bind::<Array<Jsonb>, _>(data)
    .execute(conn)
}

/// Somebody last did something on a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    pub ticket_id: TicketId,
    pub actor_id: Uuid,
    pub at: DateTime<Utc>,
}

/// The last of these actors' events on these tickets from `since` on, beside those about appointments.
pub fn last_acts(
    conn: &mut PgConnection,
    tickets: &[TicketId],
    actors: &[Uuid],
    since: DateTime<Utc>,
) -> QueryResult<Vec<Act>> {
    let acts: Vec<(Option<TicketId>, Uuid, Option<DateTime<Utc>>)> = events::table
        .filter(events::ticket_id.eq_any(tickets))
        .filter(events::actor_id.eq_any(actors))
        .filter(events::occurred_at.ge(since))
        .filter(events::type_.not_like("appointment.%"))
        .group_by((events::ticket_id, events::actor_id))
        .select((events::ticket_id, events::actor_id, diesel::dsl::max(events::occurred_at)))
        .load(conn)?;
    let act = |(ticket_id, actor_id, at): (Option<_>, _, Option<_>)| {
        Some(Act { ticket_id: ticket_id?, actor_id, at: at? })
    };
    Ok(acts.into_iter().filter_map(act).collect())
}
