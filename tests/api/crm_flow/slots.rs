//! Slots: as many attempts at a time as a CRM takes well, each filled as soon as it is free.
use std::time::{Duration, Instant};

use chrono::Utc;
use fake_crm::{Control, FakeCrm, Fault, FaultRule};
use futures_util::future::join_all;
use serde_json::json;

use crate::support::mirror::Mirrored;

async fn open(desk: &Mirrored, tickets: usize) -> Vec<String> {
    let mut opened = Vec::new();
    for n in 0..tickets {
        opened.push(desk.open(&format!("Ticket {n}")).await);
    }
    desk.app.publish().await;
    opened
}

async fn until_cases(crm: &Control, wanted: usize) {
    let began = Instant::now();
    while crm.records("Cases").len() < wanted {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", crm.counters());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[actix_web::test]
async fn a_slow_crm_does_not_delay_another() {
    let desk = Mirrored::start().await;
    let slow = FakeCrm::start().await.unwrap();
    desk.connect_another(&slow).await;
    slow.fail(FaultRule::next(Fault::Hang { milliseconds: 20_000 }).times(1000));
    open(&desk, 20).await;
    let workers = desk.app.service.start_workers();
    until_cases(&desk.crm, 20).await;
    assert_eq!(slow.records("Cases").len(), 0);
    desk.app.service.mirror.halt();
    workers.stop().await;
    desk.app.service.mirror.finished().await;
}

#[actix_web::test]
async fn a_ticket_that_takes_long_holds_up_its_own_slot_only() {
    let desk = Mirrored::start_with(json!({"concurrency": 2})).await;
    let slow = desk.open("Slow").await;
    desk.converge().await;
    let case = desk.case(&slow).await.id;
    desk.crm.fail(FaultRule::next(Fault::Hang { milliseconds: 20_000 }).path(&case));
    desk.priority(&slow, "high").await;
    open(&desk, 10).await;
    let workers = desk.app.service.start_workers();
    until_cases(&desk.crm, 11).await;
    assert_eq!(desk.crm.record("Cases", &case).unwrap().value("priority"), "P2");
    desk.app.service.mirror.halt();
    workers.stop().await;
    desk.app.service.mirror.finished().await;
}

#[actix_web::test]
async fn two_processes_share_the_slots_and_never_write_one_case_at_the_same_time() {
    let desk = Mirrored::start_with(json!({"concurrency": 3})).await;
    let tickets = open(&desk, 8).await;
    desk.crm.set_latency(Duration::from_millis(15));
    let engines = [desk.app.service.mirror.clone(), desk.another_engine()];
    let work = engines.map(|engine| async move {
        let until = Instant::now() + Duration::from_secs(4);
        while Instant::now() < until {
            engine.converge_due(Utc::now()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let edits = async {
        for priority in ["high", "low", "critical", "normal", "high"] {
            for ticket in &tickets {
                desk.priority(ticket, priority).await;
            }
            desk.app.publish().await;
        }
    };
    tokio::join!(join_all(work), edits);
    desk.converge().await;
    assert_eq!(desk.crm.overlapping_writes(), 0);
    assert!(desk.crm.most_at_a_time() <= 3, "{} calls at a time", desk.crm.most_at_a_time());
    assert!(desk.crm.most_at_a_time() > 1, "the calls ran one by one");
    for ticket in &tickets {
        assert_eq!(desk.case(ticket).await.value("priority"), "P1");
    }
    assert_eq!(desk.crm.records("Cases").len(), 8);
}

#[actix_web::test]
async fn a_change_is_begun_at_once_and_not_at_the_next_look() {
    let desk = Mirrored::start().await;
    let mirror = desk.app.service.mirror.clone();
    let began = Instant::now();
    mirror.start_due(Utc::now()).await.unwrap();
    assert!(began.elapsed() > Duration::from_millis(900), "at rest it looks once a second");
    let began = Instant::now();
    let wake = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        mirror.wake();
    };
    let (_, ()) = tokio::join!(mirror.start_due(Utc::now()), wake);
    assert!(began.elapsed() < Duration::from_millis(700), "{:?}", began.elapsed());
}

#[actix_web::test]
async fn a_connection_takes_as_many_at_a_time_as_its_settings_say() {
    let desk = Mirrored::start_with(json!({"concurrency": 1})).await;
    open(&desk, 4).await;
    desk.crm.set_latency(Duration::from_millis(10));
    desk.converge().await;
    assert_eq!(desk.crm.most_at_a_time(), 1);
    assert_eq!(desk.health().await["concurrency"], 1);
    let path = format!("/v1/crm/connections/{}", desk.connection);
    let refused = desk.admin.patch(&path, "*", json!({"settings": {"concurrency": 0}})).await;
    let problem = refused.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/settings/concurrency");
}
