//! Who is told of what.
use serde_json::{Value, json};

use super::{known_ticket, mailed, mails, note, prefer, tell, told, watch};
use crate::support::{TestApp, path};

#[actix_web::test]
async fn a_new_ticket_is_confirmed_to_its_contact_and_told_to_the_agent_who_gets_it() {
    let app = TestApp::start().await;
    super::forget(&app).await;
    app.set_away(&["L1 agent B"], true).await;
    let ticket = app.open_ticket(json!({})).await;
    app.follow_automatic().await;
    let ticket = app.advance_to(&ticket, "020").await;
    tell(&app).await;
    let told = told(&app, &ticket).await;
    assert!(told.contains(&"Purchasing contact: opened".to_owned()), "{told:?}");
    assert!(told.contains(&"L1 agent A: assigned".to_owned()), "{told:?}");
    assert!(told.iter().all(|one| !one.starts_with("Coordinator")), "{told:?}");
    let mails = mails(&app).await;
    let to_contact: Vec<&Value> =
        mails.iter().filter(|m| m["to_email"] == "purchasing@customer.example").collect();
    let confirmation = to_contact[0]["subject"].as_str().unwrap();
    let number = format!("[{}]", ticket["number"].as_str().unwrap());
    assert!(confirmation.starts_with("We have your ticket") && confirmation.ends_with(&number));
    // Of the statuses that it passed, the one is told that it has now.
    let subjects: Vec<&str> =
        to_contact.iter().map(|mail| mail["subject"].as_str().unwrap()).collect();
    assert!(subjects.len() == 2 && subjects[1].starts_with("Assigned: "), "{subjects:?}");
    for mail in &to_contact {
        let thread = (&mail["conversation"], &mail["conversation_id"], &mail["ticket_id"]);
        assert_eq!(thread, (&json!("ticket"), &ticket["id"], &ticket["id"]));
        assert_eq!(mail["automatic"], true);
    }
    let own = mails.iter().find(|m| m["to_email"] == "l1-a@desk.example").unwrap();
    assert_eq!((&own["automatic"], &own["ticket_id"]), (&json!(true), &ticket["id"]));
    assert!(own["subject"].as_str().unwrap().starts_with("Yours now"), "{own}");
}

#[actix_web::test]
async fn who_opens_a_ticket_themselves_gets_the_confirmation_and_nothing_else_of_their_own_doing() {
    let app = TestApp::start().await;
    super::forget(&app).await;
    let contact = app.contact("Purchasing contact").await;
    let new = json!({"subject": "It stops", "description": "After 100 rows.", "product_id": app.id("products", "CoreTrac").await});
    let ticket = contact.post("/v1/tickets", new).await.expect(201);
    note(&contact, &ticket, "public", "It is version 4").await;
    tell(&app).await;
    let told = told(&app, &ticket).await;
    let own: Vec<_> = told.iter().filter(|one| one.starts_with("Purchasing")).collect();
    assert_eq!(own, ["Purchasing contact: opened"]);
}

#[actix_web::test]
async fn what_a_ticket_passes_by_itself_is_in_the_feed_and_needs_no_mail() {
    let app = TestApp::start().await;
    super::forget(&app).await;
    let ticket = app.open_ticket(json!({})).await;
    tell(&app).await;
    app.follow_automatic().await;
    tell(&app).await;
    let told = told(&app, &ticket).await;
    assert_eq!(told.iter().filter(|one| *one == "Purchasing contact: status_changed").count(), 1);
    let mails = mailed(&app).await;
    assert_eq!(mails.iter().filter(|to| to.contains("purchasing")).count(), 1, "{mails:?}");
}

#[actix_web::test]
async fn a_reply_of_the_desk_goes_to_the_customer_and_one_of_the_customer_to_the_agent() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    note(&app.agent("L1 agent A").await, &ticket, "public", "Does it print **now**?").await;
    tell(&app).await;
    assert_eq!(told(&app, &ticket).await, ["Purchasing contact: replied"]);
    let mail = mails(&app).await.remove(0);
    assert_eq!((&mail["automatic"], &mail["cc"]), (&json!(false), &json!([])));
    assert!(mail["note_id"].is_string() && mail["text_body"].as_str().unwrap().contains("**now**"));
    assert!(mail["html_body"].as_str().unwrap().contains("<strong>now</strong>"));

    let contact = app.contact("Purchasing contact").await;
    note(&contact, &ticket, "public", "It does not.").await;
    tell(&app).await;
    assert_eq!(told(&app, &ticket).await[1..], ["L1 agent A: customer_replied"]);
    assert_eq!(mailed(&app).await, ["l1-a@desk.example", "purchasing@customer.example"]);
}

#[actix_web::test]
async fn an_internal_note_is_told_to_those_whom_it_mentions_and_to_no_customer() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    let operations = app.id("contacts", "Operations contact").await;
    watch(&app, &ticket, &operations).await.expect(200);
    let (b, manager) =
        (app.id("agents", "L1 agent B").await, app.id("agents", "Account manager A").await);
    let body = format!("@[B](agent:{b}) @[M](agent:{manager}) the customer is angry");
    note(&app.agent("Coordinator").await, &ticket, "internal", &body).await;
    tell(&app).await;
    let told = told(&app, &ticket).await;
    assert_eq!(told, ["L1 agent A: own_changed", "L1 agent B: mentioned"]);
    assert_eq!(mailed(&app).await, ["l1-b@desk.example"]);
    for name in ["Purchasing contact", "Operations contact"] {
        let feed = super::feed(&app.contact(name).await, "").await;
        assert!(!feed.to_string().contains("angry"));
        let notes: Vec<&Value> =
            feed["items"].as_array().unwrap().iter().map(|item| &item["note_id"]).collect();
        assert!(notes.iter().all(|id| id.is_null()), "{name}: {feed}");
    }
}

#[actix_web::test]
async fn watchers_are_told_and_customers_among_them_are_in_copy_of_the_reply() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    for (table, name) in [("contacts", "Operations contact"), ("agents", "L1 agent B")] {
        watch(&app, &ticket, &app.id(table, name).await).await.expect(200);
    }
    note(&app.agent("L1 agent A").await, &ticket, "public", "Please test it").await;
    tell(&app).await;
    let expected =
        ["L1 agent B: watched", "Operations contact: watched", "Purchasing contact: replied"];
    assert_eq!(told(&app, &ticket).await, expected);
    let mails = mails(&app).await;
    assert_eq!(mailed(&app).await, ["l1-b@desk.example", "purchasing@customer.example"]);
    let copy = json!([{"name": "Operations contact", "email": "operations@customer.example"}]);
    assert_eq!(mails[1]["cc"], copy);
    // Of what the other says the watcher is told as well, in a mail of their own, and the author is not.
    note(&app.contact("Purchasing contact").await, &ticket, "public", "It works").await;
    tell(&app).await;
    let last = mailed(&app).await;
    assert_eq!(last.iter().filter(|to| *to == "operations@customer.example").count(), 1);
    assert_eq!(last.iter().filter(|to| *to == "purchasing@customer.example").count(), 1);
}

#[actix_web::test]
async fn a_status_is_told_to_the_customer_under_its_name_for_customers() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    let agent = app.agent("L1 agent A").await;
    agent.post_on(&path(&ticket, "/transitions"), "*", json!({"to": "030"})).await.expect(200);
    let internal = json!({"to": "031", "note": {"body": "Ask the lab", "visibility": "internal"}});
    agent.post_on(&path(&ticket, "/transitions"), "*", internal).await.expect(200);
    tell(&app).await;
    // The second one is the same to customers.
    assert_eq!(told(&app, &ticket).await, ["Purchasing contact: status_changed"]);
    let mail = mails(&app).await.remove(0);
    let text = mail["text_body"].as_str().unwrap();
    assert!(text.contains("Under investigation") && !text.contains("lab"), "{text}");
}

#[actix_web::test]
async fn a_closing_is_mailed_once_by_the_survey_or_else_by_a_notification_with_the_resolution() {
    let app = TestApp::start().await;
    let (ticket, other) = (known_ticket(&app).await, known_ticket(&app).await);
    let agent = app.agent("Coordinator").await;
    let close = json!({"to": "050", "resolution": "Restarted it"});
    agent.post_on(&path(&ticket, "/transitions"), "*", close.clone()).await.expect(200);
    tell(&app).await;
    let told = told(&app, &ticket).await;
    assert!(told.contains(&"Purchasing contact: status_changed".to_owned()), "{told:?}");
    let to_customer = |to: Vec<String>| to.iter().filter(|to| to.contains("purchasing")).count();
    assert_eq!(to_customer(mailed(&app).await), 0);
    let surveys = app.service.surveys.clone();
    let ask = move |conn: &mut _| {
        while surveys.ask_next(conn, chrono::Utc::now())? {}
        Ok(())
    };
    app.service.db.tx(ask).await.unwrap();
    let asked = mails(&app).await;
    assert_eq!(to_customer(mailed(&app).await), 1);
    assert!(asked.iter().any(|m| m["text_body"].as_str().unwrap().contains("Restarted it")));

    app.sql("update accounts set surveys = false").await.unwrap();
    agent.post_on(&path(&other, "/transitions"), "*", close).await.expect(200);
    tell(&app).await;
    assert_eq!(to_customer(mailed(&app).await), 2);
}

#[actix_web::test]
async fn nobody_is_told_of_a_ticket_that_they_do_not_see_when_they_are_told() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    let (b, operations) =
        (app.id("agents", "L2 agent A").await, app.id("contacts", "Operations contact").await);
    for watcher in [&b, &operations] {
        watch(&app, &ticket, watcher).await.expect(200);
    }
    note(&app.agent("Coordinator").await, &ticket, "public", "We look into it").await;
    // Published, and not told yet.
    app.publish().await;
    app.move_elsewhere(&ticket).await;
    let elsewhere = format!("delete from contact_accounts where contact_id = '{operations}'");
    app.sql(elsewhere).await.unwrap();
    app.sql("update contacts set active = false where name = 'Purchasing contact'").await.unwrap();
    tell(&app).await;
    assert_eq!(told(&app, &ticket).await, Vec::<String>::new());
    assert_eq!(mailed(&app).await, Vec::<String>::new());
}

#[actix_web::test]
async fn nobody_is_told_of_a_ticket_that_was_deleted_meanwhile() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    note(&app.agent("L1 agent A").await, &ticket, "public", "We look into it").await;
    app.agent("Coordinator").await.delete(&path(&ticket, ""), "*").await.expect(204);
    tell(&app).await;
    assert_eq!(told(&app, &ticket).await, Vec::<String>::new());
}

#[actix_web::test]
async fn what_is_written_on_a_merged_tickets_target_is_told_to_its_contact_and_its_watchers() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    let others = json!({"contact_id": app.id("contacts", "Operations contact").await});
    let target = app.open_ticket(others).await;
    let watcher = app.id("agents", "L2 agent A").await;
    watch(&app, &ticket, &watcher).await.expect(200);
    let coordinator = app.agent("Coordinator").await;
    let into = json!({"into": target["id"]});
    coordinator.post_on(&path(&ticket, "/merge"), "*", into).await.expect(200);
    super::forget(&app).await;
    note(&coordinator, &target, "public", "Both are one").await;
    tell(&app).await;
    let told = told(&app, &target).await;
    for expected in
        ["L2 agent A: watched", "Operations contact: replied", "Purchasing contact: watched"]
    {
        assert!(told.contains(&expected.to_owned()), "{expected} in {told:?}");
    }
}

#[actix_web::test]
async fn a_delay_and_an_appointment_are_told_to_those_whose_they_are() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    let coordinator = app.agent("Coordinator").await;
    let hour = json!({
        "agent_id": app.id("agents", "L1 agent A").await,
        "starts_at": "2030-05-06T09:00:00Z", "ends_at": "2030-05-06T10:00:00Z",
    });
    let appointment = coordinator.post(&path(&ticket, "/schedule"), hour).await.expect(201);
    tell(&app).await;
    assert_eq!(told(&app, &ticket).await, ["L1 agent A: appointment"]);
    let reschedule = path(&ticket, &format!("/schedule/{}", appointment["id"].as_str().unwrap()));
    let later = json!({"starts_at": "2030-05-06T11:00:00Z", "notify": true, "message": "The train is late"});
    let moved = coordinator.patch(&reschedule, "*", later).await;
    moved.expect(200);
    tell(&app).await;
    let told_late = told(&app, &ticket).await;
    assert!(told_late.contains(&"Purchasing contact: delay_notice".to_owned()), "{told_late:?}");
    let missed =
        "update tickets set deadline = now() - interval '1 hour', deadline_check_at = now()";
    app.sql(format!("{missed} where id = '{}'", ticket["id"].as_str().unwrap())).await.unwrap();
    let sweep = |conn: &mut _| casebridge::schedule::service::sweep(conn, chrono::Utc::now());
    app.service.db.tx(sweep).await.unwrap();
    tell(&app).await;
    let told = told(&app, &ticket).await;
    for name in ["Coordinator", "L1 agent A"] {
        assert!(told.contains(&format!("{name}: delayed")), "{told:?}");
    }
}

#[actix_web::test]
async fn a_reminder_that_was_mailed_is_not_told_once_more() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    app.advance_to(&ticket, "035").await;
    super::forget(&app).await;
    let due = "update tickets set silent_since = now() - interval '8 days', silence_due_at = now()";
    app.sql(format!("{due} where id = '{}'", ticket["id"].as_str().unwrap())).await.unwrap();
    let heed = |conn: &mut _| casebridge::reminders::heed_next(conn, chrono::Utc::now());
    while app.service.db.tx(heed).await.unwrap() {}
    assert_eq!(mailed(&app).await, ["purchasing@customer.example"]);
    tell(&app).await;
    assert_eq!(told(&app, &ticket).await, Vec::<String>::new());
    assert_eq!(mailed(&app).await.len(), 1);
}

#[actix_web::test]
async fn what_is_wanted_over_the_webhook_is_an_event_that_integrations_read() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    let agent = app.agent("L1 agent A").await;
    prefer(&agent, json!({"channels": {"customer_replied": ["webhook"]}})).await;
    note(&app.contact("Purchasing contact").await, &ticket, "public", "Secret words").await;
    tell(&app).await;
    let reader = app.agent("Administrator").await;
    let page = reader.get("/v1/events?types=notification.created").await.expect(200);
    let [event] = page["items"].as_array().unwrap().as_slice() else { panic!("{page}") };
    assert_eq!(event["data"]["kind"], "customer_replied");
    assert_eq!(event["data"]["agent_id"], json!(app.id("agents", "L1 agent A").await));
    assert_eq!(event["data"]["ticket_id"], ticket["id"]);
    assert!(!event.to_string().contains("Secret words"));
    assert_eq!(super::unread(&agent).await, 0);
    assert_eq!(mailed(&app).await, Vec::<String>::new());
    // It is about a person, and for no other agent's eyes; and nobody is told of it.
    let page = agent.get("/v1/events?types=notification.created").await.expect(200);
    assert_eq!(page["items"], json!([]));
    tell(&app).await;
    let page = reader.get("/v1/events?types=notification.created").await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
}
