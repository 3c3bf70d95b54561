//! Links that need no token, and those in the CRM.
use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::{attached, content, fetch, field, file_part, local, send};
use crate::support::mirror::Mirrored;
use crate::support::{Client, TestApp, path, pointers};

async fn link(app: &TestApp, client: &Client, attachment: &Value) -> String {
    let at = format!("/v1/attachments/{}/link", attachment["id"].as_str().unwrap());
    let made = client.post(&at, json!({"seconds": 60})).await.expect(200);
    local(app, made["url"].as_str().unwrap()).to_owned()
}

#[actix_web::test]
async fn a_link_serves_whoever_has_it_until_it_expires() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let (contact, nobody) = (app.contact("Purchasing contact").await, app.anonymous());
    let added = attached(&contact, &ticket, "a.txt", "text/plain", b"text").await;
    let at = link(&app, &contact, &added).await;
    let (status, _, got) = fetch(nobody.request(Method::GET, &at)).await;
    assert_eq!((status, got.as_slice()), (200, b"text".as_slice()));
    let part = nobody.request(Method::GET, &at).header("range", "bytes=1-2");
    assert_eq!(fetch(part).await.2, b"ex");

    let id = added["id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap().into();
    let links = app.service.files.links();
    let over = links.expiring(id, Utc::now() - TimeDelta::seconds(1));
    nobody.get(local(&app, &over)).await.problem(404, "not_found");
    for seconds in [0, 59, 604_801] {
        let at = format!("/v1/attachments/{}/link", added["id"].as_str().unwrap());
        assert_eq!(pointers(contact.post(&at, json!({"seconds": seconds})).await), ["/seconds"]);
    }
}

#[actix_web::test]
async fn a_forged_link_leads_nowhere() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let (contact, nobody) = (app.contact("Purchasing contact").await, app.anonymous());
    let one = attached(&contact, &ticket, "a.txt", "text/plain", b"one").await;
    let two = attached(&contact, &ticket, "b.txt", "text/plain", b"two").await;
    let (one, two) = (link(&app, &contact, &one).await, link(&app, &contact, &two).await);
    let start = "/v1/files/content?token=".len();
    let mut forged = vec![
        // The signature of one under the id of the other.
        format!("{}{}", &two[..start + 32], &one[start + 32..]),
        format!("{one}AAAA"),
        one[..one.len() - 2].to_owned(),
        "/v1/files/content?token=AAAA".to_owned(),
        "/v1/files/content?token=%00".to_owned(),
        format!("/v1/files/content?token={}", "A".repeat(54)),
    ];
    for at in (start..one.len()).step_by(5) {
        let other = if one.as_bytes()[at] == b'x' { "y" } else { "x" };
        forged.push(format!("{}{other}{}", &one[..at], &one[at + 1..]));
    }
    for at in forged {
        nobody.get(&at).await.problem(404, "not_found");
    }
}

#[actix_web::test]
async fn links_end_when_the_ticket_is_deleted_and_come_back_with_it() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let (admin, nobody) = (app.client(casebridge::kernel::Role::Admin).await, app.anonymous());
    let added = attached(&admin, &ticket, "a.txt", "text/plain", b"text").await;
    let at = link(&app, &admin, &added).await;
    admin.delete(&path(&ticket, ""), "*").await.expect(204);
    nobody.get(&at).await.problem(404, "not_found");
    admin.get(&content(&added)).await.problem(404, "not_found");
    admin.post_on(&path(&ticket, "/restoration"), "*", json!({})).await;
    let restored = admin.get(&path(&ticket, "")).await.expect(200);
    assert_eq!(restored["deleted_at"], Value::Null);
    assert_eq!(nobody.get(&at).await.status, 200);
}

#[actix_web::test]
async fn the_case_leads_its_readers_to_public_files_and_asks_them_for_a_token_at_internal_ones() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("With files").await;
    let named = json!({"id": ticket});
    attached(&desk.admin, &named, "a.txt", "text/plain", b"public").await;
    let parts = [file_part("b.txt", "text/plain", b"secret"), field("visibility", "internal")];
    send(&desk.admin, &named, &parts).await.expect(201);
    desk.converge().await;
    let case = desk.case(&ticket).await.value("description").to_owned();
    let line = |name: &str| -> String {
        let start = format!("Attachment: {name} ");
        let found = case.lines().find_map(|line| line.strip_prefix(&start));
        local(&desk.app, found.unwrap_or_else(|| panic!("{case}"))).to_owned()
    };
    let nobody = desk.app.anonymous();
    let (status, headers, got) = fetch(nobody.request(Method::GET, &line("a.txt"))).await;
    assert_eq!((status, got.as_slice()), (200, b"public".as_slice()));
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    nobody.get(&line("b.txt")).await.problem(401, "unauthenticated");
    assert_eq!(desk.admin.get(&line("b.txt")).await.body, "secret");
    // The same at every pass: nothing more is sent.
    desk.admin.post(&format!("/v1/tickets/{ticket}/notes"), json!({"body": "x"})).await.expect(201);
    desk.converge().await;
    assert_eq!(desk.case(&ticket).await.value("description"), case);
    assert!(desk.conflicts(&ticket).await.is_empty());
}
