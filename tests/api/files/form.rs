//! Files that come with the request that attaches them.
use reqwest::Method;
use serde_json::{Value, json};

use super::{attached, bytes, content, fetch, field, file_part, form, send, sum};
use crate::support::{Reply, TestApp, path, pointers};

#[actix_web::test]
async fn a_file_comes_with_the_request_and_is_given_out_as_it_came() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let contact = app.contact("Purchasing contact").await;
    // Three parts.
    let picture = bytes(1, 9_000_001);
    let parts = [field("sha256", &sum(&picture)), file_part("a.png", "image/png", &picture)];
    let added = send(&contact, &ticket, &parts).await;
    assert_eq!(added.header("etag"), "\"v2\"");
    let added = added.expect(201);
    let kept = json!({"media_type": "image/png", "size": 9_000_001, "sha256": sum(&picture)});
    assert_eq!((&added["name"], &added["file"]), (&json!("a.png"), &kept));
    assert_eq!(added["url"], format!("{}{}", app.url, content(&added)));

    let (status, headers, got) = fetch(contact.request(Method::GET, &content(&added))).await;
    assert_eq!((status, got == picture), (200, true));
    assert_eq!(headers["content-type"], "image/png");
    assert_eq!(headers["content-length"], "9000001");
    assert_eq!(app.objects(), 3);
    let listed = contact.get(&path(&ticket, "/attachments")).await.expect(200);
    assert_eq!(listed["items"], json!([added]));
    app.publish().await;
    let agent = app.agent("Coordinator").await;
    let history = agent.get(&path(&ticket, "/history")).await.expect(200);
    let told = history["items"].as_array().unwrap().iter();
    let told = told.filter(|event| event["type"] == "ticket.attachment_added");
    assert_eq!(told.map(|event| event["data"]["file"].clone()).collect::<Vec<_>>(), [kept]);
}

#[actix_web::test]
async fn an_empty_file_is_a_file_too() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let added = attached(&agent, &ticket, "empty.log", "text/plain", b"").await;
    let (status, headers, got) = fetch(agent.request(Method::GET, &content(&added))).await;
    assert_eq!((status, got.len(), app.objects()), (200, 0, 0));
    assert_eq!(headers["content-length"], "0");
}

#[actix_web::test]
async fn who_may_not_see_the_ticket_or_the_file_is_told_that_it_is_not_there() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let (contact, agent) =
        (app.contact("Purchasing contact").await, app.agent("Coordinator").await);
    let other = app.contact("Warehouse contact").await;
    let public = attached(&contact, &ticket, "a.png", "image/png", b"picture").await;
    let parts = [file_part("b.log", "text/plain", b"log"), field("visibility", "internal")];
    let internal = send(&agent, &ticket, &parts).await.expect(201);
    send(&contact, &ticket, &parts).await.problem(403, "forbidden");
    for (caller, attachment, status) in [
        (&contact, &public, 200),
        (&agent, &internal, 200),
        (&contact, &internal, 404),
        (&other, &public, 404),
        (&other, &internal, 404),
    ] {
        assert_eq!(caller.get(&content(attachment)).await.status, status);
        let link = format!("/v1/attachments/{}/link", attachment["id"].as_str().unwrap());
        assert_eq!(caller.post(&link, json!({})).await.status, status);
    }
    app.anonymous().get(&content(&public)).await.problem(401, "unauthenticated");
    let refused = send(&other, &ticket, &[file_part("c", "text/plain", b"c")]).await;
    refused.problem(404, "not_found");
    app.sweep(0).await;
    assert_eq!((app.rows("files").await, app.objects()), (2, 2));
}

#[actix_web::test]
async fn a_file_that_is_not_what_its_sender_says_is_refused_and_nothing_is_left_of_it() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let wrong = field("sha256", &sum(b"something else"));
    for parts in [
        [wrong.clone(), file_part("a", "text/plain", b"this")],
        [file_part("a", "text/plain", b"this"), wrong],
    ] {
        assert_eq!(pointers(send(&agent, &ticket, &parts).await), ["/sha256"]);
    }
    assert_eq!(app.rows("files").await, 0);
    app.sweep(0).await;
    assert_eq!((app.rows("file_parts").await, app.objects()), (0, 0));
}

#[actix_web::test]
async fn a_form_that_is_none_is_refused_by_what_is_wrong_with_it() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let file = || file_part("a.txt", "text/plain", b"text");
    for (parts, pointer) in [
        (vec![], "/file"),
        (vec![field("visibility", "internal")], "/file"),
        (vec![file(), file()], "/file"),
        (vec![file(), field("colour", "red")], "/colour"),
        (vec![file(), field("visibility", "secret")], "/visibility"),
        (vec![field("sha256", "abc"), file()], "/sha256"),
    ] {
        assert_eq!(pointers(send(&agent, &ticket, &parts).await), [pointer]);
    }
    let at = path(&ticket, "/attachments");
    let broken = agent.request(Method::POST, &at).header("content-type", super::form_type());
    let broken = broken.body([file(), b"--".to_vec()].concat());
    Reply::of(broken).await.problem(400, "malformed_request");
    let unbounded = agent.request(Method::POST, &at).header("content-type", "multipart/form-data");
    Reply::of(unbounded.body(file())).await.problem(400, "malformed_request");
    send(&agent, &ticket, &[file(), field("name", &"x".repeat(5000))])
        .await
        .problem(413, "payload_too_large");
    app.sweep(0).await;
    assert_eq!((app.rows("files").await, app.objects()), (0, 0));
    assert_eq!(agent.get(&at).await.expect(200)["items"], json!([]));
}

#[actix_web::test]
async fn a_form_that_is_sent_again_with_its_key_attaches_once() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let again = async |bytes: &[u8]| {
        let request = form(&agent, &ticket, &[file_part("a.txt", "text/plain", bytes)]);
        Reply::of(request.header("idempotency-key", "once")).await
    };
    let first = again(b"text").await.expect(201);
    let second = again(b"text").await;
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(second.expect(201), first);
    again(b"tex_").await.problem(422, "idempotency_key_reused");
    app.sweep(0).await;
    assert_eq!((app.rows("files").await, app.objects()), (1, 1));
}

#[actix_web::test]
async fn hostile_names_become_plain_ones() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    for (given, name) in [
        ("../../../etc/passwd", "passwd"),
        ("..\\\\..\\\\boot.ini", "boot.ini"),
        ("a%22; filename=b.html", "a%22; filename=b.html"),
        ("Übersicht – 日本.pdf", "Übersicht – 日本.pdf"),
        ("gpj.\u{202e}fdp", "gpj.fdp"),
        ("", "file"),
        ("...", "file"),
    ] {
        let added = attached(&agent, &ticket, given, "application/pdf", b"%PDF").await;
        assert_eq!(added["name"], name, "{given:?}");
        let (_, headers, _) = fetch(agent.request(Method::GET, &content(&added))).await;
        let told = headers["content-disposition"].to_str().unwrap();
        assert!(told.starts_with("attachment; filename=\""), "{told}");
        assert_eq!(told.matches('"').count(), 2, "{told}");
        assert!(told.is_ascii() && told.contains("; filename*=UTF-8''"), "{told}");
    }
    let parts = [file_part("a.txt", "text/plain", b"a"), field("name", "x/\r\ny: z.html")];
    let named: Value = send(&agent, &ticket, &parts).await.expect(201);
    assert_eq!(named["name"], "y: z.html");
}
