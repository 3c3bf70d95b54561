//! The program from start to end: how it starts, refuses to start, logs and stops.
use std::time::{Duration, Instant};

use casebridge::kernel::SecretKey;
use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use fake_crm::{Fault, FaultRule};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::mirror::Mirrored;
use crate::support::{Client, Database, Process, Reply, casebridge, free_port, secret_key};

/// What a start that must fail says; the exit code is 1.
fn refused(environment: &[(&str, &str)]) -> String {
    let output = casebridge(&["serve"], environment).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty());
    said
}

#[actix_web::test]
async fn on_sigterm_it_finishes_the_request_in_flight_and_ends_with_success() {
    let database = Database::create().await;
    let process = Process::serve(&database, &[]).await;
    let caller = process.client("admin");
    let (id, etag) = {
        let made = caller.post("/v1/products", json!({"name": "Slow"})).await;
        (made.body["id"].as_str().unwrap().to_owned(), made.header("etag").to_owned())
    };
    let mut conn = PgConnection::establish(database.url.expose()).unwrap();
    conn.batch_execute(&format!("begin; select from products where id = '{id}' for update"))
        .unwrap();
    let slow = actix_web::rt::spawn(async move {
        caller.patch(&format!("/v1/products/{id}"), &etag, json!({"name": "Done"})).await
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let started = Instant::now();
    process.terminate();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!slow.is_finished());
    assert!(
        reqwest::get(format!("{}/health/live", process.url)).await.is_err(),
        "it still accepts"
    );
    conn.batch_execute("rollback").unwrap();
    slow.await.unwrap().expect(200);
    let (status, logs) = process.ended().await;
    assert_eq!(status.code(), Some(0), "{logs}");
    assert!(logs.lines().last().unwrap().contains("stopped"), "{logs}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[actix_web::test]
async fn on_sigterm_waiting_readers_of_the_feed_are_answered_at_once() {
    let database = Database::create().await;
    let process = Process::serve(&database, &[]).await;
    let caller = process.client("admin");
    let waiting =
        actix_web::rt::spawn(
            async move { caller.get("/v1/events?wait=30&types=ticket.deleted").await },
        );
    tokio::time::sleep(Duration::from_millis(500)).await;
    let started = Instant::now();
    process.terminate();
    assert_eq!(waiting.await.unwrap().expect(200)["items"], json!([]));
    let (status, logs) = process.ended().await;
    assert_eq!(status.code(), Some(0), "{logs}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[actix_web::test]
async fn a_crm_that_does_not_answer_delays_the_end_by_seconds_and_the_next_start_not_at_all() {
    let desk = Mirrored::start().await;
    desk.crm.fail(FaultRule::next(Fault::Hang { milliseconds: 25_000 }).module("Cases").times(8));
    let ticket = desk.open("Hanging").await;
    let port = free_port();
    let process = Process::serve_on(port, &desk.app.database, &[]).await;
    while desk.crm.count("POST", "Cases") == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let started = Instant::now();
    process.terminate();
    let (status, logs) = process.ended().await;
    assert_eq!(status.code(), Some(0), "{logs}");
    assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
    desk.crm.clear_faults();
    let _process = Process::serve_on(port, &desk.app.database, &[]).await;
    let started = Instant::now();
    while desk.mirror(&ticket).await["last_synced_at"].is_null() {
        assert!(started.elapsed() < Duration::from_secs(8), "{}", desk.mirror(&ticket).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[actix_web::test]
async fn at_rest_it_asks_the_database_little() {
    let database = Database::create().await;
    let _process = Process::serve(&database, &[]).await;
    let mut conn = PgConnection::establish(database.url.expose()).unwrap();
    let mut commits = || {
        let query = "xact_commit from pg_stat_database where datname = current_database()";
        diesel::select(sql::<BigInt>(query)).get_result::<i64>(&mut conn).unwrap()
    };
    // PostgreSQL counts a session's transactions when it is idle, at most once a second.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = commits();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let each_second = (commits() - before) / 4;
    assert!((1..30).contains(&each_second), "{each_second} transactions a second");
}

#[actix_web::test]
async fn each_request_is_one_json_line_and_no_secret_is_logged() {
    let database = Database::create().await;
    let process = Process::serve(&database, &[("CASEBRIDGE_LOG", "debug")]).await;
    let token = process.token("admin");
    let caller = Client::new(&process.url, Some(token.clone()));
    let new = json!({"name": "Website", "scopes": ["crm:read"]});
    let create =
        caller.request(Method::POST, "/v1/clients?x=1").header("x-request-id", "order-4711");
    let client = Reply::of(create.json(&new)).await.expect(201);
    let secret = client["client_secret"].as_str().unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client["id"].as_str().unwrap()),
        ("client_secret", secret),
    ];
    let grant = caller.request(Method::POST, "/oauth/token").form(&form);
    let granted = Reply::of(grant).await.expect(200);
    process.terminate();
    let (_, logs) = process.ended().await;

    let lines: Vec<Value> = logs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let about = lines.iter().filter(|line| line["span"]["request_id"] == "order-4711");
    let about: Vec<&Value> = about.filter(|line| line["message"] == "answered").collect();
    assert_eq!(about.len(), 1, "{logs}");
    let line = about[0];
    assert_eq!(line["span"]["method"], "POST");
    assert_eq!(line["span"]["path"], "/v1/clients");
    assert_eq!((&line["status"], &line["level"]), (&json!(201), &json!("INFO")));
    assert!(line["elapsed_ms"].as_f64().unwrap() > 0.0 && line["timestamp"].is_string());

    let database_password = database.url.expose();
    let sealing_key = secret_key();
    let issued = granted["access_token"].as_str().unwrap();
    for hidden in [&token, issued, secret, sealing_key.expose(), database_password] {
        assert!(!logs.contains(hidden), "{hidden} is in the logs");
    }
}

#[test]
fn a_wrong_configuration_is_refused_by_the_name_of_the_key() {
    for (key, value, named) in [
        ("CASEBRIDGE_LISTEN", "nowhere", "listen"),
        ("CASEBRIDGE_PUBLIC_URL", "ftp://desk.example", "public_url"),
        ("CASEBRIDGE_DATABASE_POOL", "0", "database_pool"),
        ("CASEBRIDGE_TOKEN_SECONDS", "5", "token_seconds"),
        ("CASEBRIDGE_LOG_FORMAT", "xml", "log_format"),
        ("CASEBRIDGE_LOG", "=", "log"),
        ("CASEBRIDGE_ALLOWED_ORIGINS", "https://a.example,*", "allowed_origins"),
        ("CASEBRIDGE_NO_SUCH_KEY", "1", "no_such_key"),
        ("CASEBRIDGE_CONFIG", "/nowhere/casebridge.toml", "/nowhere/casebridge.toml"),
    ] {
        let said = refused(&[(key, value)]);
        assert!(said.starts_with("casebridge: ") && said.contains(named), "{key}: {said}");
        assert!(!said.contains("panicked") && !said.contains("stack backtrace"), "{said}");
    }
}

#[test]
fn a_secret_in_a_wrong_configuration_is_not_printed() {
    let said = refused(&[("CASEBRIDGE_SECRET_KEY", "c2hvcnQtYnV0LXNlY3JldA==")]);
    assert!(said.contains("secret_key") && said.contains("32 bytes"), "{said}");
    assert!(!said.contains("c2hvcnQ"), "{said}");
    let url = "postgres://desk:hunter2@127.0.0.1:1/desk";
    let secret = secret_key();
    let environment = [
        ("DATABASE_URL", url),
        ("CASEBRIDGE_SECRET_KEY", secret.expose()),
        ("CASEBRIDGE_LISTEN", "127.0.0.1:0"),
    ];
    let said = refused(&environment);
    assert!(said.contains("the database cannot be reached"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[actix_web::test]
async fn with_another_secret_key_it_does_not_start() {
    let database = Database::create().await;
    let other = SecretKey::generate().unwrap();
    let environment = [
        ("DATABASE_URL", database.url.expose()),
        ("CASEBRIDGE_SECRET_KEY", other.expose()),
        ("CASEBRIDGE_LISTEN", "127.0.0.1:0"),
    ];
    let said = refused(&environment);
    assert!(said.contains("secret key"), "{said}");
    assert!(!said.contains(other.expose()), "{said}");
}

#[actix_web::test]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let said = refused(&[("CASEBRIDGE_LISTEN", &listen)]);
    assert!(said.contains("cannot listen on") && said.contains(&listen), "{said}");
}

#[test]
fn the_command_line_prints_the_specification_and_explains_itself() {
    let output = casebridge(&["openapi"], &[]).output().unwrap();
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["info"]["title"], "Casebridge");
    let output = casebridge(&["nonsense"], &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--help"));
}
