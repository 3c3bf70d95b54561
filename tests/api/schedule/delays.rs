//! Customers are told a new time.
use serde_json::{Value, json};

use super::{at, book, hour, with};
use crate::support::{Client, TestApp, path, pointers};

async fn notes(caller: &Client, ticket: &Value) -> Vec<Value> {
    let page = caller.get(&path(ticket, "/notes")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn a_delay_notice_moves_the_appointment_and_tells_the_customer_on_their_clock() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let contact = app.contact("Purchasing contact").await;
    app.sql("update contacts set time_zone = 'America/New_York'").await.unwrap();
    let ticket = app.open_ticket(json!({})).await;
    let made =
        book(&coordinator, &ticket, with(hour(13), json!({"note": "Secret"}))).await.expect(201);
    let delay =
        json!({"starts_at": "2030-05-06T14:30:00Z", "message": "We wait for a spare part."});
    let moved = coordinator.post_on(&at(&made, "/delay"), "\"v1\"", delay).await.expect(200);
    assert_eq!(
        [&moved["starts_at"], &moved["ends_at"]],
        ["2030-05-06T14:30:00Z", "2030-05-06T15:30:00Z"]
    );
    let seen = notes(&contact, &ticket).await;
    assert_eq!(
        seen[0]["body"],
        "Your appointment of Monday, 6 May 2030, 09:00 EDT is moved to Monday, 6 May 2030, 10:30 EDT, until Monday, 6 May \
         2030, 11:30 EDT.\n\nWe wait for a spare part."
    );
    let history = contact.get(&path(&ticket, "/history")).await.expect(200);
    let last = history["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["type"], "appointment.delayed");
    assert_eq!(
        (&last["data"]["note_id"], &last["data"]["agent_id"]),
        (&seen[0]["id"], &Value::Null)
    );
    let earlier = json!({"starts_at": "2030-05-06T13:00:00Z"});
    assert_eq!(
        pointers(coordinator.post_on(&at(&made, "/delay"), "*", earlier).await),
        ["/starts_at"]
    );
    assert_eq!(notes(&contact, &ticket).await.len(), 1);
}

#[actix_web::test]
async fn a_reschedule_tells_the_customer_only_when_asked_to_and_only_of_another_time() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let made = book(&coordinator, &ticket, hour(13)).await.expect(201);
    let later = |hour: u32, notify: bool| json!({"starts_at": format!("2030-05-06T{hour}:00:00Z"), "notify": notify});
    for (body, told) in [
        (later(14, false), 0),
        (later(15, true), 1),
        (later(15, true), 1),
        (json!({"note": "x", "notify": true}), 1),
    ] {
        coordinator.patch(&at(&made, ""), "*", body.clone()).await.expect(200);
        assert_eq!(notes(&coordinator, &ticket).await.len(), told, "{body}");
    }
}

#[actix_web::test]
async fn a_ticket_that_takes_longer_has_a_later_deadline_of_which_the_customer_is_told() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({"deadline": "2030-05-06T12:00:00Z"})).await;
    let told = json!({"deadline": "2030-05-07T12:00:00Z"});
    let moved = coordinator.post(&path(&ticket, "/delay"), told).await.expect(200);
    assert_eq!(
        (&moved["deadline"], &moved["version"]),
        (&json!("2030-05-07T12:00:00Z"), &json!(2))
    );
    let contact = app.contact("Purchasing contact").await;
    assert_eq!(
        contact.get(&path(&ticket, "")).await.expect(200)["deadline"],
        "2030-05-07T12:00:00Z"
    );
    let text = notes(&contact, &ticket).await[0]["body"].clone();
    assert_eq!(
        text,
        "This takes longer than we said. The new date is Tuesday, 7 May 2030, 12:00 UTC."
    );
    for wrong in ["2030-05-07T12:00:00Z", "2020-01-01T00:00:00Z"] {
        let refused = coordinator.post(&path(&ticket, "/delay"), json!({"deadline": wrong})).await;
        assert_eq!(pointers(refused), ["/deadline"]);
    }
    contact
        .post(&path(&ticket, "/delay"), json!({"deadline": "2031-01-01T00:00:00Z"}))
        .await
        .problem(403, "forbidden");
}
