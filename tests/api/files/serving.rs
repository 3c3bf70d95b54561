//! How files are given out.
use reqwest::Method;
use serde_json::{Value, json};

use super::{attached, bytes, content, fetch};
use crate::support::{Client, Reply, TestApp};

#[actix_web::test]
async fn what_could_run_in_a_browser_is_given_out_as_bytes_to_be_saved() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let html = b"<html><script>alert(1)</script>";
    for (name, declared, served) in [
        ("a.html", "text/html", "application/octet-stream"),
        ("a.svg", "image/svg+xml", "application/octet-stream"),
        ("a.xhtml", "application/xhtml+xml", "application/octet-stream"),
        ("a", "no type", "application/octet-stream"),
        // Declared as what it is not, it stays that: nobody looks into it to find out.
        ("a.png", "image/png", "image/png"),
        ("a.txt", "text/plain", "text/plain; charset=utf-8"),
    ] {
        let added = attached(&agent, &ticket, name, declared, html).await;
        let link = format!("/v1/attachments/{}/link", added["id"].as_str().unwrap());
        let link = agent.post(&link, json!({})).await.expect(200)["url"].clone();
        let link = super::local(&app, link.as_str().unwrap()).to_owned();
        for at in [content(&added), link] {
            let join = if at.contains('?') { '&' } else { '?' };
            for query in ["", "disposition=inline"] {
                let request = agent.request(Method::GET, &format!("{at}{join}{query}"));
                let (status, headers, _) = fetch(request).await;
                assert_eq!((status, &headers["content-type"]), (200, &served.parse().unwrap()));
                assert_eq!(headers["x-content-type-options"], "nosniff");
                assert_eq!(headers["content-security-policy"], "sandbox; default-src 'none'");
                let told = headers["content-disposition"].to_str().unwrap();
                let shown = served == "image/png" && !query.is_empty();
                assert_eq!(told.starts_with("inline;"), shown, "{declared} {told}");
            }
        }
    }
    let at = format!("{}?disposition=sideways", content(&json!({"id": ticket["id"]})));
    agent.get(&at).await.problem(400, "malformed_request");
}

async fn ranged(
    client: &Client,
    added: &Value,
    headers: &[(&str, &str)],
) -> (u16, String, Vec<u8>) {
    let request = client.request(Method::GET, &content(added));
    let request = headers.iter().fold(request, |r, (name, value)| r.header(*name, *value));
    let (status, headers, got) = fetch(request).await;
    let range = headers.get("content-range").map_or("", |value| value.to_str().unwrap());
    (status, range.to_owned(), got)
}

#[actix_web::test]
async fn a_range_of_bytes_is_given_out_by_itself() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let all = bytes(2, 9_000_000);
    let added = attached(&agent, &ticket, "a.bin", "application/octet-stream", &all).await;
    // Over the border of two parts.
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=4194300-4194310", 4_194_300, 4_194_311),
        ("bytes=8999990-", 8_999_990, 9_000_000),
        ("bytes=-7", 8_999_993, 9_000_000),
        ("bytes=1000-99999999", 1000, 9_000_000),
    ] {
        let (status, told, got) = ranged(&agent, &added, &[("range", range)]).await;
        assert_eq!(status, 206, "{range}");
        assert_eq!(told, format!("bytes {from}-{}/9000000", to - 1));
        assert!(got == all[from..to], "{range}");
    }
    for ignored in ["bytes=0-1,5-6", "items=0-1", "bytes=x-"] {
        assert_eq!(ranged(&agent, &added, &[("range", ignored)]).await.0, 200, "{ignored}");
    }
    let beyond = agent.request(Method::GET, &content(&added)).header("range", "bytes=9000000-");
    let beyond = Reply::of(beyond).await;
    assert_eq!(beyond.header("content-range"), "bytes */9000000");
    beyond.problem(416, "range_not_satisfiable");
}

#[actix_web::test]
async fn a_file_that_the_caller_has_is_not_sent_again() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let added = attached(&agent, &ticket, "a.txt", "text/plain", b"0123456789").await;
    let tag = format!("\"{}\"", added["file"]["sha256"].as_str().unwrap());
    let (status, _, got) = ranged(&agent, &added, &[("if-none-match", &tag)]).await;
    assert_eq!((status, got.len()), (304, 0));
    let range = ("range", "bytes=2-3");
    assert_eq!(ranged(&agent, &added, &[range, ("if-range", &tag)]).await.2, b"23");
    assert_eq!(ranged(&agent, &added, &[range, ("if-range", "\"x\"")]).await.0, 200);
    let (status, headers, got) = fetch(agent.request(Method::HEAD, &content(&added))).await;
    assert_eq!((status, got.len()), (200, 0));
    assert_eq!(
        (&headers["content-length"], &headers["accept-ranges"]),
        (&"10".parse().unwrap(), &"bytes".parse().unwrap())
    );
    assert_eq!(headers["etag"], tag.as_str());
}

#[actix_web::test]
async fn an_attachment_that_is_a_link_has_no_content_here() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let link = json!({"name": "a", "url": "https://files.example/a"});
    let at = crate::support::path(&ticket, "/attachments");
    let added = agent.post(&at, link).await.expect(201);
    assert_eq!(added["file"], Value::Null);
    agent.get(&content(&added)).await.problem(404, "not_found");
    let link = format!("/v1/attachments/{}/link", added["id"].as_str().unwrap());
    agent.post(&link, json!({})).await.problem(404, "not_found");
}
