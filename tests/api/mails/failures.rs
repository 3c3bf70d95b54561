//! The mail server refuses, waits, or goes away.
use std::time::Duration;

use casebridge::mail::MailState;
use chrono::{TimeDelta, Utc};

use super::{address, app_with, mail, queue, read, send, send_at, send_later};
use crate::support::smtp::{Act, Sink};
use crate::support::{Process, TestApp};

#[actix_web::test]
async fn a_mail_that_is_put_off_is_tried_again_later_under_the_same_id() {
    let sink = Sink::scripted(|asked| match (asked.command, asked.before) {
        ("MAIL", 0) => Act::Answer("451 4.3.0 later"),
        ("DATA", 0) => Act::Answer("452 4.3.1 no room"),
        (".", 0) => Act::Answer("451 4.7.1 greylisted"),
        _ => Act::Accept,
    })
    .await;
    let app = app_with(&sink).await;
    let id = queue(&app, mail("ann@customer.example", "Patience")).await;
    send(&app).await;
    let put_off = read(&app, id).await;
    assert_eq!((put_off.state, put_off.attempts), (MailState::Queued, 1));
    assert_eq!(put_off.reason.as_deref(), Some("451 4.3.0 later"));
    assert!(put_off.due_at > Utc::now() + TimeDelta::seconds(10));
    for attempts in [2, 3] {
        send_later(&app).await;
        assert_eq!(read(&app, id).await.attempts, attempts);
        app.sql("update outgoing_mails set due_at = now()").await.unwrap();
    }
    send_later(&app).await;
    let sent = read(&app, id).await;
    assert_eq!((sent.state, sink.connections()), (MailState::Sent, 1));
    assert_eq!(sent.message_id, put_off.message_id);
    assert_eq!(sink.received().len(), 1);
}

#[actix_web::test]
async fn a_mail_that_is_refused_for_good_is_dead_and_an_unknown_address_is_suppressed() {
    let sink = Sink::scripted(|asked| match asked.command {
        "RCPT" if asked.line.contains("gone@") => Act::Answer("550 5.1.1 no such user"),
        "RCPT" if asked.line.contains("picky@") => Act::Answer("550 5.7.1 you are not trusted"),
        "." if asked.line.contains("Subject: Spam") => Act::Answer("554 5.6.0 looks like spam"),
        _ => Act::Accept,
    })
    .await;
    let app = app_with(&sink).await;
    let gone = queue(&app, mail("gone@customer.example", "Two")).await;
    let picky = queue(&app, mail("picky@customer.example", "Three")).await;
    let spam = queue(&app, mail("ann@customer.example", "Spam")).await;
    let good = queue(&app, mail("bob@customer.example", "Four")).await;
    send(&app).await;
    let state = async |id| read(&app, id).await.state;
    assert_eq!(state(gone).await, MailState::Dead);
    assert_eq!(state(picky).await, MailState::Dead);
    assert_eq!(state(spam).await, MailState::Dead);
    assert_eq!(state(good).await, MailState::Sent);
    let told = read(&app, gone).await.reason.unwrap();
    assert_eq!(told, "gone@customer.example: 550 5.1.1 no such user");
    let suppressed =
        "select string_agg(email || ' ' || cause, ',') as text from suppressed_addresses";
    assert_eq!(app.text(suppressed).await.unwrap(), "gone@customer.example refused");

    let next = queue(&app, mail("GONE@customer.example", "Five")).await;
    let mut copied = mail("bob@customer.example", "Six");
    copied.cc = vec![address("gone@customer.example"), address("eve@customer.example")];
    let copied = queue(&app, copied).await;
    send(&app).await;
    assert_eq!(state(next).await, MailState::Suppressed);
    assert!(read(&app, copied).await.reason.unwrap().contains("gone@customer.example"));
    let last = sink.received().pop().unwrap();
    assert_eq!(last.recipients, ["bob@customer.example", "eve@customer.example"]);
    assert_eq!(last.header("Cc").unwrap(), "eve@customer.example");
}

#[actix_web::test]
async fn who_is_refused_in_copy_does_not_keep_the_mail_from_the_others() {
    let sink = Sink::scripted(|asked| match asked.command {
        "RCPT" if asked.line.contains("full@") => Act::Answer("552 5.2.2 mailbox full"),
        "RCPT" if asked.line.contains("slow@") => Act::Answer("450 4.2.0 later"),
        _ => Act::Accept,
    })
    .await;
    let app = app_with(&sink).await;
    let mut new = mail("ann@customer.example", "Copies");
    new.cc = ["full@c.example", "slow@c.example", "bob@c.example"].map(address).to_vec();
    let id = queue(&app, new).await;
    send(&app).await;
    // A copy that is only put off is waited for at first.
    assert_eq!((sink.received().len(), read(&app, id).await.attempts), (0, 1));
    for day in 1..4 {
        send_at(&app, Utc::now() + TimeDelta::days(day)).await;
    }
    let sent = read(&app, id).await;
    assert_eq!(sent.state, MailState::Sent);
    let reason = sent.reason.unwrap();
    assert!(reason.contains("full@c.example: 552") && reason.contains("slow@c.example: 450"));
    assert_eq!(sink.received()[0].recipients, ["ann@customer.example", "bob@c.example"]);
    assert_eq!(app.number("select count(*) as number from suppressed_addresses").await, 0);
}

#[actix_web::test]
async fn a_mail_whose_answer_is_lost_is_sent_twice_at_the_most_under_one_id() {
    let sink =
        Sink::scripted(|asked| if asked.command == "." { Act::Vanish } else { Act::Accept }).await;
    let app = app_with(&sink).await;
    let id = queue(&app, mail("ann@customer.example", "Lost")).await;
    for day in 0..5 {
        send_at(&app, Utc::now() + TimeDelta::days(day)).await;
    }
    let dead = read(&app, id).await;
    assert_eq!((dead.state, dead.unanswered, dead.attempts), (MailState::Dead, 2, 0));
    assert!(dead.reason.unwrap().contains("may have arrived"));
    let ids: Vec<_> = sink.received().iter().map(|got| got.header("Message-ID")).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[actix_web::test]
async fn a_connection_that_breaks_before_the_mail_was_given_costs_no_second_delivery() {
    let sink = Sink::scripted(|asked| match (asked.command, asked.before) {
        ("RCPT", 0) => Act::Vanish,
        ("MAIL", 2) => Act::Answer("421 4.3.2 shutting down"),
        _ => Act::Accept,
    })
    .await;
    let app = app_with(&sink).await;
    let id = queue(&app, mail("ann@customer.example", "Broken")).await;
    send(&app).await;
    let put_off = read(&app, id).await;
    assert_eq!((put_off.state, put_off.attempts, put_off.unanswered), (MailState::Queued, 1, 0));
    send_later(&app).await;
    assert_eq!(read(&app, id).await.state, MailState::Sent);
    // The kept connection says goodbye: a new one is made at once.
    let next = queue(&app, mail("ann@customer.example", "Next")).await;
    send_later(&app).await;
    let next = read(&app, next).await;
    assert_eq!((next.state, next.attempts, sink.received().len()), (MailState::Sent, 0, 2));
}

#[actix_web::test]
async fn a_server_that_is_away_costs_no_mail_an_attempt_and_is_not_asked_all_the_time() {
    let sink = Sink::scripted(|asked| match (asked.command, asked.before) {
        ("CONNECT", 0) => Act::Answer("421 4.3.2 busy"),
        ("CONNECT", 1) => Act::Vanish,
        _ => Act::Accept,
    })
    .await;
    let app = app_with(&sink).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(queue(&app, mail("ann@customer.example", &n.to_string())).await);
    }
    let now = Utc::now();
    for _ in 0..10 {
        send_at(&app, now).await;
    }
    assert_eq!(sink.connections(), 1);
    for id in &ids {
        let kept = read(&app, *id).await;
        assert_eq!((kept.state, kept.attempts, kept.unanswered), (MailState::Queued, 0, 0));
    }
    send_at(&app, now + TimeDelta::minutes(5)).await;
    send_at(&app, now + TimeDelta::minutes(10)).await;
    assert_eq!((sink.received().len(), sink.connections()), (5, 3));
}

#[actix_web::test]
async fn without_a_mail_server_mails_stay_queued_and_nothing_waits_for_them() {
    let app = TestApp::start().await;
    let id = queue(&app, mail("ann@customer.example", "Later")).await;
    send_later(&app).await;
    let coordinator = app.agent("Coordinator").await;
    let page = coordinator.get("/v1/mails?state=queued").await.expect(200);
    assert_eq!(page["items"][0]["id"], id.to_string());
    let nowhere = queue(&app, mail("not an address", "Nobody")).await;
    let dead = read(&app, nowhere).await;
    assert_eq!(dead.state, MailState::Dead);
    assert!(dead.reason.unwrap().contains("not an address"));
}

#[actix_web::test]
async fn killed_while_it_sends_it_sends_again_under_the_same_id_and_never_a_third_time() {
    let sink = Sink::scripted(|asked| match (asked.command, asked.before) {
        (".", 0) => Act::After(Duration::from_secs(600)),
        _ => Act::Accept,
    })
    .await;
    let app = TestApp::start().await;
    let id = queue(&app, mail("ann@customer.example", "Crash")).await;
    let url = sink.url();
    let smtp =
        [("CASEBRIDGE_SMTP_URL", url.as_str()), ("CASEBRIDGE_MAIL_FROM", "support@desk.example")];
    let mut process = Process::serve(&app.database, &smtp).await;
    let wait = async |mails: usize| {
        for _ in 0..1200 {
            if sink.count() >= mails {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{mails} mails do not come");
    };
    wait(1).await;
    process.kill();
    let left = read(&app, id).await;
    assert_eq!((left.state, left.unanswered), (MailState::Sending, 1));
    let next = Process::serve(&app.database, &smtp).await;
    wait(2).await;
    let mut sent = read(&app, id).await;
    for _ in 0..100 {
        if sent.state == MailState::Sent {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        sent = read(&app, id).await;
    }
    assert_eq!(sent.state, MailState::Sent);
    let ids: Vec<_> = sink.received().iter().map(|got| got.header("Message-ID")).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
    next.terminate();
    assert!(next.ended().await.0.success());
}
