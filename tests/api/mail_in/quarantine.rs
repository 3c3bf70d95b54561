//! Mails that somebody has to look at: who sees them, and what they become.
use casebridge::kernel::Permission;
use futures_util::future::join;
use serde_json::{Value, json};

use super::{message, post, token};
use crate::support::{Client, TestApp, path, pointers};

async fn bringer(app: &TestApp) -> Client {
    let id = app.integration(&[Permission::MailReceive]).await;
    app.client_with(id, [Permission::MailReceive].into_iter()).await
}

fn strange(id: &str, text: &str) -> String {
    format!(
        "From: Stranger <x@elsewhere.example>\r\nSubject: Help\r\nMessage-ID: <{id}>\r\n\r\n{text}\r\n"
    )
}

fn at(mail: &Value) -> String {
    format!("/v1/quarantine/{}/release", mail["id"].as_str().unwrap())
}

#[actix_web::test]
async fn a_strangers_mail_is_released_as_a_ticket_once() {
    let app = TestApp::start().await;
    let mail = post(&bringer(&app).await, strange("1@e", "I need help.")).await.expect(200);
    let coordinator = app.agent("Coordinator").await;
    let waiting = coordinator.get("/v1/quarantine").await.expect(200);
    assert_eq!(waiting["items"], json!([mail]));
    let mut body = json!({"as": "ticket"});
    let missing = pointers(coordinator.post(&at(&mail), body.clone()).await);
    assert_eq!(missing, ["/account_id", "/product_id"]);
    body["account_id"] = json!(app.id("accounts", "Northwind Services").await);
    body["product_id"] = json!(app.id("products", "CoreTrac").await);
    body["contact_id"] = json!(app.id("contacts", "Purchasing contact").await);
    let (here, there) = (at(&mail), at(&mail));
    let (one, two) =
        join(coordinator.post(&here, body.clone()), coordinator.post(&there, body.clone())).await;
    let (done, late) = if one.status == 200 { (one, two) } else { (two, one) };
    late.problem(409, "mail_taken");
    let released = done.expect(200);
    assert_eq!(
        (&released["state"], &released["settled_by_name"]),
        (&json!("taken"), &json!("Coordinator"))
    );
    let ticket = app.read(&json!({"id": released["ticket_id"]})).await;
    assert_eq!(
        (&ticket["source"], &ticket["description"]),
        (&json!("email"), &json!("I need help."))
    );
    assert_eq!(ticket["contact_id"], body["contact_id"]);
    assert_eq!(coordinator.get("/v1/quarantine").await.expect(200)["items"], json!([]));
}

#[actix_web::test]
async fn on_a_ticket_a_contacts_words_are_theirs_and_a_strangers_are_for_the_desk() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let (bringer, coordinator) = (bringer(&app).await, app.agent("Coordinator").await);
    let mail = post(&bringer, strange("1@e", "Psst.")).await.expect(200);
    assert_eq!(pointers(coordinator.post(&at(&mail), json!({"as": "note"})).await), ["/ticket_id"]);
    let body = json!({"as": "note", "ticket_id": ticket["id"]});
    coordinator.post(&at(&mail), body.clone()).await.expect(200);
    // Two senders in the header: quarantined, and nobody's words.
    let two = post(&bringer, message("hostile_second_from", &token(&ticket))).await.expect(200);
    assert_eq!(two["cause"], "no_sender");
    coordinator.post(&at(&two), body.clone()).await.expect(200);
    app.sql("update contacts set active = false").await.unwrap();
    let real = post(&bringer, message("reply_iphone", &token(&ticket))).await.expect(200);
    app.sql("update contacts set active = true").await.unwrap();
    // The mail itself says which ticket.
    coordinator.post(&at(&real), json!({"as": "note"})).await.expect(200);
    let notes = coordinator.get(&path(&ticket, "/notes")).await.expect(200);
    let seen: Vec<_> = notes["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|note| {
            (note["visibility"].as_str().unwrap(), note["author"]["role"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        seen,
        [("internal", "coordinator"), ("internal", "coordinator"), ("public", "contact")]
    );
    assert_eq!(notes["items"][0]["body"], "Mail from Stranger <x@elsewhere.example>:\n\nPsst.");
}

#[actix_web::test]
async fn what_is_discarded_or_was_ignored_can_still_be_released() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let (bringer, coordinator) = (bringer(&app).await, app.agent("Coordinator").await);
    let list = post(&bringer, message("mailing_list", "")).await.expect(200);
    assert_eq!(list["state"], "ignored");
    let discarded = coordinator.post(&at(&list), json!({"as": "discard"})).await.expect(200);
    assert_eq!(
        (&discarded["state"], &discarded["cause"]),
        (&json!("ignored"), &json!("discarded"))
    );
    let body = json!({"as": "note", "ticket_id": ticket["id"]});
    let released = coordinator.post(&at(&list), body).await.expect(200);
    assert_eq!(released["state"], "taken");
}

#[actix_web::test]
async fn an_agent_sees_the_mails_of_their_tickets_and_no_quarantine() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    app.sql("update tickets set assignee_id = null").await.unwrap();
    let bringer = bringer(&app).await;
    let mine = post(&bringer, message("reply_iphone", &token(&ticket))).await.expect(200);
    let strange = post(&bringer, strange("1@e", "?")).await.expect(200);
    let agent = app.agent("L1 agent A").await;
    let seen = agent.get("/v1/inbound/emails").await.expect(200);
    assert_eq!(seen["items"], json!([mine]));
    assert_eq!(agent.get("/v1/quarantine").await.expect(200)["items"], json!([]));
    let whole = |mail: &Value| format!("/v1/inbound/emails/{}", mail["id"].as_str().unwrap());
    agent.get(&whole(&mine)).await.expect(200);
    agent.get(&whole(&strange)).await.problem(404, "not_found");
    agent.post(&at(&strange), json!({"as": "discard"})).await.problem(404, "not_found");
    app.move_elsewhere(&ticket).await;
    assert_eq!(agent.get("/v1/inbound/emails").await.expect(200)["items"], json!([]));
    agent.get(&format!("{}/original", whole(&mine))).await.problem(404, "not_found");
    let contact = app.contact("Purchasing contact").await;
    contact.get("/v1/inbound/emails").await.problem(403, "forbidden");
    contact.get("/v1/quarantine").await.problem(403, "forbidden");
}

#[actix_web::test]
async fn the_original_is_handed_out_as_a_file_that_no_browser_shows() {
    let app = TestApp::start().await;
    let raw = message("reply_outlook_web_html_only", "");
    let mail = post(&bringer(&app).await, raw.clone()).await.expect(200);
    let coordinator = app.agent("Coordinator").await;
    let at = format!("/v1/inbound/emails/{}/original", mail["id"].as_str().unwrap());
    let file = coordinator.get(&at).await;
    assert_eq!(file.header("content-type"), "message/rfc822");
    assert!(file.header("content-disposition").starts_with("attachment;"));
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    assert_eq!(file.expect(200), json!(String::from_utf8(raw).unwrap()));
}

#[actix_web::test]
async fn a_redaction_takes_the_secret_out_of_the_mails_of_the_ticket() {
    use crate::redaction::{SECRET, tables_with};
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let raw = format!(
        "From: purchasing@customer.example\r\nSubject: Card {SECRET}\r\nMessage-ID: <s@c>\r\nIn-Reply-To: <{}@d>\r\n\r\nMy card is {SECRET}.\r\n",
        token(&ticket)
    );
    let mail = post(&bringer(&app).await, raw).await.expect(200);
    let coordinator = app.agent("Coordinator").await;
    let body =
        json!({"field": "note", "note_id": mail["note_id"], "text": SECRET, "reason": "A card"});
    assert!(tables_with(&app, SECRET).await.contains(&"inbound_mails".to_owned()));
    coordinator.post_on(&path(&ticket, "/redactions"), "*", body).await.expect(201);
    assert_eq!(tables_with(&app, SECRET).await, Vec::<String>::new());
    let at = format!("/v1/inbound/emails/{}", mail["id"].as_str().unwrap());
    let now = coordinator.get(&at).await.expect(200);
    assert_eq!((&now["subject"], &now["text"]), (&json!("Card [redacted]"), &Value::Null));
}
