//! What each report must say of the pasts of tickets.
use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::past::{Past, Stay, rows, time};
use super::world::World;

/// Something that a report counts.
pub struct Row {
    pub at: DateTime<Utc>,
    /// The group that it is in.
    pub key: String,
    pub what: Value,
}

/// The figures of a whole, of which the group is told.
type Whole<'a> = Box<dyn Fn(&[&Row], Option<&str>) -> Value + 'a>;
/// The figures of a bucket, of which the group is told.
type Part<'a> = Box<dyn Fn(&[&Row], [DateTime<Utc>; 2], Option<&str>) -> Value + 'a>;

/// How the figures of rows come about.
pub struct Expected<'a> {
    pub rows: Vec<Row>,
    /// Groups that have no row.
    pub more_keys: BTreeSet<String>,
    pub whole: Whole<'a>,
    pub part: Part<'a>,
}

/// The group of a ticket: what it is now.
fn key(ticket: &Value, group_by: Option<&str>) -> String {
    let field = match group_by {
        None => return String::new(),
        Some("agent") => "assignee_id".to_owned(),
        Some(group) => format!("{group}_id"),
    };
    ticket[&field].as_str().unwrap_or_default().to_owned()
}

fn is_open(ticket: &Value) -> bool {
    ["new", "open", "pending", "on_hold"].contains(&ticket["status"]["category"].as_str().unwrap())
}

/// A report that says the same of the whole as of its parts.
fn alike<'a>(rows: Vec<Row>, figures: impl Fn(&[&Row]) -> Value + Clone + 'a) -> Expected<'a> {
    let part = figures.clone();
    Expected {
        rows,
        more_keys: BTreeSet::new(),
        whole: Box::new(move |rows, _| figures(rows)),
        part: Box::new(move |rows, _, _| part(rows)),
    }
}

fn count(rows: &[&Row], what: &str) -> usize {
    rows.iter().filter(|row| row.what == what).count()
}

fn rate(part: usize, whole: usize) -> Value {
    if whole == 0 {
        return Value::Null;
    }
    // As it is read from an answer: the last digit of what is read can differ from what was written.
    serde_json::from_str(&json!(part as f64 / whole as f64).to_string()).unwrap()
}

/// The value that at least this part of all does not exceed.
fn percentile(rows: &[&Row], place: usize, percent: usize) -> Value {
    let mut values: Vec<i64> = rows.iter().map(|row| row.what[place].as_i64().unwrap()).collect();
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).map_or(Value::Null, |value| json!(value))
}

fn times(rows: &[&Row]) -> Value {
    json!({
        "count": rows.len(),
        "median_seconds": percentile(rows, 0, 50), "p90_seconds": percentile(rows, 0, 90),
        "median_business_seconds": percentile(rows, 1, 50), "p90_business_seconds": percentile(rows, 1, 90),
    })
}

pub async fn expected<'a>(
    world: &World,
    report: &str,
    pasts: &'a [Past],
    group_by: Option<&'a str>,
    zone: &str,
    period: [DateTime<Utc>; 2],
) -> Expected<'a> {
    let of = |past: &Past| key(&past.now, group_by);
    let closings = |what: fn(&Past, usize) -> Value| -> Vec<Row> {
        let each = pasts.iter().flat_map(|past| (0..past.stays.len()).map(move |n| (past, n)));
        each.filter(|(past, n)| !past.stays[*n].merged)
            .filter_map(|(past, n)| {
                let at = past.stays[n].until?;
                Some(Row { at, key: of(past), what: what(past, n) })
            })
            .collect()
    };
    match report {
        "volume" => volume(pasts, group_by),
        "backlog" => backlog(pasts, group_by, period),
        "response-times" => {
            let replied = pasts.iter().filter_map(|past| Some((past, past.responded?)));
            let row = |(past, (at, took)): (&Past, (_, (i64, i64)))| Row {
                at,
                key: of(past),
                what: json!([took.0, took.1]),
            };
            alike(replied.map(row).collect(), times)
        }
        "resolution-times" => {
            alike(closings(|past, n| json!([past.stays[n].took.0, past.stays[n].took.1])), times)
        }
        "reopens" => alike(closings(|past, n| json!(n + 1 < past.stays.len())), |rows| {
            let again = rows.iter().filter(|row| row.what == true).count();
            json!({"closed": rows.len(), "reopened": again, "rate": rate(again, rows.len())})
        }),
        "sla" => sla(pasts, group_by),
        "csat" => csat(rows(world, "surveys").await, pasts, group_by),
        "time" => worked(rows(world, "time_entries").await, pasts, group_by, zone),
        _ => load(pasts),
    }
}

fn volume<'a>(pasts: &[Past], group_by: Option<&str>) -> Expected<'a> {
    let mut rows = Vec::new();
    for past in pasts {
        for (place, stay) in past.stays.iter().enumerate() {
            let mut row = |at, what: &str| {
                rows.push(Row { at, key: key(&past.now, group_by), what: json!(what) })
            };
            row(stay.from, if place == 0 { "opened" } else { "reopened" });
            if let Some(until) = stay.until {
                row(until, if stay.merged { "merged" } else { "closed" });
            }
        }
    }
    alike(rows, |rows| {
        let of = |what| count(rows, what);
        json!({"opened": of("opened"), "reopened": of("reopened"), "closed": of("closed"), "merged": of("merged")})
    })
}

/// No row, but tickets that are asked at every end whether they were open.
fn backlog<'a>(
    pasts: &'a [Past],
    group_by: Option<&'a str>,
    [from, to]: [DateTime<Utc>; 2],
) -> Expected<'a> {
    let of = move |key_of: Option<&str>| -> Vec<&'a Past> {
        pasts
            .iter()
            .filter(|past| key_of.is_none_or(|own| own == key(&past.now, group_by)))
            .collect()
    };
    let whole = move |_: &[&Row], key: Option<&str>| {
        let open = of(key).into_iter().filter(|past| is_open(&past.now));
        let ages: Vec<i64> = open
            .map(|past| (Utc::now() - time(&past.now["submitted_at"]).unwrap()).num_days())
            .collect();
        let aged = |from, to| ages.iter().filter(|age| (from..to).contains(*age)).count();
        json!({
            "open": ages.len(), "under_1_day": aged(0, 1), "under_3_days": aged(1, 3), "under_7_days": aged(3, 7),
            "under_30_days": aged(7, 30), "under_90_days": aged(30, 90), "older": aged(90, i64::MAX),
        })
    };
    let part = move |_: &[&Row], [_, end]: [DateTime<Utc>; 2], key: Option<&str>| {
        let was_open = |past: &&Past| {
            past.stays
                .iter()
                .any(|stay| stay.from < end && stay.until.is_none_or(|until| until >= end))
        };
        json!({"open": of(key).iter().filter(|past| was_open(past)).count()})
    };
    let told = |past: &&Past| {
        let overlaps = |stay: &Stay| stay.from < to && stay.until.is_none_or(|until| until >= from);
        is_open(&past.now) || past.stays.iter().any(overlaps)
    };
    let more_keys = pasts.iter().filter(told).map(|past| key(&past.now, group_by)).collect();
    Expected { rows: Vec::new(), more_keys, whole: Box::new(whole), part: Box::new(part) }
}

fn sla<'a>(pasts: &[Past], group_by: Option<&str>) -> Expected<'a> {
    let mut rows = Vec::new();
    for past in pasts {
        let promised =
            |clock: &&Value| clock["target"].is_object() || clock["deadline"].is_string();
        for clock in past.clocks.iter().filter(promised) {
            let outcome = match clock["state"].as_str().unwrap() {
                _ if clock["breached"] == true => "breached",
                "fulfilled" => "fulfilled",
                "stopped" => "stopped",
                _ => "running",
            };
            let what = json!([clock["metric"], outcome]);
            let at = time(&clock["started_at"]).unwrap();
            rows.push(Row { at, key: key(&past.now, group_by), what });
        }
    }
    alike(rows, |rows| {
        let kept = |metric: &str| {
            let of = |outcome: &str| {
                rows.iter().filter(|row| row.what == json!([metric, outcome])).count()
            };
            let (fulfilled, breached) = (of("fulfilled"), of("breached"));
            json!({
                "fulfilled": fulfilled, "breached": breached, "running": of("running"), "stopped": of("stopped"),
                "attainment": rate(fulfilled, fulfilled + breached),
            })
        };
        json!({"first_response": kept("first_response"), "next_response": kept("next_response"), "resolution": kept("resolution")})
    })
}

/// The rows of what belongs to tickets; by agent, those are in the group of their own agent.
fn of_tickets(
    items: Vec<Value>,
    pasts: &[Past],
    group_by: Option<&str>,
    row: impl Fn(&Value) -> (DateTime<Utc>, Value),
) -> Vec<Row> {
    let found = items.iter().filter_map(|item| {
        let past = pasts.iter().find(|past| past.now["id"] == item["ticket_id"])?;
        let own = item["agent_id"].as_str().unwrap_or_default().to_owned();
        let key = if group_by == Some("agent") { own } else { key(&past.now, group_by) };
        let (at, what) = row(item);
        Some(Row { at, key, what })
    });
    found.collect()
}

fn csat<'a>(surveys: Vec<Value>, pasts: &[Past], group_by: Option<&str>) -> Expected<'a> {
    let asked = |survey: &Value| (time(&survey["asked_at"]).unwrap(), survey["rating"].clone());
    alike(of_tickets(surveys, pasts, group_by, asked), |rows| {
        let ratings: Vec<i64> = rows.iter().filter_map(|row| row.what.as_i64()).collect();
        let of = |rating| ratings.iter().filter(|rated| **rated == rating).count();
        let sum = usize::try_from(ratings.iter().sum::<i64>()).unwrap();
        json!({
            "asked": rows.len(), "answered": ratings.len(), "response_rate": rate(ratings.len(), rows.len()),
            "mean": rate(sum, ratings.len()),
            "rated_1": of(1), "rated_2": of(2), "rated_3": of(3), "rated_4": of(4), "rated_5": of(5),
        })
    })
}

fn worked<'a>(
    entries: Vec<Value>,
    pasts: &[Past],
    group_by: Option<&str>,
    zone: &str,
) -> Expected<'a> {
    let zone: Tz = zone.parse().unwrap();
    let begun = |entry: &Value| {
        let date: NaiveDate = entry["work_date"].as_str().unwrap().parse().unwrap();
        let at = zone.from_local_datetime(&date.and_time(NaiveTime::MIN)).earliest().unwrap();
        (at.to_utc(), json!([entry["minutes"], entry["chargeable"]]))
    };
    alike(of_tickets(entries, pasts, group_by, begun), |rows| {
        let minutes = |charged: bool| {
            let of = rows.iter().filter(|row| row.what[1] == charged);
            of.map(|row| row.what[0].as_i64().unwrap()).sum::<i64>()
        };
        json!({"entries": rows.len(), "charged_minutes": minutes(true), "not_charged_minutes": minutes(false)})
    })
}

fn load(pasts: &[Past]) -> Expected<'_> {
    let mut rows = Vec::new();
    for past in pasts {
        for (at, agent) in &past.assigned {
            rows.push(Row { at: *at, key: agent.clone(), what: json!("assigned") });
        }
        for stay in past.stays.iter().filter(|stay| !stay.merged) {
            let key = stay.agent.clone().unwrap_or_default();
            rows.extend(stay.until.map(|at| Row { at, key, what: json!("closed") }));
        }
    }
    let with = |past: &Past| key(&past.now, Some("agent"));
    let whole = move |rows: &[&Row], own: Option<&str>| {
        let open = pasts.iter().filter(|past| is_open(&past.now));
        let open = open.filter(|past| own.is_none_or(|own| own == with(past))).count();
        json!({"open": open, "assigned": count(rows, "assigned"), "closed": count(rows, "closed")})
    };
    let more = pasts.iter().filter(|past| is_open(&past.now)).map(with).collect();
    let part = |rows: &[&Row], _, _: Option<&str>| json!({"assigned": count(rows, "assigned"), "closed": count(rows, "closed")});
    Expected { rows, more_keys: more, whole: Box::new(whole), part: Box::new(part) }
}
