//! What machines send is recorded, never answered, and reopens nothing; strangers get nothing.
use casebridge::kernel::{Permission, Role};
use serde_json::{Value, json};

use super::{message, post, token};
use crate::support::{Client, Reply, TestApp, path};

async fn bringer(app: &TestApp) -> Client {
    let id = app.integration(&[Permission::MailReceive]).await;
    app.client_with(id, [Permission::MailReceive].into_iter()).await
}

#[actix_web::test]
async fn what_machines_send_is_recorded_with_its_cause_and_reopens_nothing() {
    let app = TestApp::start_with(|config| config.mail_domain = Some("desk.example".into())).await;
    let ticket = app.open_ticket(json!({})).await;
    app.advance_to(&ticket, "050").await;
    let (before, bringer) = (app.read(&ticket).await, bringer(&app).await);
    for (name, cause) in [
        ("out_of_office_exchange", "auto_submitted"),
        ("out_of_office_suppress_only", "auto_response_suppress"),
        ("vacation_unix", "precedence"),
        ("bounce_postfix", "report"),
        ("bounce_exim", "failed_recipients"),
        ("read_receipt", "report"),
        ("own_mail_came_back", "own_mail"),
        ("mailing_list", "precedence"),
        ("newsletter", "mailing_list"),
    ] {
        let mail = post(&bringer, message(name, &token(&ticket))).await.expect(200);
        let became = (&mail["state"], &mail["cause"], &mail["note_id"]);
        assert_eq!(became, (&json!("ignored"), &json!(cause), &Value::Null), "{name}");
    }
    let mut now = app.read(&ticket).await;
    now["updated_at"] = before["updated_at"].clone();
    assert_eq!(now, before);
    assert_eq!(app.number("select count(*) as number from outgoing_mails").await, 0);
    let coordinator = app.agent("Coordinator").await;
    let of_ticket = format!("/v1/inbound/emails?ticket={}", ticket["id"].as_str().unwrap());
    let list = coordinator.get(&of_ticket).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 6);
}

#[actix_web::test]
async fn a_bounce_suppresses_the_address_that_a_mail_of_ours_went_to_and_a_forged_one_nothing() {
    use casebridge::kernel::MailId;
    use casebridge::mail::{Address, Conversation, NewMail, Thread, service as mail};
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let bringer = bringer(&app).await;
    let suppressed = "select count(*) as number from suppressed_addresses";
    let forged = post(&bringer, message("bounce_postfix", &token(&ticket))).await.expect(200);
    assert!(forged["detail"].as_str().unwrap().contains("about no mail"), "{forged}");
    assert_eq!(app.number(suppressed).await, 0);

    let conversation = Conversation::Ticket(super::ticket_id(&ticket));
    let new = NewMail {
        conversation,
        ticket_id: Some(super::ticket_id(&ticket)),
        note_id: None,
        to: Address { name: None, email: "purchasing@customer.example".into() },
        cc: Vec::new(),
        subject: "s".into(),
        text: "t".into(),
        html: None,
        automatic: true,
        dedupe: None,
    };
    let queue = move |conn: &mut _| mail::queue(conn, new, chrono::Utc::now());
    let id: MailId = app.service.db.tx(queue).await.unwrap();
    let sent = Thread { conversation, mail: id }.token(&super::key());
    let mark = format!(
        "update outgoing_mails set state = 'sent', sent_at = now(), message_id = '{sent}@desk.example' where id = '{id}'"
    );
    app.sql(mark).await.unwrap();
    let told = message("bounce_exim", &sent);
    let mail = post(&bringer, told).await.expect(200);
    assert_eq!(mail["detail"], "purchasing@customer.example: not delivered");
    assert_eq!(app.number(suppressed).await, 1);
}

/// A stranger's mail with this id.
fn strange(id: &str) -> String {
    format!(
        "From: Stranger <x@elsewhere.example>\r\nSubject: Help\r\nMessage-ID: <{id}>\r\n\r\nI need help.\r\n"
    )
}

#[actix_web::test]
async fn a_stranger_waits_in_quarantine_unless_an_account_takes_them() {
    let app = TestApp::start().await;
    let bringer = bringer(&app).await;
    let mail = post(&bringer, strange("1@e")).await.expect(200);
    assert_eq!((&mail["state"], &mail["cause"]), (&json!("quarantined"), &json!("unknown_sender")));
    let admin = app.client(Role::Admin).await;
    let set = async |wanted: Value| {
        let request = admin.request(reqwest::Method::PUT, "/v1/inbound/settings");
        Reply::of(request.header("if-match", "*").json(&wanted)).await
    };
    let mut wanted = json!({"unknown_senders": "open", "thanks_reopens": false});
    assert_eq!(crate::support::pointers(set(wanted.clone()).await), ["/account_id"]);
    wanted["account_id"] = json!(app.id("accounts", "Northwind Services").await);
    assert_eq!(crate::support::pointers(set(wanted.clone()).await), ["/category_id"]);
    wanted["category_id"] = json!("0199f0c2-b1c9-7000-8000-00000000ffff");
    assert_eq!(crate::support::pointers(set(wanted.clone()).await), ["/category_id"]);
    wanted["category_id"] = Value::Null;
    wanted["product_id"] = json!(app.id("products", "CoreTrac").await);
    set(wanted).await.expect(200);
    let mail = post(&bringer, strange("2@e")).await.expect(200);
    assert_eq!(mail["state"], "taken");
    let ticket = app.read(&json!({"id": mail["ticket_id"]})).await;
    // Nobody is told: the address may be anybody's.
    assert_eq!((&ticket["contact_id"], &ticket["source"]), (&Value::Null, &json!("email")));
    app.publish().await;
    assert_eq!(app.number("select count(*) as number from outgoing_mails").await, 0);
    let notes = app.agent("Coordinator").await.get(&path(&ticket, "/notes")).await.expect(200);
    assert_eq!(notes["items"][0]["visibility"], "internal");
    assert!(notes["items"][0]["body"].as_str().unwrap().contains("x@elsewhere.example"));
}

#[actix_web::test]
async fn a_contact_who_may_not_call_any_more_is_a_stranger() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    app.sql("update contacts set active = false").await.unwrap();
    let raw = message("reply_iphone", &token(&ticket));
    let mail = post(&bringer(&app).await, raw).await.expect(200);
    assert_eq!((&mail["cause"], &mail["ticket_id"]), (&json!("unknown_sender"), &ticket["id"]));
}
