//! Customers are told of what takes longer than promised.
use casebridge::kernel::Role;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{around_the_clock, derive, tell};
use crate::support::{Client, TestApp, path};

/// A desk that tells its customers, as far as `metrics` says, and a ticket whose clocks are known.
async fn desk(metrics: Value) -> (TestApp, Value) {
    let app = TestApp::start().await;
    let policy = around_the_clock(json!({ "tell_customer": metrics }));
    app.client(Role::Admin).await.post("/v1/sla-policies", policy).await.expect(201);
    let ticket = app.open_ticket(json!({})).await;
    notify(&app, Utc::now()).await;
    derive(&app).await;
    let id = ticket["id"].as_str().unwrap();
    app.sql(format!("delete from sla_tickets where ticket_id <> '{id}'")).await.unwrap();
    app.sql("delete from outgoing_mails").await.unwrap();
    (app, ticket)
}

/// Tells people what was published, as if it were this time.
async fn notify(app: &TestApp, now: DateTime<Utc>) {
    app.publish().await;
    loop {
        let notifier = app.service.notifier.clone();
        if !app.service.db.tx(move |conn| notifier.tell_next(conn, now)).await.unwrap() {
            return app.publish().await;
        }
    }
}

/// Lets clocks tell what is due then, and people hear of it.
async fn pass(app: &TestApp, minutes: i64) {
    let then = Utc::now() + TimeDelta::minutes(minutes);
    tell(app, then).await;
    notify(app, Utc::now()).await;
}

/// Subject and text of the mails to the customer, oldest first.
async fn mails(app: &TestApp) -> Vec<String> {
    let query = "select subject || E'\\n' || text_body as text from outgoing_mails
        where to_email = 'purchasing@customer.example' order by id";
    app.texts(query).await
}

async fn customer(app: &TestApp) -> Client {
    app.contact("Purchasing contact").await
}

#[actix_web::test]
async fn a_customer_is_told_once_that_an_answer_takes_longer_and_of_what_the_policy_says_only() {
    let (app, ticket) = desk(json!(["first_response"])).await;
    pass(&app, 51).await;
    assert!(mails(&app).await.is_empty(), "a warning is the desk's affair");
    pass(&app, 61).await;
    pass(&app, 61).await;
    let sent = mails(&app).await;
    let [mail] = sent.as_slice() else { panic!("{sent:?}") };
    assert!(mail.starts_with("This takes longer: The export stops [CB-"), "{mail}");
    assert!(mail.contains("we meant to answer you by ") && !mail.contains("new time"), "{mail}");
    derive(&app).await;
    pass(&app, 9 * 60).await;
    assert_eq!(mails(&app).await.len(), 1, "of the resolution nothing is told");
    let contact = customer(&app).await;
    let history = contact.get(&path(&ticket, "/history?limit=100")).await.expect(200);
    let types: Vec<&Value> =
        history["items"].as_array().unwrap().iter().map(|event| &event["type"]).collect();
    assert!(types.contains(&&json!("ticket.delayed")), "{types:?}");
    assert!(!history.to_string().contains("sla."), "{history}");
    let feed = contact.get("/v1/notifications").await.expect(200);
    assert_eq!(feed["items"][0]["kind"], "delay_notice");
}

#[actix_web::test]
async fn the_notice_is_in_the_customers_language_and_time_zone_with_the_new_time_if_there_is_one() {
    let (app, ticket) = desk(json!(["first_response"])).await;
    app.sql("update contacts set language = 'de', time_zone = 'Europe/Vienna'").await.unwrap();
    let desk = app.agent("Coordinator").await;
    let deadline = json!({"deadline": "2040-07-02T15:00:00Z"});
    desk.patch(&path(&ticket, ""), "*", deadline).await.expect(200);
    pass(&app, 61).await;
    let sent = mails(&app).await;
    let [mail] = sent.as_slice() else { panic!("{sent:?}") };
    assert!(mail.starts_with("Das dauert länger: The export stops"), "{mail}");
    assert!(mail.contains("Der neue Zeitpunkt ist 2040-07-02 17:00 CEST."), "{mail}");
}

#[actix_web::test]
async fn a_customer_is_told_when_the_time_of_the_solution_slips() {
    let (app, ticket) = desk(json!(["resolution"])).await;
    let desk = app.agent("Coordinator").await;
    let move_to = async |deadline: &str| {
        let change = json!({ "deadline": deadline });
        desk.patch(&path(&ticket, ""), "*", change).await.expect(200);
        notify(&app, Utc::now()).await;
        mails(&app).await.len()
    };
    assert_eq!(move_to("2040-01-02T15:00:00Z").await, 0, "nothing was said before");
    assert_eq!(move_to("2040-01-01T15:00:00Z").await, 0, "sooner");
    assert_eq!(move_to("2040-01-03T15:00:00Z").await, 1);
    let mail = mails(&app).await.remove(0);
    assert!(mail.contains("we meant to solve your ticket by 2040-01-01 "), "{mail}");
    assert!(mail.contains("The new time is 2040-01-03 "), "{mail}");
    // With words of the desk it is their letter.
    let delay = json!({"deadline": "2040-01-04T15:00:00Z", "message": "The vendor needs a day."});
    desk.post(&path(&ticket, "/delay"), delay).await.expect(200);
    notify(&app, Utc::now()).await;
    let sent = mails(&app).await;
    assert_eq!(sent.len(), 2);
    assert!(sent[1].contains("The vendor needs a day."), "{}", sent[1]);
}

#[actix_web::test]
async fn nobody_is_told_without_the_policy_saying_so_or_who_does_not_want_to_be() {
    let (app, ticket) = desk(json!([])).await;
    pass(&app, 9 * 60).await;
    let desk_side = app.agent("Coordinator").await;
    for deadline in ["2040-01-01T15:00:00Z", "2040-01-02T15:00:00Z"] {
        desk_side.patch(&path(&ticket, ""), "*", json!({ "deadline": deadline })).await.expect(200);
    }
    notify(&app, Utc::now()).await;
    assert!(mails(&app).await.is_empty());
    let (app, _) = desk(json!(["first_response", "resolution"])).await;
    let wants = json!({"channels": {"delay_notice": ["feed"]}});
    customer(&app).await.patch("/v1/notification-preferences", "*", wants).await.expect(200);
    pass(&app, 61).await;
    assert!(mails(&app).await.is_empty());
    let told = "select count(*) as number from notifications where kind = 'delay_notice'";
    assert_eq!(app.number(told).await, 1);
}

#[actix_web::test]
async fn a_notice_of_the_night_is_mailed_in_the_morning() {
    let (app, _) = desk(json!(["first_response"])).await;
    let wants = json!({"quiet_hours": {"from": "22:00", "to": "07:00"}});
    customer(&app).await.patch("/v1/notification-preferences", "*", wants).await.expect(200);
    app.sql("update contacts set time_zone = 'UTC'").await.unwrap();
    tell(&app, Utc::now() + TimeDelta::minutes(61)).await;
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    notify(&app, at("2030-01-01T23:00:00Z")).await;
    assert!(mails(&app).await.is_empty());
    let notifier = app.service.notifier.clone();
    let write = move |conn: &mut _| notifier.write_due(conn, at("2030-01-02T07:00:00Z"));
    assert!(app.service.db.tx(write).await.unwrap());
    assert_eq!(mails(&app).await.len(), 1);
}
