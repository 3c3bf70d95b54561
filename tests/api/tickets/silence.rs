//! Customers who say nothing are reminded, and then their tickets go on without them.
use casebridge::reminders;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::process::hand_over;
use super::{go, history};
use crate::support::{Client, Process, TestApp, path};
use crate::workflow::{path as workflow_path, read as read_workflow};

/// Does what is due so many hours from now; returns how much that was.
async fn heed(app: &TestApp, hours: i64) -> usize {
    let now = Utc::now() + TimeDelta::hours(hours);
    let mut done = 0;
    while app.service.db.tx(move |conn| reminders::heed_next(conn, now)).await.unwrap() {
        done += 1;
    }
    done
}

const WEEK: i64 = 7 * 24;

async fn events(app: &TestApp, kind: &str) -> i64 {
    app.number(&format!("select count(*) as number from events where type = '{kind}'")).await
}

async fn mails(app: &TestApp) -> i64 {
    app.number("select count(*) as number from outgoing_mails").await
}

/// How many hours from now something is due on the ticket.
async fn due(app: &TestApp, ticket: &Value) -> Option<i64> {
    let query = format!(
        "select round(extract(epoch from silence_due_at - now()) / 3600)::text as text
           from tickets where id = '{}' and silence_due_at is not null",
        ticket["id"].as_str().unwrap()
    );
    app.text(&query).await.map(|hours| hours.parse().unwrap())
}

async fn status(app: &TestApp, ticket: &Value) -> String {
    app.read(ticket).await["status"]["code"].as_str().unwrap().to_owned()
}

async fn waiting(app: &TestApp, code: &str) -> Value {
    let ticket = app.open_ticket(json!({})).await;
    app.advance_to(&ticket, code).await
}

async fn note(caller: &Client, ticket: &Value, visibility: &str) {
    let note = json!({"body": "Any news?", "visibility": visibility});
    caller.post(&path(ticket, "/notes"), note).await.expect(201);
}

#[actix_web::test]
async fn a_silent_customer_is_reminded_after_7_days_and_the_ticket_is_closed_after_14() {
    let app = TestApp::start().await;
    let (coordinator, contact) =
        (app.agent("Coordinator").await, app.contact("Purchasing contact").await);
    let ticket = waiting(&app, "035").await;
    assert_eq!(heed(&app, WEEK - 1).await, 0);
    assert_eq!(heed(&app, WEEK).await, 1);

    let reminded = app.read(&ticket).await;
    assert_eq!(reminded["status"], ticket["status"]);
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    assert_eq!(event["type"], "ticket.reminded");
    assert_eq!((&event["changes"], &event["origin"]), (&json!({}), &json!("timer")));
    assert!(event["data"]["until"].is_string() && event["data"]["silent_since"].is_string());
    let seen = history(&contact, &ticket).await.pop().unwrap();
    assert_eq!((&seen["type"], &seen["data"]), (&json!("ticket.reminded"), &json!({})));
    let mail = "select row_to_json(m)::text as text from outgoing_mails m";
    let mail: Value = serde_json::from_str(&app.text(mail).await.unwrap()).unwrap();
    assert_eq!(mail["ticket_id"], ticket["id"]);
    assert_eq!((&mail["conversation"], &mail["automatic"]), (&json!("ticket"), &json!(true)));
    let number = ticket["number"].as_str().unwrap();
    let subject = mail["subject"].as_str().unwrap();
    assert!(subject.contains("waiting for your reply") && subject.contains(number), "{subject}");
    let text = mail["text_body"].as_str().unwrap();
    assert!(text.contains("for 7 days") && text.contains("answer this mail"), "{text}");
    let last_day = (Utc::now() + TimeDelta::days(14)).format("%Y-%m-%d").to_string();
    assert!(text.contains(&last_day), "{text}");

    assert_eq!(heed(&app, 2 * WEEK - 1).await, 0);
    assert_eq!(heed(&app, 2 * WEEK).await, 1);
    let closed = app.read(&ticket).await;
    assert_eq!(closed["status"]["code"], "050");
    assert_eq!(closed["resolution"], "Closed after 14 days without a reply");
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    assert_eq!(event["type"], "ticket.status_changed");
    assert_eq!(event["changes"]["status"], json!({"from": "035", "to": "050"}));
    assert!(event["data"]["reminded_at"].is_string());
    assert_eq!((heed(&app, 9 * WEEK).await, mails(&app).await), (0, 1));
    app.loads_are_true().await;
}

#[actix_web::test]
async fn only_statuses_that_wait_for_the_customer_have_something_due() {
    let app = TestApp::start().await;
    for (code, hours) in [
        ("012", None),
        ("013", Some(WEEK)),
        ("020", None),
        ("030", None),
        ("031", None),
        ("035", Some(WEEK)),
        ("045", Some(WEEK)),
        ("050", None),
        ("099", None),
    ] {
        let ticket = waiting(&app, code).await;
        assert_eq!(due(&app, &ticket).await, hours, "{code}");
    }
}

#[actix_web::test]
async fn whatever_is_said_for_both_to_read_begins_the_time_anew() {
    let app = TestApp::start().await;
    let (coordinator, contact) =
        (app.agent("Coordinator").await, app.contact("Purchasing contact").await);
    let ticket = waiting(&app, "045").await;
    assert_eq!(heed(&app, WEEK).await, 1);
    // Another week from then, which was a week from now.
    assert_eq!(due(&app, &ticket).await, Some(2 * WEEK));
    note(&coordinator, &ticket, "internal").await;
    assert_eq!(due(&app, &ticket).await, Some(2 * WEEK));
    note(&coordinator, &ticket, "public").await;
    assert_eq!(due(&app, &ticket).await, Some(WEEK));
    assert_eq!((heed(&app, WEEK).await, events(&app, "ticket.reminded").await), (1, 2));

    note(&contact, &ticket, "public").await;
    assert_eq!((status(&app, &ticket).await.as_str(), due(&app, &ticket).await), ("017", None));
    assert_eq!(heed(&app, 9 * WEEK).await, 0);
}

#[actix_web::test]
async fn any_number_of_processes_remind_once_and_close_once() {
    let app = TestApp::start().await;
    let mut tickets = Vec::new();
    for _ in 0..3 {
        tickets.push(waiting(&app, "013").await);
    }
    for hours in [WEEK, 2 * WEEK] {
        let done = tokio::join!(
            heed(&app, hours),
            heed(&app, hours),
            heed(&app, hours),
            heed(&app, hours)
        );
        assert_eq!(done.0 + done.1 + done.2 + done.3, 3);
    }
    assert_eq!((events(&app, "ticket.reminded").await, mails(&app).await), (3, 3));
    for ticket in tickets {
        assert_eq!(status(&app, &ticket).await, "050");
    }
}

#[actix_web::test]
async fn who_is_reminded_late_has_the_time_to_reply_all_the_same() {
    let app = TestApp::start().await;
    let ticket = waiting(&app, "035").await;
    // The service was down for five weeks.
    assert_eq!((heed(&app, 5 * WEEK).await, mails(&app).await), (1, 1));
    assert_eq!((heed(&app, 6 * WEEK - 1).await, status(&app, &ticket).await.as_str()), (0, "035"));
    assert_eq!((heed(&app, 6 * WEEK).await, status(&app, &ticket).await.as_str()), (1, "050"));
}

#[actix_web::test]
async fn open_steps_of_a_process_hold_the_closing_up() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let component = app.id("components", "Managed Upgrade").await;
    let ticket = app.open_ticket(json!({"component_id": component})).await;
    let ticket = app.advance_to(&ticket, "013").await;
    heed(&app, WEEK).await;
    let before = app.read(&ticket).await;
    assert_eq!(heed(&app, 2 * WEEK).await, 1);
    assert_eq!(app.read(&ticket).await, before, "not even its version changes");
    assert_eq!(due(&app, &ticket).await, Some(2 * WEEK + 24));

    hand_over(&coordinator, &ticket).await;
    let body = "Account manager A (account-manager-a@desk.example) takes care of it.";
    coordinator.post(&path(&ticket, "/notes"), json!({"body": body})).await.expect(201);
    heed(&app, WEEK).await;
    assert_eq!(heed(&app, 2 * WEEK).await, 1);
    let closed = app.read(&ticket).await;
    assert_eq!(closed["status"]["code"], "050");
}

#[actix_web::test]
async fn a_deleted_or_merged_ticket_reminds_nobody_and_one_that_comes_back_begins_anew() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let (deleted, merged) = (waiting(&app, "035").await, waiting(&app, "035").await);
    let target = app.open_ticket(json!({})).await;
    coordinator.delete(&path(&deleted, ""), "*").await.expect(204);
    let into = json!({"into": target["id"], "note": {"body": "See there"}});
    coordinator.post_on(&path(&merged, "/merge"), "*", into).await.expect(200);
    assert_eq!(due(&app, &merged).await, None);
    assert_eq!(heed(&app, 9 * WEEK).await, 0);

    app.sql("update tickets set silence_due_at = now() where deleted_at is not null")
        .await
        .unwrap();
    coordinator.post_on(&path(&deleted, "/restoration"), "*", json!({})).await.expect(200);
    coordinator.delete(&path(&merged, "/merge"), "*").await.expect(200);
    for ticket in [&deleted, &merged] {
        assert_eq!(due(&app, ticket).await, Some(WEEK));
    }
}

#[actix_web::test]
async fn a_workflow_that_was_changed_counts_as_it_is_now() {
    let app = TestApp::start().await;
    let admin = app.agent("Administrator").await;
    let ticket = waiting(&app, "035").await;
    let (workflow, _) = read_workflow(&admin, "consultancy").await;
    let mut longer = workflow.clone();
    for way in longer["transitions"].as_array_mut().unwrap() {
        if way["from"] == "035" && way["trigger"] == "no_feedback" {
            (way["reminder_after_days"], way["after_days"]) = (json!(10), json!(12));
        }
    }
    put_workflow(&admin, &longer).await;
    assert_eq!((heed(&app, WEEK).await, mails(&app).await), (1, 0));
    assert_eq!(due(&app, &ticket).await, Some(10 * 24));
    assert_eq!((heed(&app, 10 * 24).await, mails(&app).await), (1, 1));
    assert_eq!(due(&app, &ticket).await, Some(12 * 24));

    let mut without = longer;
    without["transitions"].as_array_mut().unwrap().retain(|way| way["trigger"] != "no_feedback");
    put_workflow(&admin, &without).await;
    assert_eq!(heed(&app, 12 * 24).await, 1);
    assert_eq!((due(&app, &ticket).await, status(&app, &ticket).await.as_str()), (None, "035"));
}

async fn put_workflow(admin: &Client, workflow: &Value) {
    let request = admin.request(reqwest::Method::PUT, &workflow_path(workflow, ""));
    let request = request.header("if-match", "*").json(workflow);
    crate::support::Reply::of(request).await.expect(200);
}

#[actix_web::test]
async fn a_solved_ticket_is_closed_for_good_and_its_resolution_stays() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = waiting(&app, "012").await;
    let simple = "select id::text as text from workflows where key = 'simple'";
    let to = json!({"to": "workflow", "workflow_id": app.text(simple).await});
    coordinator.post(&path(&ticket, "/conversion"), to).await.expect(201);
    let solved = go(&coordinator, &ticket, json!({"resolution": "Restarted it"}), "solved").await;
    let solved = solved.expect(200);
    assert_eq!((heed(&app, 30 * 24 - 1).await, heed(&app, 30 * 24).await), (0, 1));
    let closed = app.read(&ticket).await;
    assert_eq!(closed["status"]["code"], "closed");
    for field in ["resolution", "closed_at"] {
        assert_eq!(closed[field], solved[field]);
    }
}

#[actix_web::test]
async fn nobody_is_told_when_there_is_nobody_to_be_told() {
    let app = TestApp::start().await;
    let (_ticket, left) = (waiting(&app, "035").await, waiting(&app, "035").await);
    let nobody = format!(
        "update tickets set contact_id = null where id <> '{}'",
        left["id"].as_str().unwrap()
    );
    app.sql(nobody).await.unwrap();
    app.sql("update contacts set active = false").await.unwrap();
    assert_eq!(heed(&app, WEEK).await, 2);
    assert_eq!((events(&app, "ticket.reminded").await, mails(&app).await), (2, 0));
}

/// Waits until a query gives this number.
async fn reaches(process: &Client, ticket: &Value, expected: impl Fn(&Value) -> bool) {
    for _ in 0..150 {
        if expected(&process.get(&path(ticket, "/history?limit=100")).await.expect(200)) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("it does not come to that");
}

fn count(history: &Value, kind: &str) -> usize {
    history["items"].as_array().unwrap().iter().filter(|event| event["type"] == kind).count()
}

#[actix_web::test]
async fn programs_that_are_killed_in_between_remind_once_and_close_once() {
    let app = TestApp::start().await;
    let ticket = waiting(&app, "035").await;
    let earlier = |days: u8| {
        format!(
            "update tickets set silent_since = silent_since - interval '{days} days',
               reminded_at = reminded_at - interval '{days} days', silence_due_at = silence_due_at - interval '{days} days'"
        )
    };
    let mut first = Process::serve(&app.database, &[]).await;
    let second = Process::serve(&app.database, &[]).await;
    let admin = second.client("admin");
    app.sql(earlier(7)).await.unwrap();
    reaches(&admin, &ticket, |history| count(history, "ticket.reminded") == 1).await;
    first.kill();
    let third = Process::serve(&app.database, &[]).await;
    app.sql(earlier(7)).await.unwrap();
    reaches(&admin, &ticket, |history| {
        let last = history["items"].as_array().unwrap().last().unwrap().clone();
        last["changes"]["status"]["to"] == "050"
    })
    .await;
    let seen = admin.get(&path(&ticket, "/history?limit=100")).await.expect(200);
    assert_eq!(count(&seen, "ticket.reminded"), 1);
    let reminders = "select count(*) as number from outgoing_mails where subject like '%waiting for your reply%'";
    assert_eq!(app.number(reminders).await, 1);
    drop((second, third));
}
