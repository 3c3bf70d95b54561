//! Whatever happened, each report says what somebody would count who reads the whole log.
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use serde_json::Value;

use super::expected::{Expected, Row, expected};
use super::past::{pasts, time};
use super::world::World;

/// Histories that are played when `HISTORIES` says nothing; the long run plays thousands.
const HISTORIES: u64 = 24;
/// A desk is used for so many of them.
const ON_ONE_DESK: u64 = 12;
/// After so many the reports are held to the log.
const BETWEEN: u64 = 4;
const STEPS: usize = 12;

const FILTERS: [&str; 8] = [
    "",
    "",
    "priority=high",
    "category=active",
    "category=closed",
    "assignee=none",
    "reopened=true",
    "deleted=true",
];
const ZONES: [&str; 4] = ["UTC", "Europe/Vienna", "America/New_York", "Asia/Kathmandu"];
const GROUPS: [&str; 5] = ["department", "agent", "account", "product", "component"];

const REPORTS: [&str; 9] = [
    "volume",
    "backlog",
    "response-times",
    "resolution-times",
    "sla",
    "reopens",
    "csat",
    "time",
    "agent-load",
];

/// What happens in some histories already; otherwise this would hold nothing to anything.
const USUAL: &[&str] = &[
    "volume/opened",
    "volume/reopened",
    "volume/closed",
    "backlog/open",
    "response-times/count",
    "resolution-times/count",
    "sla/first_response/breached",
    "sla/resolution/breached",
    "reopens/closed",
    "csat/asked",
    "time/charged_minutes",
    "agent-load/open",
    "agent-load/assigned",
    "agent-load/closed",
];
/// What happens in many.
const RARE: &[&str] = &[
    "volume/merged",
    "sla/first_response/fulfilled",
    "sla/first_response/stopped",
    "sla/resolution/fulfilled",
    "sla/resolution/stopped",
    "sla/next_response/fulfilled",
    "sla/next_response/breached",
    "reopens/reopened",
    "csat/rated_1",
    "csat/rated_5",
    "time/not_charged_minutes",
];

#[actix_web::test]
async fn whatever_happened_every_report_says_what_the_log_says() {
    let number = |name: &str| Some(std::env::var(name).ok()?.parse::<u64>().unwrap());
    let histories = number("HISTORIES").unwrap_or(HISTORIES);
    let seed = number("SEED").unwrap_or_else(rand::random);
    println!("SEED={seed} HISTORIES={histories}");
    let mut seen = BTreeMap::new();
    for desk in 0..histories.div_ceil(ON_ONE_DESK) {
        let run = format!("SEED={seed}, desk {desk}");
        let mut world = World::new(seed.wrapping_add(desk)).await;
        for history in 1..=ON_ONE_DESK.min(histories - desk * ON_ONE_DESK) {
            world.play(STEPS).await;
            if history % BETWEEN == 0 {
                world.follow().await;
                let question = Question::at_random(&mut world);
                check(&world, &question, &run).await;
                let whole = check(&world, &Question::everything(&world), &run).await;
                whole.iter().for_each(|(report, total)| add(&mut seen, report, total));
            }
        }
    }
    let often = if histories < 200 { USUAL } else { &[USUAL, RARE].concat() };
    for figure in often {
        assert!(seen[*figure] > 0.0, "SEED={seed}: this never happened: {figure}");
    }
}

/// Adds every figure to its sum.
fn add(seen: &mut BTreeMap<String, f64>, name: &str, figures: &Value) {
    for (field, figure) in figures.as_object().unwrap() {
        let name = format!("{name}/{field}");
        match figure {
            Value::Object(_) => add(seen, &name, figure),
            number => *seen.entry(name).or_default() += number.as_f64().unwrap_or(0.0),
        }
    }
}

/// What is asked of every report.
struct Question {
    filter: &'static str,
    zone: &'static str,
    period: [DateTime<Utc>; 2],
    bucket: &'static str,
    group_by: Option<&'static str>,
}

impl Question {
    fn at_random(world: &mut World) -> Self {
        let rng = &mut world.rng;
        let from = world.time - TimeDelta::hours(rng.random_range(24..700));
        let to = world.time + TimeDelta::hours(rng.random_range(-12..12));
        let group_by = rng.random_bool(0.6).then(|| *GROUPS.choose(rng).unwrap());
        let bucket = *["hour", "day", "week", "month"].choose(rng).unwrap();
        let bucket = if group_by.is_some() && bucket == "hour" { "day" } else { bucket };
        let (filter, zone) = (*FILTERS.choose(rng).unwrap(), *ZONES.choose(rng).unwrap());
        Self { filter, zone, period: [from, to], bucket, group_by }
    }

    fn everything(world: &World) -> Self {
        let period = [world.time - TimeDelta::days(200), world.time + TimeDelta::hours(1)];
        Self { filter: "", zone: "UTC", period, bucket: "month", group_by: None }
    }

    fn query(&self, report: &str) -> String {
        let [from, to] = self.period.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        let bucket =
            if report == "agent-load" && self.bucket == "hour" { "day" } else { self.bucket };
        let group_by = match self.group_by {
            Some(group) if report != "agent-load" => format!("&group_by={group}"),
            _ => String::new(),
        };
        let (zone, filter) = (self.zone, self.filter);
        format!("from={from}&to={to}&time_zone={zone}&bucket={bucket}&{filter}{group_by}")
    }
}

/// Holds every report to the log; returns their totals.
async fn check(world: &World, question: &Question, run: &str) -> Vec<(&'static str, Value)> {
    let pasts = pasts(world, question.filter).await;
    let mut totals = Vec::new();
    for report in REPORTS {
        let group_by = if report == "agent-load" { Some("agent") } else { question.group_by };
        let (zone, asked) = (question.zone, question.query(report));
        let expected = expected(world, report, &pasts, group_by, zone, question.period).await;
        let said = world.desk.get(&format!("/v1/reports/{report}?{asked}")).await.expect(200);
        compare(&said, &expected, group_by.is_some(), &format!("{run}: {report}?{asked}"));
        totals.push((report, said["total"].clone()));
    }
    totals
}

fn compare(said: &Value, expected: &Expected<'_>, grouped: bool, asked: &str) {
    let (from, to) = (time(&said["from"]).unwrap(), time(&said["to"]).unwrap());
    let within = |from, to, key: Option<&str>| -> Vec<&Row> {
        let rows = expected.rows.iter().filter(|row| from <= row.at && row.at < to);
        rows.filter(|row| key.is_none_or(|key| key == row.key)).collect()
    };
    let series = |said: &Value, key: Option<&str>| {
        let whole = (expected.whole)(&within(from, to, key), key);
        assert_eq!(said["total"], whole, "{asked}, group {key:?}");
        for bucket in said["buckets"].as_array().unwrap() {
            let span = [time(&bucket["from"]).unwrap(), time(&bucket["to"]).unwrap()];
            let part = (expected.part)(&within(span[0], span[1], key), span, key);
            assert_eq!(bucket["figures"], part, "{asked}, group {key:?}, {span:?}");
        }
    };
    series(said, None);
    let groups: BTreeMap<String, &Value> = said["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (group["id"].as_str().unwrap_or_default().to_owned(), group))
        .collect();
    let mut keys = BTreeSet::new();
    if grouped {
        keys.extend(within(from, to, None).into_iter().map(|row| row.key.clone()));
        keys.extend(expected.more_keys.iter().cloned());
    }
    assert_eq!(groups.keys().cloned().collect::<BTreeSet<_>>(), keys, "{asked}");
    groups.iter().for_each(|(key, group)| series(group, Some(key)));
}
