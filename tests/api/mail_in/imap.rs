//! From a real mailbox to a note: at once, once, and whatever happens in between.
use std::time::{Duration, Instant};

use casebridge::kernel::Role;
use serde_json::{Value, json};

use super::server::MailServer;
use super::{message, token};
use crate::support::{Client, Process, TestApp, path};

/// Waits until the ticket has so many notes; how long that took.
async fn noted(client: &Client, ticket: &Value, count: usize) -> Duration {
    let began = Instant::now();
    loop {
        let notes = client.get(&path(ticket, "/notes?limit=100")).await.expect(200);
        let there = notes["items"].as_array().unwrap().len();
        assert!(there <= count, "{notes:#}");
        if there == count {
            return began.elapsed();
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{there} of {count}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the mailbox is read up to this mail: how far it is read is stored after what it becomes.
async fn read_up_to(app: &TestApp, uid: i64) {
    let began = Instant::now();
    while app.number("select last_uid as number from inbound_mailboxes").await != uid {
        assert!(began.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn reply(ticket: &Value, number: usize) -> Vec<u8> {
    format!(
        "From: purchasing@customer.example\r\nTo: support@desk.example\r\nSubject: Re\r\nMessage-ID: <{number}@customer.example>\r\nIn-Reply-To: <{}@desk.example>\r\n\r\nReply {number}\r\n",
        token(ticket)
    )
    .into_bytes()
}

/// A server, a desk that reads its mailbox, and a ticket.
async fn desk(more: &str) -> (MailServer, TestApp, Value) {
    let server = MailServer::start_with(more).await;
    let app = TestApp::start_with(|config| server.configure(config)).await;
    let ticket = app.open_ticket(json!({})).await;
    (server, app, ticket)
}

#[actix_web::test]
async fn a_reply_is_a_note_within_a_second_of_its_arrival() {
    for (offer, more) in
        [("IDLE", ""), ("no IDLE", "imap_capability = IMAP4rev1 LITERAL+ UIDPLUS\n")]
    {
        let (server, app, ticket) = desk(more).await;
        let coordinator = app.agent("Coordinator").await;
        let workers = app.service.start_workers();
        server.deliver(&reply(&ticket, 0));
        noted(&coordinator, &ticket, 1).await;
        let mut times = Vec::new();
        for number in 1..=10 {
            // Not in step with whatever the server does by itself.
            tokio::time::sleep(Duration::from_millis(130 * number)).await;
            server.deliver(&reply(&ticket, number as usize));
            times.push(noted(&coordinator, &ticket, number as usize + 1).await);
        }
        times.sort();
        println!("{offer}: from delivery to note, sorted: {times:?}");
        assert!(times[9] < Duration::from_secs(1), "{offer}: {times:?}");
        app.service.mailbox.close();
        workers.stop().await;
        assert_eq!(server.read(), 11);
    }
}

#[actix_web::test]
async fn what_waited_in_the_mailbox_is_taken_in_order_and_what_was_read_before_is_left() {
    let (server, app, ticket) = desk("").await;
    for number in 0..20 {
        server.deliver(&reply(&ticket, number));
    }
    let coordinator = app.agent("Coordinator").await;
    let workers = app.service.start_workers();
    noted(&coordinator, &ticket, 20).await;
    let state = coordinator.get("/v1/inbound/mailbox").await.expect(200);
    assert!(state["error"].is_null() && state["seen_at"].is_string(), "{state}");
    read_up_to(&app, 20).await;
    app.service.mailbox.close();
    workers.stop().await;
}

#[actix_web::test]
async fn a_mail_that_nobody_can_read_blocks_no_other() {
    let (server, app, ticket) = desk("").await;
    server.deliver(b"\0\xff\xfe no mail at all");
    server.deliver(b"");
    server.deliver(&message("malformed_broken_encoding", ""));
    // One at which the service itself fails.
    app.sql(
        "create function refuse_poison() returns trigger language plpgsql as
         $$ begin if new.body like '%poison%' then raise exception 'it is poison'; end if; return new; end $$",
    )
    .await
    .unwrap();
    let trigger = "create trigger refuse_poison before insert on notes for each row execute function refuse_poison()";
    app.sql(trigger).await.unwrap();
    let poison = String::from_utf8(reply(&ticket, 1)).unwrap().replace("Reply 1", "poison");
    server.deliver(poison.as_bytes());
    server.deliver(&reply(&ticket, 2));
    let coordinator = app.agent("Coordinator").await;
    let workers = app.service.start_workers();
    noted(&coordinator, &ticket, 1).await;
    read_up_to(&app, 5).await;
    app.service.mailbox.close();
    workers.stop().await;
    let waiting = coordinator.get("/v1/quarantine").await.expect(200);
    let set_aside = waiting["items"].as_array().unwrap().iter();
    let set_aside: Vec<_> = set_aside.filter(|mail| mail["detail"].is_string()).collect();
    assert_eq!(set_aside.len(), 1, "{waiting:#}");
    assert_eq!(set_aside[0]["cause"], "unreadable");
}

#[actix_web::test]
async fn a_mail_that_is_too_large_is_told_and_not_fetched() {
    let server = MailServer::start().await;
    let app = TestApp::start_with(|config| {
        server.configure(config);
        config.inbound_bytes_max = 1 << 16;
    })
    .await;
    let ticket = app.open_ticket(json!({})).await;
    let mut large = reply(&ticket, 1);
    large.extend(b"x".repeat(300_000));
    server.deliver(&large);
    server.deliver(&reply(&ticket, 2));
    let coordinator = app.agent("Coordinator").await;
    let workers = app.service.start_workers();
    noted(&coordinator, &ticket, 1).await;
    read_up_to(&app, 2).await;
    app.service.mailbox.close();
    workers.stop().await;
    let waiting = coordinator.get("/v1/quarantine").await.expect(200);
    let mail = &waiting["items"][0];
    assert_eq!((&mail["cause"], &mail["bytes"]), (&json!("too_large"), &json!(large.len())));
    assert_eq!(mail["from"]["email"], "purchasing@customer.example");
    let kept = app.number(
        "select octet_length(raw)::bigint as number from inbound_mails where cause = 'too_large'",
    );
    assert_eq!(kept.await, 65_536);
}

#[actix_web::test]
async fn mails_that_the_server_numbers_anew_are_not_taken_twice() {
    let (mut server, app, ticket) = desk("").await;
    let coordinator = app.agent("Coordinator").await;
    let workers = app.service.start_workers();
    for number in 0..5 {
        server.deliver(&reply(&ticket, number));
    }
    noted(&coordinator, &ticket, 5).await;
    server.stop();
    server.number_anew();
    server.deliver(&reply(&ticket, 5));
    server.run().await;
    noted(&coordinator, &ticket, 6).await;
    server.deliver(&reply(&ticket, 6));
    noted(&coordinator, &ticket, 7).await;
    app.service.mailbox.close();
    workers.stop().await;
    assert_eq!(app.number("select count(*) as number from inbound_mails").await, 7);
}

#[actix_web::test]
async fn a_refused_password_is_told_and_never_logged() {
    let server = MailServer::start().await;
    let app = TestApp::start_with(|config| {
        server.configure(config);
        config.imap_password = Some(casebridge::kernel::Secret::new("wr0ng-s3cret"));
    })
    .await;
    let coordinator = app.agent("Coordinator").await;
    coordinator.get("/v1/inbound/mailbox").await.problem(404, "not_found");
    let workers = app.service.start_workers();
    let error = loop {
        let state = coordinator.get("/v1/inbound/mailbox").await;
        if state.status == 200 && state.body["error"].is_string() {
            break state.body["error"].as_str().unwrap().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(error.contains("refuses the login") && !error.contains("s3cret"), "{error}");
    app.service.mailbox.close();
    workers.stop().await;
}

#[actix_web::test]
async fn two_processes_read_one_mailbox_and_a_kill_in_the_middle_loses_and_doubles_nothing() {
    let server = MailServer::start().await;
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let environment = server.environment();
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let mut one = Process::serve(&app.database, &environment).await;
    let two = Process::serve(&app.database, &environment).await;
    let coordinator = app.client(Role::Coordinator).await;
    for number in 0..60 {
        server.deliver(&reply(&ticket, number));
        if number == 25 {
            // Whichever has the lease, it has taken some and not all.
            noted_at_least(&coordinator, &ticket, 3).await;
            one.kill();
        }
    }
    noted(&coordinator, &ticket, 60).await;
    drop(two);
    let notes = coordinator.get(&path(&ticket, "/notes?limit=100")).await.expect(200);
    let mut bodies: Vec<&str> = notes["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|note| note["body"].as_str().unwrap())
        .collect();
    bodies.sort_unstable();
    bodies.dedup();
    assert_eq!(bodies.len(), 60);
}

async fn noted_at_least(client: &Client, ticket: &Value, count: usize) {
    for _ in 0..1000 {
        let notes = client.get(&path(ticket, "/notes?limit=100")).await.expect(200);
        if notes["items"].as_array().unwrap().len() >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing is read");
}
