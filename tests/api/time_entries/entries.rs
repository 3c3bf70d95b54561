//! Written down, changed, taken back.
use serde_json::{Value, json};

use super::{at, events, log, set_zone, totals};
use crate::support::{TestApp, path, pointers};

#[actix_web::test]
async fn an_entry_is_part_of_its_tickets_history_and_of_its_totals() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let body = json!({"minutes": 45, "chargeable": true, "note": "Read the logs", "work_date": "2026-01-05"});
    let reply = coordinator.post(&path(&ticket, "/time-entries"), body).await;
    let (location, etag) = (reply.header("location").to_owned(), reply.header("etag").to_owned());
    let entry = reply.expect(201);
    assert_eq!((location, etag.as_str()), (at(&entry), "\"v1\""));
    assert_eq!(coordinator.get(&at(&entry)).await.expect(200), entry);
    assert_eq!([&entry["capped"], &entry["amount"]], [&json!(false), &Value::Null]);
    assert_eq!(app.read(&ticket).await["version"], 2);
    let changed = coordinator
        .patch(&at(&entry), "\"v1\"", json!({"minutes": 50, "note": null}))
        .await
        .expect(200);
    assert_eq!([&changed["minutes"], &changed["version"]], [&json!(50), &json!(2)]);
    assert_eq!(changed["note"], Value::Null);
    coordinator
        .patch(&at(&entry), "\"v1\"", json!({"minutes": 9}))
        .await
        .problem(412, "stale_version");
    let same = coordinator.patch(&at(&entry), "*", json!({"minutes": 50})).await.expect(200);
    assert_eq!(same["version"], 2, "nothing changed");
    let sum = totals(&coordinator, &ticket).await;
    assert_eq!(
        [&sum["entries"], &sum["minutes"], &sum["chargeable_minutes"], &sum["unpriced_minutes"]],
        [1, 50, 50, 50]
    );
    coordinator.delete(&at(&entry), "\"v1\"").await.problem(412, "stale_version");
    coordinator.delete(&at(&entry), "\"v2\"").await.expect(204);
    coordinator.get(&at(&entry)).await.problem(404, "not_found");
    assert_eq!(totals(&coordinator, &ticket).await["minutes"], 0);
    let history = coordinator.get(&path(&ticket, "/history")).await.expect(200);
    let told: Vec<_> =
        history["items"].as_array().unwrap().iter().map(|e| (&e["type"], &e["data"])).collect();
    let types: Vec<&Value> = told.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(types, ["ticket.opened", "time.logged", "time.changed", "time.removed"]);
    assert_eq!([&told[2].1["minutes"], &told[2].1["before"]["minutes"]], [50, 45]);
    assert_eq!(
        [&told[3].1["minutes"], &told[3].1["work_date"]],
        [&json!(50), &json!("2026-01-05")]
    );
}

#[actix_web::test]
async fn agents_write_their_own_time_and_coordinators_anybodys() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let [one, other] = [app.agent("L1 agent A").await, app.agent("L1 agent B").await];
    let (id, other_id) =
        (app.id("agents", "L1 agent A").await, app.id("agents", "L1 agent B").await);
    let own = log(&one, &ticket, json!({"minutes": 10})).await;
    assert_eq!((own["agent_id"].as_str(), &own["chargeable"]), (Some(id.as_str()), &json!(false)));
    let for_other = json!({"minutes": 10, "agent_id": other_id});
    one.post(&path(&ticket, "/time-entries"), for_other.clone()).await.problem(422, "not_own_time");
    other.patch(&at(&own), "*", json!({"minutes": 1})).await.problem(422, "not_own_time");
    other.delete(&at(&own), "*").await.problem(422, "not_own_time");
    assert_eq!(other.get(&at(&own)).await.expect(200)["minutes"], 10, "colleagues read it");
    let coordinator = app.agent("Coordinator").await;
    let given = log(&coordinator, &ticket, for_other).await;
    assert_eq!(given["agent_id"], other_id.as_str());
    coordinator.patch(&at(&own), "*", json!({"minutes": 20})).await.expect(200);
    coordinator.delete(&at(&given), "*").await.expect(204);
    let contact = app.contact("Purchasing contact").await;
    for read in [at(&own), "/v1/time-entries".into(), path(&ticket, "/time-totals")] {
        contact.get(&read).await.problem(403, "forbidden");
    }
    contact
        .post(&path(&ticket, "/time-entries"), json!({"minutes": 1}))
        .await
        .problem(403, "forbidden");
    let history = contact.get(&path(&ticket, "/history")).await.expect(200).to_string();
    assert!(!history.contains("time."), "{history}");
}

#[actix_web::test]
async fn on_tickets_of_other_departments_one_sees_ones_own_time_only() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let (one, other) = (app.agent("L1 agent A").await, app.agent("L2 agent A").await);
    let own = log(&one, &ticket, json!({"minutes": 10})).await;
    app.move_elsewhere(&ticket).await;
    one.get(&path(&ticket, "")).await.problem(404, "not_found");
    one.patch(&at(&own), "*", json!({"minutes": 11})).await.expect(200);
    assert_eq!(one.get("/v1/time-entries").await.expect(200)["items"][0]["minutes"], 11);
    other.get(&at(&own)).await.problem(404, "not_found");
    other.patch(&at(&own), "*", json!({"minutes": 1})).await.problem(404, "not_found");
    assert_eq!(other.get("/v1/time-entries").await.expect(200)["items"], json!([]));
    one.post(&path(&ticket, "/time-entries"), json!({"minutes": 1}))
        .await
        .problem(404, "not_found");
}

#[actix_web::test]
async fn what_is_wrong_with_an_entry_is_named() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let entries = path(&ticket, "/time-entries");
    for (body, wrong) in [
        (json!({"minutes": 0}), "/minutes"),
        (json!({"minutes": 1441}), "/minutes"),
        (json!({"minutes": 1.5}), "/minutes"),
        (json!({"minutes": 1, "note": ""}), "/note"),
        (json!({"minutes": 1, "work_date": "2026-02-30"}), "/work_date"),
        (json!({"minutes": 1, "work_date": "2999-01-01"}), "/work_date"),
        (json!({"minutes": 1, "work_date": "1999-12-31"}), "/work_date"),
        (json!({"minutes": 1, "agent_id": ticket["id"]}), "/agent_id"),
        (json!({"minutes": 1, "hours": 1}), "/hours"),
    ] {
        assert_eq!(pointers(coordinator.post(&entries, body.clone()).await), [wrong], "{body}");
    }
    let entry = log(&coordinator, &ticket, json!({"minutes": 1440})).await;
    let later = coordinator.patch(&at(&entry), "*", json!({"work_date": "2999-01-01"})).await;
    assert_eq!(pointers(later), ["/work_date"]);
    assert_eq!(events(&app, "time.changed").await, 0);
    let draft = coordinator.post("/v1/drafts", json!({"subject": "Later"})).await.expect(201);
    coordinator
        .post(&path(&draft, "/time-entries"), json!({"minutes": 1}))
        .await
        .problem(409, "not_submitted");
}

#[actix_web::test]
async fn today_is_the_day_on_the_agents_clock() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("L1 agent A").await;
    // Between these two midnight has always passed in one and not in the other.
    for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        set_zone(&app, "L1 agent A", zone).await;
        let today = || {
            let zone: chrono_tz::Tz = zone.parse().unwrap();
            chrono::Utc::now().with_timezone(&zone).date_naive()
        };
        let before = today();
        let entry = log(&agent, &ticket, json!({"minutes": 1})).await;
        let day: chrono::NaiveDate = entry["work_date"].as_str().unwrap().parse().unwrap();
        assert!(before <= day && day <= today(), "{day} in {zone}");
        let tomorrow = json!({"minutes": 1, "work_date": day + chrono::TimeDelta::days(2)});
        assert_eq!(
            pointers(agent.post(&path(&ticket, "/time-entries"), tomorrow).await),
            ["/work_date"]
        );
    }
    let days = "select count(distinct work_date) as number from time_entries";
    assert_eq!(app.number(days).await, 2);
}

#[actix_web::test]
async fn a_closed_ticket_takes_time_and_a_deleted_one_takes_none() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    assert_eq!(app.advance_to(&ticket, "050").await["status"]["category"], "closed");
    let entry = log(&coordinator, &ticket, json!({"minutes": 30})).await;
    coordinator.delete(&path(&ticket, ""), "*").await.expect(204);
    coordinator
        .post(&path(&ticket, "/time-entries"), json!({"minutes": 1}))
        .await
        .problem(409, "ticket_deleted");
    assert_eq!(coordinator.get("/v1/time-entries").await.expect(200)["items"], json!([]));
    let account = ticket["account_id"].as_str().unwrap();
    let of_account = format!("/v1/accounts/{account}/time-totals");
    assert_eq!(coordinator.get(&of_account).await.expect(200)["minutes"], 0);
    coordinator.post_on(&path(&ticket, "/restoration"), "*", json!({})).await;
    assert_eq!(coordinator.get(&at(&entry)).await.expect(200)["minutes"], 30);
}

#[actix_web::test]
async fn time_on_merged_tickets_is_read_together_and_goes_back_when_the_merge_is_undone() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let (source, target) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    let before = log(&coordinator, &source, json!({"minutes": 10})).await;
    log(&coordinator, &target, json!({"minutes": 5})).await;
    let into = json!({"into": target["id"]});
    coordinator.post_on(&path(&source, "/merge"), "*", into.clone()).await.expect(200);
    assert_eq!(totals(&coordinator, &target).await["minutes"], 15);
    assert_eq!(totals(&coordinator, &source).await["minutes"], 10);
    // What was booked before the merge can still be put right, and the merge undone.
    coordinator.patch(&at(&before), "*", json!({"minutes": 20})).await.expect(200);
    let list = coordinator.get(&path(&target, "/time-entries")).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    coordinator.delete(&path(&source, "/merge"), "*").await.expect(200);
    assert_eq!(totals(&coordinator, &target).await["minutes"], 5);
    assert_eq!(totals(&coordinator, &source).await["minutes"], 20);
    // What is sent to a merged ticket goes to the other one, as notes do.
    coordinator.post_on(&path(&source, "/merge"), "*", into).await.expect(200);
    let sent = log(&coordinator, &source, json!({"minutes": 1})).await;
    assert_eq!(sent["ticket_id"], target["id"]);
    coordinator.delete(&path(&source, "/merge"), "*").await.problem(409, "merge_followed");
}

#[actix_web::test]
async fn lists_are_filtered_and_paged_by_day() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let harbor = json!({
        "account_id": app.id("accounts", "Harbor Logistics").await,
        "contact_id": app.id("contacts", "Finance contact").await,
    });
    let other = app.open_ticket(harbor).await;
    let agent_id = app.id("agents", "L1 agent A").await;
    for day in 1..=5 {
        let on = format!("2026-03-{day:02}");
        for _ in 0..2 {
            let entry = json!({"minutes": day, "work_date": on, "chargeable": day % 2 == 0, "agent_id": agent_id});
            log(&coordinator, &ticket, entry).await;
        }
    }
    log(&coordinator, &other, json!({"minutes": 100, "work_date": "2026-03-03"})).await;
    let read = async |query: &str| {
        let list = coordinator.get(&format!("/v1/time-entries?{query}")).await.expect(200);
        let items = list["items"].as_array().unwrap().clone();
        (items.iter().map(|e| e["minutes"].as_i64().unwrap()).collect::<Vec<_>>(), list)
    };
    let id = ticket["id"].as_str().unwrap();
    assert_eq!(read(&format!("ticket={id}&from=2026-03-02&to=2026-03-03")).await.0, [3, 3, 2, 2]);
    assert_eq!(read("chargeable=true").await.0, [4, 4, 2, 2]);
    assert_eq!(read(&format!("agent={agent_id}&to=2026-03-01")).await.0, [1, 1]);
    let account = other["account_id"].as_str().unwrap();
    assert_eq!(read(&format!("account={account}")).await.0, [100]);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let (minutes, list) = read(&format!("limit=3{cursor}")).await;
        seen.extend(minutes);
        let Some(next) = list["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    seen.retain(|minutes| *minutes < 100);
    assert_eq!(seen, [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]);
    let (_, first) = read("limit=3").await;
    let (second, list) = read(&format!("limit=3&cursor={}", first["next"].as_str().unwrap())).await;
    assert_eq!(second.len(), 3);
    let back = read(&format!("limit=3&cursor={}", list["prev"].as_str().unwrap())).await.1;
    assert_eq!(back["items"], first["items"]);
    let stolen =
        format!("/v1/time-entries?chargeable=true&cursor={}", first["next"].as_str().unwrap());
    coordinator.get(&stolen).await.problem(400, "malformed_request");
}

#[actix_web::test]
async fn a_redaction_takes_the_secret_out_of_entries_timers_and_what_was_told_of_them() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let secret = "4111-1111-7731";
    let ticket = app.open_ticket(json!({"description": format!("Card {secret}, thanks.")})).await;
    let gone =
        log(&coordinator, &ticket, json!({"minutes": 5, "note": format!("Tried {secret}")})).await;
    log(&coordinator, &ticket, json!({"minutes": 5, "note": format!("Again {secret}")})).await;
    coordinator.delete(&at(&gone), "*").await.expect(204);
    let timer = json!({"note": format!("Called about {secret}")});
    coordinator.post(&path(&ticket, "/timer"), timer).await.expect(201);
    let admin = app.client(casebridge::kernel::Role::Admin).await;
    let redaction =
        json!({"field": "description", "start": 5, "length": secret.len(), "reason": "A card"});
    let done = admin.post_on(&path(&ticket, "/redactions"), "*", redaction).await;
    done.expect(201);
    for table in ["time_entries", "timers", "events"] {
        let with =
            format!("select count(*) as number from {table} t where t::text like '%{secret}%'");
        assert_eq!(app.number(&with).await, 0, "{table}");
    }
}
