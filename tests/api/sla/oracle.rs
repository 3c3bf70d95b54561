//! The clocks of a ticket from its event log, slowly and obviously: every ten minutes it is looked whether they run and whether the
//! clock on the wall shows business time.
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

pub const STEP: TimeDelta = TimeDelta::minutes(10);
/// How far it is looked for what is due.
const AHEAD: TimeDelta = TimeDelta::days(30);

/// Business hours whose windows begin and end with a step.
#[derive(Debug, Clone)]
pub struct Hours {
    pub zone: Tz,
    /// From and to in minutes of the day, by the number of days from Monday.
    pub week: Vec<(u32, u32, u32)>,
    pub holidays: BTreeSet<NaiveDate>,
}

impl Hours {
    fn count(&self, at: DateTime<Utc>) -> bool {
        let local = at.with_timezone(&self.zone);
        let (day, minute) =
            (local.weekday().num_days_from_monday(), local.hour() * 60 + local.minute());
        let inside =
            |window: &&(u32, u32, u32)| window.0 == day && (window.1..window.2).contains(&minute);
        !self.holidays.contains(&local.date_naive()) && self.week.iter().any(|one| inside(&one))
    }
}

/// What is promised: by metric, how long in minutes, and whether only business hours count.
#[derive(Debug, Clone)]
pub struct Policy {
    /// For these priorities; for all, when there are none.
    pub priorities: Vec<&'static str>,
    pub targets: BTreeMap<&'static str, (i64, bool)>,
    pub hours: Hours,
}

/// The policies of a time, in the order in which they are tried.
pub type Book = Vec<Policy>;

/// What measures from when on, and what statuses mean from when on.
#[derive(Debug, Default)]
pub struct Times {
    pub books: Vec<(DateTime<Utc>, Book)>,
    pub meanings: Vec<(DateTime<Utc>, String, String)>,
}

impl Times {
    fn book(&self, at: DateTime<Utc>) -> &Book {
        &self.books.iter().rfind(|(since, _)| *since <= at).unwrap().1
    }

    fn meaning(&self, status: &str, at: DateTime<Utc>) -> &str {
        let known = self.meanings.iter().rev();
        let mut known = known.filter(|(since, code, _)| *since <= at && code == status);
        &known.next().unwrap_or_else(|| panic!("{status} has a meaning")).2
    }
}

#[derive(Debug, Clone, Default)]
struct Facts {
    priority: String,
    deadline: Option<DateTime<Utc>>,
}

/// A clock, as far as its ticket's history was read.
#[derive(Debug)]
struct Watched {
    metric: &'static str,
    cycle: usize,
    started: DateTime<Utc>,
    runs: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)>,
    /// And whether what it measures has happened.
    ended: Option<(DateTime<Utc>, bool)>,
    /// It ended for good, while the ticket was so.
    over: Option<Facts>,
    ran_then: bool,
}

impl Watched {
    fn runs_now(&self) -> bool {
        self.runs.last().is_some_and(|(_, until)| until.is_none())
    }

    fn halt(&mut self, at: DateTime<Utc>) {
        if let Some((_, until)) = self.runs.last_mut() {
            until.get_or_insert(at);
        }
    }

    fn end(&mut self, at: DateTime<Utc>, fulfilled: bool, facts: &Facts) {
        self.ran_then = self.runs_now();
        self.halt(at);
        (self.ended, self.over) = (Some((at, fulfilled)), Some(facts.clone()));
    }
}

/// The ticket on the walk through its history.
#[derive(Debug, Default)]
pub struct Walk {
    clocks: Vec<Watched>,
    facts: Facts,
    status: String,
    state: String,
    merged: bool,
    deleted: bool,
    responded: bool,
}

impl Walk {
    /// Through all events of a ticket and all changes of what its statuses mean.
    pub fn through(events: &[Value], times: &Times) -> Self {
        let mut walk = Self { state: "not_started".into(), ..Self::default() };
        let mut meanings = times.meanings.iter().peekable();
        for event in events {
            let at = time(&event["occurred_at"]).unwrap();
            while let Some((since, status, state)) = meanings.next_if(|(since, ..)| *since <= at) {
                walk.reinterpret(*since, status, state);
            }
            walk.take(at, event, times);
        }
        for (since, status, state) in meanings {
            walk.reinterpret(*since, status, state);
        }
        walk
    }

    fn open(&mut self) -> impl Iterator<Item = &mut Watched> {
        self.clocks.iter_mut().filter(|clock| clock.over.is_none())
    }

    fn reinterpret(&mut self, since: DateTime<Utc>, status: &str, state: &str) {
        if self.status == status && self.open().next().is_some() {
            state.clone_into(&mut self.state);
            self.follow(since);
        }
    }

    fn take(&mut self, at: DateTime<Utc>, event: &Value, times: &Times) {
        let to = |field: &str| event["changes"].get(field).map(|change| change["to"].clone());
        if let Some(status) = to("status") {
            self.status = status.as_str().unwrap().to_owned();
            self.state = times.meaning(&self.status, at).to_owned();
        }
        if let Some(priority) = to("priority") {
            self.facts.priority = priority.as_str().unwrap().to_owned();
        }
        if let Some(deadline) = to("deadline") {
            self.facts.deadline = time(&deadline);
        }
        self.merged = to("merged_into").map_or(self.merged, |target| !target.is_null());
        self.deleted = to("deleted_at").map_or(self.deleted, |time| !time.is_null());
        let said = event["data"]["note_visibility"] == "public" && event["origin"] != "timer";
        let by_customer = event["actor"]["role"] == "contact";
        if said && !by_customer {
            self.responded = true;
            let facts = self.facts.clone();
            for clock in self.open().filter(|clock| clock.metric != "resolution") {
                clock.end(at, true, &facts);
            }
        }
        self.follow(at);
        let waits = self.open().any(|clock| clock.metric != "resolution");
        if said && by_customer && !waits && self.expects() {
            self.start("next_response", at);
        }
    }

    /// Something is expected of the desk or of the customer.
    fn expects(&self) -> bool {
        !self.merged && !self.deleted && ["running", "paused"].contains(&&*self.state)
    }

    fn follow(&mut self, at: DateTime<Utc>) {
        let (state, facts) = (self.state.clone(), self.facts.clone());
        let halted = self.merged || self.deleted;
        for clock in self.open() {
            let ran = clock.runs_now();
            if halted {
                clock.halt(at);
                clock.ended.get_or_insert((at, false));
            } else if state == "stopped" {
                clock.end(at, clock.metric == "resolution", &facts);
            } else {
                clock.ended = None;
                match (state.as_str(), ran) {
                    ("running", false) => clock.runs.push((at, None)),
                    ("running", true) => {}
                    _ => clock.halt(at),
                }
            }
        }
        if !self.expects() {
            return;
        }
        if !self.open().any(|clock| clock.metric == "resolution") {
            self.start("resolution", at);
        }
        let first = self.clocks.iter().any(|clock| clock.metric == "first_response");
        if !first && !self.responded {
            self.start("first_response", at);
        }
    }

    fn start(&mut self, metric: &'static str, at: DateTime<Utc>) {
        let cycle = self.clocks.iter().filter(|clock| clock.metric == metric).count() + 1;
        let runs = if self.state == "running" { vec![(at, None)] } else { Vec::new() };
        let (ended, over, ran_then) = (None, None, false);
        self.clocks.push(Watched { metric, cycle, started: at, runs, ended, over, ran_then });
    }

    /// What is to be said of the clocks then.
    pub fn said(&self, times: &Times, now: DateTime<Utc>) -> Vec<Value> {
        self.clocks.iter().map(|clock| self.figures(clock, times, now)).collect()
    }

    fn figures(&self, clock: &Watched, times: &Times, now: DateTime<Utc>) -> Value {
        let facts = clock.over.as_ref().unwrap_or(&self.facts);
        let measured_at = clock.over.as_ref().and(clock.ended).map_or(now, |(at, _)| at);
        let book = times.book(measured_at);
        let policy = book.iter().find(|policy| {
            policy.priorities.is_empty() || policy.priorities.contains(&&*facts.priority)
        });
        let policy = policy.unwrap();
        let (minutes, business) = policy.targets[clock.metric];
        let counts = |at| !business || policy.hours.count(at);
        let elapsed =
            clock.runs.iter().map(|(from, until)| counted(*from, until.unwrap_or(now), &counts));
        let elapsed: TimeDelta = elapsed.sum();
        let deadline = facts.deadline.filter(|_| clock.metric == "resolution");
        let due = match deadline {
            Some(deadline) => match clock.ended {
                Some((ended, false)) if deadline >= ended => None,
                _ => Some(deadline),
            },
            None => due(clock, TimeDelta::minutes(minutes), now, &counts),
        };
        let missed = due.is_some_and(|due| due < clock.ended.map_or(now, |(at, _)| at));
        let remaining = (TimeDelta::minutes(minutes) - elapsed).num_seconds();
        let remaining = deadline.is_none().then_some(remaining);
        json!({
            "metric": clock.metric, "cycle": clock.cycle, "started_at": clock.started,
            "ended_at": clock.ended.map(|(at, _)| at), "elapsed_seconds": elapsed.num_seconds(),
            "remaining_seconds": remaining, "due_at": due, "breached": missed,
        })
    }
}

/// The steps that count between two instants; the last one may be a part of one.
fn counted(
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    counts: &impl Fn(DateTime<Utc>) -> bool,
) -> TimeDelta {
    let (mut at, mut sum) = (from, TimeDelta::zero());
    while at < until {
        if counts(at) {
            sum += STEP.min(until - at);
        }
        at += STEP;
    }
    sum
}

/// The earliest instant at which so much has counted, as if a clock that runs, or ran to its end, went on.
fn due(
    clock: &Watched,
    needed: TimeDelta,
    now: DateTime<Utc>,
    counts: &impl Fn(DateTime<Utc>) -> bool,
) -> Option<DateTime<Utc>> {
    let went_on = clock.runs_now() || clock.ran_then && clock.ended.is_some_and(|(_, done)| done);
    let last = clock.runs.len().saturating_sub(1);
    let mut left = needed;
    for (place, (from, until)) in clock.runs.iter().enumerate() {
        let goes_on = place == last && went_on;
        let until = if goes_on { now + AHEAD } else { until.unwrap_or(now) };
        if left.is_zero() {
            return Some(*from);
        }
        let mut at = *from;
        while at < until {
            if counts(at) {
                left -= STEP;
                // At the very moment of a pause it is not too late.
                if left.is_zero() && (goes_on || at + STEP < until) {
                    return Some(at + STEP);
                }
            }
            at += STEP;
        }
    }
    None
}

pub fn time(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str().map(|text| text.parse().unwrap())
}

/// Whether an answer of the service says the same; what is due beyond the walk is not seen by it.
pub fn same(said: &Value, clock: &Value, now: DateTime<Utc>) -> bool {
    let far = time(&clock["due_at"]).is_some_and(|due| due >= now + AHEAD);
    ["metric", "cycle", "elapsed_seconds", "breached"]
        .iter()
        .all(|field| said[field] == clock[field])
        && ["started_at", "ended_at"].iter().all(|field| time(&said[field]) == time(&clock[field]))
        && (said["remaining_seconds"].is_null()
            || said["remaining_seconds"] == clock["remaining_seconds"])
        && (far && said["due_at"].is_null() || time(&said["due_at"]) == time(&clock["due_at"]))
}
