//! What goes wrong while an import is at work.
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use fake_crm::{Fault, FaultRule};
use serde_json::{Value, json};

use super::{counts, creating};
use crate::support::Process;
use crate::support::mirror::{Mirrored, text};

impl Mirrored {
    /// Makes due what a job waits for.
    async fn job_goes_on(&self) {
        self.app.sql("update jobs set run_at = now()").await.unwrap();
        self.app.sql("update crm_connections set not_before = null").await.unwrap();
    }

    fn many_accounts(&self, how_many: usize) {
        for n in 0..how_many {
            self.crm.create("Accounts", json!({"name": format!("Many {n}")})).unwrap();
        }
    }

    async fn accounts(&self) -> i64 {
        self.app.number("select count(*) as number from accounts").await
    }
}

#[actix_web::test]
async fn a_crm_that_goes_down_in_the_middle_is_waited_for() {
    let desk = creating().await;
    desk.many_accounts(250);
    desk.admin.post(&desk.path("import"), json!({})).await.expect(202);
    let second_page = FaultRule::next(Fault::DropBefore).module("Accounts").path("gt");
    desk.crm.fail(second_page.times(4));
    desk.app.run_jobs().await;
    let job = desk.status().await["job"].clone();
    assert_eq!(job["state"], "running", "{job}");
    assert!(text(&job["waits_for"]).contains("did not answer"), "{job}");
    assert_eq!(desk.accounts().await, 2, "nothing is matched before the listing is complete");
    for _ in 0..6 {
        desk.job_goes_on().await;
        desk.app.run_jobs().await;
    }
    assert!(desk.crm.pending_faults().is_empty());
    let status = desk.status().await;
    assert_eq!((&status["job"]["state"], desk.accounts().await), (&json!("succeeded"), 252));
    // The first page was not read again.
    assert_eq!(counts(&status, "account"), [252, 250, 0, 2, 0]);
}

#[actix_web::test]
async fn a_module_that_the_crm_does_not_have_stops_no_other() {
    let desk = Mirrored::start().await;
    desk.crm.uninstall("AOS_Products");
    let status = desk.import(false).await;
    let product = status["kinds"].as_array().unwrap().iter().find(|row| row["kind"] == "product");
    let error = text(&product.unwrap()["error"]);
    assert!(error.contains("AOS_Products does not exist"), "{error}");
    assert_eq!(counts(&status, "contact")[..4], [4, 0, 0, 4]);
}

#[actix_web::test]
async fn an_import_waits_while_the_credentials_are_refused() {
    let desk = Mirrored::start().await;
    desk.crm.fail(FaultRule::next(Fault::AccessDenied).module("Accounts").times(2));
    desk.admin.post(&desk.path("import"), json!({})).await.expect(202);
    for reason in ["the CRM refused the credentials", "the connection is paused"] {
        desk.job_goes_on().await;
        desk.app.run_jobs().await;
        let job = desk.status().await["job"].clone();
        assert!(text(&job["waits_for"]).starts_with(reason), "{job}");
    }
    let resume = format!("/v1/crm/connections/{}/resume", desk.connection);
    desk.admin.post(&resume, json!({})).await.expect(200);
    desk.job_goes_on().await;
    desk.app.run_jobs().await;
    assert_eq!(counts(&desk.status().await, "contact")[0], 4);
}

#[actix_web::test]
async fn two_imports_at_once_are_one_and_two_processes_do_nothing_twice() {
    let desk = creating().await;
    desk.many_accounts(450);
    desk.admin.post(&desk.path("import"), json!({})).await.expect(202);
    desk.admin.post(&desk.path("import"), json!({})).await.problem(409, "job_active");
    let service = casebridge::app::Service::new(
        (*desk.app.service.config).clone(),
        desk.app.service.db.clone(),
    );
    let (one, other) = (desk.app.service.jobs.clone(), service.await.unwrap().jobs);
    for _ in 0..200 {
        let now = Utc::now();
        let (a, b) = tokio::join!(one.step_due(now), other.step_due(now));
        if !a.unwrap() && !b.unwrap() {
            break;
        }
    }
    assert_eq!(counts(&desk.status().await, "account"), [452, 450, 0, 2, 0]);
    assert_eq!(desk.accounts().await, 452);
}

#[actix_web::test]
async fn health_tells_the_last_import_what_it_could_not_list_and_when_the_next_is_due() {
    let scheduled = json!({"import": {"scheduled": true, "every_minutes": 30}});
    let desk = Mirrored::start_with(scheduled).await;
    let time = |value: &Value| text(value).parse::<DateTime<Utc>>().unwrap();
    let health = desk.health().await;
    assert_eq!((&health["import"], &health["import_errors"]), (&Value::Null, &json!([])));
    assert!(time(&health["next_import_at"]) <= Utc::now(), "the first is due at once");

    desk.crm.uninstall("AOS_Products");
    let job = desk.import(false).await["job"].clone();
    let health = desk.health().await;
    assert_eq!((&health["import"], &health["import"]["state"]), (&job, &json!("succeeded")));
    let errors = health["import_errors"].as_array().unwrap();
    assert_eq!((errors.len(), &errors[0]["kind"]), (1, &json!("product")));
    assert!(text(&errors[0]["error"]).contains("AOS_Products does not exist"), "{health}");
    let gap = time(&health["next_import_at"]) - time(&health["import"]["started_at"]);
    assert!((29..=30).contains(&gap.num_minutes()), "{health}");
    let later = time(&health["next_import_at"]);
    let start = async |now| desk.app.service.mirror.import_due(now).await.unwrap();
    assert!(!start(later - TimeDelta::seconds(1)).await, "it starts when health says so");
    assert!(start(later).await);

    desk.admin.post(&desk.path("pause"), json!({})).await.expect(200);
    assert_eq!(desk.health().await["next_import_at"], Value::Null);
}

#[actix_web::test]
async fn a_connection_that_is_removed_ends_its_import() {
    let desk = creating().await;
    desk.many_accounts(150);
    let started = desk.admin.post(&desk.path("import"), json!({})).await.expect(202);
    for _ in 0..3 {
        desk.app.service.jobs.step_due(Utc::now()).await.unwrap();
    }
    let path = format!("/v1/crm/connections/{}", desk.connection);
    desk.admin.delete(&path, "*").await.expect(204);
    desk.app.run_jobs().await;
    let job = desk.admin.get(&format!("/v1/jobs/{}", text(&started["id"]))).await.expect(200);
    assert_eq!(job["state"], "cancelled");
    assert_eq!(desk.app.number("select count(*) as number from crm_records").await, 0);
}

#[actix_web::test]
async fn an_import_that_is_killed_again_and_again_goes_on_and_does_nothing_twice() {
    let desk = creating().await;
    desk.many_accounts(1500);
    desk.crm.set_latency(Duration::from_millis(60));
    desk.admin.post(&desk.path("import"), json!({})).await.expect(202);
    for moment in [150, 400, 300] {
        let mut process = Process::serve(&desk.app.database, &[]).await;
        tokio::time::sleep(Duration::from_millis(moment)).await;
        process.kill();
        // What the dead process held is free when its lease is over.
        desk.app.sql("update jobs set run_at = now()").await.unwrap();
    }
    let midway = desk.status().await;
    assert_ne!(midway["job"]["state"], "succeeded", "it was killed in the middle: {midway}");
    let process = Process::serve(&desk.app.database, &[]).await;
    wait_for_the_import(&desk).await;
    assert_eq!(counts(&desk.status().await, "account"), [1502, 1500, 0, 2, 0]);
    assert_eq!(desk.accounts().await, 1502);
    drop(process);
}

#[actix_web::test]
async fn ten_thousand_records_need_little_memory() {
    let desk = creating().await;
    desk.many_accounts(10_000);
    let process = Process::serve(&desk.app.database, &[("CASEBRIDGE_LOG", "warn")]).await;
    let before = process.peak_memory();
    desk.admin.post(&desk.path("import"), json!({})).await.expect(202);
    wait_for_the_import(&desk).await;
    let status = desk.status().await;
    assert_eq!(counts(&status, "account"), [10_002, 10_000, 0, 2, 0]);
    let grown = process.peak_memory() - before;
    assert!(grown < 48 * 1024, "it grew by {grown} KiB");
}

async fn wait_for_the_import(desk: &Mirrored) -> Value {
    let started = Instant::now();
    loop {
        let status = desk.status().await;
        if status["job"]["state"] == "succeeded" {
            return status;
        }
        assert!(started.elapsed() < Duration::from_secs(100), "{status}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
