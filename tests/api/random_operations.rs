//! What must hold, holds whatever 32 clients do to the same tickets at once, beside the background work of two processes.
mod acks;
mod checks;
mod handling;
mod joining;
mod operations;
mod player;

use std::io::Write;
use std::rc::Rc;
use std::sync::Mutex;

use casebridge::tickets::service;
use chrono::Utc;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::support::TestApp;
use player::{Kind, Player, World};

/// Enough that every operation is done by several clients; `OPERATIONS` asks for more.
const OPERATIONS: usize = 2400;

/// Who plays, how many of them, and what is particular about them.
const CAST: [(Kind, usize); 5] = [
    (Kind::Contact, 8),
    (Kind::Agent, 16),
    (Kind::Coordinator, 4),
    (Kind::Administrator, 2),
    (Kind::Integration, 2),
];

/// Where the agents work: two departments, and those outside of the desk.
const POSTS: [(&str, &[&str]); 6] = [
    ("Support", &["L1"]),
    ("Support", &["L1", "L2"]),
    ("Support", &["L2"]),
    ("Internal IT", &["L1", "L2"]),
    ("Support", &["third_line"]),
    ("Account Management", &["external"]),
];

/// The number in this variable of the environment.
fn asked_for(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// The errors that the background work logs on this thread.
fn watch_errors() -> (&'static Mutex<Vec<u8>>, tracing::subscriber::DefaultGuard) {
    struct Log(&'static Mutex<Vec<u8>>);
    impl Write for Log {
        fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(line)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log: &Mutex<Vec<u8>> = Box::leak(Box::default());
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR);
    let subscriber = subscriber.with_ansi(false).with_writer(move || Log(log)).finish();
    (log, tracing::subscriber::set_default(subscriber))
}

async fn cast(app: &TestApp, seed: u64) -> Vec<(Kind, String)> {
    let admin = app.agent("Administrator").await;
    let mut cast = Vec::new();
    for (kind, number) in CAST {
        for n in 0..number {
            let name = format!("{kind:?} {n}");
            let email = format!("random-{kind:?}-{n}@desk.example").to_lowercase();
            let (department, levels) = POSTS[n % POSTS.len()];
            let new = json!({"name": name, "email": email});
            let (path, more) = match kind {
                Kind::Contact => {
                    let account = ["Northwind Services", "Harbor Logistics"][n % 2];
                    ("/v1/contacts", json!({"account_ids": [app.id("accounts", account).await]}))
                }
                Kind::Integration => {
                    let scopes = ["read", "write", "work", "delete"];
                    let scopes = scopes.map(|scope| format!("tickets:{scope}"));
                    let new = json!({"name": name, "scopes": scopes});
                    let client = admin.post("/v1/clients", new).await.expect(201);
                    cast.push((kind, client["id"].as_str().unwrap().to_owned()));
                    continue;
                }
                _ => {
                    let departments = [app.id("departments", department).await];
                    let levels = if kind == Kind::Agent { levels } else { &[] };
                    let capacity = 2 + (seed as usize + n) % 7;
                    let more = json!({"role": kind.role(), "department_ids": departments,
                        "levels": levels, "capacity": capacity});
                    ("/v1/agents", more)
                }
            };
            let mut new: Value = new;
            new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let made = admin.post(path, new).await.expect(201);
            cast.push((kind, made["id"].as_str().unwrap().to_owned()));
        }
    }
    cast
}

#[actix_web::test]
async fn after_random_operations_of_32_clients_at_once_every_invariant_holds() {
    let seed = asked_for("SEED").unwrap_or_else(|| rand::rng().random_range(0..1_000_000));
    let operations = asked_for("OPERATIONS").map_or(OPERATIONS, |number| number as usize);
    let app = TestApp::start_with(|config| config.database_pool = 12).await;
    checks::watch_assignments(&app).await;
    let cast = cast(&app, seed).await;
    let world = Rc::new(World::new(&app, &cast).await);
    let mut players = Vec::new();
    for (number, (kind, id)) in cast.into_iter().enumerate() {
        let client = app.client_for(id.parse().unwrap()).await;
        let rng = StdRng::seed_from_u64(seed ^ ((number as u64) << 32));
        players.push(Player { world: Rc::clone(&world), client, kind, id, rng, number, said: 0 });
    }
    let (log, guard) = watch_errors();
    let processes = [app.service.start_workers(), app.service.start_workers()];
    let turns = operations / players.len();
    join_all(players.into_iter().map(|player| player.play(turns))).await;
    join_all(processes.iter().map(|workers| workers.stop())).await;
    drop(guard);
    app.follow_automatic().await;
    app.assign_waiting().await;
    let tell_child = |conn: &mut _| service::tell_child(conn, Utc::now());
    while app.service.db.tx(tell_child).await.unwrap() {}
    app.publish().await;

    let mut wrong = world.wrong.take();
    wrong.extend(checks::all(&app, &world).await);
    if operations >= OPERATIONS {
        wrong.extend(
            world.never_done().into_iter().map(|operation| format!("never done: {operation}")),
        );
    }
    let logged = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    wrong.extend(logged.lines().map(|line| format!("logged: {line}")));
    let told = format!("SEED={seed} OPERATIONS={operations}");
    let summary = world.summary();
    assert!(wrong.is_empty(), "{told}: {} things are wrong: {wrong:#?}\n{summary}", wrong.len());
    println!("{told}: {summary}");
}
