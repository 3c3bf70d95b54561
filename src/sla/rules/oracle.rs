//! Random histories of tickets, measured twice: by the ledger and its arithmetic, and by an obvious recomputation that walks through
//! the history in steps of ten minutes and looks at the clock on the wall in each.
use std::collections::HashSet;

use chrono::{DateTime, Datelike as _, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::kernel::{CalendarId, Priority, SlaPolicyId};
use crate::people::{ClockTime, Day, WorkingHours};
use crate::workflow::SlaState;

const STEP: i64 = 10;
/// Steps of a history, and how much farther it is looked for what is due.
const LENGTH: i64 = 6 * 144;
const AHEAD: i64 = 21 * 144;

/// What is done to the ticket in a step.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    Move(SlaState),
    /// Its status comes to mean something else.
    Mean(SlaState),
    Desk,
    Customer,
    DeskMoves(SlaState),
    CustomerMoves(SlaState),
    Merge,
    Delete,
    Prioritize(Priority),
    Deadline(Option<i64>),
}

fn begin() -> DateTime<Utc> {
    // Vienna and New York put their clocks back within the days that follow.
    "2026-10-22T05:00:00Z".parse().unwrap()
}

fn at(step: i64) -> DateTime<Utc> {
    begin() + TimeDelta::minutes(STEP * step)
}

fn any_state() -> impl Strategy<Value = SlaState> {
    prop::sample::select(vec![
        SlaState::Running,
        SlaState::Paused,
        SlaState::Running,
        SlaState::Stopped,
    ])
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => any_state().prop_map(Act::Move),
        1 => any_state().prop_map(Act::Mean),
        2 => Just(Act::Desk),
        2 => Just(Act::Customer),
        2 => any_state().prop_map(Act::DeskMoves),
        2 => any_state().prop_map(Act::CustomerMoves),
        1 => Just(Act::Merge),
        1 => Just(Act::Delete),
        1 => prop::sample::select(vec![Priority::Low, Priority::High]).prop_map(Act::Prioritize),
        1 => prop::option::of(0..LENGTH + AHEAD).prop_map(Act::Deadline),
    ]
}

prop_compose! {
    /// Windows that start and end with a step.
    fn any_hours()(
        zone in prop::sample::select(vec![Tz::UTC, Tz::Europe__Vienna, Tz::America__New_York]),
        windows in prop::collection::vec((0_usize..7, 0_u32..130, 6_u32..80), 1..9),
        holiday in 0_i64..10,
    ) -> BusinessHours {
        let mut taken = HashSet::new();
        let clock = |steps: u32| {
            ClockTime::try_from(format!("{:02}:{:02}", steps / 6, steps % 6 * 10)).unwrap()
        };
        let week = windows.into_iter().filter(|(day, ..)| taken.insert(*day));
        let week = week.map(|(day, from, length)| WorkingHours {
            day: Day::ALL[day], from: clock(from), to: clock((from + length).min(144)) });
        let date = (begin() + TimeDelta::days(holiday)).date_naive();
        BusinessHours { time_zone: zone, week: week.collect(), exceptions: [(date, Vec::new())].into() }
    }
}

prop_compose! {
    fn any_targets()(
        steps in prop::array::uniform3(1_i64..120), time in prop::array::uniform3(prop::bool::weighted(0.8)),
    ) -> Vec<Target> {
        let target = |metric: usize| Target {
            metric: Metric::ALL[metric],
            within: Length::try_from(format!("PT{}M", steps[metric] * STEP)).unwrap(),
            time: if time[metric] { TimeKind::Business } else { TimeKind::Calendar },
            warn_before: None,
        };
        (0..3).map(target).collect()
    }
}

/// A policy, with the calendar by which it measures.
type Policy = (Vec<Target>, BusinessHours);

/// Low tickets have the first policy, high ones the second.
fn place(priority: Priority) -> usize {
    usize::from(priority == Priority::High)
}

fn basis(place: usize) -> Basis {
    Basis {
        policy_id: SlaPolicyId::EXAMPLE,
        policy_version: i32::try_from(place).unwrap(),
        calendar_id: CalendarId::EXAMPLE,
        calendar_version: 1,
    }
}

/// Keeps what can happen: to what is merged or deleted, only that this is undone. Each act comes with the state behind it.
fn history(acts: &[(i64, Act)]) -> Vec<(i64, Act, SlaState, bool, bool)> {
    let (mut state, mut merged, mut deleted) = (SlaState::Running, false, false);
    let mut kept = vec![(0, Act::Move(SlaState::Running), state, merged, deleted)];
    let mut before = SlaState::Running;
    for (step, act) in acts {
        match act {
            Act::Merge if !deleted => {
                merged = !merged;
                // A merge closes, and undoing it opens again.
                if merged {
                    before = state;
                    state = SlaState::Stopped
                } else {
                    state = before
                }
            }
            Act::Delete if !merged => deleted = !deleted,
            _ if merged || deleted => continue,
            // Clocks that have ended stay ended.
            Act::Mean(_) if state == SlaState::Stopped => continue,
            Act::Move(to) | Act::Mean(to) | Act::DeskMoves(to) | Act::CustomerMoves(to) => {
                state = *to
            }
            _ => {}
        }
        kept.push((*step, *act, state, merged, deleted));
    }
    kept
}

/// What is to be said of a clock.
#[derive(Debug, PartialEq)]
struct Said {
    metric: Metric,
    cycle: i32,
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    elapsed: TimeDelta,
    due_at: Option<DateTime<Utc>>,
    breached_at: Option<DateTime<Utc>>,
}

fn by_the_ledger(acts: &[(i64, Act)], policies: &[Policy; 2], now: i64) -> Vec<Said> {
    let mut ledger = Ledger::default();
    for (number, (step, act, state, merged, deleted)) in history(acts).into_iter().enumerate() {
        let mut changes = Map::new();
        let mut set =
            |field: &str, to: Value| _ = changes.insert(field.into(), json!({ "to": to }));
        set("status", json!(state.as_str()));
        match act {
            Act::Merge => set("merged_into", if merged { json!("another") } else { Value::Null }),
            Act::Delete => set("deleted_at", if deleted { json!(at(step)) } else { Value::Null }),
            Act::Prioritize(priority) => set("priority", json!(priority)),
            Act::Deadline(deadline) => set("deadline", json!(deadline.map(at))),
            _ if number == 0 => set("priority", json!(Priority::Low)),
            _ => {}
        }
        let reply = match act {
            Act::Desk | Act::DeskMoves(_) => Some(Side::Desk),
            Act::Customer | Act::CustomerMoves(_) => Some(Side::Customer),
            _ => None,
        };
        let what = Occurrence { at: at(step), changes: &changes, reply };
        let policy = |facts: &Facts| facts.priority.map(|priority| basis(place(priority)));
        if matches!(act, Act::Mean(_)) {
            let basis = policy(&ledger.facts);
            ledger.reinterpret(state, at(step), basis);
            continue;
        }
        ledger.record(&what, |status| SlaState::parse(status).unwrap(), policy);
    }
    let clocks = ledger.clocks().into_iter().map(|clock| {
        let (targets, hours) = &policies[clock.basis.unwrap().policy_version as usize];
        let target = targets.iter().find(|target| target.metric == clock.metric).unwrap();
        let figures = clock.figures(Some(&Yardstick { target, hours }), at(now));
        Said {
            metric: clock.metric,
            cycle: clock.cycle,
            started_at: clock.started_at,
            ended_at: clock.ended_at,
            elapsed: figures.elapsed,
            due_at: figures.due_at,
            breached_at: figures.breached_at,
        }
    });
    clocks.collect()
}

/// A clock in the obvious recomputation.
struct Watched {
    metric: Metric,
    cycle: i32,
    started: i64,
    /// `Some` with whether it was fulfilled.
    ended: Option<(i64, bool)>,
    over: bool,
    /// It ran at the very moment at which it ended.
    ran_then: bool,
    /// The steps in which it ran.
    ran: Vec<i64>,
    priority: Priority,
    deadline: Option<i64>,
}

/// The ticket and its clocks on the walk.
struct Walk {
    clocks: Vec<Watched>,
    priority: Priority,
    deadline: Option<i64>,
    responded: bool,
    runs: bool,
}

impl Walk {
    fn open(&mut self) -> impl Iterator<Item = &mut Watched> {
        self.clocks.iter_mut().filter(|clock| !clock.over)
    }

    fn is_open(&mut self, metric: Metric) -> bool {
        self.open().any(|clock| clock.metric == metric)
    }

    fn start(&mut self, metric: Metric, started: i64) {
        let before = self.clocks.iter().filter(|clock| clock.metric == metric).count();
        let (cycle, priority, deadline) = (before as i32 + 1, self.priority, self.deadline);
        self.clocks.push(Watched {
            metric,
            cycle,
            started,
            ended: None,
            over: false,
            ran_then: false,
            ran: Vec::new(),
            priority,
            deadline,
        });
    }

    fn act(&mut self, step: i64, act: Act, state: SlaState, halted: bool) {
        match act {
            Act::Prioritize(to) => self.priority = to,
            Act::Deadline(to) => self.deadline = to,
            _ => {}
        }
        let (priority, deadline, runs) = (self.priority, self.deadline, self.runs);
        self.open().for_each(|clock| clock.ran_then = runs);
        self.open().for_each(|clock| (clock.priority, clock.deadline) = (priority, deadline));
        if matches!(act, Act::Desk | Act::DeskMoves(_)) {
            self.responded = true;
            for clock in self.open().filter(|clock| clock.metric != Metric::Resolution) {
                (clock.over, clock.ended) = (true, Some((step, true)));
            }
        }
        let closed = state == SlaState::Stopped;
        for clock in self.open() {
            match (halted, closed) {
                (true, _) => _ = clock.ended.get_or_insert((step, false)),
                (false, true) => {
                    clock.over = true;
                    clock.ended = Some((step, clock.metric == Metric::Resolution));
                }
                (false, false) => clock.ended = None,
            }
        }
        self.runs = !halted && state == SlaState::Running;
        if halted || closed {
            return;
        }
        if !self.is_open(Metric::Resolution) {
            self.start(Metric::Resolution, step);
        }
        let first = self.clocks.iter().any(|clock| clock.metric == Metric::FirstResponse);
        if !first && !self.responded {
            self.start(Metric::FirstResponse, step);
        }
        let asks = matches!(act, Act::Customer | Act::CustomerMoves(_));
        let waits = self.is_open(Metric::FirstResponse) || self.is_open(Metric::NextResponse);
        if asks && !waits {
            self.start(Metric::NextResponse, step);
        }
    }
}

/// Walks through the history step by step.
fn by_walking(acts: &[(i64, Act)], policies: &[Policy; 2], now: i64) -> Vec<Said> {
    let acts = history(acts);
    let (clocks, priority) = (Vec::new(), Priority::Low);
    let mut walk = Walk { clocks, priority, deadline: None, responded: false, runs: false };
    for step in 0..=now {
        for (_, act, state, merged, deleted) in acts.iter().filter(|act| act.0 == step) {
            walk.act(step, *act, *state, *merged || *deleted);
        }
        if walk.runs && step < now {
            walk.open().for_each(|clock| clock.ran.push(step));
        }
    }
    let Walk { clocks, runs, .. } = walk;
    clocks.iter().map(|clock| said(clock, &policies[place(clock.priority)], now, runs)).collect()
}

/// Counts the steps that the clock on the wall counts.
fn said(clock: &Watched, (targets, hours): &Policy, now: i64, runs_at_the_end: bool) -> Said {
    let target = targets.iter().find(|target| target.metric == clock.metric).unwrap();
    let counts = |step: i64| {
        let local = at(step).with_timezone(&hours.time_zone);
        let clock = format!("{:02}:{:02}", local.hour(), local.minute());
        let shown = ClockTime::try_from(clock).unwrap();
        let day = Day::ALL[local.weekday().num_days_from_monday() as usize];
        let on_holiday = hours.exceptions.contains_key(&local.date_naive());
        target.time == TimeKind::Calendar
            || !on_holiday
                && hours.week.iter().any(|w| w.day == day && w.from <= shown && shown < w.to)
    };
    let elapsed = clock.ran.iter().filter(|step| counts(**step)).count() as i64;
    // As if it went on: it tells what is, or was, due.
    let mut ran = clock.ran.clone();
    let (ended, fulfilled) = clock.ended.unwrap_or((now, true));
    let went_on = match clock.ended {
        Some(_) => fulfilled && clock.ran_then,
        None => runs_at_the_end,
    };
    if went_on {
        ran.extend(ended..now + AHEAD);
    }
    let needed = target.within.time().num_minutes() / STEP;
    let (mut counted, mut due) = (0, None);
    for step in ran {
        if counted == needed {
            due = Some(step);
            break;
        }
        counted += i64::from(counts(step));
    }
    // The earliest instant: right behind the last step that counted, unless it was paused then.
    if let Some(late) = due {
        let last = clock.ran.iter().copied().chain(if went_on { ended..now + AHEAD } else { 0..0 });
        let last = last.filter(|step| *step < late && counts(*step)).max();
        let behind = last.map_or(clock.started, |step| step + 1);
        let ran_then = clock.ran.contains(&behind) || went_on && behind >= ended;
        due = Some(if ran_then { behind } else { late });
    }
    let due = match (clock.deadline.filter(|_| clock.metric == Metric::Resolution), clock.ended) {
        (Some(deadline), Some((ended, false))) if deadline >= ended => None,
        (Some(deadline), _) => Some(deadline),
        (None, _) => due,
    };
    Said {
        metric: clock.metric,
        cycle: clock.cycle,
        started_at: at(clock.started),
        ended_at: clock.ended.map(|(step, _)| at(step)),
        elapsed: TimeDelta::minutes(elapsed * STEP),
        due_at: due.map(at),
        breached_at: due.filter(|due| *due < clock.ended.map_or(now, |(step, _)| step)).map(at),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn clocks_say_what_a_walk_through_the_history_says(
        acts in prop::collection::vec((1..LENGTH, any_act()), 0..14),
        targets in prop::array::uniform2(any_targets()), hours in prop::array::uniform2(any_hours()),
    ) {
        let mut acts = acts;
        acts.sort_by_key(|act| act.0);
        let [first, second] = targets;
        let [here, there] = hours;
        let policies = [(first, here), (second, there)];
        let (ledger, walked) = (by_the_ledger(&acts, &policies, LENGTH), by_walking(&acts, &policies, LENGTH));
        prop_assert_eq!(ledger.len(), walked.len());
        for (ours, theirs) in ledger.iter().zip(&walked) {
            // What is due beyond the walk is not seen by it.
            let seen = ours.due_at.is_none_or(|due| due < at(LENGTH + AHEAD));
            let ours = Said { due_at: ours.due_at.filter(|_| seen), ..*ours };
            prop_assert_eq!(&ours, theirs);
        }
    }
}
