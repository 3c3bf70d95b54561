//! How the facts are kept, from where they are read, and within which bounds.
use casebridge::kernel::{AppError, Role};
use casebridge::reports::service::{self, Followed};
use diesel::{RunQueryDsl as _, sql_query};
use serde_json::{Value, json};

use super::{follow, report};
use crate::support::TestApp;

#[actix_web::test]
async fn facts_that_are_forgotten_are_derived_anew_from_the_whole_log() {
    let app = TestApp::start().await;
    let desk = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    app.advance_to(&ticket, "050").await;
    app.open_ticket(json!({})).await;
    follow(&app).await;
    let whole = async || {
        let reports = ["volume", "backlog", "response-times", "resolution-times", "agent-load"];
        let mut totals = Vec::new();
        for name in reports {
            totals.push(report(&desk, name).await["total"].clone());
        }
        totals
    };
    let before = whole().await;
    app.sql("delete from report_assignments").await.unwrap();
    app.sql("update report_cycles set merged = true, seconds = 7 where closed_at is not null")
        .await
        .unwrap();
    assert_ne!(whole().await, before);
    assert_eq!(app.service.db.quiet_tx(service::rebuild).await.unwrap(), 2);
    follow(&app).await;
    assert_eq!(whole().await, before);
}

#[actix_web::test]
async fn a_report_tells_up_to_when_it_knows_what_happened() {
    let app = TestApp::start().await;
    let desk = app.agent("Coordinator").await;
    follow(&app).await;
    let known = async || report(&desk, "volume").await;
    let first = app.open_ticket(json!({})).await;
    let early = known().await;
    assert_eq!((&early["total"]["opened"], &early["as_of"]), (&json!(0), &first["created_at"]));
    app.publish().await;
    assert_eq!(known().await["as_of"], first["created_at"], "published, but not in the facts");
    follow(&app).await;
    let late = known().await;
    assert_eq!(late["total"]["opened"], 1);
    assert!(late["as_of"].as_str() > first["created_at"].as_str(), "{late}");
}

#[actix_web::test]
async fn facts_wait_for_the_clocks_that_say_by_which_hours_they_are_measured() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    app.advance_to(&ticket, "050").await;
    app.publish().await;
    let step = |conn: &mut _| service::follow(conn, chrono::Utc::now());
    while app.service.db.quiet_tx(step).await.unwrap() == Followed::Some {}
    let known = "select count(*) as number from report_tickets";
    assert_eq!(app.number(known).await, 0);
    follow(&app).await;
    assert_eq!(app.number(known).await, 1);
}

#[actix_web::test]
async fn a_status_that_is_gone_still_says_what_tickets_were_in_it() {
    let app = TestApp::start().await;
    let desk = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    app.advance_to(&ticket, "050").await;
    // The ticket goes to another closed status, and the one in which it was solved goes.
    for change in [
        "insert into statuses select (s).* from (select jsonb_populate_record(s, '{\"code\": \"060\", \"key\": \"ENDED\"}') as s
           from statuses s where code = '050') other",
        "update tickets set status = '060' where status = '050'",
        "delete from transitions where from_code = '050' or to_code = '050'",
        "delete from statuses where code = '050'",
    ] {
        app.sql(change).await.unwrap();
    }
    follow(&app).await;
    assert_eq!(report(&desk, "volume").await["total"]["closed"], 1);
}

#[actix_web::test]
async fn reports_are_read_from_the_replica_when_there_is_one_and_nothing_else_needs_it() {
    let replica = TestApp::start().await;
    for _ in 0..3 {
        replica.open_ticket(json!({})).await;
    }
    follow(&replica).await;
    let url = replica.database.url.clone();
    let app = TestApp::start_with(|config| config.database_replica_url = Some(url)).await;
    let desk = app.agent("Coordinator").await;
    app.open_ticket(json!({})).await;
    follow(&app).await;
    assert_eq!(report(&desk, "volume").await["total"]["opened"], 3);
    assert_eq!(report(&desk, "backlog").await["total"]["open"], 3);
    replica.database.refuse_connections(true);
    let refused = desk.get("/v1/reports/volume").await;
    assert_eq!(refused.header("retry-after"), "1");
    refused.problem(503, "unavailable");
    app.open_ticket(json!({})).await;
    replica.database.refuse_connections(false);
}

#[actix_web::test]
async fn a_report_writes_nothing_ends_in_time_and_waits_its_turn_for_a_while() {
    let limits = |config: &mut casebridge::config::Config| {
        (config.reports_at_once, config.report_seconds) = (1, 1);
    };
    let app = TestApp::start_with(limits).await;
    let reports = app.service.reports.clone();
    let run =
        async |sql: &'static str| reports.read(move |conn| Ok(sql_query(sql).execute(conn)?)).await;
    let slow = run("select pg_sleep(3)").await.unwrap_err();
    assert_eq!((slow.code(), slow.status()), ("report_too_large", 422));
    assert!(run("delete from report_tickets").await.is_err());
    // Each statement ends in time; all together take longer than anybody waits.
    let long = reports.read(|conn| {
        for _ in 0..5 {
            sql_query("select pg_sleep(0.8)").execute(conn)?;
        }
        Ok(())
    });
    let (long, impatient) = tokio::join!(long, run("select 1"));
    long.unwrap();
    assert!(matches!(impatient, Err(AppError::Unavailable(_))), "{impatient:?}");
    run("select 1").await.unwrap();
}

#[actix_web::test]
async fn the_mirror_is_told_over_all_connections_and_for_each() {
    let app = TestApp::start().await;
    let desk = app.agent("Coordinator").await;
    let none = report(&desk, "mirror-health").await;
    let nothing = json!({"pending": 0, "parked": 0, "conflicts": 0, "lag_seconds": 0});
    assert_eq!((&none["total"], &none["connections"]), (&nothing, &json!([])));
    let admin = app.client(Role::Admin).await;
    for name in ["First", "Second"] {
        let new = json!({
            "name": name, "base_url": "http://127.0.0.1:9", "client_id": "desk", "client_secret": "secret",
        });
        admin.post("/v1/crm/connections?check=false", new).await.expect(201);
    }
    app.run_jobs().await;
    let tickets = [app.open_ticket(json!({})).await, app.open_ticket(json!({})).await];
    app.publish().await;
    app.sql("update crm_mirrors set dirty_since = now() - interval '90 seconds'").await.unwrap();
    let parked = format!(
        "update crm_mirrors set state = 'parked', dirty_since = null where ticket_id = '{}'
            and connection_id = (select id from crm_connections where name = 'First')",
        tickets[0]["id"].as_str().unwrap()
    );
    app.sql(parked).await.unwrap();
    let told = report(&desk, "mirror-health").await;
    let of = |one: &Value| json!([one["name"], one["pending"], one["parked"], one["conflicts"]]);
    let each: Vec<Value> = told["connections"].as_array().unwrap().iter().map(of).collect();
    assert_eq!(each, [json!(["First", 1, 1, 0]), json!(["Second", 2, 0, 0])]);
    let total = &told["total"];
    assert_eq!((&total["pending"], &total["parked"]), (&json!(3), &json!(1)));
    assert!((90..100).contains(&total["lag_seconds"].as_i64().unwrap()), "{told}");
    let table = desk.get("/v1/reports/mirror-health?format=csv").await.expect(200);
    let lines: Vec<&str> = table.as_str().unwrap().lines().collect();
    assert_eq!(
        lines[0],
        "part,connection_id,connection,state,pending,parked,conflicts,lag_seconds"
    );
    assert!(lines[1].starts_with("total,,,,3,1,0,") && lines.len() == 4, "{lines:?}");
    app.client(Role::Agent).await.get("/v1/reports/mirror-health").await.problem(403, "forbidden");
}
