//! What comes back by mail.
use casebridge::kernel::{MailId, SecretKey};
use casebridge::mail::{Conversation, Thread};
use chrono::Utc;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{VENDOR, answer, asked, at, bringer, kinds, open, post, said, to_vendor, token, told};
use crate::support::{TestApp, path, pointers, secret_key};

fn became(mail: &Value) -> (&str, Option<&str>) {
    (mail["state"].as_str().unwrap(), mail["cause"].as_str())
}

#[actix_web::test]
async fn what_a_participant_answers_is_a_message_and_no_note() {
    let app = TestApp::start().await;
    let (ticket, side) = asked(&app).await;
    app.advance_to(&ticket, "013").await;
    let before = app.read(&ticket).await;
    let agent = app.agent("Coordinator").await;
    let text = "Yes, it is fixed in 7.2.\r\n\r\nOn Sun, Nov 22, 2026 at 9:00 AM Support wrote:\r\n> Do you know this fault?";
    let raw = answer("Vera <VERA@vendor.example>", "1", &token(&app, &side).await, text);
    let mail = post(&bringer(&app).await, raw).await;
    assert_eq!(became(&mail), ("taken", None), "{mail}");
    assert_eq!((&mail["ticket_id"], &mail["side_conversation_id"]), (&ticket["id"], &side["id"]));
    assert_eq!(mail["note_id"], Value::Null);

    let messages = said(&agent, &side).await;
    assert_eq!(messages.len(), 2);
    let reply = &messages[1];
    assert_eq!((&reply["direction"], &reply["seq"]), (&json!("received"), &json!(2)));
    assert_eq!(
        reply["author"],
        json!({"id": null, "name": "Vera", "email": "VERA@vendor.example"})
    );
    assert_eq!(reply["body"], "Yes, it is fixed in 7.2.");
    assert_eq!(reply["email_id"], mail["id"]);
    // The agent of the ticket reads the original, too.
    let original = format!("/v1/inbound/emails/{}", mail["id"].as_str().unwrap());
    let original = app.agent("L1 agent A").await.get(&original).await.expect(200);
    assert!(original["text"].as_str().unwrap().contains("> Do you know"), "{original}");
    let told = told(&agent, &ticket).await;
    assert_eq!(kinds(&told), ["opened", "replied"]);
    assert_eq!(told[1].1["from"]["email"], "VERA@vendor.example");

    let now = app.read(&ticket).await;
    assert_eq!(now["status"], before["status"], "the ticket waits for its customer as before");
    let contact = app.contact("Purchasing contact").await;
    for place in ["", "/notes", "/history?limit=100"] {
        let seen = contact.get(&path(&ticket, place)).await.expect(200).to_string();
        let marks = ["7.2", "vendor.example", "side_conversation"];
        assert!(!marks.iter().any(|mark| seen.contains(mark)), "{seen}");
    }
    // What is sent to the customer does not name the vendor's mail, and what is sent to the vendor does.
    let references = "select conversation_id::text as text from received_references";
    assert_eq!(app.texts(references).await, [side["id"].as_str().unwrap()]);
}

#[actix_web::test]
async fn a_colleague_who_takes_part_answers_there_and_nowhere_else() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let colleague = "account-manager-a@desk.example";
    let new = to_vendor(json!({"to": {"email": colleague}}));
    let side = super::open(&agent, &ticket, new).await;
    let mail = post(
        &bringer(&app).await,
        answer(colleague, "1", &token(&app, &side).await, "I call them."),
    )
    .await;
    assert_eq!((became(&mail), &mail["side_conversation_id"]), (("taken", None), &side["id"]));
    let notes = agent.get(&path(&ticket, "/notes")).await.expect(200);
    assert_eq!(notes["items"], json!([]));
}

#[actix_web::test]
async fn whoever_takes_no_part_waits_in_quarantine_until_somebody_lets_them_speak() {
    let app = TestApp::start().await;
    let (ticket, side) = asked(&app).await;
    let (agent, bringer, token) =
        (app.agent("Coordinator").await, bringer(&app).await, token(&app, &side).await);
    let forwarded =
        post(&bringer, answer("dev@vendor.example", "1", &token, "It is my fault.")).await;
    assert_eq!(became(&forwarded), ("quarantined", Some("side_conversation")));
    assert_eq!(forwarded["ticket_id"], ticket["id"]);
    // A customer to whom somebody outside handed the mail on reaches neither this nor their ticket.
    let customer =
        post(&bringer, answer("purchasing@customer.example", "2", &token, "What is this?")).await;
    assert_eq!(became(&customer), ("quarantined", Some("side_conversation")));
    assert_eq!(said(&agent, &side).await.len(), 1);

    let release = |mail: &Value| format!("/v1/quarantine/{}/release", mail["id"].as_str().unwrap());
    let released = agent.post(&release(&forwarded), json!({"as": "note"})).await.expect(200);
    assert_eq!(
        (became(&released), &released["side_conversation_id"]),
        (("taken", None), &side["id"])
    );
    let messages = said(&agent, &side).await;
    assert_eq!(
        (&messages[1]["body"], &messages[1]["author"]["email"]),
        (&json!("It is my fault."), &json!("dev@vendor.example"))
    );
    agent.post(&release(&forwarded), json!({"as": "note"})).await.problem(409, "mail_taken");
    // On a ticket of somebody's choice it is the desk's to read, even where its sender could see the ticket.
    let on = json!({"as": "note", "ticket_id": ticket["id"]});
    agent.post(&release(&customer), on).await.expect(200);
    let notes = agent.get(&path(&ticket, "/notes")).await.expect(200);
    assert_eq!(notes["items"][0]["visibility"], "internal");
    let seen =
        app.contact("Purchasing contact").await.get(&path(&ticket, "/notes")).await.expect(200);
    assert_eq!(seen["items"], json!([]));
    // What two wrote is nobody's message.
    let two = answer("a@vendor.example, b@vendor.example", "4", &token, "We");
    let two = post(&bringer, two).await;
    assert_eq!(became(&two), ("quarantined", Some("no_sender")));
    let nowhere = agent.post(&release(&two), json!({"as": "note"})).await;
    assert_eq!(pointers(nowhere), ["/ticket_id"]);
    // Whoever was taken out has the token still, and no voice.
    agent
        .patch(&at(&side, ""), "*", json!({"to": {"email": "new@vendor.example"}}))
        .await
        .expect(200);
    let late = post(&bringer, answer(VENDOR, "3", &token, "Hello?")).await;
    assert_eq!(became(&late), ("quarantined", Some("side_conversation")));
}

#[actix_web::test]
async fn a_token_that_was_not_signed_here_or_names_nothing_leads_nowhere() {
    let app = TestApp::start().await;
    let (ticket, side) = asked(&app).await;
    let (agent, bringer, token) =
        (app.agent("Coordinator").await, bringer(&app).await, token(&app, &side).await);
    let signature = token.rfind('-').unwrap() + 1;
    let digit = if token[signature..].starts_with('0') { '1' } else { '0' };
    let forged = format!("{}{digit}{}", &token[..signature], &token[signature + 1..]);
    let mail = post(&bringer, answer(VENDOR, "1", &forged, "Forged")).await;
    assert_eq!(became(&mail), ("quarantined", Some("unknown_sender")));
    assert_eq!(mail["ticket_id"], Value::Null);
    let gone = Thread { conversation: Conversation::Side(Uuid::now_v7()), mail: MailId::new() };
    let gone = gone.token(&SecretKey::parse(&secret_key()).unwrap());
    let mail = post(&bringer, answer(VENDOR, "2", &gone, "To whom?")).await;
    assert_eq!(became(&mail), ("quarantined", Some("side_conversation")));
    // The ticket's number opens no way into it.
    let number = ticket["number"].as_str().unwrap();
    let raw = format!(
        "From: {VENDOR}\r\nSubject: {number}\r\nMessage-ID: <3@vendor.example>\r\n\r\nHello\r\n"
    );
    assert_eq!(became(&post(&bringer, raw).await), ("quarantined", Some("unknown_sender")));
    assert_eq!(said(&agent, &side).await.len(), 1);
}

#[actix_web::test]
async fn a_reply_opens_a_closed_one_again_and_a_machine_does_not() {
    let app = TestApp::start().await;
    let (ticket, side) = asked(&app).await;
    let (agent, bringer, token) =
        (app.agent("Coordinator").await, bringer(&app).await, token(&app, &side).await);
    agent.patch(&at(&side, ""), "*", json!({"state": "closed"})).await.expect(200);
    let away = answer(VENDOR, "1", &token, "I am away.")
        .replace("Subject:", "Auto-Submitted: auto-replied\r\nSubject:");
    let away = post(&bringer, away).await;
    assert_eq!(
        (became(&away), &away["ticket_id"]),
        (("ignored", Some("auto_submitted")), &ticket["id"])
    );
    let closed = agent.get(&at(&side, "")).await.expect(200);
    assert_eq!((&closed["state"], &closed["message_count"]), (&json!("closed"), &json!(1)));

    post(&bringer, answer(VENDOR, "2", &token, "Wait, there is more.")).await;
    let open = agent.get(&at(&side, "")).await.expect(200);
    assert_eq!((&open["state"], &open["message_count"]), (&json!("open"), &json!(2)));
    let (kind, data) = told(&agent, &ticket).await.pop().unwrap();
    assert_eq!((kind.as_str(), &data["reopened"]), ("replied", &json!(true)));
    // Nothing was sent to anybody: nothing of this is answered by the service.
    assert_eq!(app.number("select count(*) as number from outgoing_mails").await, 1);
}

#[actix_web::test]
async fn the_ticket_stays_closed_whatever_is_said_beside_it_and_a_deleted_one_takes_nothing() {
    let app = TestApp::start().await;
    let (ticket, side) = asked(&app).await;
    let (agent, bringer, token) =
        (app.agent("Coordinator").await, bringer(&app).await, token(&app, &side).await);
    app.advance_to(&ticket, "050").await;
    assert_eq!(became(&post(&bringer, answer(VENDOR, "1", &token, "Late")).await), ("taken", None));
    assert_eq!(app.read(&ticket).await["status"]["code"], "050");
    agent.delete(&path(&ticket, ""), "*").await.expect(204);
    let mail = post(&bringer, answer(VENDOR, "2", &token, "Later")).await;
    assert_eq!(became(&mail), ("quarantined", Some("refused")));
    assert_eq!(mail["ticket_id"], ticket["id"]);
    assert!(mail["detail"].as_str().unwrap().starts_with("ticket_deleted"), "{mail}");
    agent.post(&at(&side, "/messages"), json!({"body": "Hi"})).await.problem(409, "ticket_deleted");
}

#[actix_web::test]
async fn the_same_mail_is_a_message_once_and_messages_at_once_lose_none() {
    let app = TestApp::start().await;
    let (ticket, side) = asked(&app).await;
    let (agent, bringer, token) =
        (app.agent("Coordinator").await, bringer(&app).await, token(&app, &side).await);
    let same = join_all((0..4).map(|_| post(&bringer, answer(VENDOR, "1", &token, "Once"))));
    let others =
        join_all((2..8).map(|n| post(&bringer, answer(VENDOR, &n.to_string(), &token, "Each"))));
    let sent = join_all((0..4).map(|_| async {
        let reply = agent.post(&at(&side, "/messages"), json!({"body": "And?"})).await;
        reply.expect(201)
    }));
    let ((same, others), sent) = join(join(same, others), sent).await;
    assert!(same.iter().all(|mail| mail["id"] == same[0]["id"]), "{same:?}");
    assert!(others.iter().all(|mail| became(mail) == ("taken", None)), "{others:?}");
    assert_eq!(sent.len(), 4);
    let seqs: Vec<i64> =
        said(&agent, &side).await.iter().map(|message| message["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=12).collect::<Vec<i64>>());
    let side = agent.get(&at(&side, "")).await.expect(200);
    assert_eq!((&side["message_count"], &side["version"]), (&json!(12), &json!(12)));
    assert_eq!(told(&agent, &ticket).await.len(), 12);
}

#[actix_web::test]
async fn an_address_that_bounces_gets_nothing_more() {
    let app = TestApp::start().await;
    let (ticket, side) = asked(&app).await;
    let (bringer, token) = (bringer(&app).await, token(&app, &side).await);
    app.sql("update outgoing_mails set message_id = 'cb-1@desk.example'").await.unwrap();
    let report = format!(
        "Return-path: <>\r\nFrom: Mailer-Daemon@vendor.example\r\nSubject: failed\r\nMessage-Id: <b@vendor.example>\r\n\
         X-Failed-Recipients: {VENDOR}\r\nAuto-Submitted: auto-replied\r\nReferences: <{token}@desk.example>\r\n\r\n\
         {VENDOR}\r\n  Unrouteable address\r\n"
    );
    let report = post(&bringer, report).await;
    assert_eq!(
        (became(&report), &report["ticket_id"]),
        (("ignored", Some("failed_recipients")), &ticket["id"])
    );
    assert_eq!(app.texts("select email as text from suppressed_addresses").await, [VENDOR]);
}

#[actix_web::test]
async fn the_files_of_an_answer_are_for_the_desk_also_when_a_colleague_sends_them() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let coordinator = app.agent("Coordinator").await;
    let colleague = json!({"to": {"name": null, "email": "l1-b@desk.example"}});
    let side = open(&coordinator, &ticket, to_vendor(colleague)).await;
    let parts = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
                 --b\r\nContent-Type: text/plain\r\n\r\nSee the log.\r\n\
                 --b\r\nContent-Type: text/plain; name=\"ours.log\"\r\n\
                 Content-Disposition: attachment; filename=\"ours.log\"\r\n\r\nours alone\r\n--b--";
    let raw = answer("l1-b@desk.example", "1", &token(&app, &side).await, parts);
    let mail = post(&bringer(&app).await, raw.replace("\r\n\r\nMIME", "\r\nMIME")).await;
    assert_eq!((became(&mail), &mail["side_conversation_id"]), (("taken", None), &side["id"]));
    while app.service.filing.step(Utc::now()).await.unwrap() {}
    let list = coordinator.get(&path(&ticket, "/attachments")).await.expect(200);
    let file = &list["items"][0];
    assert_eq!((&file["name"], &file["visibility"]), (&json!("ours.log"), &json!("internal")));
    let contact = app.contact("Purchasing contact").await;
    assert_eq!(contact.get(&path(&ticket, "/attachments")).await.expect(200)["items"], json!([]));
}
