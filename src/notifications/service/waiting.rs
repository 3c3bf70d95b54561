//! Write the mails that waited.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::fan_out::queue;
use super::mails::{Item, Writer};
use super::world::{Known, World};
use crate::events::{self, Event};
use crate::kernel::AppError;
use crate::mail::NewMail;
use crate::notifications::rules::{Digest, NotificationChannel, Occurrence, Person};
use crate::notifications::store::{self, Notification};

/// People whose mails are written at a time.
const BATCH: i64 = 20;

/// Takes those whose time has come. What they may not see any more, or do not want by mail any more, is left out.
pub fn write_due(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    store::share_cursor(conn)?;
    let due = store::take_due(conn, now, BATCH)?;
    if due.is_empty() {
        return Ok(false);
    }
    let rows = store::waiting_of(conn, &due)?;
    let positions: Vec<i64> = rows.iter().map(|row| row.position).collect();
    let events = events::at(conn, &positions)?;
    let occurrences: Vec<Occurrence> = events.iter().filter_map(Occurrence::of).collect();
    let people: Vec<Person> = rows.iter().filter_map(Notification::person).collect();
    let all: Vec<&Occurrence> = occurrences.iter().collect();
    let world = World::load(conn, &all, &people)?;
    let mails = write(&Writer::load(conn)?, &world, &rows, &events)?;
    queue(conn, mails, now)?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    store::written(conn, &ids)?;
    Ok(true)
}

fn write(
    writer: &Writer,
    world: &World,
    rows: &[Notification],
    events: &[Event],
) -> Result<Vec<NewMail>, AppError> {
    let by_position: HashMap<Option<i64>, &Event> =
        events.iter().map(|event| (event.position, event)).collect();
    let mut of: HashMap<Person, (&Known, Vec<Item<'_>>)> = HashMap::new();
    for row in rows {
        let told = row.person().zip(world.ticket(row.ticket_id));
        let Some((person, ticket)) = told else { continue };
        let known = world.known(person, ticket);
        let event = by_position.get(&Some(row.position));
        let Some((known, event)) = known.zip(event) else { continue };
        if known.wants.wants(row.kind, NotificationChannel::Mail) {
            let note = world.readable(row.note_id, person);
            let item = Item::new(event, ticket, row.kind, note, known);
            of.entry(person).or_insert_with(|| (known, Vec::new())).1.push(item);
        }
    }
    let mut mails = Vec::new();
    for (known, items) in of.into_values() {
        // Behind quiet hours letters are letters; who wants a digest gets everything in one.
        let at_once = known.wants.digest == Digest::Immediate;
        let (letters, rest): (Vec<Item<'_>>, Vec<Item<'_>>) =
            items.into_iter().partition(|item| at_once && !item.is_automatic());
        mails.extend(writer.each(&letters)?);
        match rest.as_slice() {
            [] => {}
            [_] => mails.extend(writer.each(&rest)?),
            _ => mails.push(writer.digest(&rest, known)?),
        }
    }
    Ok(mails)
}
