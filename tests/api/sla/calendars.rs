//! Calendars of business hours.
use casebridge::kernel::Role;
use serde_json::{Value, json};

use crate::support::{Client, TestApp, pointers};

const CALENDARS: &str = "/v1/calendars";

fn weekdays() -> Value {
    let day = |day: &str| json!({"day": day, "from": "09:00", "to": "17:00"});
    json!(["mon", "tue", "wed", "thu", "fri"].map(day))
}

async fn vienna(admin: &Client) -> String {
    let new = json!({"name": "Vienna", "time_zone": "Europe/Vienna", "week": weekdays()});
    let made = admin.post(CALENDARS, new).await.expect(201);
    assert_eq!((&made["version"], &made["exceptions"]), (&json!(1), &json!([])));
    format!("{CALENDARS}/{}", made["id"].as_str().unwrap())
}

async fn until(caller: &Client, calendar: &str, from: &str, time: &str) -> Value {
    let at = format!("{calendar}/business-time?from={from}&time={time}");
    caller.get(&at).await.expect(200)["until"].clone()
}

async fn seconds(caller: &Client, calendar: &str, from: &str, until: &str) -> i64 {
    let at = format!("{calendar}/business-time?from={from}&until={until}");
    caller.get(&at).await.expect(200)["business_seconds"].as_i64().unwrap()
}

#[actix_web::test]
async fn business_time_passes_inside_the_windows_alone_whatever_the_clocks_do() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let calendar = vienna(&admin).await;
    // Friday afternoon before the clocks were put forward, to Monday: UTC+1, then UTC+2.
    let due = until(&admin, &calendar, "2026-03-27T15:00:00Z", "PT2H").await;
    assert_eq!(due, "2026-03-30T08:00:00Z");
    let week = seconds(&admin, &calendar, "2026-03-23T00:00:00Z", "2026-03-30T00:00:00Z").await;
    assert_eq!(week, 5 * 8 * 3_600);
    for wrong in [
        "",
        "?from=2026-03-27T15:00:00Z",
        "?from=2026-03-27T15:00:00Z&time=P1D",
        "?from=2000-01-01T00:00:00Z&until=2026-01-01T00:00:00Z",
    ] {
        admin
            .get(&format!("{calendar}/business-time{wrong}"))
            .await
            .problem(400, "malformed_request");
    }
}

#[actix_web::test]
async fn holidays_are_set_by_hand_and_taken_from_a_file_which_replaces_the_file_before() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let calendar = vienna(&admin).await;
    let eve = format!("{calendar}/exceptions/2026-12-24");
    let short = json!({"name": "Christmas Eve", "windows": [{"from": "09:00", "to": "12:00"}]});
    admin.put(&eve, short.clone()).await.problem(428, "precondition_required");
    let put = |etag: &str, body: Value| {
        admin.request(reqwest::Method::PUT, &eve).header("if-match", etag.to_owned()).json(&body)
    };
    let set = crate::support::Reply::of(put("\"v1\"", short.clone())).await.expect(200);
    assert_eq!(set["version"], 2);
    crate::support::Reply::of(put("\"v1\"", short)).await.problem(412, "stale_version");
    let file = |days: &[&str]| {
        let events = days.iter().map(|day| {
            format!("BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:{day}\r\nSUMMARY:Holiday\r\nEND:VEVENT\r\n")
        });
        json!({"icalendar": format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}END:VCALENDAR\r\n", events.collect::<String>())})
    };
    let import = format!("{calendar}/import");
    let taken = admin.post_on(&import, "\"v2\"", file(&["20261224", "20261225"])).await.expect(200);
    assert_eq!(
        (&taken["days"], &taken["skipped"], &taken["calendar"]["version"]),
        (&json!(2), &json!(0), &json!(3))
    );
    assert_eq!(
        seconds(&admin, &calendar, "2026-12-23T23:00:00Z", "2026-12-25T23:00:00Z").await,
        3 * 3_600
    );
    let again = admin.post_on(&import, "*", file(&["20261228"])).await.expect(200);
    let dates: Vec<_> = again["calendar"]["exceptions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["date"].clone(), one["source"].clone()))
        .collect();
    assert_eq!(json!(dates), json!([["2026-12-24", "manual"], ["2026-12-28", "icalendar"]]));
    let removed = admin.delete(&eve, "*").await.expect(200);
    assert_eq!(removed["exceptions"].as_array().unwrap().len(), 1);
    admin.delete(&eve, "*").await.problem(404, "not_found");
    for (text, word) in [
        ("no calendar", "iCalendar"),
        (
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            "FREQ=WEEKLY",
        ),
    ] {
        let refused = admin
            .post_on(&import, "*", json!({"icalendar": text}))
            .await
            .problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/icalendar");
        assert!(refused["errors"][0]["detail"].as_str().unwrap().contains(word), "{refused}");
    }
}

#[actix_web::test]
async fn a_calendar_without_any_window_is_refused_and_so_are_windows_that_overlap() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let overlapping = json!([{"day": "mon", "from": "09:00", "to": "12:00"}, {"day": "mon", "from": "11:00", "to": "13:00"}]);
    for week in [json!([]), overlapping, json!([{"day": "mon", "from": "12:00", "to": "09:00"}])] {
        let new = json!({"name": "Never", "time_zone": "UTC", "week": week});
        assert_eq!(pointers(admin.post(CALENDARS, new).await), ["/week"]);
    }
    let nowhere = json!({"name": "Never", "time_zone": "Mars/Olympus", "week": weekdays()});
    assert_eq!(pointers(admin.post(CALENDARS, nowhere).await), ["/time_zone"]);
}

#[actix_web::test]
async fn calendars_are_changed_by_administrators_on_the_version_they_saw_and_read_by_the_desk() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let calendar = vienna(&admin).await;
    let twice = json!({"name": "vienna", "time_zone": "UTC", "week": weekdays()});
    admin.post(CALENDARS, twice).await.problem(409, "name_taken");
    let change = json!({"time_zone": "America/New_York"});
    let changed = admin.patch(&calendar, "\"v1\"", change.clone()).await.expect(200);
    assert_eq!(
        (&changed["version"], &changed["time_zone"]),
        (&json!(2), &json!("America/New_York"))
    );
    admin.patch(&calendar, "\"v1\"", json!({"name": "Late"})).await.problem(412, "stale_version");
    assert_eq!(
        admin.patch(&calendar, "*", change).await.expect(200)["version"],
        2,
        "nothing changed"
    );
    let agent = app.client(Role::Agent).await;
    agent.get(&calendar).await.expect(200);
    agent.patch(&calendar, "*", json!({"name": "Mine"})).await.problem(403, "forbidden");
    app.client(Role::Contact).await.get(&calendar).await.problem(403, "forbidden");
    assert_eq!(admin.delete(&calendar, "\"v2\"").await.status, 204);
    admin.get(&calendar).await.problem(404, "not_found");
}
