//! Everybody is told once, from however many processes, and whatever breaks off.
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use diesel::Connection as _;
use serde_json::json;

use super::{known_ticket, mailed, note, prefer, tell, told, write_at};
use crate::support::{Process, TestApp};

#[actix_web::test]
async fn any_number_of_processes_tell_everybody_once_and_pass_nothing_over() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    let agent = app.agent("L1 agent A").await;
    for number in 0..30 {
        note(&agent, &ticket, "public", &format!("Reply {number}")).await;
    }
    tokio::join!(tell(&app), tell(&app), tell(&app), tell(&app));
    tell(&app).await;
    assert_eq!((told(&app, &ticket).await.len(), mailed(&app).await.len()), (30, 30));
    let behind = "select last_position - (select position from notification_cursor) as number from event_feed";
    assert_eq!(app.number(behind).await, 0);
}

#[actix_web::test]
async fn any_number_of_processes_write_a_digest_once() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    let agent = app.agent("L1 agent A").await;
    prefer(&agent, json!({"digest": "hourly"})).await;
    let contact = app.contact("Purchasing contact").await;
    for number in 0..4 {
        note(&contact, &ticket, "public", &format!("Reply {number}")).await;
        tell(&app).await;
    }
    let later = Utc::now() + TimeDelta::hours(2);
    tokio::join!(write_at(&app, later), write_at(&app, later), write_at(&app, later));
    write_at(&app, later).await;
    assert_eq!(mailed(&app).await, ["l1-a@desk.example"]);
}

#[actix_web::test]
async fn what_breaks_off_has_told_nobody_and_is_told_the_next_time() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    note(&app.agent("L1 agent A").await, &ticket, "public", "It works").await;
    app.publish().await;
    let notifier = app.service.notifier.clone();
    let broken = app.service.db.tx(move |conn| {
        assert!(notifier.tell_next(conn, Utc::now())?);
        Err::<(), _>(casebridge::kernel::AppError::internal(anyhow::anyhow!("killed")))
    });
    broken.await.unwrap_err();
    assert_eq!((told(&app, &ticket).await.len(), mailed(&app).await.len()), (0, 0));
    tell(&app).await;
    assert_eq!((told(&app, &ticket).await.len(), mailed(&app).await.len()), (1, 1));
}

#[actix_web::test]
async fn a_mail_that_cannot_be_queued_holds_nobody_up_and_is_seen() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    app.sql("update contacts set email = 'nowhere' where name = 'Purchasing contact'")
        .await
        .unwrap();
    watch_as_agent(&app, &ticket).await;
    note(&app.agent("L1 agent A").await, &ticket, "public", "It works").await;
    tell(&app).await;
    assert_eq!(mailed(&app).await, ["l1-b@desk.example", "nowhere"]);
    let dead = "select count(*) as number from outgoing_mails where state = 'dead'";
    assert_eq!(app.number(dead).await, 1);
}

async fn watch_as_agent(app: &TestApp, ticket: &serde_json::Value) {
    super::watch(app, ticket, &app.id("agents", "L1 agent B").await).await.expect(200);
}

#[actix_web::test]
async fn nothing_is_told_while_a_secret_is_taken_out() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    note(&app.agent("L1 agent A").await, &ticket, "public", "It works").await;
    app.publish().await;
    let url = app.database.url.expose().to_owned();
    let notifier = app.service.notifier.clone();
    let told_meanwhile = tokio::task::spawn_blocking(move || {
        let mut redacting = diesel::PgConnection::establish(&url).unwrap();
        redacting
            .transaction(|conn| {
                casebridge::notifications::hold_back(conn)?;
                let mut other = diesel::PgConnection::establish(&url).unwrap();
                other.transaction(|conn| notifier.tell_next(conn, Utc::now()))
            })
            .unwrap()
    });
    assert!(!told_meanwhile.await.unwrap());
    assert_eq!(told(&app, &ticket).await.len(), 0);
    tell(&app).await;
    assert_eq!(told(&app, &ticket).await.len(), 1);
}

#[actix_web::test]
async fn what_waited_is_not_written_either_before_the_secret_is_out() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    prefer(&app.agent("L1 agent A").await, json!({"digest": "hourly"})).await;
    note(&app.contact("Purchasing contact").await, &ticket, "public", "It stops").await;
    tell(&app).await;
    let notifier = app.service.notifier.clone();
    let later = Utc::now() + TimeDelta::hours(2);
    let (db, other) = (app.service.db.clone(), app.service.db.clone());
    let (held, is_held) = tokio::sync::oneshot::channel();
    let (out, is_out) = std::sync::mpsc::channel();
    let redacting = tokio::spawn(async move {
        let work = move |conn: &mut _| {
            casebridge::notifications::hold_back(conn)?;
            held.send(()).unwrap();
            is_out.recv().map_err(casebridge::kernel::AppError::internal)
        };
        db.tx(work).await
    });
    is_held.await.unwrap();
    let mut writing =
        tokio::spawn(async move { other.tx(move |conn| notifier.write_due(conn, later)).await });
    let early = tokio::time::timeout(Duration::from_millis(300), &mut writing).await;
    assert!(early.is_err(), "it did not wait");
    out.send(()).unwrap();
    redacting.await.unwrap().unwrap();
    assert!(writing.await.unwrap().unwrap());
    assert_eq!(mailed(&app).await, ["l1-a@desk.example"]);
}

#[actix_web::test]
async fn a_running_service_tells_by_itself_also_after_it_was_killed() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    let agent = app.agent("L1 agent A").await;
    let mut process = Process::serve(&app.database, &[]).await;
    for number in 0..20 {
        note(&agent, &ticket, "public", &format!("Reply {number}")).await;
        if number == 10 {
            process.kill();
        }
    }
    let next = Process::serve(&app.database, &[]).await;
    for _ in 0..100 {
        if told(&app, &ticket).await.len() == 20 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(next);
    assert_eq!((told(&app, &ticket).await.len(), mailed(&app).await.len()), (20, 20));
}
