//! Loads are true and nobody has too many, whatever happens.
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::go;
use crate::support::{TestApp, path};

/// What can happen to a ticket; the number says which agent, where one is named.
#[derive(Debug, Clone, Copy)]
enum Step {
    Open,
    Close,
    Reopen,
    Automatic,
    Nobody,
    To(usize),
    HandOver,
    Elevate,
    Delete,
    Restore,
    Away(usize, bool),
    Drain,
}

const AGENTS: [&str; 4] = ["L1 agent A", "L1 agent B", "L2 agent A", "L2 agent B"];

fn step() -> impl Strategy<Value = (Step, usize)> {
    let agent = 0..AGENTS.len();
    let step = prop_oneof![
        5 => Just(Step::Open),
        3 => Just(Step::Close),
        3 => Just(Step::Reopen),
        2 => Just(Step::Automatic),
        1 => Just(Step::Nobody),
        2 => agent.clone().prop_map(Step::To),
        2 => Just(Step::HandOver),
        1 => Just(Step::Elevate),
        1 => Just(Step::Delete),
        2 => Just(Step::Restore),
        2 => (agent, any::<bool>()).prop_map(|(agent, away)| Step::Away(agent, away)),
        2 => Just(Step::Drain),
    ];
    (step, 0_usize..50)
}

async fn play(app: &TestApp, tickets: &[Value], (step, which): (Step, usize)) -> Option<Value> {
    let coordinator = app.agent("Coordinator").await;
    if let Step::Open = step {
        return Some(app.open_ticket(json!({})).await);
    }
    let ticket = tickets.get(which % tickets.len().max(1))?;
    let at = |rest: &str| path(ticket, rest);
    // Many of these are refused, as they would be for people: what must hold, holds anyway.
    let reply = match step {
        Step::Open => None,
        Step::Close => Some(go(&coordinator, ticket, json!({"resolution": "x"}), "050").await),
        Step::Reopen => Some(go(&coordinator, ticket, json!({}), "017").await),
        Step::Automatic => Some(coordinator.post_on(&at("/assignment"), "*", json!({})).await),
        Step::Nobody => {
            Some(coordinator.post_on(&at("/assignment"), "*", json!({"agent_id": null})).await)
        }
        Step::To(agent) => {
            let to = json!({"agent_id": app.id("agents", AGENTS[agent]).await});
            Some(coordinator.post_on(&at("/assignment"), "*", to).await)
        }
        Step::HandOver => {
            Some(coordinator.post_on(&at("/handover"), "*", json!({"note": "n"})).await)
        }
        Step::Elevate => {
            let to = json!({"to": "L2", "reason": "r", "tried": "t"});
            Some(coordinator.post_on(&at("/elevations"), "*", to).await)
        }
        Step::Delete => Some(coordinator.delete(&at(""), "*").await),
        Step::Restore => Some(coordinator.post_on(&at("/restoration"), "*", json!({})).await),
        Step::Away(agent, away) => {
            app.set_away(&[AGENTS[agent]], away).await;
            None
        }
        Step::Drain => {
            app.follow_automatic().await;
            app.assign_waiting().await;
            None
        }
    };
    assert!(reply.as_ref().is_none_or(|reply| reply.status < 500), "{reply:?}");
    None
}

async fn all_is_well(app: &TestApp) {
    app.loads_are_true().await;
    let above = "select count(*) as number from agents where open_tickets > capacity";
    assert_eq!(app.number(above).await, 0, "somebody has too many");
}

#[test]
fn after_any_operations_loads_equal_a_recount_and_nobody_has_too_many() {
    let system = actix_web::rt::System::new();
    let config =
        Config { cases: 8, failure_persistence: None, max_shrink_iters: 30, ..Config::default() };
    let steps = prop::collection::vec(step(), 10..60);
    let run = TestRunner::new(config).run(&steps, |steps| {
        system.block_on(async {
            let app = TestApp::start().await;
            app.sql("update agents set capacity = 3").await.unwrap();
            let mut tickets = Vec::new();
            for step in steps {
                tickets.extend(play(&app, &tickets, step).await);
                all_is_well(&app).await;
            }
        });
        Ok(())
    });
    run.unwrap();
}

#[actix_web::test]
async fn openings_reopenings_hand_overs_and_the_queue_at_once_put_nobody_above_their_capacity() {
    let app = TestApp::start().await;
    app.sql("update agents set capacity = 6").await.unwrap();
    let coordinator = app.agent("Coordinator").await;
    let mut closed = Vec::new();
    for _ in 0..10 {
        let ticket = app.open_ticket(json!({})).await;
        app.follow_automatic().await;
        go(&coordinator, &ticket, json!({"resolution": "x"}), "050").await.expect(200);
        closed.push(ticket);
    }
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(app.open_ticket(json!({})).await);
    }
    let new = app.new_ticket(json!({})).await;
    let openings = join_all((0..16).map(|_| coordinator.post("/v1/tickets", new.clone())));
    let reopenings =
        join_all(closed.iter().map(|ticket| go(&coordinator, ticket, json!({}), "017")));
    let hand_overs = join_all(open.iter().map(|ticket| {
        let (coordinator, at) = (&coordinator, path(ticket, "/handover"));
        async move { coordinator.post_on(&at, "*", json!({"note": "n"})).await }
    }));
    let (opened, reopened, handed, (), ()) =
        tokio::join!(openings, reopenings, hand_overs, app.assign_waiting(), app.assign_waiting());
    let replies = [opened, reopened, handed].concat();
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert!(statuses.iter().all(|status| *status < 300), "{statuses:?}");
    app.assign_waiting().await;
    all_is_well(&app).await;
    assert_eq!((app.load("L1 agent A").await, app.load("L1 agent B").await), (6, 6));
}

#[actix_web::test]
async fn a_reopened_or_restored_ticket_goes_to_somebody_else_when_its_agent_cannot_take_it() {
    let app = TestApp::start().await;
    let (admin, coordinator) = (app.agent("Administrator").await, app.agent("Coordinator").await);
    for restored in [false, true] {
        for change in [json!({"active": false}), json!({"capacity": 0}), json!({"levels": []})] {
            let ticket = app.open_ticket(json!({})).await;
            app.follow_automatic().await;
            if restored {
                coordinator.delete(&path(&ticket, ""), "*").await.expect(204);
            } else {
                go(&coordinator, &ticket, json!({"resolution": "x"}), "050").await.expect(200);
            }
            let holder = ticket["assignee_id"].as_str().unwrap();
            let at = format!("/v1/agents/{holder}");
            admin.patch(&at, "*", change.clone()).await.expect(200);
            if restored {
                coordinator
                    .post_on(&path(&ticket, "/restoration"), "*", json!({}))
                    .await
                    .expect(200);
            } else {
                go(&coordinator, &ticket, json!({}), "017").await.expect(200);
            }
            let again = app.read(&ticket).await;
            assert!(again["assignee_id"].is_string(), "{change}");
            assert_ne!(again["assignee_id"], holder, "{change}");
            let back = json!({"active": true, "capacity": 20, "levels": ["L1"]});
            admin.patch(&at, "*", back).await.expect(200);
            all_is_well(&app).await;
        }
    }
}

#[actix_web::test]
async fn a_ticket_stays_with_its_agent_when_it_is_what_fills_their_capacity() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    app.set_away(&["L1 agent B"], true).await;
    app.sql("update agents set capacity = 1").await.unwrap();
    let ticket = app.open_ticket(json!({})).await;
    assert!(ticket["assignee_id"].is_string());
    let again = coordinator.post_on(&path(&ticket, "/assignment"), "*", json!({})).await;
    assert_eq!(again.expect(200), ticket);
    all_is_well(&app).await;
}
