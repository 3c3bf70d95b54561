//! A comparison that is held up, broken off, or not alone.
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use fake_crm::{Fault, FaultRule, Record};
use serde_json::{Value, json};

use crate::support::mirror::{Mirrored, text};
use crate::support::{Process, free_port};

/// A desk with so many mirrored tickets, the last of which differs from its case.
async fn mirrored(count: usize) -> (Mirrored, Vec<String>) {
    let desk = Mirrored::start().await;
    let mut tickets = Vec::new();
    for n in 0..count {
        tickets.push(desk.open(&format!("Resumed {n}")).await);
    }
    desk.converge().await;
    desk.edit(&tickets[count - 1], json!({"priority": "P1"})).await;
    (desk, tickets)
}

async fn start(desk: &Mirrored) -> String {
    let path = format!("/v1/crm/connections/{}/reconcile", desk.connection);
    let reply = desk.admin.post(&path, json!({"cases_per_second": 500})).await;
    let location = reply.header("location").to_owned();
    assert_eq!(location, format!("/v1/jobs/{}", text(&reply.expect(202)["id"])));
    location
}

async fn read(desk: &Mirrored, job: &str) -> Value {
    desk.admin.get(job).await.expect(200)
}

/// One step of what is due by then.
async fn step(desk: &Mirrored, minutes: i64) -> bool {
    let then = Utc::now() + TimeDelta::minutes(minutes);
    desk.app.service.jobs.step_due(then).await.unwrap()
}

/// How often each case was read.
fn reads(desk: &Mirrored, tickets: usize) -> Vec<usize> {
    let cases = desk.crm.records("Cases");
    assert_eq!(cases.len(), tickets);
    let calls = desk.crm.calls();
    let times = |case: &Record| {
        let path = format!("Cases/{}?", case.id);
        calls.iter().filter(|call| call.path.contains(&path)).count()
    };
    cases.iter().map(times).collect()
}

#[actix_web::test]
async fn a_crm_that_is_down_in_the_middle_is_waited_for_and_the_comparison_goes_on() {
    let (desk, _) = mirrored(25).await;
    let job = start(&desk).await;
    assert!(step(&desk, 0).await);
    assert_eq!(read(&desk, &job).await["progress"]["done"], 20);
    desk.crm.fail(FaultRule::next(Fault::ServerError).times(1000));
    // However long it takes: an outage is no fault of a case.
    for minute in 1..20 {
        step(&desk, minute * 3).await;
    }
    let waiting = read(&desk, &job).await;
    assert_eq!((&waiting["state"], &waiting["progress"]["done"]), (&json!("running"), &json!(20)));
    assert!(waiting["waits_for"].is_string(), "{waiting}");
    desk.crm.clear_faults();
    for minute in 20..30 {
        step(&desk, minute * 3).await;
    }
    let done = read(&desk, &job).await;
    assert_eq!(done["state"], "succeeded", "{done}");
    assert_eq!(done["progress"], json!({"done": 25, "total": 25, "found": 1}));
    assert_eq!(done["waits_for"], Value::Null);
}

#[actix_web::test]
async fn a_case_that_the_crm_chokes_on_is_named_and_the_others_are_compared() {
    let (desk, tickets) = mirrored(4).await;
    let poisoned = desk.case(&tickets[1]).await.id;
    desk.crm.fail(FaultRule::next(Fault::ServerError).path(&poisoned).times(1000));
    let job = start(&desk).await;
    for minute in 0..12 {
        step(&desk, minute * 2).await;
    }
    let done = read(&desk, &job).await;
    assert_eq!(done["progress"], json!({"done": 4, "total": 4, "found": 2}), "{done}");
    let found = desk.differences(&done).await;
    assert_eq!(
        (&found[0]["kind"], &found[0]["ticket_id"]),
        (&json!("unreadable"), &json!(tickets[1]))
    );
    assert_eq!((&found[1]["kind"], &found[1]["ticket_id"]), (&json!("field"), &json!(tickets[3])));
}

#[actix_web::test]
async fn a_crm_that_asks_for_a_pause_gets_it_from_the_comparison_too() {
    let (desk, _) = mirrored(2).await;
    desk.crm.fail(FaultRule::next(Fault::TooManyRequests { retry_after: 600 }));
    let job = start(&desk).await;
    step(&desk, 0).await;
    desk.crm.clear_calls();
    step(&desk, 5).await;
    assert_eq!(desk.crm.calls(), []);
    step(&desk, 11).await;
    assert_eq!(read(&desk, &job).await["progress"]["found"], 1);
}

#[actix_web::test]
async fn nothing_is_read_while_the_connection_is_paused() {
    let (desk, _) = mirrored(1).await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    desk.admin.post(&format!("{path}/pause"), json!({})).await.expect(200);
    desk.crm.clear_calls();
    let job = start(&desk).await;
    for minute in 0..3 {
        step(&desk, minute).await;
    }
    assert_eq!(desk.crm.calls(), []);
    assert_eq!(read(&desk, &job).await["waits_for"], "the connection is paused");
    desk.admin.post(&format!("{path}/resume"), json!({})).await.expect(200);
    step(&desk, 5).await;
    assert_eq!(read(&desk, &job).await["progress"]["found"], 1);
}

#[actix_web::test]
async fn refused_credentials_pause_the_connection_and_the_comparison_waits() {
    let (desk, _) = mirrored(1).await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    let unchecked = format!("{path}?check=false");
    desk.admin.patch(&unchecked, "*", json!({"client_secret": "wrong"})).await.expect(200);
    let job = start(&desk).await;
    step(&desk, 0).await;
    assert_eq!(desk.admin.get(&path).await.expect(200)["state"], "paused");
    let right = json!({"client_secret": desk.crm.client_secret()});
    desk.admin.patch(&path, "*", right).await.expect(200);
    desk.admin.post(&format!("{path}/resume"), json!({})).await.expect(200);
    step(&desk, 5).await;
    assert_eq!(read(&desk, &job).await["state"], "succeeded");
}

#[actix_web::test]
async fn a_cancelled_comparison_stops_and_keeps_what_it_found() {
    let (desk, tickets) = mirrored(25).await;
    desk.edit(&tickets[0], json!({"priority": "P1"})).await;
    let job = start(&desk).await;
    step(&desk, 0).await;
    let cancelled = desk.admin.post(&format!("{job}/cancel"), json!({})).await.expect(200);
    assert_eq!(cancelled["state"], "cancelled");
    desk.crm.clear_calls();
    assert!(!step(&desk, 60).await);
    assert_eq!(desk.crm.calls(), []);
    assert_eq!(desk.differences(&cancelled).await.len(), 1);
}

#[actix_web::test]
async fn a_comparison_that_is_cancelled_during_a_step_records_nothing_of_it() {
    let (desk, _) = mirrored(1).await;
    desk.crm.set_latency(Duration::from_millis(300));
    let job = start(&desk).await;
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        desk.admin.post(&format!("{job}/cancel"), json!({})).await.expect(200)
    };
    tokio::join!(step(&desk, 0), cancel);
    let done = read(&desk, &job).await;
    assert_eq!((&done["state"], &done["progress"]["done"]), (&json!("cancelled"), &json!(0)));
    assert_eq!(desk.differences(&done).await, Vec::<Value>::new());
}

#[actix_web::test]
async fn a_ticket_that_is_deleted_while_it_is_compared_differs_in_nothing() {
    let (desk, tickets) = mirrored(1).await;
    desk.crm.set_latency(Duration::from_millis(300));
    let job = start(&desk).await;
    let delete = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        desk.admin.delete(&format!("/v1/tickets/{}", tickets[0]), "*").await.expect(204)
    };
    tokio::join!(step(&desk, 0), delete);
    let done = read(&desk, &job).await;
    assert_eq!((&done["state"], &done["progress"]["done"]), (&json!("succeeded"), &json!(1)));
    assert_eq!(desk.differences(&done).await, Vec::<Value>::new());
}

#[actix_web::test]
async fn one_comparison_of_a_connection_runs_at_a_time() {
    let (desk, _) = mirrored(1).await;
    let job = start(&desk).await;
    let path = format!("/v1/crm/connections/{}/reconcile", desk.connection);
    let refused = desk.admin.post(&path, json!({})).await.problem(409, "job_active");
    assert!(refused["detail"].as_str().unwrap().contains(job.rsplit('/').next().unwrap()));
    step(&desk, 0).await;
    desk.admin.post(&path, json!({})).await.expect(202);
}

#[actix_web::test]
async fn a_removed_connection_takes_its_comparison_with_it() {
    let (desk, _) = mirrored(1).await;
    let job = start(&desk).await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    desk.admin.delete(&path, "*").await.expect(204);
    assert_eq!(read(&desk, &job).await["state"], "cancelled");
    assert!(!step(&desk, 60).await);
}

#[actix_web::test]
async fn another_process_goes_on_where_a_killed_one_stopped() {
    let (desk, tickets) = mirrored(45).await;
    desk.crm.set_latency(Duration::from_millis(60));
    desk.crm.clear_calls();
    // Links in cases begin with it. Polling would find the difference too.
    let url = [("CASEBRIDGE_PUBLIC_URL", desk.app.url.as_str())];
    let tomorrow = "update crm_connections set poll_at = now() + interval '1 day'";
    desk.app.sql(tomorrow).await.unwrap();
    let port = free_port();
    let mut process = Process::serve_on(port, &desk.app.database, &url).await;
    let job = start(&desk).await;
    let begun = |job: &Value| job["progress"]["done"].as_i64().unwrap() >= 20;
    wait_until(&desk, &job, begun).await;
    process.kill();
    process = Process::serve_on(port, &desk.app.database, &url).await;
    wait_until(&desk, &job, |job| job["state"] == "succeeded").await;
    drop(process);
    let done = read(&desk, &job).await;
    assert_eq!(done["progress"], json!({"done": 45, "total": 45, "found": 1}));
    assert_eq!(desk.differences(&done).await.len(), 1);
    // What was saved is not read again; what was under way is, once more.
    let reads = reads(&desk, tickets.len());
    assert!(reads.iter().all(|times| (1..=2).contains(times)), "{reads:?}");
    assert!(reads.iter().filter(|times| **times == 1).count() >= 20, "{reads:?}");
}

async fn wait_until(desk: &Mirrored, job: &str, is: impl Fn(&Value) -> bool) {
    let began = Instant::now();
    loop {
        let now = read(desk, job).await;
        if is(&now) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{now}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[actix_web::test]
async fn a_ticket_whose_mirror_cannot_be_understood_holds_up_no_other() {
    let (desk, tickets) = mirrored(2).await;
    let broken = format!(
        "update crm_mirrors set agreement = '{{\"base\": 5}}' where ticket_id = '{}'",
        tickets[0]
    );
    desk.app.sql(broken).await.unwrap();
    let job = start(&desk).await;
    step(&desk, 0).await;
    let done = read(&desk, &job).await;
    assert_eq!(done["progress"], json!({"done": 2, "total": 2, "found": 2}));
    let found = desk.differences(&done).await;
    assert_eq!(
        (&found[0]["kind"], &found[0]["detail"]),
        (&json!("unreadable"), &json!("an internal error occurred"))
    );
    let whole = "update crm_mirrors set agreement = '{\"base\": {}}'";
    desk.app.sql(whole).await.unwrap();
}
