//! Whoever reads on from the last cursor has every ticket as it is.
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use casebridge::kernel::{Actor, AppError, Role, TicketId};
use casebridge::notes::{Channel, NewNote, NoteVisibility};
use casebridge::tickets::service;
use chrono::Utc;
use diesel::PgConnection;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::Warehouse;
use crate::support::{Client, TestApp, path};

async fn open_many(app: &TestApp, count: usize) -> Vec<Value> {
    let coordinator = app.agent("Coordinator").await;
    let new = app.new_ticket(json!({})).await;
    let mut opened = Vec::new();
    for _ in 0..count {
        opened.push(coordinator.post("/v1/tickets", new.clone()).await.expect(201));
    }
    app.publish().await;
    opened
}

#[actix_web::test]
async fn an_export_that_breaks_off_goes_on_behind_its_last_whole_line() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let opened = open_many(&app, 330).await;
    let mut warehouse = Warehouse::default();
    warehouse.read_some(&admin).await;
    let first = warehouse.tickets.len();
    assert!(0 < first && first < opened.len(), "{first}");
    let coordinator = app.agent("Coordinator").await;
    // One that has come, and one that has not.
    let known: &Value =
        opened.iter().find(|t| warehouse.tickets.contains_key(t["id"].as_str().unwrap())).unwrap();
    for ticket in [known, opened.last().unwrap()] {
        let note = json!({"body": "Meanwhile", "visibility": "internal"});
        coordinator.post(&path(ticket, "/notes"), note).await.expect(201);
    }
    coordinator.delete(&path(&opened[1], ""), "*").await.expect(204);
    app.publish().await;
    let came = warehouse.read_on(&admin).await;
    warehouse.is_complete(&app).await;
    assert!(came >= opened.len() - first, "{came} behind {first}");
    assert_eq!(warehouse.read_on(&admin).await, 0, "nothing has changed since");
    let mut anew = Warehouse::default();
    assert_eq!(anew.read_on(&admin).await, opened.len(), "each ticket once");
    anew.is_complete(&app).await;
}

/// Writes on these tickets, one after another, three times.
async fn write(caller: &Client, tickets: &[Value]) {
    for ticket in [tickets; 3].concat() {
        let note = json!({"body": "Another", "visibility": "internal"});
        caller.post(&path(&ticket, "/notes"), note).await.expect(201);
    }
}

/// The same, each committed a good while after it was written: after others who began behind it.
async fn write_slowly(app: &TestApp, tickets: &[Value]) {
    for ticket in tickets {
        let id = TicketId(ticket["id"].as_str().unwrap().parse().unwrap());
        app.service.db.tx(move |conn| commit_late(conn, id)).await.unwrap();
    }
}

fn commit_late(conn: &mut PgConnection, id: TicketId) -> Result<(), AppError> {
    let note = NewNote {
        visibility: NoteVisibility::Internal,
        channel: Channel::Api,
        body: "Slowly".into(),
        attachments: Vec::new(),
    };
    service::add_note(conn, &Actor::system(), id, note, Utc::now())?;
    std::thread::sleep(Duration::from_millis(150));
    Ok(())
}

#[actix_web::test]
async fn what_is_committed_late_and_out_of_order_is_not_passed_over() {
    let app = TestApp::start().await;
    let (admin, coordinator) = (app.client(Role::Admin).await, app.agent("Coordinator").await);
    let tickets = open_many(&app, 60).await;
    let mut warehouse = Warehouse::default();
    let done = AtomicBool::new(false);
    let writers = async {
        let fast = tickets[..48].chunks(12).map(|some| write(&coordinator, some));
        let slow = tickets[48..].chunks(4).map(|some| write_slowly(&app, some));
        futures_util::join!(join_all(fast), join_all(slow));
        done.store(true, Ordering::SeqCst);
    };
    let relay = async {
        while !done.load(Ordering::SeqCst) {
            app.publish().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let exports = async {
        let mut runs = 0;
        while !done.load(Ordering::SeqCst) {
            warehouse.read_on(&admin).await;
            runs += 1;
        }
        runs
    };
    let ((), (), runs) = futures_util::join!(writers, relay, exports);
    assert!(runs > 1, "{runs}");
    app.publish().await;
    warehouse.read_on(&admin).await;
    warehouse.is_complete(&app).await;
}

#[actix_web::test]
async fn exports_at_the_same_time_give_every_position_once() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    open_many(&app, 120).await;
    let reads = (0..6).map(|_| async {
        let mut warehouse = Warehouse::default();
        warehouse.read_on(&admin).await;
        warehouse
    });
    for warehouse in join_all(reads).await {
        warehouse.is_complete(&app).await;
    }
    let dense = "select count(*) - max(position) as number from export_marks";
    assert_eq!(app.number(dense).await, 0);
}
