//! Random histories of tickets that are driven over HTTP while days pass, and policies, calendars and the meanings of statuses change:
//! what the service says of their clocks is what a slow walk through their event logs says.
use std::collections::{BTreeMap, BTreeSet};

use casebridge::kernel::Role;
use casebridge::sla;
use chrono::{DateTime, DurationRound as _, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::oracle::{Book, Hours, Policy, STEP, Times, Walk, same, time};
use crate::support::{Client, TestApp, path};

/// Histories when `HISTORIES` says nothing; the long run plays thousands.
const HISTORIES: u64 = 48;
/// A desk is used for so many of them.
const ON_ONE_DESK: u64 = 24;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const METRICS: [&str; 3] = ["first_response", "next_response", "resolution"];
const PRIORITIES: [&str; 4] = ["low", "normal", "high", "critical"];
const ZONES: [Tz; 3] = [Tz::UTC, Tz::Europe__Vienna, Tz::America__New_York];
const MEANINGS: [&str; 3] = ["running", "paused", "stopped"];

/// What is done, if the desk allows it.
#[derive(Debug, Clone)]
enum Act {
    /// One of the transitions that are possible then.
    Move(usize),
    Automatic,
    Reply,
    Internal,
    Customer,
    Prioritize(usize),
    /// So many steps from then, or none.
    Deadline(Option<i32>),
    Merge,
    Unmerge,
    Delete,
    Restore,
    /// Other targets of one of the policies.
    Promise(usize, [(i64, bool); 3]),
    /// Another week and a holiday of one of the calendars.
    Open(usize, Vec<(u32, u32, u32)>, i64),
    /// The status that the ticket has means something else.
    Mean(usize),
    /// The clocks learn what happened, and tell what is due.
    Learn,
}

fn any_week() -> impl Strategy<Value = Vec<(u32, u32, u32)>> {
    let windows = prop::collection::btree_map(0_u32..7, (0_u32..130, 6_u32..80), 1..7);
    windows.prop_map(|windows| {
        let window = |(day, (from, length)): (u32, (u32, u32))| {
            (day, from * 10, (from + length).min(144) * 10)
        };
        windows.into_iter().map(window).collect()
    })
}

fn any_targets() -> impl Strategy<Value = [(i64, bool); 3]> {
    prop::array::uniform3((1_i64..200, prop::bool::weighted(0.8)))
        .prop_map(|all| all.map(|(steps, business)| (steps * 10, business)))
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0_usize..8).prop_map(Act::Move),
        2 => Just(Act::Automatic),
        3 => Just(Act::Reply),
        1 => Just(Act::Internal),
        4 => Just(Act::Customer),
        1 => (0_usize..4).prop_map(Act::Prioritize),
        1 => prop::option::of(-200_i32..2000).prop_map(Act::Deadline),
        1 => Just(Act::Merge),
        1 => Just(Act::Unmerge),
        1 => Just(Act::Delete),
        1 => Just(Act::Restore),
        1 => (0_usize..2, any_targets()).prop_map(|(place, targets)| Act::Promise(place, targets)),
        1 => (0_usize..2, any_week(), 0_i64..20).prop_map(|(place, week, holiday)| Act::Open(place, week, holiday)),
        1 => (0_usize..3).prop_map(Act::Mean),
        3 => Just(Act::Learn),
    ]
}

/// Acts, each so many steps behind the one before.
fn history() -> impl Strategy<Value = Vec<(i32, Act)>> {
    prop::collection::vec((1_i32..120, any_act()), 3..16)
}

/// A desk with two policies, each with a calendar of its own.
struct World {
    app: TestApp,
    admin: Client,
    contact: Client,
    policies: [String; 2],
    calendars: [String; 2],
    /// What tickets are merged into.
    target: Value,
    book: Book,
    meanings: Vec<(String, String)>,
}

fn targets(minutes: &BTreeMap<&'static str, (i64, bool)>) -> Value {
    let target = |(metric, (minutes, business)): (&&str, &(i64, bool))| json!({"metric": metric, "within": format!("PT{minutes}M"), "time": if *business { "business" } else { "calendar" }});
    minutes.iter().map(target).collect()
}

fn week(windows: &[(u32, u32, u32)]) -> Value {
    let clock = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let window = |(day, from, to): &(u32, u32, u32)| json!({"day": DAYS[*day as usize], "from": clock(*from), "to": clock(*to)});
    windows.iter().map(window).collect()
}

impl World {
    async fn start(number: usize) -> Self {
        let app = TestApp::start().await;
        let admin = app.client(Role::Admin).await;
        // Histories are written into the past.
        app.sql("alter table events disable trigger user").await.unwrap();
        app.sql("update sla_policies set active = false").await.unwrap();
        let hours = |zone| Hours {
            zone,
            week: (0..5).map(|day| (day, 9 * 60, 17 * 60)).collect(),
            holidays: BTreeSet::new(),
        };
        let promised = METRICS.into_iter().zip([(60, true), (120, false), (480, true)]);
        let promised: BTreeMap<_, _> = promised.collect();
        let mut book = Book::new();
        let (mut policies, mut calendars) = (Vec::new(), Vec::new());
        for (place, priorities) in [vec!["high", "critical"], Vec::new()].into_iter().enumerate() {
            let hours = hours(ZONES[(number + place) % 3]);
            let new = json!({"name": format!("Hours {place}"), "time_zone": hours.zone.name(), "week": week(&hours.week)});
            let calendar = admin.post("/v1/calendars", new).await.expect(201)["id"].clone();
            let new = json!({
                "name": format!("Policy {place}"), "rank": place, "calendar_id": calendar,
                "conditions": {"priorities": priorities}, "targets": targets(&promised),
            });
            let policy = admin.post("/v1/sla-policies", new).await.expect(201)["id"].clone();
            policies.push(format!("/v1/sla-policies/{}", policy.as_str().unwrap()));
            calendars.push(format!("/v1/calendars/{}", calendar.as_str().unwrap()));
            book.push(Policy { priorities, targets: promised.clone(), hours });
        }
        let statuses = admin.get("/v1/statuses?limit=100").await.expect(200);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let target = app.open_ticket(json!({})).await;
        let meanings = statuses["items"].as_array().unwrap().iter();
        let meanings = meanings.filter(|status| status["workflow_id"] == target["workflow_id"]);
        let meanings = meanings.map(|status| (text(&status["code"]), text(&status["sla"])));
        let meanings = meanings.collect();
        let contact = app.contact("Purchasing contact").await;
        let (policies, calendars) = (policies.try_into().unwrap(), calendars.try_into().unwrap());
        Self { app, admin, contact, policies, calendars, target, book, meanings }
    }

    /// Fails with what the service says otherwise.
    async fn play(&mut self, history: &[(i32, Act)]) -> Result<(), String> {
        // What statuses mean counts from the beginning.
        let forget = "delete from status_meanings";
        let keep = "insert into status_meanings select workflow_id, code, timestamptz '1970-01-01 00:00:00+00', sla from statuses";
        for sql in [forget, keep] {
            self.app.sql(sql).await.unwrap();
        }
        let steps: i32 = history.iter().map(|(steps, _)| steps).sum();
        let mut now = Utc::now().duration_trunc(STEP).unwrap() - STEP * (steps + 1);
        let mut times =
            Times { books: vec![(DateTime::UNIX_EPOCH, self.book.clone())], meanings: Vec::new() };
        let known = self.meanings.iter().cloned();
        times.meanings =
            known.map(|(status, state)| (DateTime::UNIX_EPOCH, status, state)).collect();
        let ticket = self.app.open_ticket(json!({})).await;
        self.settle(now).await;
        for (steps, act) in history {
            now += STEP * *steps;
            self.act(&ticket, act, now, &mut times).await;
            self.settle(now).await;
        }
        self.compare(&ticket, &times).await?;
        self.learn(Utc::now()).await;
        self.compare(&ticket, &times).await?;
        let id = ticket["id"].as_str().unwrap();
        self.app.sql(format!("delete from sla_tickets where ticket_id = '{id}'")).await.unwrap();
        Ok(())
    }

    /// What just happened has happened then.
    async fn settle(&self, then: DateTime<Utc>) {
        let then = then.to_rfc3339_opts(SecondsFormat::Micros, true);
        for (table, column) in [("events", "occurred_at"), ("status_meanings", "since")] {
            let moved = format!("update {table} set {column} = '{then}' where {column} > '{then}'");
            self.app.sql(moved).await.unwrap();
        }
    }

    async fn learn(&self, now: DateTime<Utc>) {
        self.app.publish().await;
        let step = move |conn: &mut _| sla::derive_some(conn, now, 50);
        while self.app.service.db.quiet_tx(step).await.unwrap() > 0 {}
    }

    async fn act(&mut self, ticket: &Value, act: &Act, now: DateTime<Utc>, times: &mut Times) {
        let at = |rest: &str| path(ticket, rest);
        let admin = &self.admin;
        let note = |visibility: &str| json!({"body": "Said", "visibility": visibility});
        match act {
            Act::Move(place) => self.go(ticket, *place).await,
            Act::Automatic => self.app.follow_automatic().await,
            Act::Reply => _ = admin.post(&at("/notes"), note("public")).await,
            Act::Internal => _ = admin.post(&at("/notes"), note("internal")).await,
            Act::Customer => _ = self.contact.post(&at("/notes"), json!({"body": "Said"})).await,
            Act::Prioritize(place) => {
                let priority = json!({"priority": PRIORITIES[*place]});
                admin.patch(&at(""), "*", priority).await;
            }
            Act::Deadline(steps) => {
                let deadline = steps.map(|steps| (now + STEP * steps).to_rfc3339());
                admin.patch(&at(""), "*", json!({ "deadline": deadline })).await;
            }
            Act::Merge => {
                _ = admin.post_on(&at("/merge"), "*", json!({"into": self.target["id"]})).await
            }
            Act::Unmerge => _ = admin.delete(&at("/merge"), "*").await,
            Act::Delete => _ = admin.delete(&at(""), "*").await,
            Act::Restore => _ = admin.post_on(&at("/restoration"), "*", json!({})).await,
            Act::Promise(place, minutes) => {
                self.learn(now).await;
                let promised: BTreeMap<_, _> = METRICS.into_iter().zip(*minutes).collect();
                let change = json!({ "targets": targets(&promised) });
                self.admin.patch(&self.policies[*place], "*", change).await.expect(200);
                self.book[*place].targets = promised;
                times.books.push((now, self.book.clone()));
            }
            Act::Open(place, windows, holiday) => {
                self.learn(now).await;
                let date = (now + TimeDelta::days(*holiday)).date_naive();
                let calendar = &self.calendars[*place];
                self.admin.patch(calendar, "*", json!({ "week": week(windows) })).await.expect(200);
                let except = self
                    .admin
                    .request(reqwest::Method::PUT, &format!("{calendar}/exceptions/{date}"));
                let except = except.header("if-match", "*").json(&json!({"name": "Holiday"}));
                crate::support::Reply::of(except).await.expect(200);
                let hours = &mut self.book[*place].hours;
                hours.week.clone_from(windows);
                hours.holidays.insert(date);
                times.books.push((now, self.book.clone()));
            }
            Act::Mean(place) => self.mean(ticket, MEANINGS[*place], now, times).await,
            Act::Learn => {
                self.learn(now).await;
                super::tell(&self.app, now).await;
            }
        }
    }

    /// Goes where it can, with all that may be asked for.
    async fn go(&self, ticket: &Value, place: usize) {
        let now = self.admin.get(&path(ticket, "")).await;
        let Some(ways) = now.body["allowed_transitions"].as_array().filter(|ways| !ways.is_empty())
        else {
            return;
        };
        let way = &ways[place % ways.len()];
        let mut body = json!({ "to": way["to"] });
        let requires = way["requires"].to_string();
        for (word, field, value) in [
            ("resolution", "resolution", json!("Solved")),
            ("vendor", "vendor_reference", json!("MS-1")),
            (
                "note",
                "note",
                json!({"body": "Moved", "visibility": if requires.contains("internal") { "internal" } else { "public" }}),
            ),
        ] {
            if requires.contains(word) {
                body[field] = value;
            }
        }
        self.admin.post_on(&path(ticket, "/transitions"), "*", body).await;
    }

    async fn mean(&mut self, ticket: &Value, state: &str, now: DateTime<Utc>, times: &mut Times) {
        let read = self.admin.get(&path(ticket, "")).await;
        let Some(code) = read.body["status"]["code"].as_str().map(str::to_owned) else { return };
        let workflow = ticket["workflow_id"].as_str().unwrap();
        let status = format!("/v1/workflows/{workflow}/statuses/{code}");
        if self.admin.patch(&status, "*", json!({ "sla": state })).await.status == 200 {
            let known = self.meanings.iter_mut().find(|(status, _)| *status == code).unwrap();
            if known.1 != state {
                state.clone_into(&mut known.1);
                times.meanings.push((now, code, state.to_owned()));
            }
        }
    }

    async fn compare(&self, ticket: &Value, times: &Times) -> Result<(), String> {
        self.app.publish().await;
        let sla = self.admin.get(&path(ticket, "/sla")).await.expect(200);
        let feed = format!("/v1/events?limit=100&ticket={}", ticket["id"].as_str().unwrap());
        let events = self.admin.get(&feed).await.expect(200);
        let events = events["items"].as_array().unwrap();
        let now = time(&sla["at"]).unwrap();
        let said = Walk::through(events, times).said(times, now);
        let clocks = sla["clocks"].as_array().unwrap();
        let equal = said.len() == clocks.len()
            && said.iter().zip(clocks).all(|(said, clock)| same(said, clock, now));
        if equal {
            return Ok(());
        }
        let log: Vec<Value> = events
            .iter()
            .map(|event| {
                json!([
                    event["occurred_at"],
                    event["type"],
                    event["changes"],
                    event["data"],
                    event["actor"]["role"]
                ])
            })
            .collect();
        Err(format!("walked: {said:#?}\nserved: {clocks:#?}\nlog: {log:#?}"))
    }
}

#[test]
fn clocks_say_what_a_walk_through_the_event_log_says() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().unwrap_or_else(|_| panic!("{name}={text}")))
    };
    let histories = number("HISTORIES").unwrap_or(HISTORIES);
    let seed = number("SEED").unwrap_or_else(rand::random);
    let system = actix_web::rt::System::new();
    for desk in 0..histories.div_ceil(ON_ONE_DESK) {
        let world = system.block_on(World::start(usize::try_from(desk).unwrap()));
        let world = std::rc::Rc::new(tokio::sync::Mutex::new(world));
        let cases = ON_ONE_DESK.min(histories - desk * ON_ONE_DESK);
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.wrapping_add(desk).to_le_bytes());
        let config = Config {
            cases: u32::try_from(cases).unwrap(),
            failure_persistence: None,
            max_shrink_iters: 200,
            ..Config::default()
        };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let outcome = TestRunner::new_with_rng(config, rng).run(&history(), |history| {
            let world = std::rc::Rc::clone(&world);
            let played = system.block_on(async move { world.lock().await.play(&history).await });
            played.map_err(TestCaseError::fail)
        });
        if let Err(failure) = outcome {
            panic!("SEED={seed} HISTORIES={histories}, desk {desk}: {failure}");
        }
    }
}
