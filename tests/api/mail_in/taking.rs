//! What becomes of a mail that a person sent.
use casebridge::kernel::{MailId, NoteId, Permission, Role};
use casebridge::mail::{Address, Conversation, NewMail, Thread, service as mail};
use chrono::Utc;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{key, message, post, ticket_id, token};
use crate::support::{Client, TestApp, path};

/// A program that brings mails.
async fn bringer(app: &TestApp) -> Client {
    let id = app.integration(&[Permission::MailReceive]).await;
    app.client_with(id, [Permission::MailReceive].into_iter()).await
}

/// Queues a mail about the ticket to this address; the token that a reply to it repeats.
async fn told(app: &TestApp, ticket: &Value, email: &str) -> String {
    told_of(app, ticket, None, email).await
}

/// As [`told`], of a mail that is about this note.
async fn told_of(app: &TestApp, ticket: &Value, note: Option<&Value>, email: &str) -> String {
    let conversation = Conversation::Ticket(ticket_id(ticket));
    let new = NewMail {
        conversation,
        ticket_id: Some(ticket_id(ticket)),
        note_id: note.map(|note| NoteId(note["id"].as_str().unwrap().parse().unwrap())),
        to: Address { name: None, email: email.to_owned() },
        cc: Vec::new(),
        subject: "[CB-1000] The export stops".into(),
        text: "Which version do you use?".into(),
        html: None,
        automatic: false,
        dedupe: None,
    };
    let queue = move |conn: &mut _| mail::queue(conn, new, Utc::now());
    let id: MailId = app.service.db.tx(queue).await.unwrap();
    Thread { conversation, mail: id }.token(&key())
}

fn simple(from: &str, id: &str, subject: &str, text: &str) -> String {
    format!(
        "From: {from}\r\nTo: support@desk.example\r\nSubject: {subject}\r\nMessage-ID: <{id}>\r\n\r\n{text}\r\n"
    )
}

const CONTACT: &str = "Purchasing contact <Purchasing@customer.example>";

#[actix_web::test]
async fn a_customers_reply_is_a_note_of_theirs_and_goes_back_to_the_desk() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    app.advance_to(&ticket, "013").await;
    let token = told(&app, &ticket, "purchasing@customer.example").await;
    let mail = post(&bringer(&app).await, message("reply_gmail", &token)).await.expect(200);
    assert_eq!((&mail["state"], &mail["ticket_id"]), (&json!("taken"), &ticket["id"]));
    assert_eq!(app.read(&ticket).await["status"]["code"], "014");
    let contact = app.contact("Purchasing contact").await;
    let at = format!("/notes/{}", mail["note_id"].as_str().unwrap());
    let note = contact.get(&path(&ticket, &at)).await.expect(200);
    assert_eq!((&note["channel"], &note["visibility"]), (&json!("email"), &json!("public")));
    assert_eq!(note["author"]["role"], "contact");
    assert!(note["body"].as_str().unwrap().ends_with("Shall I send the file?"));
    // The original is kept, with what it quotes.
    let coordinator = app.agent("Coordinator").await;
    let whole = format!("/v1/inbound/emails/{}", mail["id"].as_str().unwrap());
    let whole = coordinator.get(&whole).await.expect(200);
    assert!(whole["text"].as_str().unwrap().contains("> Which version do you use?"));
    assert_eq!(whole["reply"], note["body"]);
    app.publish().await;
    let history = coordinator.get(&path(&ticket, "/history?limit=100")).await.expect(200);
    let last = history["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["type"], &last["origin"]), (&json!("ticket.note_added"), &json!("mail")));
}

#[actix_web::test]
async fn the_same_mail_is_taken_once_from_however_many_hands() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let token = told(&app, &ticket, "purchasing@customer.example").await;
    let bringer = bringer(&app).await;
    let raw = message("reply_iphone", &token);
    let answers = join_all((0..8).map(|_| post(&bringer, raw.clone()))).await;
    let ids: Vec<Value> =
        answers.into_iter().map(|reply| reply.expect(200)["note_id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0] && id.is_string()), "{ids:?}");
    let notes = app.agent("Coordinator").await.get(&path(&ticket, "/notes")).await.expect(200);
    assert_eq!(notes["items"].as_array().unwrap().len(), 1);
    assert_eq!(app.number("select count(*) as number from inbound_mails").await, 1);
}

#[actix_web::test]
async fn the_newest_mail_that_is_answered_decides_before_the_marker_and_the_subject() {
    let app = TestApp::start().await;
    let [old, new] = [app.open_ticket(json!({})).await, app.open_ticket(json!({})).await];
    let (old_token, new_token) = (token(&old), token(&new));
    let raw = format!(
        "From: {CONTACT}\r\nSubject: Re: {}\r\nMessage-ID: <n@c>\r\nReferences: <{old_token}@d> <{new_token}@d>\r\n\r\nYes\r\n[ref:{old_token}]\r\n",
        old["number"].as_str().unwrap()
    );
    let bringer = bringer(&app).await;
    assert_eq!(post(&bringer, raw).await.expect(200)["ticket_id"], new["id"]);
    // Without references, the marker in the text decides.
    let marked = message("reply_without_references", &old_token);
    assert_eq!(post(&bringer, marked).await.expect(200)["ticket_id"], old["id"]);
    // A reference that was forged names nothing.
    let forged = new_token.replace("cb-t0", "cb-t1");
    let raw = simple(CONTACT, "forged@c", "Hello", &format!("[ref:{forged}]"));
    let mail = post(&bringer, raw).await.expect(200);
    assert!(mail["ticket_id"] != new["id"] && mail["note_id"].is_null(), "{mail}");
}

#[actix_web::test]
async fn a_number_in_the_subject_counts_for_who_takes_part_in_the_ticket() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let subject = format!("Re: {} again", ticket["number"].as_str().unwrap());
    let bringer = bringer(&app).await;
    let mine = post(&bringer, simple(CONTACT, "1@c", &subject, "More")).await.expect(200);
    assert_eq!(mine["ticket_id"], ticket["id"]);
    // A colleague of the same account does not take part: their mail is a ticket of its own.
    let colleague = "operations@customer.example";
    let other = post(&bringer, simple(colleague, "2@c", &subject, "More")).await.expect(200);
    assert!(other["ticket_id"] != ticket["id"] && other["note_id"].is_null(), "{other}");
    // Until they watch it.
    let id = app.id("contacts", "Operations contact").await;
    let watch = path(&ticket, &format!("/watchers/{id}"));
    app.agent("Coordinator").await.put(&watch, json!({})).await.expect(200);
    let watching = post(&bringer, simple(colleague, "3@c", &subject, "More")).await.expect(200);
    assert_eq!(watching["ticket_id"], ticket["id"]);
    let stranger =
        post(&bringer, simple("x@evil.example", "4@c", &subject, "More")).await.expect(200);
    assert_eq!(stranger["cause"], "unknown_sender");
}

#[actix_web::test]
async fn a_contacts_first_mail_opens_a_ticket_of_theirs() {
    let app = TestApp::start().await;
    let mail = post(&bringer(&app).await, message("new_with_attachment", "")).await.expect(200);
    assert_eq!((&mail["state"], &mail["note_id"]), (&json!("taken"), &Value::Null));
    let ticket = app.read(&json!({"id": mail["ticket_id"]})).await;
    assert_eq!(ticket["subject"], "Export hört auf – Log anbei");
    assert_eq!(
        (&ticket["description"], &ticket["source"]),
        (&json!("The log is below."), &json!("email"))
    );
    assert_eq!(ticket["contact_id"], app.id("contacts", "Purchasing contact").await);
    assert_eq!(ticket["account_id"], app.id("accounts", "Northwind Services").await);
    assert_eq!(mail["files"].as_array().unwrap().len(), 3);
}

async fn file_all(app: &TestApp) {
    while app.service.filing.step(Utc::now()).await.unwrap() {}
}

#[actix_web::test]
async fn files_are_attached_once_as_the_senders_and_what_is_blocked_is_told() {
    let app =
        TestApp::start_with(|config| config.attachments_blocked.push("text/html".into())).await;
    let raw = message("new_with_attachment", "");
    let mail = post(&bringer(&app).await, raw).await.expect(200);
    let ticket = json!({"id": mail["ticket_id"]});
    // Two processes at the same time.
    futures_util::future::join(file_all(&app), file_all(&app)).await;
    let contact = app.contact("Purchasing contact").await;
    let list = contact.get(&path(&ticket, "/attachments")).await.expect(200);
    let names: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Prüfbericht.pdf", "part-4"]);
    let coordinator = app.agent("Coordinator").await;
    let whole = format!("/v1/inbound/emails/{}", mail["id"].as_str().unwrap());
    let now = coordinator.get(&whole).await.expect(200);
    assert!(now["detail"].as_str().unwrap().starts_with("report.html is not attached: "), "{now}");
    assert_eq!(
        app.number("select count(*) as number from inbound_mails where files_due_at is not null")
            .await,
        0
    );
}

#[actix_web::test]
async fn a_strangers_files_are_for_the_desk() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    app.sql("update contacts set active = false").await.unwrap();
    let raw = message("reply_outlook_desktop", &token(&ticket));
    let mail = post(&bringer(&app).await, raw).await.expect(200);
    app.sql("update contacts set active = true, email = 'p' || email").await.unwrap();
    let coordinator = app.agent("Coordinator").await;
    let release = format!("/v1/quarantine/{}/release", mail["id"].as_str().unwrap());
    coordinator.post(&release, json!({"as": "note"})).await.expect(200);
    file_all(&app).await;
    let list = coordinator.get(&path(&ticket, "/attachments")).await.expect(200);
    assert_eq!(
        (&list["items"][0]["name"], &list["items"][0]["visibility"]),
        (&json!("image001.png"), &json!("internal"))
    );
    let contact = app.contact("Purchasing contact").await;
    assert_eq!(contact.get(&path(&ticket, "/attachments")).await.expect(200)["items"], json!([]));
}

#[actix_web::test]
async fn a_contact_of_another_account_reaches_no_ticket_with_its_token() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let raw = simple("finance@customer.example", "1@c", "Hi", &format!("[ref:{}]", token(&ticket)));
    let mail = post(&bringer(&app).await, raw).await.expect(200);
    assert_eq!(
        (&mail["state"], &mail["cause"]),
        (&json!("quarantined"), &json!("not_participant"))
    );
    assert_eq!(app.read(&ticket).await["version"], ticket["version"]);
}

#[actix_web::test]
async fn an_agent_answers_by_mail_with_the_token_of_a_mail_that_was_sent_to_them() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let bringer = bringer(&app).await;
    let agent = "coordinator@desk.example";
    let own = told(&app, &ticket, "Coordinator@desk.example").await;
    let raw =
        simple(agent, "1@desk.example", "Re", &format!("We look into it.\r\n\r\n> [ref:{own}]"));
    let mail = post(&bringer, raw).await.expect(200);
    assert_eq!(mail["state"], "taken", "{mail}");
    let notes = app.agent("Coordinator").await.get(&path(&ticket, "/notes")).await.expect(200);
    let note = &notes["items"][0];
    assert_eq!(
        (&note["author"]["name"], &note["channel"]),
        (&json!("Coordinator"), &json!("email"))
    );
    assert_eq!(note["body"], "We look into it.");
    // The customer knows the agent's address and the token of their own mail. That is not enough.
    let customers = told(&app, &ticket, "purchasing@customer.example").await;
    let raw = simple(agent, "2@desk.example", "Re", &format!("All is paid. [ref:{customers}]"));
    let mail = post(&bringer, raw).await.expect(200);
    assert_eq!((&mail["cause"], &mail["ticket_id"]), (&json!("unproven_agent"), &ticket["id"]));
    let notes = app.agent("Coordinator").await.get(&path(&ticket, "/notes")).await.expect(200);
    assert_eq!(notes["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn an_agents_answer_by_mail_is_for_the_customer_only_where_the_mail_told_of_a_public_note() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let bringer = bringer(&app).await;
    let coordinator = app.agent("Coordinator").await;
    let agent = "coordinator@desk.example";
    for (told, answer) in
        [(None, "internal"), (Some("internal"), "internal"), (Some("public"), "public")]
    {
        let note = match told {
            Some(visibility) => {
                let body = json!({"visibility": visibility, "body": "It stops after a minute."});
                Some(coordinator.post(&path(&ticket, "/notes"), body).await.expect(201))
            }
            None => None,
        };
        let token = told_of(&app, &ticket, note.as_ref(), agent).await;
        let text = format!("Since which day?\r\n\r\n> [ref:{token}]");
        let mail =
            post(&bringer, simple(agent, &format!("{told:?}@desk"), "Re", &text)).await.expect(200);
        let note = format!("/notes/{}", mail["note_id"].as_str().unwrap());
        let note = coordinator.get(&path(&ticket, &note)).await.expect(200);
        assert_eq!(note["visibility"], answer, "{told:?}: {note}");
    }
}

#[actix_web::test]
async fn a_thank_you_leaves_a_closed_ticket_closed_and_the_event_says_why() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    app.advance_to(&ticket, "050").await;
    let bringer = bringer(&app).await;
    let mail = post(&bringer, message("thanks", &token(&ticket))).await.expect(200);
    assert_eq!(mail["state"], "taken");
    assert_eq!(app.read(&ticket).await["status"]["code"], "050");
    let coordinator = app.agent("Coordinator").await;
    app.publish().await;
    let history = coordinator.get(&path(&ticket, "/history?limit=100")).await.expect(200);
    let last = history["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["data"]["not_reopened"], "thanks");
    // An administrator can have it otherwise.
    let admin = app.client(Role::Admin).await;
    let wanted = json!({"unknown_senders": "quarantine", "thanks_reopens": true});
    admin.put("/v1/inbound/settings", wanted.clone()).await.problem(428, "precondition_required");
    let request = admin.request(reqwest::Method::PUT, "/v1/inbound/settings");
    let set = crate::support::Reply::of(request.header("if-match", "\"v1\"").json(&wanted)).await;
    assert_eq!(set.expect(200)["version"], 2);
    post(
        &bringer,
        simple(CONTACT, "t2@c", "Re", &format!("Thanks!\r\n\r\n> [ref:{}]", token(&ticket))),
    )
    .await
    .expect(200);
    assert_ne!(app.read(&ticket).await["status"]["code"], "050");
}

#[actix_web::test]
async fn a_reply_to_a_ticket_that_was_closed_long_ago_opens_a_follow_up() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    app.advance_to(&ticket, "050").await;
    app.sql("update tickets set closed_at = now() - interval '400 days'").await.unwrap();
    let raw = message("reply_iphone", &token(&ticket));
    let mail = post(&bringer(&app).await, raw).await.expect(200);
    assert!(mail["ticket_id"] != ticket["id"] && mail["note_id"].is_null(), "{mail}");
    let opened = app.read(&json!({"id": mail["ticket_id"]})).await;
    assert_eq!(
        (&opened["source"], &opened["description"]),
        (&json!("email"), &json!("Yes, please do."))
    );
}

#[actix_web::test]
async fn only_who_may_brings_mails_and_only_mails_of_a_size() {
    let app = TestApp::start_with(|config| config.inbound_bytes_max = 1 << 16).await;
    for name in ["L1 agent A", "Coordinator"] {
        post(&app.agent(name).await, "x").await.problem(403, "forbidden");
    }
    post(&app.contact("Purchasing contact").await, "x").await.problem(403, "forbidden");
    post(&app.anonymous(), "x").await.problem(401, "unauthenticated");
    let bringer = bringer(&app).await;
    let large = simple(CONTACT, "1@c", "Large", &"x".repeat(1 << 16));
    post(&bringer, large).await.problem(413, "payload_too_large");
    post(&bringer, "").await.problem(400, "malformed_request");
    bringer.post("/v1/inbound/emails", json!({})).await.problem(415, "unsupported_media_type");
}
