//! An agent's calendar, for people and for calendar programs.
use reqwest::Method;
use serde_json::{Value, json};

use super::{at, book, hour, with};
use crate::support::{Client, Reply, TestApp};

#[actix_web::test]
async fn a_calendar_shows_what_overlaps_the_time_asked_for_as_far_as_the_reader_sees() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let id = app.id("agents", "L1 agent B").await;
    let agent = json!({"agent_id": id, "note": "Bring the key"});
    let ticket = app.open_ticket(json!({})).await;
    let made = book(&coordinator, &ticket, with(hour(9), agent.clone())).await.expect(201);
    let cancelled = book(&coordinator, &ticket, with(hour(11), agent.clone())).await.expect(201);
    coordinator.delete(&at(&cancelled, ""), "*").await.expect(204);
    let external =
        app.open_ticket(json!({"component_id": app.id("components", "Reporting").await})).await;
    book(&coordinator, &external, with(hour(12), agent)).await.expect(201);
    let read = async |caller: &Client, from: &str, to: &str| {
        caller.get(&format!("/v1/agents/{id}/calendar?from={from}&to={to}")).await
    };
    let day = ("2030-05-06T00:00:00Z", "2030-05-07T00:00:00Z");
    let all = read(&coordinator, day.0, day.1).await.expect(200);
    let shown = all["appointments"].as_array().unwrap();
    assert_eq!(shown.iter().map(|one| one["id"].clone()).collect::<Vec<_>>().len(), 2);
    assert_eq!((&shown[0]["id"], &shown[0]["ticket"]["number"]), (&made["id"], &ticket["number"]));
    for (from, to, count) in [
        ("2030-05-06T09:59:59Z", "2030-05-06T10:30:00Z", 1),
        ("2030-05-06T10:00:00Z", "2030-05-06T12:00:00Z", 0),
    ] {
        let some = read(&coordinator, from, to).await.expect(200);
        assert_eq!(some["appointments"].as_array().unwrap().len(), count, "{from}");
    }
    // Who shares a department sees that the agent is busy; with what, only of tickets that they see.
    let colleague = read(&app.agent("L1 agent A").await, day.0, day.1).await.expect(200);
    let shown = colleague["appointments"].as_array().unwrap();
    assert_eq!(shown[0]["ticket"]["subject"], ticket["subject"]);
    assert_eq!((&shown[1]["ticket"], &shown[1]["note"]), (&Value::Null, &Value::Null));
    read(&app.agent("Business analyst A").await, day.0, day.1).await.problem(404, "not_found");
    read(&app.contact("Purchasing contact").await, day.0, day.1).await.problem(403, "forbidden");
    read(&coordinator, day.1, day.0).await.problem(400, "malformed_request");
    read(&coordinator, "2030-01-01T00:00:00Z", "2030-12-31T00:00:00Z")
        .await
        .problem(400, "malformed_request");
}

/// Without a token, as a calendar program reads it.
async fn subscribed(app: &TestApp, url: &str, etag: Option<&str>) -> Reply {
    let at = url.strip_prefix(&app.url).unwrap();
    let mut request = app.anonymous().request(Method::GET, at);
    if let Some(etag) = etag {
        request = request.header("if-none-match", etag);
    }
    Reply::of(request).await
}

#[actix_web::test]
async fn a_calendar_program_reads_the_private_address_until_it_is_revoked() {
    let app = TestApp::start().await;
    let (coordinator, agent) = (app.agent("Coordinator").await, app.agent("L1 agent A").await);
    let id = app.id("agents", "L1 agent A").await;
    agent.get("/v1/me/calendar-feed").await.problem(404, "not_found");
    let made = agent.post("/v1/me/calendar-feed", json!({})).await.expect(201);
    let url = made["url"].as_str().unwrap().to_owned();
    let kept = agent.get("/v1/me/calendar-feed").await.expect(200);
    assert_eq!(kept, json!({"created_at": made["created_at"]}), "the secret is not shown again");
    let token = url.split("token=").nth(1).unwrap();
    let stored = format!(
        "select count(*) as number from calendar_feeds where encode(token_hash, 'escape') like '%{token}%'"
    );
    assert_eq!(app.number(&stored).await, 0);

    let subject = "Printer; \"Lobby\", 2nd floor \\ and a subject that is so long that its line must be folded";
    let ticket = app.open_ticket(json!({"subject": subject})).await;
    let body = with(
        hour(9),
        json!({"agent_id": id, "note": "Bring:\nthe key", "time_zone": "Europe/Vienna"}),
    );
    let appointment = book(&coordinator, &ticket, body).await.expect(201);
    // Next to a year away from now, so that it is shown.
    let near = (chrono::Utc::now() + chrono::TimeDelta::days(300))
        .format("%Y-%m-%dT09:00:00Z")
        .to_string();
    let moved =
        coordinator.patch(&at(&appointment, ""), "*", json!({"starts_at": near})).await.expect(200);
    let reply = subscribed(&app, &url, None).await;
    assert_eq!(reply.header("content-type"), "text/calendar; charset=utf-8");
    assert_eq!(reply.header("cache-control"), "private, no-cache");
    let etag = reply.header("etag").to_owned();
    let text = reply.expect(200).as_str().unwrap().to_owned();
    assert!(text.lines().all(|line| line.len() <= 75), "{text}");
    assert!(text.split('\n').filter(|line| !line.is_empty()).all(|line| line.ends_with('\r')));
    let unfolded = text.replace("\r\n ", "");
    let start = near.replace(['-', ':'], "");
    for line in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "BEGIN:VEVENT",
        "END:VEVENT",
        "END:VCALENDAR",
        "SEQUENCE:1",
        &format!("UID:{}", moved["id"].as_str().unwrap()),
        &format!("DTSTART:{start}"),
        "DESCRIPTION:Bring:\\nthe key",
        &format!(
            "SUMMARY:{} Printer\\; \"Lobby\"\\, 2nd floor \\\\ and a subject that is so long that its line must be folded",
            ticket["number"].as_str().unwrap()
        ),
    ] {
        assert!(unfolded.lines().any(|found| found == line), "{line} in {unfolded}");
    }
    assert!(!unfolded.contains("METHOD:REQUEST") && !unfolded.contains("ATTENDEE"));
    assert_eq!(subscribed(&app, &url, Some(&etag)).await.status, 304);
    coordinator.delete(&at(&appointment, ""), "*").await.expect(204);
    let empty = subscribed(&app, &url, Some(&etag)).await.expect(200);
    assert!(!empty.as_str().unwrap().contains("VEVENT"));

    // Nobody else's address, no former one, and none of somebody who has left.
    let other = url.replace(&id, &app.id("agents", "L1 agent B").await);
    subscribed(&app, &other, None).await.problem(404, "not_found");
    subscribed(&app, &format!("{url}x"), None).await.problem(404, "not_found");
    let renewed = agent.post("/v1/me/calendar-feed", json!({})).await.expect(201);
    let renewed = renewed["url"].as_str().unwrap().to_owned();
    subscribed(&app, &url, None).await.problem(404, "not_found");
    subscribed(&app, &renewed, None).await.expect(200);
    app.sql(format!("update agents set active = false where id = '{id}'")).await.unwrap();
    subscribed(&app, &renewed, None).await.problem(404, "not_found");
    app.sql(format!("update agents set active = true where id = '{id}'")).await.unwrap();
    subscribed(&app, &renewed, None).await.expect(200);
    let admin = app.agent("Administrator").await;
    let of_agent = format!("/v1/agents/{id}/calendar-feed");
    agent.delete(&of_agent, "*").await.problem(403, "forbidden");
    admin.delete(&of_agent, "*").await.expect(204);
    subscribed(&app, &renewed, None).await.problem(404, "not_found");
    agent.delete("/v1/me/calendar-feed", "*").await.problem(404, "not_found");
    app.contact("Purchasing contact")
        .await
        .post("/v1/me/calendar-feed", json!({}))
        .await
        .problem(403, "forbidden");
}
