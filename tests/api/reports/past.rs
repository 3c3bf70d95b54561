//! What happened to every ticket, told again from the log, slowly and plainly.
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::world::World;

/// A time in which a ticket was open.
pub struct Stay {
    pub from: DateTime<Utc>,
    pub until: Option<DateTime<Utc>>,
    pub merged: bool,
    /// Who had it at the end.
    pub agent: Option<String>,
    /// Seconds, and seconds of business time.
    pub took: (i64, i64),
}

/// A ticket with its past.
pub struct Past {
    pub now: Value,
    pub stays: Vec<Stay>,
    pub responded: Option<(DateTime<Utc>, (i64, i64))>,
    pub assigned: Vec<(DateTime<Utc>, String)>,
    pub clocks: Vec<Value>,
}

pub fn time(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str().map(|text| text.parse().unwrap())
}

/// The rows of a table; lists leave out what belongs to deleted tickets.
pub async fn rows(world: &World, table: &str) -> Vec<Value> {
    let rows = format!("select row_to_json(t)::text as text from {table} t");
    let rows = world.app.texts(&rows).await;
    rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}

/// Everything of a paged list.
async fn all(world: &World, path: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut next = Some(format!("{path}limit=100"));
    while let Some(at) = next {
        let page = world.admin.get(&at).await.expect(200);
        found.extend(page["items"].as_array().unwrap().iter().cloned());
        next = page["next"].as_str().map(|cursor| format!("{path}limit=100&cursor={cursor}"));
    }
    found
}

/// The whole log, by ticket.
async fn log(world: &World) -> HashMap<String, Vec<Value>> {
    let (mut after, mut log) = (0, HashMap::<String, Vec<Value>>::new());
    loop {
        let page =
            world.admin.get(&format!("/v1/events?after={after}&limit=100")).await.expect(200);
        let events = page["items"].as_array().unwrap();
        let Some(last) = events.last() else { return log };
        after = last["position"].as_i64().unwrap();
        for event in events.iter().filter(|event| event["ticket_id"].is_string()) {
            let ticket = event["ticket_id"].as_str().unwrap().to_owned();
            log.entry(ticket).or_default().push(event.clone());
        }
    }
}

/// What every status of every workflow is.
async fn categories(world: &World) -> BTreeMap<(String, String), String> {
    let rows = "select workflow_id || ' ' || code || ' ' || category as text from statuses";
    let rows = world.app.texts(rows).await;
    let words = rows.iter().map(|row| row.split(' ').map(str::to_owned).collect::<Vec<_>>());
    words.map(|row| ((row[0].clone(), row[1].clone()), row[2].clone())).collect()
}

/// The past of all tickets that `filter` finds now.
pub async fn pasts(world: &World, filter: &str) -> Vec<Past> {
    let (log, categories) = (log(world).await, categories(world).await);
    let mut pasts = Vec::new();
    for now in all(world, &format!("/v1/tickets?{filter}&")).await {
        let id = now["id"].as_str().unwrap();
        let sla = world.desk.get(&format!("/v1/tickets/{id}/sla")).await.expect(200);
        let clocks = sla["clocks"].as_array().unwrap().clone();
        pasts.push(past(world, now.clone(), &log[id], clocks, &categories).await);
    }
    pasts
}

async fn past(
    world: &World,
    now: Value,
    events: &[Value],
    clocks: Vec<Value>,
    categories: &BTreeMap<(String, String), String>,
) -> Past {
    let undone = undone_merges(events);
    let changed = |event: &Value, field: &str| {
        let change = event["changes"].get(field)?;
        Some(change["to"].as_str().map(str::to_owned))
    };
    let (mut stays, mut agent, mut assigned) = (Vec::<Stay>::new(), None, Vec::new());
    let mut responded = None;
    for (place, event) in events.iter().enumerate() {
        let at = time(&event["occurred_at"]).unwrap();
        if let Some(to) = changed(event, "assignee_id") {
            assigned.extend(to.clone().map(|to| (at, to)));
            agent = to;
        }
        let public = event["data"]["note_visibility"] == "public";
        if public && event["origin"] != "timer" && event["actor"]["role"] != "contact" {
            responded = responded.or(Some(at));
        }
        let Some(Some(status)) = changed(event, "status") else { continue };
        if undone.contains(&place) {
            continue;
        }
        let workflow = workflow_after(events, place, &now);
        let is_open = categories[&(workflow, status)] != "closed";
        let was_open = stays.last().is_some_and(|stay| stay.until.is_none());
        match stays.last_mut() {
            Some(stay) if was_open && !is_open => {
                stay.until = Some(at);
                stay.agent = agent.clone();
                stay.merged = event["type"] == "ticket.merged";
            }
            _ if is_open && !was_open => {
                let took = (0, 0);
                stays.push(Stay { from: at, until: None, merged: false, agent: None, took });
            }
            _ => {}
        }
    }
    for stay in &mut stays {
        if let Some(until) = stay.until {
            stay.took = took(world, &clocks, "resolution", stay.from, until).await;
        }
    }
    let responded = match responded {
        Some(at) => Some((at, took(world, &clocks, "first_response", stays[0].from, at).await)),
        None => None,
    };
    Past { now, stays, responded, assigned, clocks }
}

/// The events of merges that were undone, and those that undid them: as if nothing had been.
fn undone_merges(events: &[Value]) -> Vec<usize> {
    let merges = |event: &Value| event["changes"]["merged_into"]["to"].is_string();
    let undoes = |event: &Value| {
        event["changes"].get("merged_into").is_some_and(|change| change["to"].is_null())
            && event["type"] == "ticket.merge_undone"
    };
    let places = events.iter().enumerate().filter(|(_, event)| undoes(event));
    let pairs = places.map(|(place, _)| [events[..place].iter().rposition(merges).unwrap(), place]);
    pairs.flatten().collect()
}

/// The workflow that the ticket was in behind this event.
fn workflow_after(events: &[Value], place: usize, now: &Value) -> String {
    let mut left =
        events[place + 1..].iter().map(|event| &event["data"]["workflow"]["from_workflow_id"]);
    let next = left.find(|workflow| workflow.is_string());
    next.unwrap_or(&now["workflow_id"]).as_str().unwrap().to_owned()
}

/// How long it was from then until then: in all, and by the calendar that the ticket's clock was measured by at the end.
async fn took(
    world: &World,
    clocks: &[Value],
    metric: &str,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> (i64, i64) {
    let seconds = (until - from).num_seconds();
    let measured = clocks.iter().filter(|clock| {
        clock["metric"] == metric
            && clock["basis"].is_object()
            && time(&clock["started_at"]) <= Some(until)
    });
    let Some(clock) = measured.max_by_key(|clock| clock["cycle"].as_i64()) else {
        return (seconds, seconds);
    };
    let calendar = clock["basis"]["calendar_id"].as_str().unwrap();
    let text = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    let asked =
        format!("/v1/calendars/{calendar}/business-time?from={}&until={}", text(from), text(until));
    (seconds, world.desk.get(&asked).await.expect(200)["business_seconds"].as_i64().unwrap())
}
