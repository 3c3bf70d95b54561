//! An agent works on a ticket at a time.
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{at, book, events, hour, with};
use crate::support::{TestApp, path, pointers};

#[actix_web::test]
async fn an_appointment_is_part_of_its_tickets_history() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let body = with(hour(9), json!({"note": "Call them", "time_zone": "Europe/Vienna"}));
    let reply = book(&coordinator, &ticket, body).await;
    let (location, etag) = (reply.header("location").to_owned(), reply.header("etag").to_owned());
    let made = reply.expect(201);
    assert_eq!(
        (made["agent_id"].clone(), &made["remind_minutes"]),
        (ticket["assignee_id"].clone(), &json!(30))
    );
    assert_eq!(made["local_starts_at"], "2030-05-06T11:00:00+02:00");
    assert_eq!((location, etag.as_str()), (at(&made, ""), "\"v1\""));
    assert_eq!(coordinator.get(&at(&made, "")).await.expect(200), made);
    assert_eq!(app.read(&ticket).await["version"], 2);
    let moved = coordinator
        .patch(&at(&made, ""), "\"v1\"", json!({"starts_at": "2030-05-06T10:30:00Z", "note": null}))
        .await
        .expect(200);
    assert_eq!(
        [&moved["starts_at"], &moved["ends_at"]],
        ["2030-05-06T10:30:00Z", "2030-05-06T11:30:00Z"]
    );
    assert_eq!((&moved["version"], &moved["note"]), (&json!(2), &Value::Null));
    coordinator
        .patch(&at(&made, ""), "\"v1\"", json!({"note": "x"}))
        .await
        .problem(412, "stale_version");
    let same =
        coordinator.patch(&at(&made, ""), "*", json!({"starts_at": "2030-05-06T10:30:00Z"})).await;
    assert_eq!(same.expect(200)["version"], 2);
    coordinator.delete(&at(&made, ""), "\"v2\"").await.expect(204);
    coordinator.delete(&at(&made, ""), "*").await.problem(409, "appointment_cancelled");
    let list = coordinator.get(&path(&ticket, "/schedule")).await.expect(200);
    assert!(list[0]["cancelled_at"].is_string());
    let history = coordinator.get(&path(&ticket, "/history")).await.expect(200);
    let types: Vec<&Value> =
        history["items"].as_array().unwrap().iter().map(|e| &e["type"]).collect();
    assert_eq!(
        types,
        [
            "ticket.opened",
            "appointment.scheduled",
            "appointment.rescheduled",
            "appointment.cancelled"
        ]
    );
}

#[actix_web::test]
async fn an_agent_has_one_appointment_at_a_time_and_the_one_in_the_way_is_named() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let agent = json!({"agent_id": app.id("agents", "L1 agent A").await});
    let (one, two) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    let first = book(&coordinator, &one, with(hour(9), agent.clone())).await.expect(201);
    let half = json!({"starts_at": "2030-05-06T09:30:00Z", "ends_at": "2030-05-06T09:45:00Z"});
    for body in [hour(9), half] {
        let refused = book(&coordinator, &two, with(body, agent.clone())).await;
        let problem = refused.problem(409, "appointment_overlap");
        assert!(
            problem["detail"].as_str().unwrap().contains(first["id"].as_str().unwrap()),
            "{problem}"
        );
    }
    // The next one may begin when the first ends, and another agent is free.
    let next = book(&coordinator, &two, with(hour(10), agent.clone())).await.expect(201);
    let other = json!({"agent_id": app.id("agents", "L1 agent B").await});
    let others = book(&coordinator, &two, with(hour(9), other)).await.expect(201);
    let earlier = json!({"starts_at": "2030-05-06T09:59:00Z"});
    coordinator
        .patch(&at(&next, ""), "*", earlier.clone())
        .await
        .problem(409, "appointment_overlap");
    coordinator.patch(&at(&others, ""), "*", agent).await.problem(409, "appointment_overlap");
    assert_eq!(app.read(&two).await["version"], 3, "what was refused left nothing");
    coordinator.delete(&at(&first, ""), "*").await.expect(204);
    coordinator.patch(&at(&next, ""), "*", earlier).await.expect(200);
    // Whoever goes past the service meets the same constraint.
    let copy = "insert into appointments (id, ticket_id, agent_id, starts_at, ends_at, time_zone, made_by, made_by_name, created_at, updated_at)
        select gen_random_uuid(), ticket_id, agent_id, starts_at, ends_at, time_zone, made_by, made_by_name, created_at, updated_at
          from appointments where cancelled_at is null limit 1";
    assert!(app.sql(copy).await.is_err());
}

#[actix_web::test]
async fn of_many_bookings_of_one_hour_at_once_one_succeeds() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let agent = json!({"agent_id": app.id("agents", "L1 agent A").await});
    let mut tickets = Vec::new();
    for _ in 0..16 {
        tickets.push(app.open_ticket(json!({})).await);
    }
    let bookings =
        tickets.iter().map(|ticket| book(&coordinator, ticket, with(hour(9), agent.clone())));
    let statuses: Vec<u16> = join_all(bookings).await.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 15, "{statuses:?}");
    assert_eq!(events(&app, "appointment.scheduled").await, 1);
}

#[actix_web::test]
async fn a_local_time_is_read_by_the_clock_of_the_time_zone() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let local = |from: &str, to: &str| json!({"starts_at": from, "ends_at": to, "time_zone": "Europe/Vienna"});
    // The last days of March and October 2030 on which clocks are changed in Vienna are the 31st and the 27th.
    for (from, starts_at) in [
        ("2030-03-30T09:00:00", "2030-03-30T08:00:00Z"),
        ("2030-03-31T09:00", "2030-03-31T07:00:00Z"),
        ("2030-10-26T09:00", "2030-10-26T07:00:00Z"),
        ("2030-10-27T09:00", "2030-10-27T08:00:00Z"),
    ] {
        let body = local(from, &from.replace("T09:00", "T09:30"));
        let made = book(&coordinator, &ticket, body).await.expect(201);
        assert_eq!(made["starts_at"], starts_at);
        assert!(made["local_starts_at"].as_str().unwrap().contains("T09:00:00"));
    }
    let skipped = book(&coordinator, &ticket, local("2030-03-31T02:30", "2030-03-31T04:00")).await;
    assert_eq!(pointers(skipped), ["/starts_at"]);
    let twice = book(&coordinator, &ticket, local("2030-10-27T01:00", "2030-10-27T02:30")).await;
    assert_eq!(pointers(twice), ["/ends_at"]);
    let second = local("2030-10-27T01:00", "2030-10-27T02:30:00+01:00");
    let long = book(&coordinator, &ticket, second).await.expect(201);
    assert_eq!(
        [&long["starts_at"], &long["ends_at"]],
        ["2030-10-26T23:00:00Z", "2030-10-27T01:30:00Z"]
    );
    for (body, wrong) in [
        (
            json!({"starts_at": "2030-05-06T09:00Z", "ends_at": "2030-05-06T10:00:00Z"}),
            "/starts_at",
        ),
        (
            json!({"starts_at": "2030-05-06T09:00:00Z", "ends_at": "2030-05-06T09:00:00Z"}),
            "/ends_at",
        ),
        (
            json!({"starts_at": "2020-05-06T09:00:00Z", "ends_at": "2020-05-06T10:00:00Z"}),
            "/ends_at",
        ),
        (with(hour(9), json!({"time_zone": "Europe/Nowhere"})), "/time_zone"),
        (with(hour(9), json!({"agent_id": uuid::Uuid::nil()})), "/agent_id"),
        (with(hour(9), json!({"remind_minutes": -1})), "/remind_minutes"),
    ] {
        assert_eq!(pointers(book(&coordinator, &ticket, body.clone()).await), [wrong], "{body}");
    }
}

#[actix_web::test]
async fn only_the_desk_schedules_and_only_on_open_tickets_that_it_sees() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let made = book(&coordinator, &ticket, hour(9)).await.expect(201);
    for contact in ["Purchasing contact", "Finance contact"] {
        let contact = app.contact(contact).await;
        book(&contact, &ticket, hour(10)).await.problem(403, "forbidden");
        contact.get(&path(&ticket, "/schedule")).await.problem(403, "forbidden");
        contact.get(&at(&made, "")).await.problem(403, "forbidden");
    }
    let stranger = app.agent("Business analyst A").await;
    book(&stranger, &ticket, hour(10)).await.problem(404, "not_found");
    stranger.get(&at(&made, "")).await.problem(404, "not_found");
    stranger.patch(&at(&made, ""), "*", json!({"note": "x"})).await.problem(404, "not_found");
    stranger.delete(&at(&made, ""), "*").await.problem(404, "not_found");
    let other = app.open_ticket(json!({})).await;
    let elsewhere =
        at(&made, "").replace(ticket["id"].as_str().unwrap(), other["id"].as_str().unwrap());
    coordinator.get(&elsewhere).await.problem(404, "not_found");
    let colleague = app.agent("L1 agent B").await;
    colleague.patch(&at(&made, ""), "*", json!({"note": "x"})).await.expect(200);
    let closed = app.advance_to(&ticket, "050").await;
    book(&coordinator, &closed, hour(10)).await.problem(409, "ticket_closed");
    let draft =
        coordinator.post("/v1/tickets", json!({"subject": "x", "draft": true})).await.expect(201);
    book(&coordinator, &draft, hour(10)).await.problem(409, "not_submitted");
    let assignment = path(&other, "/assignment");
    coordinator.post_on(&assignment, "*", json!({"agent_id": null})).await.expect(200);
    assert_eq!(pointers(book(&coordinator, &other, hour(10)).await), ["/agent_id"]);
}

#[actix_web::test]
async fn who_is_in_an_appointment_gets_no_tickets_by_themselves() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let (a, b) = (app.id("agents", "L1 agent A").await, app.id("agents", "L1 agent B").await);
    let ticket = app.open_ticket(json!({})).await;
    let now = chrono::Utc::now();
    let body = json!({"agent_id": a, "starts_at": now - chrono::TimeDelta::minutes(5), "ends_at": now + chrono::TimeDelta::hours(1)});
    let made = book(&coordinator, &ticket, body).await.expect(201);
    for _ in 0..4 {
        assert_eq!(app.open_ticket(json!({})).await["assignee_id"], b);
    }
    let next = app.open_ticket(json!({})).await;
    let explained = coordinator.get(&path(&next, "/assignment")).await.expect(200);
    let candidates = explained["decisions"][0]["candidates"].as_array().unwrap().clone();
    let verdict = candidates.iter().find(|c| c["agent_id"] == a).map(|c| c["verdict"].clone());
    assert_eq!(verdict, Some(json!("in_appointment")));
    // A person may decide so.
    let to = json!({"agent_id": a});
    coordinator.post_on(&path(&next, "/assignment"), "*", to).await.expect(200);
    app.set_away(&["L1 agent B"], true).await;
    let waits = app.open_ticket(json!({})).await;
    assert!(waits["assignee_id"].is_null());
    coordinator.delete(&at(&made, ""), "*").await.expect(204);
    app.assign_waiting().await;
    assert_eq!(app.read(&waits).await["assignee_id"], a);
}

#[actix_web::test]
async fn an_appointment_is_answered_and_told_as_exactly_as_it_is_kept() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let body = with(hour(9), json!({"starts_at": "2030-05-06T09:00:00.123456789Z"}));
    let made = book(&coordinator, &ticket, body).await.expect(201);
    assert_eq!(made["starts_at"], "2030-05-06T09:00:00.123456Z");
    assert_eq!(coordinator.get(&at(&made, "")).await.expect(200), made);
    let told = coordinator.get(&path(&ticket, "/history")).await.expect(200);
    assert_eq!(told["items"][1]["data"]["starts_at"], made["starts_at"]);
}
