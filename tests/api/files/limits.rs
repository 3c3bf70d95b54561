//! What is too much, and how little memory it takes.
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::wire::Wire;
use super::{BOUNDARY, bytes, content, fetch, file_part, form_type, send, sum};
use crate::support::{Database, Process, TestApp, path, pointers};

const MIB: usize = 1 << 20;

#[actix_web::test]
async fn a_file_that_turns_out_too_large_is_cut_off_and_nothing_is_left_of_it() {
    let app = TestApp::start_with(|config| config.attachment_bytes = 5 * MIB as u64).await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let at = path(&ticket, "/attachments");
    // In chunks: nobody knows before how much it will be.
    let headers = [("content-type", &*form_type()), ("transfer-encoding", "chunked")];
    let mut wire = Wire::open(&app.url, &agent, "POST", &at, &headers).await;
    let head = file_part("a.bin", "application/octet-stream", b"");
    wire.send_chunk(&head[..head.len() - 2]).await;
    for _ in 0..6 {
        wire.send_chunk(&vec![1; MIB]).await;
    }
    let answer = wire.answer().await;
    assert!(
        answer.contains("413 Payload Too Large") && answer.contains("file_too_large"),
        "{answer}"
    );
    assert_eq!(app.rows("files").await, 0);
    app.sweep(2).await;
    assert_eq!((app.rows("file_parts").await, app.objects()), (0, 0));

    // Announced, it is refused before it is sent.
    let length = (8 * MIB).to_string();
    let headers = [("content-type", &*form_type()), ("content-length", &length)];
    let wire = Wire::open(&app.url, &agent, "POST", &at, &headers).await;
    let answer = wire.answer().await;
    assert!(
        answer.contains("413 Payload Too Large") && answer.contains("file_too_large"),
        "{answer}"
    );

    let most = bytes(5, 5 * MIB);
    let parts = [file_part("a.bin", "application/octet-stream", &most)];
    send(&agent, &ticket, &parts).await.expect(201);
}

#[actix_web::test]
async fn a_sender_who_leaves_in_the_middle_leaves_nothing_behind() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let at = path(&ticket, "/attachments");
    let headers = [("content-type", &*form_type()), ("content-length", "50000000")];
    let mut wire = Wire::open(&app.url, &agent, "POST", &at, &headers).await;
    wire.send(&file_part("a.bin", "application/octet-stream", &bytes(6, 9 * MIB))).await;
    for _ in 0..200 {
        if app.rows("file_parts where size is not null").await == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(app.rows("file_parts where size is not null").await, 2);
    drop(wire);
    for _ in 0..200 {
        if app.rows("files").await == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(app.rows("files").await, 0);
    app.sweep(2).await;
    assert_eq!((app.rows("file_parts").await, app.objects()), (0, 0));
}

#[actix_web::test]
async fn the_files_of_a_ticket_stay_within_its_limit_however_many_come_at_once() {
    let app = TestApp::start_with(|config| config.ticket_attachment_bytes = MIB as u64).await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let parts: Vec<_> = (0..8)
        .map(|n| [file_part(&format!("{n}.bin"), "application/zip", &bytes(n, 300 << 10))])
        .collect();
    let sent = join_all(parts.iter().map(|parts| send(&agent, &ticket, parts))).await;
    let (added, refused): (Vec<_>, Vec<_>) = sent.into_iter().partition(|r| r.status == 201);
    assert_eq!((added.len(), refused.len()), (3, 5));
    for refused in refused {
        refused.problem(409, "ticket_files_full");
    }
    let listed = agent.get(&path(&ticket, "/attachments")).await.expect(200);
    let numbers = listed["items"].as_array().unwrap().iter().map(|item| item["seq"].clone());
    assert_eq!(numbers.collect::<Vec<_>>(), [1, 2, 3]);
    app.sweep(0).await;
    assert_eq!((app.rows("files").await, app.objects()), (3, 3));
}

#[actix_web::test]
async fn what_may_be_attached_is_configured() {
    let allowed = ["image/*".to_owned(), ".log".to_owned()];
    let app = TestApp::start_with(|config| config.attachments_allowed = allowed.to_vec()).await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    for (name, kind, taken) in [
        ("a.png", "image/png", true),
        ("a.LOG", "text/plain", true),
        ("a.pdf", "application/pdf", false),
        ("a.png.exe", "image/png", false),
    ] {
        let sent = send(&agent, &ticket, &[file_part(name, kind, b"x")]).await;
        match taken {
            true => drop(sent.expect(201)),
            false => assert_eq!(pointers(sent), ["/file"], "{name}"),
        }
    }
    assert_eq!(app.rows("files").await, 2);
}

#[actix_web::test]
async fn two_hundred_megabytes_go_in_and_out_in_a_few() {
    let database = Database::create().await;
    let limits = [("CASEBRIDGE_ATTACHMENT_BYTES", "300000000")];
    let process = Process::serve(&database, &limits).await;
    let admin = process.client("admin");
    let new = json!({"subject": "Large", "draft": true});
    let ticket = admin.post("/v1/tickets", new).await.expect(201);
    let piece = bytes(7, MIB);
    let all: usize = 200;
    let head = file_part("large.bin", "application/octet-stream", b"");
    let head = &head[..head.len() - 2];
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    let length = (head.len() + all * MIB + end.len()).to_string();
    let before = process.peak_memory();
    let headers = [("content-type", &*form_type()), ("content-length", &length)];
    let at = path(&ticket, "/attachments");
    let mut wire = Wire::open(&process.url, &admin, "POST", &at, &headers).await;
    wire.send(head).await;
    for _ in 0..all {
        assert!(wire.send(&piece).await);
    }
    wire.send(end.as_bytes()).await;
    let answer = wire.answer().await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let added: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(added["file"]["sha256"], sum(&piece.repeat(all)));
    let (status, _, got) = fetch(admin.request(Method::GET, &content(&added))).await;
    assert!(status == 200 && got.chunks(MIB).all(|chunk| chunk == piece) && got.len() == all * MIB);
    let grown = process.peak_memory().saturating_sub(before);
    println!("memory grew by {grown} KiB");
    assert!(grown < 48 << 10, "{grown} KiB");
}
