//! Jobs of any kind: steps, leases, failures, and how they are watched and stopped.
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use casebridge::app::Service;
use casebridge::jobs::{self, Job, Kind, NewJob, Progress, Runner, Step};
use casebridge::kernel::{Actor, AppError, Role};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::TestApp;

const COUNT: &str = "count";

/// Counts to three, one number a step.
#[derive(Clone)]
struct Counter {
    app: Arc<TestApp>,
    steps: Arc<AtomicI64>,
    /// How long a step takes.
    pause: Duration,
}

impl Counter {
    async fn start() -> Self {
        let app = Arc::new(TestApp::start().await);
        Self { app, steps: Arc::default(), pause: Duration::ZERO }
    }

    fn runner(&self) -> Runner {
        Runner::new(self.app.service.db.clone(), vec![Kind::new(COUNT, self, Self::step)])
    }

    async fn step(self, job: Job, now: DateTime<Utc>) -> Result<Step, AppError> {
        self.steps.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(self.pause).await;
        let done = job.done + 1;
        let progress = Progress { cursor: json!(done), done, total: Some(3), found: 0 };
        let saved = self.app.service.db.tx(move |conn| jobs::save(conn, &job, &progress));
        saved.await?;
        Ok(if done == 3 { Step::Done } else { Step::Next(now) })
    }

    fn steps(&self) -> i64 {
        self.steps.load(Ordering::Relaxed)
    }
}

async fn start(app: &TestApp, kind: &'static str, subject: &str) -> Result<String, AppError> {
    let new = NewJob { kind, subject: subject.to_owned(), options: json!({}) };
    let started =
        app.service.db.tx(move |conn| jobs::start(conn, &Actor::system(), new, Utc::now()));
    Ok(started.await?.id.to_string())
}

async fn read(app: &TestApp, job: &str) -> Value {
    app.client(Role::Admin).await.get(&format!("/v1/jobs/{job}")).await.expect(200)
}

type End = fn(DateTime<Utc>) -> Result<Step, AppError>;

/// A runner whose steps end so.
fn ending(app: &TestApp, end: End) -> Runner {
    let step = move |(), _, now| async move { end(now) };
    Runner::new(app.service.db.clone(), vec![Kind::new(COUNT, &(), step)])
}

#[actix_web::test]
async fn a_job_is_done_step_by_step_and_tells_how_far_it_is() {
    let counter = Counter::start().await;
    let (app, runner) = (&counter.app, counter.runner());
    let job = start(app, COUNT, "a").await.unwrap();
    assert_eq!(read(app, &job).await["state"], "queued");
    assert!(runner.step_due(Utc::now()).await.unwrap());
    let now = read(app, &job).await;
    assert_eq!((&now["state"], &now["finished_at"]), (&json!("running"), &Value::Null));
    assert_eq!(now["progress"], json!({"done": 1, "total": 3, "found": 0}));
    while runner.step_due(Utc::now()).await.unwrap() {}
    let now = read(app, &job).await;
    assert_eq!((&now["state"], &now["progress"]["done"]), (&json!("succeeded"), &json!(3)));
    assert!(now["finished_at"].is_string());
    assert_eq!(counter.steps(), 3);
}

#[actix_web::test]
async fn another_runner_goes_on_from_the_cursor_when_the_lease_is_over() {
    let mut counter = Counter::start().await;
    let app = Arc::clone(&counter.app);
    let job = start(&app, COUNT, "a").await.unwrap();
    assert!(counter.runner().step_due(Utc::now()).await.unwrap());
    // The process dies in the middle of the second step.
    counter.pause = Duration::from_secs(60);
    let crash = counter.runner();
    let died = tokio::time::timeout(Duration::from_millis(300), crash.step_due(Utc::now()));
    assert!(died.await.is_err());
    counter.pause = Duration::ZERO;
    let other = counter.runner();
    assert!(!other.step_due(Utc::now()).await.unwrap(), "the lease was not respected");
    let later = Utc::now() + TimeDelta::seconds(16);
    while other.step_due(later).await.unwrap() {}
    assert_eq!(read(&app, &job).await["progress"]["done"], 3);
    assert_eq!(counter.steps(), 4);
}

#[actix_web::test]
async fn what_a_turn_saves_that_lost_its_lease_is_undone() {
    let mut counter = Counter::start().await;
    let app = Arc::clone(&counter.app);
    let job = start(&app, COUNT, "a").await.unwrap();
    counter.pause = Duration::from_millis(500);
    let slow = counter.runner();
    counter.pause = Duration::ZERO;
    let quick = counter.runner();
    let overtake = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        for seconds in [16, 17] {
            assert!(quick.step_due(Utc::now() + TimeDelta::seconds(seconds)).await.unwrap());
        }
    };
    let (slow, ()) = tokio::join!(slow.step_due(Utc::now()), overtake);
    assert!(slow.unwrap());
    assert_eq!(counter.steps(), 3);
    let now = read(&app, &job).await;
    assert_eq!((&now["progress"]["done"], &now["state"]), (&json!(2), &json!("running")));
}

#[actix_web::test]
async fn two_runners_never_do_the_same_step() {
    let mut counter = Counter::start().await;
    counter.pause = Duration::from_millis(20);
    for n in 0..6 {
        start(&counter.app, COUNT, &n.to_string()).await.unwrap();
    }
    let work = || async {
        let runner = counter.runner();
        for _ in 0..20 {
            runner.step_due(Utc::now()).await.unwrap();
        }
    };
    tokio::join!(work(), work(), work());
    let left = "select count(*) as number from jobs where state <> 'succeeded'";
    assert_eq!((counter.app.number(left).await, counter.steps()), (0, 18));
}

#[actix_web::test]
async fn a_slow_step_delays_no_other_job() {
    let mut counter = Counter::start().await;
    let app = Arc::clone(&counter.app);
    let quick = Kind::new("quick", &counter, Counter::step);
    counter.pause = Duration::from_secs(60);
    let slow = Kind::new(COUNT, &counter, Counter::step);
    let db = app.service.db.clone();
    let service = Service { jobs: Runner::new(db, vec![slow, quick]), ..app.service.clone() };
    let workers = service.start_workers();
    let slow = start(&app, COUNT, "a").await.unwrap();
    while counter.steps() == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let quick = start(&app, "quick", "a").await.unwrap();
    let began = Instant::now();
    while read(&app, &quick).await["state"] != "succeeded" {
        assert!(began.elapsed() < Duration::from_secs(20), "the quick job waits for the slow one");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(read(&app, &slow).await["progress"]["done"], 0);
    service.jobs.halt();
    workers.stop().await;
}

#[actix_web::test]
async fn one_job_of_a_kind_is_at_work_on_a_subject() {
    let app = TestApp::start().await;
    let first = start(&app, COUNT, "a").await.unwrap();
    let refused = start(&app, COUNT, "a").await.unwrap_err();
    assert_eq!(refused.code(), "job_active");
    assert!(refused.to_string().contains(&first));
    start(&app, COUNT, "b").await.unwrap();
    start(&app, "other", "a").await.unwrap();
    let admin = app.client(Role::Admin).await;
    admin.post(&format!("/v1/jobs/{first}/cancel"), json!({})).await.expect(200);
    start(&app, COUNT, "a").await.unwrap();
}

#[actix_web::test]
async fn a_job_that_must_wait_says_what_for_and_until_then_costs_nothing() {
    let app = TestApp::start().await;
    let job = start(&app, COUNT, "a").await.unwrap();
    let waiting = ending(&app, |now| Ok(Step::Wait(now + TimeDelta::minutes(5), "rain".into())));
    let now = Utc::now();
    assert!(waiting.step_due(now).await.unwrap());
    assert_eq!(read(&app, &job).await["waits_for"], "rain");
    assert!(!waiting.step_due(now + TimeDelta::minutes(4)).await.unwrap());
    let done = ending(&app, |_| Ok(Step::Done));
    assert!(done.step_due(now + TimeDelta::minutes(6)).await.unwrap());
    assert_eq!(read(&app, &job).await["waits_for"], Value::Null);
}

#[actix_web::test]
async fn a_step_that_fails_or_panics_is_tried_again_and_in_the_end_fails_the_job() {
    let app = TestApp::start().await;
    let fails: [End; 2] = [
        |_| Err(AppError::Internal(anyhow::anyhow!("a secret cause"))),
        |_| panic!("a step of a test panics"),
    ];
    for fail in fails {
        let job = start(&app, COUNT, "a").await.unwrap();
        let runner = ending(&app, fail);
        let mut failures = 0;
        for minutes in 0..60 {
            let now = Utc::now() + TimeDelta::minutes(minutes);
            match runner.step_due(now).await {
                Ok(true) => panic!("the failure was not told"),
                Ok(false) => {}
                Err(_) => failures += 1,
            }
        }
        assert_eq!(failures, 6);
        let failed = read(&app, &job).await;
        assert_eq!(failed["state"], "failed");
        assert_eq!(failed["error"], "an internal error occurred");
    }
}

#[actix_web::test]
async fn a_job_that_can_never_be_done_fails_with_the_reason() {
    let app = TestApp::start().await;
    let job = start(&app, COUNT, "a").await.unwrap();
    let hopeless = ending(&app, |_| Ok(Step::Failed("there is nothing to count".into())));
    assert!(hopeless.step_due(Utc::now()).await.unwrap());
    let failed = read(&app, &job).await;
    assert_eq!(
        (&failed["state"], &failed["error"]),
        (&json!("failed"), &json!("there is nothing to count"))
    );
}

#[actix_web::test]
async fn a_process_leaves_the_kinds_that_it_does_not_know_alone() {
    let counter = Counter::start().await;
    let job = start(&counter.app, "of_a_newer_version", "a").await.unwrap();
    assert!(!counter.runner().step_due(Utc::now()).await.unwrap());
    assert_eq!(read(&counter.app, &job).await["state"], "queued");
}

#[actix_web::test]
async fn at_shutdown_a_step_is_given_up_and_is_due_at_once() {
    let mut counter = Counter::start().await;
    let app = Arc::clone(&counter.app);
    start(&app, COUNT, "a").await.unwrap();
    counter.pause = Duration::from_secs(60);
    let leaving = counter.runner();
    let halt = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        leaving.halt();
    };
    let (done, ()) = tokio::join!(leaving.step_due(Utc::now()), halt);
    assert!(done.unwrap());
    counter.pause = Duration::ZERO;
    assert!(counter.runner().step_due(Utc::now()).await.unwrap());
}

#[actix_web::test]
async fn a_cancelled_job_stays_so_and_an_ended_one_cannot_be_cancelled() {
    let counter = Counter::start().await;
    let app = &counter.app;
    let admin = app.client(Role::Admin).await;
    let job = start(app, COUNT, "a").await.unwrap();
    counter.runner().step_due(Utc::now()).await.unwrap();
    let cancel = format!("/v1/jobs/{job}/cancel");
    assert_eq!(admin.post(&cancel, json!({})).await.expect(200)["state"], "cancelled");
    assert_eq!(admin.post(&cancel, json!({})).await.expect(200)["state"], "cancelled");
    assert!(!counter.runner().step_due(Utc::now() + TimeDelta::hours(1)).await.unwrap());
    let job = start(app, COUNT, "b").await.unwrap();
    while counter.runner().step_due(Utc::now()).await.unwrap() {}
    let cancel = format!("/v1/jobs/{job}/cancel");
    admin.post(&cancel, json!({})).await.problem(409, "job_finished");
}

#[actix_web::test]
async fn jobs_are_listed_newest_first_and_found_by_kind_subject_and_state() {
    let counter = Counter::start().await;
    let app = &counter.app;
    let first = start(app, COUNT, "a").await.unwrap();
    while counter.runner().step_due(Utc::now()).await.unwrap() {}
    let second = start(app, COUNT, "b").await.unwrap();
    let third = start(app, "other", "a").await.unwrap();
    let admin = app.client(Role::Admin).await;
    for (query, expected) in [
        ("", vec![&third, &second, &first]),
        ("?kind=count", vec![&second, &first]),
        ("?subject=a", vec![&third, &first]),
        ("?state=succeeded", vec![&first]),
        ("?limit=1", vec![&third]),
    ] {
        let page = admin.get(&format!("/v1/jobs{query}")).await.expect(200);
        let ids: Vec<_> = page["items"].as_array().unwrap().iter().map(|job| &job["id"]).collect();
        assert_eq!(ids, expected, "{query}");
    }
    let page = admin.get("/v1/jobs?limit=1").await.expect(200);
    let next = page["next"].as_str().unwrap();
    let page = admin.get(&format!("/v1/jobs?limit=1&cursor={next}")).await.expect(200);
    assert_eq!(page["items"][0]["id"], second);
}

#[actix_web::test]
async fn the_desk_sees_jobs_and_only_administrators_cancel_them() {
    let app = TestApp::start().await;
    let job = start(&app, COUNT, "a").await.unwrap();
    let path = format!("/v1/jobs/{job}");
    app.client(Role::Contact).await.get(&path).await.problem(403, "forbidden");
    for role in [Role::Agent, Role::Coordinator] {
        let person = app.client(role).await;
        person.get(&path).await.expect(200);
        person.post(&format!("{path}/cancel"), json!({})).await.problem(403, "forbidden");
    }
}

#[actix_web::test]
async fn what_ended_a_month_ago_is_forgotten_when_the_next_one_starts() {
    let counter = Counter::start().await;
    let app = &counter.app;
    let old = start(app, COUNT, "a").await.unwrap();
    while counter.runner().step_due(Utc::now()).await.unwrap() {}
    start(app, COUNT, "a").await.unwrap();
    let admin = app.client(Role::Admin).await;
    admin.get(&format!("/v1/jobs/{old}")).await.expect(200);
    app.sql(
        "update jobs set finished_at = now() - interval '31 days' where finished_at is not null",
    )
    .await
    .unwrap();
    start(app, "other", "a").await.unwrap();
    admin.get(&format!("/v1/jobs/{old}")).await.problem(404, "not_found");
}
