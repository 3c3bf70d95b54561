//! What was acknowledged is in the history: exactly once, as it was answered, and nothing beside it.
use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::player::World;

/// What the history must tell of an operation that was done.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The types that its event can have, with `|` between them.
    pub kind: &'static str,
    /// It may have changed nothing.
    pub perhaps: bool,
    pub ticket: Option<String>,
    /// The version that the answer gave.
    pub version: Option<i64>,
    /// The version that the client said it had seen.
    pub seen: Option<i64>,
    /// What the event's data hold, among others.
    pub data: Value,
    /// The values that the client wrote, by field.
    pub wrote: Value,
    /// The ticket as it was answered.
    pub view: Value,
}

impl Told {
    pub fn new(kind: &'static str) -> Self {
        Self { kind, ..Self::default() }
    }

    pub fn perhaps(kind: &'static str) -> Self {
        Self { kind, perhaps: true, ..Self::default() }
    }

    /// The same, of a ticket that was answered.
    pub fn on(self, view: &Value) -> Self {
        let ticket = view["id"].as_str().map(str::to_owned);
        Self { ticket, version: view["version"].as_i64(), view: view.clone(), ..self }
    }

    pub fn of(self, ticket: &str) -> Self {
        Self { ticket: Some(ticket.to_owned()), ..self }
    }
}

/// Something that the service said it had done.
#[derive(Debug, Clone)]
pub struct Ack {
    pub by: String,
    pub told: Told,
}

/// The events of each ticket, in the order of their versions.
pub type Histories = BTreeMap<String, Vec<Value>>;

/// True when `part` is in `whole`, at any depth.
fn holds(whole: &Value, part: &Value) -> bool {
    match part {
        Value::Null => true,
        Value::Object(fields) => fields.iter().all(|(name, value)| holds(&whole[name], value)),
        _ => same(whole, part),
    }
}

/// True for equal values; times are kept to the microsecond.
fn same(one: &Value, other: &Value) -> bool {
    let time = |value: &Value| {
        Some(DateTime::parse_from_rfc3339(value.as_str()?).ok()?.timestamp_micros())
    };
    one == other || time(one).is_some_and(|one| time(other) == Some(one))
}

/// What the ticket was at a version, as its history has it.
pub fn replay(history: &[Value], version: Option<i64>) -> Map<String, Value> {
    let until =
        |event: &&Value| version.is_none_or(|v| event["ticket_version"].as_i64() <= Some(v));
    let mut ticket = Map::new();
    for event in history.iter().take_while(until) {
        for (field, change) in event["changes"].as_object().unwrap() {
            ticket.insert(field.clone(), change["to"].clone());
        }
    }
    ticket
}

/// Each step of a history begins where the one before it ended.
pub fn breaks(history: &[Value]) -> Vec<String> {
    let mut ticket: Map<String, Value> = Map::new();
    let mut breaks = Vec::new();
    for event in history {
        for (field, change) in event["changes"].as_object().unwrap() {
            let before = ticket.insert(field.clone(), change["to"].clone()).unwrap_or(Value::Null);
            if before != change["from"] {
                breaks.push(format!("{field} was {before}, and not what is said in {event}"));
            }
        }
    }
    breaks
}

/// What an answered ticket says otherwise than its history. What was taken out since is not compared.
pub fn differences(view: &Value, history: &[Value]) -> Vec<String> {
    let replayed = replay(history, view["version"].as_i64());
    let mut wrong = Vec::new();
    for (field, there) in &replayed {
        let shown = if field == "status" { &view["status"]["code"] } else { &view[field] };
        let hidden = view.get(field).is_none() || field == "status" && shown.is_null();
        let redacted = there.to_string().contains("[redacted]");
        if !hidden && !redacted && !same(shown, there) {
            wrong.push(format!("{field} is {shown} in {}, and {there} in its history", view["id"]));
        }
    }
    wrong
}

/// An event, and the version that the ticket had when all was done that followed from it: ending a ticket cancels its
/// appointments, each with an event of its own.
#[derive(Debug, Clone, Copy)]
struct Step<'a> {
    event: &'a Value,
    version: i64,
}

fn steps(history: &[Value]) -> Vec<Step<'_>> {
    let mut steps: Vec<Step> = Vec::new();
    for event in history {
        let version = event["ticket_version"].as_i64().unwrap();
        let same = |last: &&mut Step, field: &str| last.event[field] == event[field];
        let last = steps.last_mut().filter(|last| {
            same(last, "occurred_at")
                && same(last, "actor")
                && event["type"] == "appointment.cancelled"
        });
        match last {
            Some(last) => last.version = version,
            None => steps.push(Step { event, version }),
        }
    }
    steps
}

fn is_of(Step { event, version }: Step, Ack { by, told }: &Ack) -> bool {
    let seen = told.seen.map(|seen| seen + 1);
    told.kind.split('|').any(|kind| event["type"] == kind)
        && event["actor"]["id"] == **by
        && told.version.is_none_or(|told| told == version)
        && (told.version.is_some() || seen.is_none_or(|seen| event["ticket_version"] == seen))
        && holds(&event["data"], &told.data)
}

/// Looks for every acknowledged change, and for changes that nobody was told of.
pub fn compare(world: &World, histories: &Histories, players: &BTreeSet<String>) -> Vec<String> {
    let mut acks = world.acks.borrow().clone();
    // Those that fit one event come before those that fit several.
    acks.sort_by_key(|Ack { told, .. }| {
        (told.version.or(told.seen).is_none(), told.ticket.is_none(), told.perhaps)
    });
    let mut by_actor: BTreeMap<&str, Vec<Step>> = BTreeMap::new();
    for step in histories.values().flat_map(|history| steps(history)) {
        let actor = step.event["actor"]["id"].as_str().filter(|id| players.contains(*id));
        if let Some(actor) = actor {
            by_actor.entry(actor).or_default().push(step);
        }
    }
    let mut wrong = Vec::new();
    for ack in &acks {
        let Ack { by, told } = ack;
        let of_ticket = |event: &Value| told.ticket.iter().all(|id| event["ticket_id"] == **id);
        let events = by_actor.entry(by).or_default();
        let found = events.iter().position(|step| of_ticket(step.event) && is_of(*step, ack));
        let found = found.map(|at| events.swap_remove(at));
        match found {
            None if !told.perhaps => wrong.push(format!("acknowledged, and not there: {ack:?}")),
            None => {}
            Some(step) => wrong.extend(misread(step.event, told)),
        }
        let history = told.ticket.as_ref().and_then(|id| histories.get(id));
        wrong.extend(history.into_iter().flat_map(|history| differences(&told.view, history)));
    }
    let untold = by_actor.into_values().flatten();
    wrong.extend(untold.map(|step| format!("there, and not acknowledged: {}", step.event)));
    wrong
}

/// What an event has otherwise than the client wrote it, or on another version than the client had seen.
fn misread(event: &Value, told: &Told) -> Vec<String> {
    let mut wrong = Vec::new();
    let version = event["ticket_version"].as_i64().unwrap();
    if told.seen.is_some_and(|seen| seen + 1 != version) {
        wrong.push(format!("done on another version than was seen: {told:?} {event}"));
    }
    for (field, value) in told.wrote.as_object().into_iter().flatten() {
        let there = &event["changes"][field]["to"];
        if !there.to_string().contains("[redacted]") && !same(there, value) {
            wrong.push(format!("{field} was written as {value}, and told as {event}"));
        }
    }
    wrong
}

/// A path and a page of it after another.
pub async fn pages(client: &crate::support::Client, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor = json!(null);
    loop {
        let next = cursor.as_str().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = client.get(&format!("{path}?limit=100{next}")).await.expect(200);
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        cursor = page["next"].clone();
        if cursor.is_null() {
            return items;
        }
    }
}
