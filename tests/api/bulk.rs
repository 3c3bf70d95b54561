//! One operation on many tickets, as a job.
use std::time::Duration;

use casebridge::bulk;
use casebridge::jobs::{Kind, Runner};
use casebridge::kernel::Permission;
use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp, path, pointers};

/// Opens tickets without the API's rounds; returns their ids.
async fn open(app: &TestApp, count: usize) -> Vec<Value> {
    let first = app.open_ticket(json!({})).await;
    let more = format!(
        "insert into tickets (id, workflow_id, status, category, subject, description, account_id, product_id, department_id,
           level, source, opened_by, opened_by_role, submitted_at, created_at, updated_at)
         select gen_random_uuid(), workflow_id, status, category, subject, description, account_id, product_id,
           department_id, level, source, opened_by, opened_by_role, now(), now(), now()
           from tickets, generate_series(2, {count})"
    );
    app.sql(more).await.unwrap();
    app.sql(
        "insert into events (type, ticket_id, ticket_version, subject, public, actor_id, actor_role, actor_name, origin, occurred_at)
         select 'ticket.opened', id, 1, 'ticket/' || id, true, opened_by, 'admin', '', 'api', now() from tickets t
          where not exists (select from events e where e.ticket_id = t.id)",
    )
    .await
    .unwrap();
    let ids = app.text("select string_agg(id::text, ' ') as text from tickets").await.unwrap();
    assert!(ids.contains(first["id"].as_str().unwrap()));
    ids.split(' ').map(|id| json!(id)).collect()
}

async fn start(caller: &Client, body: Value) -> Value {
    caller.post("/v1/bulk-jobs", body).await.expect(202)
}

async fn job(app: &TestApp, job: &Value) -> Value {
    let at = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    app.agent("Administrator").await.get(&at).await.expect(200)
}

async fn outcomes(caller: &Client, job: &Value, query: &str) -> Value {
    let at = format!("/v1/bulk-jobs/{}/outcomes{query}", job["id"].as_str().unwrap());
    caller.get(&at).await.expect(200)
}

fn runner(app: &TestApp) -> Runner {
    let db = app.service.db.clone();
    Runner::new(db.clone(), vec![Kind::new(bulk::BULK, &db, bulk::step)])
}

/// Holds that every ticket has exactly one note, and every version one event.
async fn each_once(app: &TestApp, tickets: i64) {
    assert_eq!(app.number("select count(*) as number from notes").await, tickets);
    assert_eq!(app.number("select count(distinct ticket_id) as number from notes").await, tickets);
    let left = "select count(*) as number from bulk_items where status is distinct from 200";
    assert_eq!(app.number(left).await, 0);
    let versions = "select count(*) as number from tickets t
        where version <> (select count(*) from events e where e.ticket_id = t.id)";
    assert_eq!(app.number(versions).await, 0);
}

#[actix_web::test]
async fn a_job_works_on_what_a_filter_finds_and_tells_what_became_of_each() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    open(&app, 60).await;
    let closed = app.open_ticket(json!({"priority": "high"})).await;
    app.advance_to(&closed, "050").await;
    let other = app.open_ticket(json!({"priority": "low"})).await;
    let filter = "priority=normal,high";
    let assign = json!({"operation": "assign", "body": {"agent_id": null}, "filter": filter});
    let started = start(&agent, assign).await;
    assert_eq!(started["options"], json!({"operation": "assign", "tickets": 61}));
    app.run_jobs().await;
    let done = job(&app, &started).await;
    assert_eq!(
        (&done["state"], &done["progress"]),
        (&json!("succeeded"), &json!({"done": 61, "total": 61, "found": 1}))
    );
    let refused = outcomes(&agent, &started, "?refused=true").await;
    assert_eq!(refused["items"].as_array().unwrap().len(), 1);
    let refused = &refused["items"][0];
    assert_eq!((&refused["ticket_id"], &refused["status"]), (&closed["id"], &json!(409)));
    assert_eq!(refused["code"], "ticket_closed");
    let (mut seen, mut next) = (0, String::new());
    loop {
        let page = outcomes(&agent, &started, &format!("?limit=25{next}")).await;
        seen += page["items"].as_array().unwrap().len();
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    assert_eq!(seen, 61);
    assert_eq!(app.read(&other).await["version"], other["version"]);
    app.loads_are_true().await;
}

#[actix_web::test]
async fn each_ticket_is_decided_with_the_rights_of_who_asked_as_they_are_now() {
    let app = TestApp::start().await;
    let agent = app.agent("L1 agent A").await;
    let own = app.open_ticket(json!({})).await;
    let foreign = app.open_ticket(json!({})).await;
    app.move_elsewhere(&foreign).await;
    let nobody = "00000000-0000-0000-0000-000000000000";
    let ids = json!([own["id"], foreign["id"], nobody, own["id"]]);
    let tag = json!({"operation": "tags", "body": {"add": ["seen"]}, "ids": ids});
    let started = start(&agent, tag.clone()).await;
    app.run_jobs().await;
    let found = outcomes(&agent, &started, "").await;
    let statuses: Vec<_> =
        found["items"].as_array().unwrap().iter().map(|o| &o["status"]).collect();
    assert_eq!(statuses, [&json!(200), &json!(404), &json!(404)]);
    // Nobody else reads them.
    let at = format!("/v1/bulk-jobs/{}/outcomes", started["id"].as_str().unwrap());
    app.agent("Coordinator").await.get(&at).await.problem(404, "not_found");
    app.contact("Purchasing contact").await.get(&at).await.problem(403, "forbidden");
    app.contact("Purchasing contact")
        .await
        .post("/v1/bulk-jobs", tag.clone())
        .await
        .problem(403, "forbidden");
    // A token for less than its bearer may is for less here too.
    let client = app.integration(Permission::ALL).await;
    let narrow = [Permission::TicketsRead, Permission::TicketsWork].into_iter();
    let narrow = app.client_with(client, narrow).await;
    let delete = json!({"operation": "delete", "ids": [own["id"]]});
    let started = start(&narrow, delete).await;
    app.run_jobs().await;
    assert_eq!(outcomes(&narrow, &started, "").await["items"][0]["code"], "forbidden");
    // Who has left does nothing any more.
    let started = start(&agent, tag).await;
    app.sql("update agents set active = false where name = 'L1 agent A'").await.unwrap();
    app.run_jobs().await;
    let failed = job(&app, &started).await;
    assert_eq!(failed["state"], "failed");
    assert!(failed["error"].as_str().unwrap().contains("may not call"), "{failed}");
}

#[actix_web::test]
async fn what_cannot_be_done_at_all_is_refused_at_once_and_one_job_is_at_work_at_a_time() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let id = app.open_ticket(json!({})).await["id"].clone();
    for (body, pointer) in [
        (json!({"operation": "patch", "body": {"colour": 1}, "ids": [id]}), "/body/colour"),
        (json!({"operation": "note", "body": {"body": " "}, "ids": [id]}), "/body/body"),
        (json!({"operation": "delete"}), "/ids"),
        (json!({"operation": "delete", "ids": [id], "filter": ""}), "/ids"),
        (json!({"operation": "delete", "ids": []}), "/ids"),
        (json!({"operation": "delete", "ids": vec![id.clone(); 10_001]}), "/ids"),
        (json!({"operation": "delete", "filter": "colour=red"}), "/filter"),
        (json!({"operation": "delete", "filter": "priority=huge"}), "/filter"),
        (json!({"operation": "open", "ids": [id]}), "/operation"),
    ] {
        assert_eq!(pointers(agent.post("/v1/bulk-jobs", body).await), [pointer]);
    }
    let keyed = || {
        let request = agent.request(Method::POST, "/v1/bulk-jobs").header("idempotency-key", "k");
        Reply::of(request.json(&json!({"operation": "note", "body": {"body": "Hi"}, "ids": [id]})))
    };
    let first = keyed().await.expect(202);
    assert_eq!(keyed().await.expect(202)["id"], first["id"]);
    let other = json!({"operation": "delete", "ids": [id]});
    agent.post("/v1/bulk-jobs", other.clone()).await.problem(409, "job_active");
    start(&app.agent("Administrator").await, json!({"operation": "restore", "ids": [id]})).await;
    app.run_jobs().await;
    assert_eq!(app.number("select count(*) as number from notes").await, 1);
    start(&agent, other).await;
    app.run_jobs().await;
    assert_eq!(
        app.number("select count(*) as number from tickets where deleted_at is null").await,
        0
    );
}

#[actix_web::test]
async fn a_job_whose_process_dies_again_and_again_works_on_each_ticket_once() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ids = open(&app, 120).await;
    let started =
        start(&agent, json!({"operation": "note", "body": {"body": "Once"}, "ids": ids})).await;
    let (mut deaths, mut now) = (0_usize, Utc::now());
    loop {
        let process = runner(&app);
        // The first ones die at once, the later ones live longer: however fast the machine is, some die and one finishes.
        let lives = Duration::from_millis(5) * u32::try_from(1 + deaths).unwrap();
        let died =
            tokio::time::timeout(lives, async { while process.step_due(now).await.unwrap() {} });
        deaths += usize::from(died.await.is_err());
        if job(&app, &started).await["finished_at"].is_string() {
            break;
        }
        // By then the lease of who has died is over.
        now += TimeDelta::seconds(31);
        assert!(deaths < 200, "{:?}", job(&app, &started).await);
    }
    let done = job(&app, &started).await;
    assert_eq!(
        (&done["state"], &done["progress"]["done"]),
        (&json!("succeeded"), &json!(120)),
        "{done}"
    );
    assert!(deaths > 0, "it was never interrupted");
    each_once(&app, 120).await;
}

#[actix_web::test]
async fn a_halted_process_gives_the_job_back_and_another_goes_on() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ids = open(&app, 60).await;
    let started =
        start(&agent, json!({"operation": "note", "body": {"body": "Once"}, "ids": ids})).await;
    let process = runner(&app);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        process.halt();
    };
    let (stepped, ()) = tokio::join!(process.step_due(Utc::now()), stop);
    stepped.unwrap();
    assert_eq!(job(&app, &started).await["state"], "running");
    let other = runner(&app);
    while other.step_due(Utc::now()).await.unwrap() {}
    assert_eq!(job(&app, &started).await["state"], "succeeded");
    each_once(&app, 60).await;
}

#[actix_web::test]
async fn of_two_processes_that_hold_the_same_job_the_later_one_counts() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ids = open(&app, 80).await;
    let started =
        start(&agent, json!({"operation": "note", "body": {"body": "Once"}, "ids": ids})).await;
    let (slow, quick) = (runner(&app), runner(&app));
    let overtake = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        // The first one's lease is over by this clock, and it does not know.
        while quick.step_due(Utc::now() + TimeDelta::seconds(40)).await.unwrap() {}
    };
    let (first, ()) = tokio::join!(slow.step_due(Utc::now()), overtake);
    first.unwrap();
    while quick.step_due(Utc::now() + TimeDelta::seconds(80)).await.unwrap() {}
    assert_eq!(job(&app, &started).await["state"], "succeeded");
    each_once(&app, 80).await;
}

#[actix_web::test]
async fn a_cancelled_job_stops_and_what_it_did_stays() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ids = open(&app, 60).await;
    let started =
        start(&agent, json!({"operation": "note", "body": {"body": "Once"}, "ids": ids})).await;
    assert!(runner(&app).step_due(Utc::now()).await.unwrap());
    let at = format!("/v1/jobs/{}/cancel", started["id"].as_str().unwrap());
    app.agent("Administrator").await.post(&at, json!({})).await.expect(200);
    app.run_jobs().await;
    assert_eq!(app.number("select count(*) as number from notes").await, 25);
    let page = outcomes(&agent, &started, "?limit=100").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 25);
}

#[actix_web::test]
async fn what_was_asked_for_is_not_shown_with_the_job_and_loses_its_secrets() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let body = json!({"body": "The password is hunter22", "visibility": "internal"});
    let started =
        start(&agent, json!({"operation": "note", "body": body, "ids": [ticket["id"]]})).await;
    app.run_jobs().await;
    assert!(!job(&app, &started).await.to_string().contains("hunter22"));
    let note = agent.get(&path(&ticket, "/notes")).await.expect(200)["items"][0]["id"].clone();
    let redact =
        json!({"field": "note", "note_id": note, "text": "hunter22", "reason": "A password"});
    agent.post_on(&path(&ticket, "/redactions"), "*", redact).await.expect(201);
    let left = "select count(*) as number from bulk_jobs where body::text like '%hunter22%'";
    assert_eq!(app.number(left).await, 0);
}
