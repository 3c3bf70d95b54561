//! What must not go out: too many automatic mails, and mail to where nobody is.
use std::sync::Arc;

use casebridge::kernel::SecretKey;
use casebridge::mail::{MailState, Mailer, NewMail, Server, service};
use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;

use super::{address, app_with, mail, queue, read, send, send_at};
use crate::support::smtp::Sink;
use crate::support::{TestApp, secret_key};

fn automatic(to: &str) -> NewMail {
    NewMail { automatic: true, ..mail(to, "Automatic") }
}

async fn in_state(app: &TestApp, state: &str) -> i64 {
    let sql = format!("select count(*) as number from outgoing_mails where state = '{state}'");
    app.number(&sql).await
}

#[actix_web::test]
async fn an_address_gets_ten_automatic_mails_in_three_hours_whoever_sends_them() {
    let sink = Sink::start().await;
    let app = app_with(&sink).await;
    for n in 0..60 {
        let to = if n % 2 == 0 { "ann@customer.example" } else { "ANN@customer.example" };
        queue(&app, automatic(to)).await;
    }
    let mailers = (0..5).map(|_| {
        let (db, config) = (app.service.db.clone(), Arc::clone(&app.service.config));
        async move {
            let key = Arc::new(SecretKey::parse(&secret_key()).unwrap());
            let mailer = Mailer::new(db, key, Server::new(&config).unwrap());
            while mailer.send_due(Utc::now()).await.unwrap() {}
        }
    });
    join_all(mailers).await;
    assert_eq!((sink.received().len(), in_state(&app, "held").await), (10, 50));
    let reason = "select reason as text from outgoing_mails where state = 'held' limit 1";
    assert!(app.text(reason).await.unwrap().starts_with("10 automatic mails went to"));

    queue(&app, mail("ann@customer.example", "By hand")).await;
    queue(&app, automatic("bob@customer.example")).await;
    send(&app).await;
    assert_eq!(sink.received().len(), 12);
    // What is held is not sent by itself when the hours are over: that would only be a slower loop.
    let later = Utc::now() + TimeDelta::hours(4);
    queue(&app, automatic("ann@customer.example")).await;
    send_at(&app, later).await;
    assert_eq!((sink.received().len(), in_state(&app, "held").await), (13, 50));
}

#[actix_web::test]
async fn somebody_may_release_a_mail_that_is_held() {
    let sink = Sink::start().await;
    let app = app_with(&sink).await;
    for _ in 0..11 {
        queue(&app, automatic("ann@customer.example")).await;
    }
    send(&app).await;
    let coordinator = app.agent("Coordinator").await;
    let held = coordinator.get("/v1/mails?state=held&to=ANN@customer.example").await.expect(200);
    assert_eq!(held["items"].as_array().unwrap().len(), 1);
    let path = format!("/v1/mails/{}/retry", held["items"][0]["id"].as_str().unwrap());
    let queued = coordinator.post(&path, serde_json::json!({})).await.expect(200);
    assert_eq!((&queued["state"], &queued["reason"]), (&"queued".into(), &().into()));
    send(&app).await;
    assert_eq!(sink.received().len(), 11);
    coordinator.post(&path, serde_json::json!({})).await.problem(409, "mail_not_waiting");
}

#[actix_web::test]
async fn somebody_in_copy_is_left_out_when_they_got_enough() {
    let sink = Sink::start().await;
    let app = app_with(&sink).await;
    for n in 0..12 {
        let cc = vec![address("watcher@desk.example")];
        queue(&app, NewMail { cc, ..automatic(&format!("c{n}@customer.example")) }).await;
    }
    send(&app).await;
    let received = sink.received();
    let copied = received.iter().filter(|got| got.recipients.len() == 2).count();
    assert_eq!((received.len(), copied), (12, 10));
}

#[actix_web::test]
async fn a_report_suppresses_where_the_mail_went_and_nothing_else() {
    let sink = Sink::start().await;
    let app = app_with(&sink).await;
    let mut new = mail("ann@customer.example", "One");
    new.cc = vec![address("bob@customer.example")];
    let copied = queue(&app, new).await;
    let alone = queue(&app, mail("forward@customer.example", "Two")).await;
    let bounced = async |id, email: Option<&'static str>| {
        let report = app
            .service
            .db
            .tx(move |conn| service::bounced(conn, id, email, "5.1.1 no such\r\nuser", Utc::now()));
        report.await.unwrap()
    };
    assert!(!bounced(alone, None).await, "it was not sent yet");
    send(&app).await;
    assert!(!bounced(copied, Some("eve@elsewhere.example")).await);
    assert!(!bounced(copied, None).await);
    assert!(bounced(copied, Some("Bob@customer.example")).await);
    assert!(bounced(alone, Some("final@elsewhere.example")).await);
    let all = "select string_agg(email || ' ' || cause, ',' order by email) as text from suppressed_addresses";
    assert_eq!(
        app.text(all).await.unwrap(),
        "bob@customer.example bounced,forward@customer.example bounced"
    );
    let told = read(&app, alone).await;
    assert_eq!(told.state, MailState::Sent);
    let reason = "did not arrive at forward@customer.example: 5.1.1 no such user";
    assert_eq!(told.reason.as_deref(), Some(reason));
}

#[actix_web::test]
async fn an_address_can_be_seen_and_lifted_and_its_mails_be_tried_again() {
    let sink = Sink::start().await;
    let app = app_with(&sink).await;
    let first = queue(&app, mail("ann@customer.example", "One")).await;
    send(&app).await;
    let bounce = move |conn: &mut _| service::bounced(conn, first, None, "5.1.1", Utc::now());
    assert!(app.service.db.tx(bounce).await.unwrap());
    let second = queue(&app, mail("ann@customer.example", "Two")).await;
    send(&app).await;
    let agent = app.agent("L1 agent A").await;
    let list = agent.get("/v1/mail-suppressions?email=Ann@customer.example").await.expect(200);
    let one = &list["items"][0];
    assert_eq!((&one["cause"], &one["mail_id"]), (&"bounced".into(), &first.to_string().into()));
    let coordinator = app.agent("Coordinator").await;
    let retry = format!("/v1/mails/{second}/retry");
    coordinator.post(&retry, serde_json::json!({})).await.expect(200);
    send(&app).await;
    assert_eq!(read(&app, second).await.state, MailState::Suppressed);
    let path = format!("/v1/mail-suppressions/{}", one["id"].as_str().unwrap());
    agent.delete(&path, "*").await.expect(204);
    agent.delete(&path, "*").await.problem(404, "not_found");
    coordinator.post(&retry, serde_json::json!({})).await.expect(200);
    send(&app).await;
    assert_eq!(read(&app, second).await.state, MailState::Sent);
}
