//! What becomes of a webhook that is believed.
use std::path::PathBuf;
use std::time::{Duration, Instant};

use casebridge::app;
use casebridge::crm::Inbox;
use casebridge::db::Db;
use casebridge::kernel::Secret;
use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};

use super::{MEMORY, SECRET, remembered, send, set, standard, take};
use crate::support::mirror::Mirrored;
use crate::support::{Reply, TestApp};

#[actix_web::test]
async fn a_webhook_that_is_sent_many_times_at_once_is_stored_and_taken_once() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Repeated").await;
    desk.converge().await;
    set(&desk, "standard", SECRET).await.expect(200);
    let case = desk.case(&ticket).await.id;
    for reply in join_all((0..20).map(|_| send(&desk, "msg_1", &case))).await {
        reply.expect(202);
    }
    assert_eq!(remembered(&desk).await, 1);
    take(&desk).await;
    desk.converge().await;
    send(&desk, "msg_1", &case).await.expect(202);
    take(&desk).await;
    assert_eq!(desk.health().await["backlog"], 0, "taken again");
    send(&desk, "msg_2", &case).await.expect(202);
    take(&desk).await;
    assert_eq!(desk.health().await["backlog"], 1);
}

#[actix_web::test]
async fn webhooks_that_come_in_the_wrong_order_end_with_what_the_crm_has() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Reordered").await;
    desk.converge().await;
    set(&desk, "standard", SECRET).await.expect(200);
    let case = desk.case(&ticket).await.id;
    for (id, priority) in [("msg_2", "P1"), ("msg_1", "P3")] {
        desk.edit(&ticket, json!({ "priority": priority })).await;
        send(&desk, id, &case).await.expect(202);
        take(&desk).await;
        desk.converge().await;
    }
    assert_eq!(desk.ticket(&ticket).await["priority"], "low");
    assert!(desk.conflicts(&ticket).await.is_empty());
}

#[actix_web::test]
async fn a_webhook_about_an_unknown_case_does_nothing() {
    let desk = Mirrored::start().await;
    desk.open("Alone").await;
    desk.converge().await;
    set(&desk, "standard", SECRET).await.expect(200);
    send(&desk, "msg_1", "no-such-case").await.expect(202);
    take(&desk).await;
    assert_eq!(desk.health().await["backlog"], 0);
    let path = format!("/v1/crm/connections/{}/hooks", desk.connection);
    assert_ne!(desk.admin.get(&path).await.expect(200)["last_received_at"], json!(null));
}

#[actix_web::test]
async fn a_full_inbox_asks_the_sender_to_come_back_and_others_are_served() {
    let desk = Mirrored::start().await;
    set(&desk, "standard", SECRET).await.expect(200);
    let fill = |count: u32| {
        format!(
            "insert into crm_inbox (connection_id, hook_id, case_id, received_at)
             select '{}', 'msg_' || n, 'c-1', now() from generate_series(1, {count}) n on conflict do nothing",
            desk.connection
        )
    };
    desk.app.sql(fill(9_999)).await.unwrap();
    send(&desk, "last", "c-1").await.expect(202);
    let refused = send(&desk, "too-many", "c-1").await;
    assert!(!refused.header("retry-after").is_empty());
    refused.problem(503, "unavailable");
    let new = json!({
        "name": "Other", "base_url": desk.crm.url(), "client_id": desk.crm.client_id(),
        "client_secret": desk.crm.client_secret(),
    });
    let other = desk.admin.post("/v1/crm/connections", new).await.expect(201);
    let other = other["id"].as_str().unwrap();
    let secret = json!({"scheme": "standard", "secret": SECRET});
    let path = format!("/v1/crm/connections/{other}/hooks");
    let put = desk.admin.request(reqwest::Method::PUT, &path).header("if-match", "*");
    Reply::of(put.json(&secret)).await.expect(200);
    let (anonymous, body) = (desk.app.anonymous(), json!({"data": {"id": "c-1"}}));
    let hook = standard(&anonymous, other, "msg_1", Utc::now().timestamp(), &body);
    Reply::of(hook).await.expect(202);
    take(&desk).await;
    send(&desk, "too-many", "c-1").await.expect(202);
}

#[actix_web::test]
async fn a_webhook_that_was_taken_is_forgotten_after_three_days() {
    let desk = Mirrored::start().await;
    set(&desk, "standard", SECRET).await.expect(200);
    send(&desk, "msg_1", "c-1").await.expect(202);
    let inbox = &desk.app.service.inbox;
    let later = Utc::now() + TimeDelta::days(3) + TimeDelta::minutes(1);
    assert!(!inbox.sweep(later).await.unwrap(), "it still waits");
    take(&desk).await;
    assert!(!inbox.sweep(Utc::now() + TimeDelta::days(2)).await.unwrap());
    assert!(inbox.sweep(later).await.unwrap());
    assert_eq!(remembered(&desk).await, 0);
}

#[actix_web::test]
async fn another_process_believes_a_new_secret_within_five_seconds() {
    let desk = Mirrored::start().await;
    let other =
        app::Service::new(desk.app.service.config.as_ref().clone(), desk.app.service.db.clone());
    let other = other.await.unwrap().inbox;
    let id = casebridge::kernel::ConnectionId(desk.connection.parse().unwrap());
    let ask = |inbox: Inbox| async move {
        let headers = actix_web::http::header::HeaderMap::new();
        let unsigned = casebridge::crm::hooks::Delivery { headers: &headers, url: "", body: b"" };
        inbox.receive(id, unsigned, Utc::now()).await.unwrap_err().status()
    };
    assert_eq!(ask(other.clone()).await, 404);
    set(&desk, "standard", SECRET).await.expect(200);
    tokio::time::sleep(MEMORY + Duration::from_millis(200)).await;
    assert_eq!(ask(other).await, 401);
}

/// A way to the database that takes `delay` for each message of the service: the URL of the same database.
async fn slow_way(url: &Secret, delay: Duration) -> Secret {
    let (user, rest) = url.expose().split_once('@').unwrap();
    let (folder, name) = rest.split_once('/').unwrap();
    let folder = folder.replace("%2F", "/");
    let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let is_socket = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with(".s.PGSQL.") && !name.ends_with(".lock")
    };
    let socket = files.into_iter().find(is_socket).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let slow = format!("{user}@{}/{name}", listener.local_addr().unwrap());
    actix_web::rt::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = UnixStream::connect(&socket).await.unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            actix_web::rt::spawn(async move {
                let mut buffer = vec![0; 1 << 16];
                while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
                    tokio::time::sleep(delay).await;
                    to_server.write_all(&buffer[..count]).await.unwrap();
                }
            });
            actix_web::rt::spawn(
                async move { tokio::io::copy(&mut from_server, &mut to_client).await },
            );
        }
    });
    Secret::new(slow)
}

#[actix_web::test]
async fn a_webhook_is_answered_after_one_round_trip_to_the_database() {
    let delay = Duration::from_millis(400);
    let desk = Mirrored::start().await;
    set(&desk, "standard", SECRET).await.expect(200);
    let slow = slow_way(&desk.app.database.url, delay).await;
    let db = tokio::task::spawn_blocking(move || Db::connect(&slow, 1).unwrap());
    let config = desk.app.service.config.as_ref().clone();
    let service = app::Service::new(config, db.await.unwrap()).await.unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let caller =
        crate::support::Client::new(&format!("http://{}", listener.local_addr().unwrap()), None);
    let server = app::server(listener, &service).unwrap();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let hook = |id: &str| {
        let body = json!({"data": {"ids": ["c-1", "c-2"]}});
        Reply::of(standard(&caller, &desk.connection, id, Utc::now().timestamp(), &body))
    };
    // The first one reads the secret and prepares the statement.
    hook("msg_1").await.expect(202);
    let started = Instant::now();
    hook("msg_2").await.expect(202);
    let took = started.elapsed();
    handle.stop(false).await;
    assert!((delay..2 * delay).contains(&took), "{took:?}");
    assert_eq!(remembered(&desk).await, 4);
}

#[actix_web::test]
async fn webhooks_are_answered_within_fifty_milliseconds() {
    let desk = Mirrored::start().await;
    set(&desk, "standard", SECRET).await.expect(200);
    let mut took = Vec::new();
    for n in 0..60 {
        let started = Instant::now();
        send(&desk, &format!("msg_{n}"), "c-1").await.expect(202);
        took.push(started.elapsed());
    }
    took.sort_unstable();
    // Of the quick ones: other tests want the processors as well.
    assert!(took[6] < Duration::from_millis(50), "{took:?}");
}

/// The inbox of one process and the work of another meet in the database only.
#[actix_web::test]
async fn two_workers_take_each_hint_once() {
    let desk: Mirrored = Mirrored::start().await;
    set(&desk, "standard", SECRET).await.expect(200);
    for n in 0..30 {
        send(&desk, &format!("msg_{n}"), "c-1").await.expect(202);
    }
    let inbox = &desk.app.service.inbox;
    let taken = join_all((0..4).map(|_| inbox.take_due(Utc::now()))).await;
    assert!(taken.into_iter().any(|taken| taken.unwrap()));
    let app: &TestApp = &desk.app;
    let waiting = app.number("select count(*) as number from crm_inbox where taken_at is null");
    assert_eq!(waiting.await, 0);
}
