//! Outages, throttling, tickets that always fail, refused credentials.
use std::time::Duration;

use chrono::{DateTime, Utc};
use fake_crm::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::support::mirror::{Mirrored, crm_id};

async fn open(desk: &Mirrored, tickets: usize) -> Vec<String> {
    let mut opened = Vec::new();
    for n in 0..tickets {
        opened.push(desk.open(&format!("Ticket {n}")).await);
    }
    opened
}

async fn attempts(desk: &Mirrored, tickets: &[String]) -> Vec<i64> {
    let mut attempts = Vec::new();
    for ticket in tickets {
        attempts.push(desk.mirror(ticket).await["attempts"].as_i64().unwrap());
    }
    attempts
}

#[actix_web::test]
async fn an_outage_burns_no_attempts_and_ends_with_one_trial() {
    let desk = Mirrored::start().await;
    desk.crm.fail(FaultRule::next(Fault::ServerError).times(100_000));
    let tickets = open(&desk, 12).await;
    desk.converge().await;
    assert_eq!(desk.health().await["breaker"], "open");
    desk.crm.clear_calls();
    desk.converge().await;
    assert_eq!(desk.crm.calls().len(), 0, "an open breaker lets nothing through");
    let another = desk.another_engine();
    for _ in 0..5 {
        desk.wait().await;
        assert_eq!(desk.health().await["breaker"], "half_open");
        desk.crm.clear_calls();
        let (mine, theirs) = tokio::join!(
            desk.app.service.mirror.converge_due(Utc::now()),
            another.converge_due(Utc::now())
        );
        assert!(mine.unwrap() ^ theirs.unwrap());
        assert_eq!(desk.crm.calls().len(), 1, "one trial, from whichever process");
        assert_eq!(desk.health().await["breaker"], "open");
    }
    assert_eq!(attempts(&desk, &tickets).await, vec![0; 12]);

    desk.crm.clear_faults();
    desk.crm.clear_calls();
    desk.crm.set_latency(Duration::from_millis(30));
    desk.wait().await;
    desk.converge().await;
    let health = desk.health().await;
    assert_eq!((&health["breaker"], &health["backlog"]), (&json!("closed"), &json!(0)));
    assert_eq!(desk.crm.records("Cases").len(), 12);
}

#[actix_web::test]
async fn a_poll_can_be_the_trial_and_ends_the_outage_for_all() {
    let desk = Mirrored::start().await;
    let tickets = open(&desk, 3).await;
    desk.crm.fail(FaultRule::next(Fault::ServerError).times(100_000));
    desk.converge().await;
    desk.crm.clear_faults();
    desk.sql("update crm_connections set not_before = null, poll_at = now()").await;
    assert!(desk.app.service.mirror.poll_due(Utc::now()).await.unwrap());
    assert_eq!(desk.health().await["breaker"], "closed");
    desk.wait().await;
    desk.converge().await;
    for ticket in &tickets {
        assert_eq!(desk.mirror(ticket).await["state"], "linked");
    }
}

#[actix_web::test]
async fn while_a_poll_or_a_ticket_is_the_trial_the_other_waits() {
    let desk = Mirrored::start().await;
    open(&desk, 4).await;
    desk.crm.fail(FaultRule::next(Fault::ServerError).times(100_000));
    desk.converge().await;
    desk.crm.clear_faults();
    let mirror = &desk.app.service.mirror;
    let over = "update crm_connections set not_before = null, poll_at = now()";
    let slow = async || {
        desk.sql(over).await;
        desk.sql("update crm_mirrors set next_attempt_at = now()").await;
        desk.crm.fail(FaultRule::next(Fault::Hang { milliseconds: 500 }));
        desk.crm.fail(FaultRule::next(Fault::ServerError).times(100_000));
    };
    let a_little_later = async || tokio::time::sleep(Duration::from_millis(200)).await;
    slow().await;
    let poll = async {
        a_little_later().await;
        mirror.poll_due(Utc::now()).await.unwrap()
    };
    let (tried, polled) = tokio::join!(mirror.converge_due(Utc::now()), poll);
    assert!(tried.unwrap() && !polled);

    desk.crm.clear_faults();
    desk.sql("update crm_connections set failures = 3").await;
    slow().await;
    let ticket = async {
        a_little_later().await;
        mirror.converge_due(Utc::now()).await.unwrap()
    };
    let (polled, tried) = tokio::join!(mirror.poll_due(Utc::now()), ticket);
    assert!(polled.unwrap() && !tried);
}

#[actix_web::test]
async fn a_ticket_that_always_fails_is_no_outage_and_is_parked_in_the_end() {
    let desk = Mirrored::start().await;
    let poisoned = desk.open("Poisoned").await;
    desk.converge().await;
    let case = desk.case(&poisoned).await.id;
    desk.crm.fail(FaultRule::next(Fault::ServerError).path(&case).times(1000));
    desk.priority(&poisoned, "high").await;
    for _ in 0..12 {
        desk.wait().await;
        desk.converge().await;
        assert_eq!(desk.health().await["breaker"], "closed");
    }
    let mirror = desk.mirror(&poisoned).await;
    assert_eq!((&mirror["state"], &mirror["attempts"]), (&json!("parked"), &json!(12)));
    desk.crm.clear_faults();

    // Another chance begins anew.
    desk.crm.fail(FaultRule::next(Fault::ServerError).path(&case));
    desk.priority(&poisoned, "low").await;
    desk.converge().await;
    let mirror = desk.mirror(&poisoned).await;
    assert_eq!((&mirror["state"], &mirror["attempts"]), (&json!("linked"), &json!(1)));
}

#[actix_web::test]
async fn a_crm_that_asks_for_fewer_requests_gets_half_and_later_all_again() {
    let desk = Mirrored::start_with(json!({"concurrency": 8})).await;
    let tickets = open(&desk, 8).await;
    desk.converge().await;
    for ticket in &tickets {
        desk.priority(ticket, "high").await;
    }
    desk.crm.clear_calls();
    // All eight are under way when the CRM begins to refuse: that is one refusal and not eight.
    desk.crm.set_latency(Duration::from_millis(300));
    let throttled = Fault::TooManyRequests { retry_after: 120 };
    desk.crm.fail(FaultRule::next(throttled).module("Cases").times(8));
    desk.converge().await;
    let health = desk.health().await;
    assert_eq!((&health["allowed"], &health["breaker"]), (&json!(4), &json!("closed")));
    let until: DateTime<Utc> = health["not_before"].as_str().unwrap().parse().unwrap();
    assert!((100..=121).contains(&(until - Utc::now()).num_seconds()), "{health}");
    let calls = desk.crm.calls().len();
    desk.converge().await;
    assert_eq!(desk.crm.calls().len(), calls, "nothing is asked before the time is over");
    assert_eq!(attempts(&desk, &tickets).await, vec![0; 8]);

    desk.crm.set_latency(Duration::from_millis(20));
    desk.wait().await;
    desk.crm.clear_calls();
    desk.converge().await;
    assert!(desk.crm.most_at_a_time() <= 5, "{}", desk.crm.most_at_a_time());
    for priority in ["low", "high", "low", "high"] {
        tokio::time::sleep(Duration::from_millis(1050)).await;
        desk.priority(&tickets[0], priority).await;
        desk.converge().await;
    }
    assert_eq!(desk.health().await["allowed"], 8);
}

#[actix_web::test]
async fn a_success_does_not_cut_a_pause_short_that_the_crm_asked_for() {
    let desk = Mirrored::start().await;
    let (asked, other) = (desk.open("Asked to wait").await, desk.open("Under way").await);
    desk.converge().await;
    let case = desk.case(&other).await.id;
    for ticket in [&asked, &other] {
        desk.priority(ticket, "high").await;
    }
    desk.crm.fail(FaultRule::next(Fault::Hang { milliseconds: 400 }).path(&case));
    let throttled = Fault::TooManyRequests { retry_after: 120 };
    desk.crm.fail(FaultRule::next(throttled).path(&desk.case(&asked).await.id));
    tokio::time::sleep(Duration::from_millis(1050)).await;
    desk.converge().await;
    assert_eq!(desk.case(&other).await.value("priority"), "P1");
    assert!(desk.health().await["not_before"].is_string());
}

#[actix_web::test]
async fn new_credentials_end_the_pause_that_refused_ones_caused_and_no_other() {
    let desk = Mirrored::start().await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    let unchecked = format!("{path}?check=false");
    let change = |body: Value| desk.admin.patch(&unchecked, "*", body);
    change(json!({"client_secret": "wrong"})).await.expect(200);
    let ticket = desk.open("Locked out").await;
    desk.converge().await;
    assert_eq!(desk.health().await["state"], "paused");
    assert_eq!(change(json!({"name": "Renamed"})).await.expect(200)["state"], "paused");
    let right = json!({"client_secret": desk.crm.client_secret()});
    let changed = change(right.clone()).await.expect(200);
    assert_eq!((&changed["state"], &changed["reason"]), (&json!("active"), &Value::Null));
    desk.converge().await;
    assert_eq!(desk.mirror(&ticket).await["state"], "linked");

    desk.admin.post(&format!("{path}/pause"), json!({})).await.expect(200);
    assert_eq!(change(right).await.expect(200)["state"], "paused");
}

#[actix_web::test]
async fn what_old_credentials_are_refused_for_is_not_held_against_new_ones() {
    let desk = Mirrored::start().await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    let ticket = desk.open("Under way").await;
    desk.app.publish().await;
    let path = format!("{path}?check=false");
    desk.admin.patch(&path, "*", json!({"client_secret": "wrong"})).await.expect(200);
    desk.crm.set_latency(Duration::from_millis(400));
    let corrected = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let right = json!({"client_secret": desk.crm.client_secret()});
        desk.admin.patch(&path, "*", right).await.expect(200);
    };
    let (_, ()) = tokio::join!(desk.app.service.mirror.converge_due(Utc::now()), corrected);
    assert_eq!(desk.health().await["state"], "active");
    desk.converge().await;
    assert_eq!(desk.mirror(&ticket).await["state"], "linked");
}

#[actix_web::test]
async fn an_unmapped_account_burns_no_trial_and_parks_its_own_ticket_only() {
    let desk = Mirrored::start().await;
    desk.crm.delete("Accounts", &crm_id("Northwind Services")).unwrap();
    open(&desk, 5).await;
    desk.converge().await;
    let health = desk.health().await;
    assert_eq!((&health["breaker"], &health["failures"]), (&json!("closed"), &json!(0)));
    assert_eq!(health["parked"][0]["count"], 5);
    assert_eq!(health["recent"]["errors"][0], json!({"error_class": "unmapped", "count": 5}));
}
