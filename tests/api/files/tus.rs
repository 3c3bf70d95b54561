//! Uploads that are resumed (tus 1.0.0).
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use super::wire::Wire;
use super::{bytes, content, fetch, sum};
use crate::support::{Client, Reply, TestApp, path, pointers};

const PIECE: (&str, &str) = ("content-type", "application/offset+octet-stream");

fn metadata(name: &str, kind: &str) -> String {
    format!("filename {},filetype {}", STANDARD.encode(name), STANDARD.encode(kind))
}

async fn create(client: &Client, length: usize, metadata: &str) -> Reply {
    let request = client.request(Method::POST, "/v1/uploads").header("tus-resumable", "1.0.0");
    let request = request.header("upload-length", length).header("upload-metadata", metadata);
    Reply::of(request).await
}

/// The address of a new upload.
async fn begun(client: &Client, length: usize, metadata: &str) -> String {
    let made = create(client, length, metadata).await;
    let at = made.header("location").to_owned();
    assert_eq!(at, format!("/v1/uploads/{}", made.expect(201)["id"].as_str().unwrap()));
    at
}

async fn append(client: &Client, at: &str, offset: usize, bytes: &[u8]) -> Reply {
    let request = client.request(Method::PATCH, at).header(PIECE.0, PIECE.1);
    let request = request.header("tus-resumable", "1.0.0").header("upload-offset", offset);
    Reply::of(request.body(bytes.to_vec())).await
}

async fn offset(client: &Client, at: &str) -> usize {
    let answer = Reply::of(client.request(Method::HEAD, at)).await;
    assert_eq!((answer.status, answer.header("tus-resumable")), (200, "1.0.0"));
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.header("upload-offset").parse().unwrap()
}

async fn attach(client: &Client, ticket: &Value, upload: &str) -> Reply {
    let id = upload.rsplit('/').next().unwrap();
    client.post(&path(ticket, "/attachments"), json!({"upload_id": id})).await
}

/// Opens a PATCH that announces everything behind `offset` and sends some of it.
async fn half(
    app: &TestApp,
    client: &Client,
    at: &str,
    all: &[u8],
    from: usize,
    to: usize,
) -> Wire {
    let (offset, length) = (from.to_string(), (all.len() - from).to_string());
    let headers = [PIECE, ("upload-offset", &offset), ("content-length", &length)];
    let mut wire = Wire::open(&app.url, client, "PATCH", at, &headers).await;
    assert!(wire.send(&all[from..to]).await);
    wire
}

/// The offset once it is beyond `at_least`.
async fn offset_beyond(client: &Client, at: &str, at_least: usize) -> usize {
    for _ in 0..200 {
        let reached = offset(client, at).await;
        if reached > at_least {
            return reached;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nothing arrives");
}

#[actix_web::test]
async fn an_upload_that_breaks_off_goes_on_where_it_was() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let contact = app.contact("Purchasing contact").await;
    let all = bytes(3, 11_000_000);
    let at = begun(&contact, all.len(), &metadata("talk.mp4", "video/mp4")).await;
    assert_eq!(offset(&contact, &at).await, 0);
    drop(half(&app, &contact, &at, &all, 0, 5_000_000).await);
    // A part while it streamed; what was behind it when the connection broke.
    let reached = offset_beyond(&contact, &at, 4_999_999).await;
    assert_eq!(reached, 5_000_000);
    attach(&contact, &ticket, &at).await.problem(422, "validation_failed");

    let piece = append(&contact, &at, reached, &all[reached..6_000_000]).await;
    assert_eq!((piece.status, piece.header("upload-offset")), (204, "6000000"));
    append(&contact, &at, 6_000_000, &all[6_000_000..]).await.expect(204);
    let whole = contact.get(&at).await.expect(200);
    assert_eq!((&whole["sha256"], &whole["offset"]), (&json!(sum(&all)), &json!(11_000_000)));
    let added = attach(&contact, &ticket, &at).await.expect(201);
    assert_eq!(
        (&added["name"], &added["file"]["media_type"]),
        (&json!("talk.mp4"), &json!("video/mp4"))
    );
    let (_, _, got) = fetch(contact.request(Method::GET, &content(&added))).await;
    assert!(got == all);
    contact.get(&at).await.problem(404, "not_found");
    assert_eq!(pointers(attach(&contact, &ticket, &at).await), ["/upload_id"]);
}

#[actix_web::test]
async fn whoever_resumes_takes_over_from_a_connection_that_hangs() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let all = bytes(4, 20_000_000);
    let at = begun(&agent, all.len(), &metadata("a.bin", "")).await;
    let mut hanging = half(&app, &agent, &at, &all, 0, 6_000_000).await;
    let reached = offset_beyond(&agent, &at, 0).await;
    append(&agent, &at, reached, &all[reached..]).await.expect(204);
    // The old connection comes to life again, and is told that it is too late.
    hanging.send(&vec![0; 14_000_000]).await;
    let late = hanging.answer().await;
    assert!(late.contains("409 Conflict") && late.contains("upload_taken_over"), "{late}");
    let added = attach(&agent, &ticket, &at).await.expect(201);
    let (_, _, got) = fetch(agent.request(Method::GET, &content(&added))).await;
    assert!(got == all);
    // What the old one wrote for nothing is swept away.
    let parts = app.rows("file_parts where remove_at is null").await;
    app.sweep(2).await;
    assert_eq!((app.rows("file_parts").await, app.objects()), (parts, parts as usize));
}

#[actix_web::test]
async fn bytes_that_do_not_belong_there_are_refused() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let at = begun(&agent, 10, &metadata("a.txt", "text/plain")).await;
    append(&agent, &at, 5, b"56789").await.problem(409, "upload_offset");
    append(&agent, &at, 0, b"01234").await.expect(204);
    append(&agent, &at, 0, b"01234").await.problem(409, "upload_offset");
    append(&agent, &at, 5, b"56789a").await.problem(400, "malformed_request");
    assert_eq!(offset(&agent, &at).await, 5);
    let bare = || agent.request(Method::PATCH, &at).body("56789");
    let text = bare().header("content-type", "text/plain").header("upload-offset", 5);
    Reply::of(text).await.problem(415, "unsupported_media_type");
    Reply::of(bare().header(PIECE.0, PIECE.1)).await.problem(400, "malformed_request");
    let old = bare().header(PIECE.0, PIECE.1).header("tus-resumable", "0.2.2");
    let old = Reply::of(old.header("upload-offset", 5)).await;
    assert_eq!(old.header("tus-version"), "1.0.0");
    old.problem(412, "unsupported_tus_version");

    let other = app.agent("L1 agent A").await;
    append(&other, &at, 5, b"56789").await.problem(404, "not_found");
    other.get(&at).await.problem(404, "not_found");
    other.delete(&at, "*").await.problem(404, "not_found");
    append(&agent, &at, 5, b"56789").await.expect(204);
    append(&agent, &at, 10, b"").await.problem(409, "upload_offset");
}

#[actix_web::test]
async fn an_upload_says_what_it_is_to_become() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    create(&agent, 200 << 20, "").await.problem(413, "file_too_large");
    create(&agent, 1, "filename *").await.problem(400, "malformed_request");
    assert_eq!(pointers(create(&agent, 1, &metadata("a.exe", "")).await), ["/file"]);
    let deferred = agent.request(Method::POST, "/v1/uploads").header("upload-defer-length", 1);
    Reply::of(deferred).await.problem(400, "malformed_request");
    let negative = agent.request(Method::POST, "/v1/uploads").header("upload-length", "-1");
    Reply::of(negative).await.problem(400, "malformed_request");
    let options = Reply::of(agent.request(Method::OPTIONS, "/v1/uploads")).await;
    assert_eq!((options.status, options.header("tus-version")), (204, "1.0.0"));
    assert_eq!(options.header("tus-extension"), "creation,expiration,termination");
    assert_eq!(options.header("tus-max-size"), "104857600");
    let made = create(&agent, 0, &metadata("../a.txt", "text/plain")).await;
    assert!(made.header("upload-expires").ends_with(" GMT"));
    let made = made.expect(201);
    assert_eq!((&made["name"], &made["sha256"]), (&json!("a.txt"), &json!(sum(b""))));
}

#[actix_web::test]
async fn an_upload_with_another_checksum_than_announced_is_gone() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let announced = format!("sha256 {}", STANDARD.encode(sum(b"0123456789")));
    let at = begun(&agent, 10, &announced).await;
    append(&agent, &at, 0, b"01234").await.expect(204);
    assert_eq!(pointers(append(&agent, &at, 5, b"5678x").await), ["/sha256"]);
    agent.get(&at).await.problem(404, "not_found");
    let at = begun(&agent, 10, &announced).await;
    append(&agent, &at, 0, b"0123456789").await.expect(204);
}

#[actix_web::test]
async fn uploads_that_nobody_attaches_are_forgotten_and_limited() {
    let app = TestApp::start_with(|config| config.ticket_attachment_bytes = 1000).await;
    let (agent, other) = (app.agent("Coordinator").await, app.agent("L1 agent A").await);
    let at = begun(&agent, 600, "").await;
    append(&agent, &at, 0, &[7; 300]).await.expect(204);
    create(&agent, 500, "").await.problem(409, "too_many_uploads");
    create(&other, 500, "").await.expect(201);
    let second = begun(&agent, 400, "").await;
    agent.delete(&second, "*").await.expect(204);
    agent.get(&second).await.problem(404, "not_found");
    app.sweep(23).await;
    assert_eq!((app.rows("files").await, app.objects()), (2, 1));
    app.sweep(25).await;
    app.sweep(25).await;
    assert_eq!((app.rows("files").await, app.rows("file_parts").await), (0, 0));
    assert_eq!(app.objects(), 0);
}

#[actix_web::test]
async fn beginning_many_at_once_does_not_pass_the_limit() {
    let app = TestApp::start_with(|config| config.ticket_attachment_bytes = 1000).await;
    let agent = app.agent("Coordinator").await;
    let begun = (0..8).map(|_| create(&agent, 300, ""));
    let begun = futures_util::future::join_all(begun).await;
    assert_eq!(begun.iter().filter(|reply| reply.status == 201).count(), 3);
    assert_eq!(begun.iter().filter(|reply| reply.status == 409).count(), 5);
}
