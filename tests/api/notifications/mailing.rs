//! When mails go out: digests, quiet hours, and not too many.
use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::{
    at, known_ticket, mailed, mails, note, prefer, tell, tell_at, unread, watch, write_at,
};
use crate::support::{TestApp, path};

#[actix_web::test]
async fn what_happens_in_quiet_hours_is_mailed_when_they_are_over() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    app.sql("update contacts set time_zone = 'Europe/Vienna'").await.unwrap();
    let contact = app.contact("Purchasing contact").await;
    prefer(&contact, json!({"quiet_hours": {"from": "22:00", "to": "07:00"}})).await;
    let agent = app.agent("L1 agent A").await;
    // The night on which the clock is put forward: seven o'clock comes an hour sooner.
    note(&agent, &ticket, "public", "First").await;
    tell_at(&app, at("2027-03-27T21:30:00Z")).await;
    note(&agent, &ticket, "public", "Second").await;
    tell_at(&app, at("2027-03-28T01:30:00Z")).await;
    assert_eq!(mailed(&app).await, Vec::<String>::new());
    assert_eq!(super::feed(&contact, "?unread=true").await["items"].as_array().unwrap().len(), 2);
    write_at(&app, at("2027-03-28T04:59:59Z")).await;
    assert_eq!(mailed(&app).await, Vec::<String>::new());
    write_at(&app, at("2027-03-28T05:00:00Z")).await;
    // They are letters, so each is a mail that can be answered.
    let sent = mails(&app).await;
    let texts: Vec<&str> = sent.iter().map(|mail| mail["text_body"].as_str().unwrap()).collect();
    assert!(texts[0].contains("First") && texts[1].contains("Second"), "{texts:?}");
    assert!(sent.iter().all(|mail| mail["ticket_id"] == ticket["id"]));
    write_at(&app, at("2027-03-28T06:00:00Z")).await;
    assert_eq!(mailed(&app).await.len(), 2);
    // By day it goes out at once.
    note(&agent, &ticket, "public", "Third").await;
    tell_at(&app, at("2027-03-28T05:00:00Z")).await;
    assert_eq!(mailed(&app).await.len(), 3);
}

#[actix_web::test]
async fn a_digest_is_one_mail_about_all_that_happened() {
    let app = TestApp::start().await;
    let (one, two) = (known_ticket(&app).await, known_ticket(&app).await);
    let agent = app.agent("L1 agent A").await;
    prefer(&agent, json!({"digest": "daily", "daily_at": "17:00"})).await;
    let contact = app.contact("Purchasing contact").await;
    for ticket in [&one, &two] {
        note(&contact, ticket, "public", "Secret words").await;
    }
    tell_at(&app, at("2027-01-11T10:00:00Z")).await;
    write_at(&app, at("2027-01-11T16:59:00Z")).await;
    assert_eq!((mailed(&app).await.len(), unread(&agent).await), (0, 2));
    write_at(&app, at("2027-01-11T17:00:00Z")).await;
    let sent = mails(&app).await;
    let [digest] = sent.as_slice() else { panic!("{sent:?}") };
    let text = digest["text_body"].as_str().unwrap();
    for ticket in [&one, &two] {
        assert!(
            text.contains(&format!("New reply: {} The export", ticket["number"].as_str().unwrap())),
            "{text}"
        );
    }
    assert!(!text.contains("Secret words"));
    assert_eq!((&digest["ticket_id"], &digest["automatic"]), (&json!(null), &json!(true)));
    // One alone is a mail of its own, which belongs to its ticket.
    note(&contact, &one, "public", "Once more").await;
    tell_at(&app, at("2027-01-12T10:00:00Z")).await;
    write_at(&app, at("2027-01-12T17:00:00Z")).await;
    let sent = mails(&app).await;
    assert_eq!((sent.len(), &sent[1]["ticket_id"]), (2, &one["id"]));
}

#[actix_web::test]
async fn what_waited_is_left_out_when_it_is_not_seen_or_not_wanted_any_more() {
    let app = TestApp::start().await;
    let (gone, unwanted) = (known_ticket(&app).await, known_ticket(&app).await);
    let agent = app.agent("L1 agent A").await;
    prefer(&agent, json!({"digest": "hourly"})).await;
    let contact = app.contact("Purchasing contact").await;
    note(&contact, &gone, "public", "One").await;
    tell_at(&app, at("2027-01-11T10:10:00Z")).await;
    app.move_elsewhere(&gone).await;
    write_at(&app, at("2027-01-11T11:00:00Z")).await;
    assert_eq!(mailed(&app).await, Vec::<String>::new());
    note(&contact, &unwanted, "public", "Two").await;
    tell_at(&app, at("2027-01-11T11:10:00Z")).await;
    prefer(&agent, json!({"channels": {"customer_replied": ["feed"]}})).await;
    write_at(&app, Utc::now() + TimeDelta::days(1000)).await;
    assert_eq!(mailed(&app).await, Vec::<String>::new());
    assert_eq!(
        app.number("select count(*) as number from notifications where mail_waits").await,
        0
    );
}

#[actix_web::test]
async fn who_wants_no_digest_any_more_gets_what_waits_at_once() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    let agent = app.agent("L1 agent A").await;
    prefer(&agent, json!({"digest": "daily"})).await;
    note(&app.contact("Purchasing contact").await, &ticket, "public", "One").await;
    tell(&app).await;
    write_at(&app, Utc::now()).await;
    assert_eq!(mailed(&app).await.len(), 0);
    prefer(&agent, json!({"digest": "immediate"})).await;
    write_at(&app, Utc::now()).await;
    assert_eq!(mailed(&app).await, ["l1-a@desk.example"]);
}

#[actix_web::test]
async fn a_busy_agent_gets_some_mails_one_by_one_and_the_rest_at_the_full_hour() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    let contact = app.contact("Purchasing contact").await;
    for number in 0..8 {
        note(&contact, &ticket, "public", &format!("Reply {number}")).await;
        tell(&app).await;
    }
    assert_eq!(mailed(&app).await.len(), 5);
    write_at(&app, Utc::now() + TimeDelta::minutes(61)).await;
    let sent = mails(&app).await;
    assert_eq!(sent.len(), 6);
    let digest = sent.iter().find(|mail| mail["ticket_id"].is_null()).unwrap();
    assert!(digest["subject"].as_str().unwrap().starts_with("3 "), "{digest}");
}

#[actix_web::test]
async fn a_watcher_in_quiet_hours_gets_the_reply_later_and_not_in_copy() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    let operations = app.id("contacts", "Operations contact").await;
    watch(&app, &ticket, &operations).await.expect(200);
    let watcher = app.contact("Operations contact").await;
    prefer(&watcher, json!({"quiet_hours": {"from": "20:00", "to": "06:00"}})).await;
    note(&app.agent("L1 agent A").await, &ticket, "public", "It works").await;
    tell_at(&app, at("2027-01-11T23:00:00Z")).await;
    assert_eq!(mailed(&app).await, ["purchasing@customer.example"]);
    assert_eq!(mails(&app).await[0]["cc"], json!([]));
    write_at(&app, at("2027-01-12T06:00:00Z")).await;
    assert_eq!(mailed(&app).await[0], "operations@customer.example");
}

#[actix_web::test]
async fn a_secret_that_was_told_is_taken_out_of_mails_and_digests_and_out_of_those_that_wait() {
    let app = TestApp::start().await;
    let (one, two) = (known_ticket(&app).await, known_ticket(&app).await);
    let (agent, contact) = (app.agent("L1 agent A").await, app.contact("Purchasing contact").await);
    let secret = "Zq7k-4111-1111";
    let subject = format!("Card {secret}");
    let coordinator = app.agent("Coordinator").await;
    let third = app.open_ticket(json!({"subject": subject, "contact_id": null})).await;
    app.sql("update tickets set assignee_id = (select id from agents where name = 'L1 agent A')")
        .await
        .unwrap();
    super::forget(&app).await;
    note(&coordinator, &one, "public", &format!("Your card {secret} is blocked")).await;
    tell(&app).await;
    prefer(&agent, json!({"digest": "hourly"})).await;
    for ticket in [&two, &third] {
        note(&app.agent("Administrator").await, ticket, "internal", "Look").await;
    }
    watch(&app, &two, &app.id("agents", "L1 agent A").await).await.expect(200);
    prefer(&agent, json!({"channels": {"own_changed": ["mail", "feed"]}})).await;
    tell(&app).await;
    write_at(&app, Utc::now() + TimeDelta::hours(2)).await;
    prefer(&contact, json!({"digest": "hourly"})).await;
    note(&coordinator, &one, "public", &format!("Again: {secret}")).await;
    tell(&app).await;
    let held = crate::redaction::tables_with(&app, secret).await;
    assert!(held.contains(&"outgoing_mails".to_owned()), "{held:?}");
    let digests = "select count(*) as number from outgoing_mails where ticket_id is null and text_body like '%Zq7k%'";
    assert_eq!(app.number(digests).await, 1);

    let redact = json!({"field": "subject", "text": secret, "reason": "A card number"});
    coordinator.post_on(&path(&third, "/redactions"), "*", redact).await.expect(201);
    assert_eq!(app.number(digests).await, 0);
    let notes = coordinator.get(&path(&one, "/notes")).await.expect(200);
    let notes = notes["items"].as_array().unwrap();
    let note = notes.iter().find(|note| note["body"].as_str().unwrap().contains(secret)).unwrap();
    let redact =
        json!({"field": "note", "note_id": note["id"], "text": secret, "reason": "A card number"});
    coordinator.post_on(&path(&one, "/redactions"), "*", redact).await.expect(201);
    assert_eq!(crate::redaction::tables_with(&app, secret).await, Vec::<String>::new());
    write_at(&app, Utc::now() + TimeDelta::hours(2)).await;
    assert_eq!(crate::redaction::tables_with(&app, secret).await, Vec::<String>::new());
    assert!(mailed(&app).await.iter().filter(|to| to.contains("purchasing")).count() >= 2);
}
