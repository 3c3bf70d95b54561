//! An S3-compatible store instead of the folder.
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use casebridge::kernel::Secret;
use reqwest::Method;
use serde_json::json;

use super::{attached, bytes, content, fetch, file_part, send};
use crate::support::TestApp;

/// As much of S3 as is used: objects by path, ranges, errors.
#[derive(Clone, Default)]
struct FakeS3 {
    objects: Arc<Mutex<BTreeMap<String, web::Bytes>>>,
    broken: Arc<AtomicBool>,
}

impl FakeS3 {
    fn names(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }

    /// Starts it; where it is.
    fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let s3 = self.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(s3.clone()))
                .app_data(web::PayloadConfig::new(16 << 20))
                .default_service(web::to(answer))
        });
        actix_web::rt::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
        url
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, s3: web::Data<FakeS3>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok());
    let signed = header("authorization").unwrap_or_default();
    if !signed.starts_with("AWS4-HMAC-SHA256 Credential=key-1/") {
        return HttpResponse::Forbidden().finish();
    }
    if s3.broken.load(Ordering::Relaxed) {
        return HttpResponse::Forbidden().body("<Error><Code>AccessDenied</Code></Error>");
    }
    let path = request.path().to_owned();
    let mut objects = s3.objects.lock().unwrap();
    match request.method().as_str() {
        "PUT" => {
            objects.insert(path, body);
            HttpResponse::Ok().insert_header(("etag", "\"1\"")).finish()
        }
        "DELETE" => {
            objects.remove(&path);
            HttpResponse::NoContent().finish()
        }
        _ => {
            let Some(object) = objects.get(&path) else { return HttpResponse::NotFound().finish() };
            let range = header("range").unwrap().strip_prefix("bytes=").unwrap();
            let (first, last) = range.split_once('-').unwrap();
            let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
            HttpResponse::PartialContent()
                .insert_header(("content-range", format!("bytes {first}-{last}/{}", object.len())))
                .insert_header(("last-modified", "Wed, 21 Oct 2026 07:28:00 GMT"))
                .insert_header(("etag", "\"1\""))
                .body(object.slice(first..=last))
        }
    }
}

async fn start(s3: &FakeS3) -> TestApp {
    let url = s3.serve();
    TestApp::start_with(|config| {
        config.s3_bucket = Some("desk".into());
        config.s3_endpoint = Some(url);
        config.s3_access_key_id = Some("key-1".into());
        config.s3_secret_access_key = Some(Secret::new("secret"));
    })
    .await
}

#[actix_web::test]
async fn files_are_kept_in_a_bucket_when_one_is_configured() {
    let s3 = FakeS3::default();
    let app = start(&s3).await;
    let contact = app.contact("Purchasing contact").await;
    let draft = contact.post("/v1/drafts", json!({"subject": "Soon"})).await.expect(201);
    let all = bytes(10, 9_000_000);
    let added = attached(&contact, &draft, "a.bin", "application/zip", &all).await;
    assert_eq!((s3.names().len(), app.objects()), (3, 0));
    assert!(s3.names().iter().all(|name| name.starts_with("/desk/")), "{:?}", s3.names());
    let (status, _, got) = fetch(contact.request(Method::GET, &content(&added))).await;
    assert!(status == 200 && got == all);
    let part =
        contact.request(Method::GET, &content(&added)).header("range", "bytes=4194300-4194309");
    assert!(fetch(part).await.2 == all[4_194_300..4_194_310]);
    let at = format!("/v1/drafts/{}", draft["id"].as_str().unwrap());
    contact.delete(&at, "*").await.expect(204);
    app.sweep(0).await;
    assert!(s3.names().is_empty());
}

#[actix_web::test]
async fn a_store_that_refuses_makes_no_attachment_and_loses_none() {
    let s3 = FakeS3::default();
    let app = start(&s3).await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let added = attached(&agent, &ticket, "a.txt", "text/plain", b"text").await;
    s3.broken.store(true, Ordering::Relaxed);
    let parts = [file_part("b.txt", "text/plain", b"text")];
    send(&agent, &ticket, &parts).await.problem(503, "unavailable");
    agent.get(&content(&added)).await.problem(503, "unavailable");
    // What is to be removed stays known until it is.
    app.sweep(0).await;
    assert_eq!((app.rows("files").await, app.rows("file_parts").await), (1, 2));
    s3.broken.store(false, Ordering::Relaxed);
    assert_eq!(agent.get(&content(&added)).await.body, "text");
    send(&agent, &ticket, &parts).await.expect(201);
    app.sweep(2).await;
    assert_eq!((app.rows("file_parts").await, s3.names().len()), (2, 2));
}
