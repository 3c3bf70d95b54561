//! Many at once: loads stay fair, capacities hold, and what fails leaves nothing.
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{TestApp, path};

async fn open_many(app: &TestApp, how_many: usize, more: Value) -> Vec<Value> {
    let caller = app.agent("Coordinator").await;
    let new = app.new_ticket(more).await;
    let replies = join_all((0..how_many).map(|_| caller.post("/v1/tickets", new.clone()))).await;
    replies.into_iter().map(|reply| reply.expect(201)).collect()
}

#[actix_web::test]
async fn concurrent_openings_leave_loads_within_one() {
    let app = TestApp::start().await;
    // An odd one makes a third equal.
    let third = json!({"name": "L1 agent C", "email": "l1-c@desk.example", "role": "agent", "levels": ["L1"],
        "department_ids": [app.id("departments", "Support").await], "capacity": 50});
    let admin = app.agent("Administrator").await;
    admin.post("/v1/agents", third).await.expect(201);
    app.sql("update agents set capacity = 50").await.unwrap();
    open_many(&app, 64, json!({})).await;
    let mut loads = Vec::new();
    for name in ["L1 agent A", "L1 agent B", "L1 agent C"] {
        loads.push(app.load(name).await);
    }
    loads.sort_unstable();
    assert_eq!(loads, [21, 21, 22]);
    app.loads_are_true().await;
    let numbers = "select count(distinct number) as number from tickets";
    assert_eq!(app.number(numbers).await, 64);
}

#[actix_web::test]
async fn concurrent_openings_put_nobody_above_their_capacity() {
    let app = TestApp::start().await;
    app.sql("update agents set capacity = 3").await.unwrap();
    let tickets = open_many(&app, 64, json!({})).await;
    let waiting = tickets.iter().filter(|ticket| ticket["assignee_id"].is_null()).count();
    assert_eq!(waiting, 58);
    app.loads_are_true().await;
    assert_eq!((app.load("L1 agent A").await, app.load("L1 agent B").await), (3, 3));

    // Two processes give out what waits.
    app.sql("update agents set capacity = 20").await.unwrap();
    tokio::join!(app.assign_waiting(), app.assign_waiting());
    app.loads_are_true().await;
    assert_eq!((app.load("L1 agent A").await, app.load("L1 agent B").await), (20, 20));
    let decided = "select count(*) as number from assignments where rule = 'least_loaded'";
    assert_eq!(app.number(decided).await, 40);
}

#[actix_web::test]
async fn tickets_that_move_between_overlapping_pools_do_not_block_each_other() {
    let app = TestApp::start().await;
    app.sql("update agents set capacity = 1000").await.unwrap();
    // Made last, so that the pools share the agent who is locked last.
    let both = json!({"name": "Generalist", "email": "both@desk.example", "role": "agent", "levels": ["L1", "L2"],
        "department_ids": [app.id("departments", "Support").await], "capacity": 1000});
    app.agent("Administrator").await.post("/v1/agents", both).await.expect(201);
    let tickets = open_many(&app, 40, json!({})).await;
    let caller = app.agent("Coordinator").await;
    let new = app.new_ticket(json!({})).await;
    let elevation = json!({"to": "L2", "reason": "r", "tried": "t"});
    let elevations = join_all(tickets.iter().map(|ticket| {
        let at = path(ticket, "/elevations");
        let (caller, elevation) = (&caller, &elevation);
        async move { caller.post_on(&at, "*", elevation.clone()).await }
    }));
    let openings = join_all((0..40).map(|_| caller.post("/v1/tickets", new.clone())));
    let (elevated, opened) = tokio::join!(elevations, openings);
    let refused = elevated.iter().filter(|reply| reply.status != 200).count();
    assert_eq!((refused, opened.iter().filter(|reply| reply.status != 201).count()), (0, 0));
    app.loads_are_true().await;
}

#[actix_web::test]
async fn of_concurrent_changes_of_one_version_one_wins() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let caller = app.agent("Coordinator").await;
    let at = path(&ticket, "");
    let changes = (0..8).map(|n| caller.patch(&at, "\"v1\"", json!({"tags": [format!("t{n}")]})));
    let statuses: Vec<u16> = join_all(changes).await.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 7, "{statuses:?}");
    assert_eq!(app.read(&ticket).await["version"], 2);
}

#[actix_web::test]
async fn an_automatic_transition_happens_once_with_many_processes() {
    let app = TestApp::start().await;
    open_many(&app, 12, json!({})).await;
    tokio::join!(app.follow_automatic(), app.follow_automatic(), app.follow_automatic());
    let done = "select count(*) as number from tickets where status = '012' and version = 2";
    assert_eq!(app.number(done).await, 12);
}

#[actix_web::test]
async fn an_error_in_the_middle_leaves_nothing() {
    let app = TestApp::start().await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "030").await;
    let caller = app.agent("Coordinator").await;
    let counts = "select (select count(*) from notes) + (select count(*) from assignments)
        + (select count(*) from elevations) + (select sum(open_tickets) from agents)
        + (select count(ticket_id) from events) + (select sum(version) from tickets)
        + (select count(*) from idempotency_keys) as number";
    let before = app.number(counts).await;
    // The last statement of each operation fails.
    app.sql("alter table events add constraint full_disk check (id < 0) not valid").await.unwrap();
    let note = json!({"body": "x"});
    for (rest, body) in [
        ("/notes", note.clone()),
        ("/transitions", json!({"to": "035", "note": note})),
        ("/transitions", json!({"to": "050", "resolution": "x"})),
        ("/assignment", json!({"agent_id": null})),
        ("/transfer", json!({"agent_id": null, "note": note})),
        ("/elevations", json!({"to": "L2", "reason": "r", "tried": "t"})),
    ] {
        caller.post_on(&path(&ticket, rest), "*", body).await.problem(500, "internal");
    }
    let new = app.new_ticket(json!({})).await;
    let opening =
        caller.request(reqwest::Method::POST, "/v1/tickets").header("idempotency-key", "k");
    crate::support::Reply::of(opening.json(&new)).await.problem(500, "internal");
    caller.delete(&path(&ticket, ""), "*").await.problem(500, "internal");
    let after = app.number(counts).await;
    assert_eq!(after, before);
    assert_eq!(app.read(&ticket).await, ticket);
    app.sql("alter table events drop constraint full_disk").await.unwrap();
}

#[actix_web::test]
async fn who_links_merged_tickets_and_who_follows_the_merges_do_not_block_each_other() {
    let app = TestApp::start().await;
    let caller = app.agent("Coordinator").await;
    let first = app.open_ticket(json!({})).await;
    let (second, last) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    for (source, into) in [(&second, &first), (&first, &last)] {
        let merge = json!({"into": into["id"]});
        caller.post_on(&path(source, "/merge"), "*", merge).await.expect(200);
    }
    // Whoever sends something to the second needs the first too, and gets in line before who links the two.
    let mut somebody = PgConnection::establish(app.database.url.expose()).unwrap();
    let hold = format!("begin; select from tickets where id = {} for update", second["id"]);
    somebody.batch_execute(&hold.replace('"', "'")).unwrap();
    let (noting, linking) = (caller.clone(), caller);
    let (at, note) = (path(&second, "/notes"), json!({"body": "Hello"}));
    let noted = actix_web::rt::spawn(async move { noting.post(&at, note).await });
    in_line(&app, 1).await;
    let (at, link) =
        (path(&second, "/links"), json!({"kind": "related", "ticket_id": first["id"]}));
    let linked = actix_web::rt::spawn(async move { linking.post(&at, link).await });
    in_line(&app, 2).await;
    somebody.batch_execute("commit").unwrap();
    noted.await.unwrap().expect(201);
    linked.await.unwrap().expect(201);
}

#[actix_web::test]
async fn a_link_to_a_ticket_that_is_deleted_just_then_is_not_found() {
    let app = TestApp::start().await;
    let caller = app.agent("Coordinator").await;
    let (this, other) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    let link = json!({"kind": "related", "ticket_id": other["id"]});
    let link = caller.post(&path(&this, "/links"), link).await.expect(201);
    let mut somebody = PgConnection::establish(app.database.url.expose()).unwrap();
    let delete = format!("begin; update tickets set deleted_at = now() where id = {}", other["id"]);
    somebody.batch_execute(&delete.replace('"', "'")).unwrap();
    let at = path(&this, &format!("/links/{}", link["id"].as_str().unwrap()));
    let unlinked = actix_web::rt::spawn(async move { caller.delete(&at, "*").await });
    in_line(&app, 1).await;
    somebody.batch_execute("commit").unwrap();
    unlinked.await.unwrap().problem(404, "not_found");
}

/// Waits until so many transactions wait for a lock.
async fn in_line(app: &TestApp, how_many: i64) {
    let waiting = "select count(*) as number from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    while app.number(waiting).await < how_many {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
