//! `casebridge reconcile`, as an operator calls it.
use std::process::Output;

use serde_json::json;

use crate::support::mirror::Mirrored;
use crate::support::{casebridge, secret_key};

/// Runs it on the database of this desk.
async fn run(desk: &Mirrored, more: &'static [&'static str]) -> Output {
    let (database, url) = (desk.app.database.url.clone(), desk.app.url.clone());
    let work = move || {
        let secret = secret_key();
        let environment = [
            ("DATABASE_URL", database.expose()),
            ("CASEBRIDGE_SECRET_KEY", secret.expose()),
            ("CASEBRIDGE_PUBLIC_URL", &url),
            ("CASEBRIDGE_DATABASE_POOL", "4"),
        ];
        let arguments = [&["reconcile", "--connection"], more].concat();
        casebridge(&arguments, &environment).output().unwrap()
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[actix_web::test]
async fn it_prints_what_differs_and_fails_until_nothing_does() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Told on the command line").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"priority": "P1", "name": "Rewritten"})).await;

    let report = run(&desk, &["SuiteCRM"]).await;
    let (out, err) = (text(&report.stdout), text(&report.stderr));
    assert_eq!(report.status.code(), Some(1), "{err}");
    let line = |words: &[&str]| out.lines().any(|line| words.iter().all(|w| line.contains(w)));
    assert!(line(&[&ticket, "priority", "take", "P2 / P1"]), "{out}");
    assert!(line(&[&ticket, "subject", "conflict", "Rewritten"]), "{out}");
    assert!(out.contains("1 tickets compared with their cases: 2 differences"), "{out}");
    assert!(err.contains("report 1/1, 2 differences"), "{err}");
    assert!(err.contains("ticket and case differ"), "{err}");
    assert_eq!(desk.ticket(&ticket).await["priority"], "normal");

    let repaired = run(&desk, &["SuiteCRM", "--repair"]).await;
    assert_eq!(repaired.status.code(), Some(0), "{}", text(&repaired.stderr));
    assert!(text(&repaired.stdout).contains("1 tickets compared with their cases: 0 differences"));
    assert_eq!(desk.ticket(&ticket).await["priority"], "high");
    assert_ne!(desk.case(&ticket).await.value("name"), "Rewritten");
    assert_eq!(run(&desk, &["SuiteCRM"]).await.status.code(), Some(0));
}

#[actix_web::test]
async fn drift_that_waits_for_somebody_remains_after_a_repair() {
    let desk = Mirrored::start_with(json!({"policies": {"priority": "hold"}})).await;
    let ticket = desk.open("Held").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"priority": "P3"})).await;
    desk.priority(&ticket, "high").await;
    let repaired = run(&desk, &["SuiteCRM", "--repair"]).await;
    assert_eq!(repaired.status.code(), Some(1));
    assert!(text(&repaired.stdout).contains("conflict"), "{repaired:?}");
}

#[actix_web::test]
async fn a_connection_that_is_not_there_is_said() {
    let desk = Mirrored::start().await;
    let failed = run(&desk, &["Nobody"]).await;
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed.stderr).contains("the connection was not found"), "{failed:?}");
}
