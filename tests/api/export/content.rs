//! What a line says.
use casebridge::kernel::Role;
use casebridge::sla;
use chrono::Utc;
use serde_json::{Value, json};

use super::Warehouse;
use crate::support::mirror::Mirrored;
use crate::support::{Spec, TestApp, path};

/// What of a value does not fit its schema: missing and unknown fields, and wrong types.
fn misfits(spec: &Spec, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let schema = spec.resolve(schema);
    if let Some(parts) = schema["allOf"].as_array() {
        let mut merged = json!({"type": "object", "properties": {}, "required": []});
        for part in parts {
            let part = spec.resolve(part);
            let own = part["properties"].as_object().cloned().unwrap_or_default();
            merged["properties"].as_object_mut().unwrap().extend(own);
            let required = part["required"].as_array().cloned().unwrap_or_default();
            merged["required"].as_array_mut().unwrap().extend(required);
        }
        return misfits(spec, &merged, value, at, wrong);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = |choice: &&Value| {
            let mut wrong = Vec::new();
            misfits(spec, choice, value, at, &mut wrong);
            wrong.is_empty()
        };
        if !choices.iter().any(|choice| fits(&choice)) {
            wrong.push(format!("{at}: {value} is none of {choices:?}"));
        }
        return;
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = &schema["type"];
    let fits =
        allowed == kind || allowed.as_array().is_some_and(|kinds| kinds.contains(&json!(kind)));
    if !fits {
        wrong.push(format!("{at}: a {kind} instead of {allowed}"));
    }
    if let Some(known) = schema["enum"].as_array().filter(|known| !known.contains(value)) {
        wrong.push(format!("{at}: {value} is none of {known:?}"));
    }
    for item in value.as_array().into_iter().flatten() {
        misfits(spec, &schema["items"], item, &format!("{at}/items"), wrong);
    }
    let Some(fields) = value.as_object() else { return };
    for (name, field) in fields {
        match schema["properties"].get(name) {
            Some(property) => misfits(spec, property, field, &format!("{at}/{name}"), wrong),
            None => wrong.push(format!("{at}: {name} is unknown")),
        }
    }
    let required = schema["required"].as_array().into_iter().flatten();
    let missing = required.filter(|name| !fields.contains_key(name.as_str().unwrap()));
    wrong.extend(missing.map(|name| format!("{at}: {name} is missing")));
}

fn fit(lines: &Warehouse) {
    let spec = Spec::read();
    let schema = json!({"$ref": "#/components/schemas/ExportLine"});
    let mut wrong = Vec::new();
    for line in lines.tickets.values() {
        misfits(&spec, &schema, line, "", &mut wrong);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[actix_web::test]
async fn a_line_has_everything_that_its_ticket_has_and_fits_the_specification() {
    let desk = Mirrored::start().await;
    let app = &desk.app;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({"tags": ["export"]})).await;
    let other = app.open_ticket(json!({})).await;
    let post = async |rest: &str, body: Value| {
        coordinator.post(&path(&ticket, rest), body).await.expect(201)
    };
    post("/notes", json!({"body": "Which version?"})).await;
    post("/notes", json!({"body": "Looks familiar", "visibility": "internal"})).await;
    post("/attachments", json!({"name": "log.txt", "url": "https://files.example/log.txt"})).await;
    post("/time-entries", json!({"minutes": 45, "chargeable": true, "work_date": "2026-03-01"}))
        .await;
    post("/links", json!({"kind": "related", "ticket_id": other["id"]})).await;
    coordinator
        .put(
            &path(&ticket, &format!("/watchers/{}", app.id("agents", "L2 agent A").await)),
            json!({}),
        )
        .await;
    app.advance_to(&ticket, "050").await;
    desk.converge().await;
    let step = |conn: &mut _| sla::derive_some(conn, Utc::now(), 50);
    while app.service.db.quiet_tx(step).await.unwrap() > 0 {}
    app.sql(format!(
        "insert into surveys (id, ticket_id, closed_at, account_id, department_id, contact_id, asked_at, expires_at, rating, comment,
           answered_at, changed_at)
         select gen_random_uuid(), id, closed_at, account_id, department_id, contact_id, now(), now(), 5, 'Quick', now(), now()
           from tickets where id = '{}'",
        ticket["id"].as_str().unwrap()
    ))
    .await
    .unwrap();
    let mut warehouse = Warehouse::default();
    warehouse.read_on(&desk.admin).await;
    fit(&warehouse);
    let line = &warehouse.tickets[ticket["id"].as_str().unwrap()];
    assert_eq!([&line["number"], &line["deleted_at"]], [&ticket["number"], &Value::Null]);
    let told = &line["ticket"];
    assert_eq!(
        [&told["subject"], &told["status"], &told["tags"]],
        [&ticket["subject"], &json!("050"), &json!(["export"])]
    );
    let bodies: Vec<&Value> =
        told["notes"].as_array().unwrap().iter().map(|n| &n["body"]).collect();
    assert!(
        bodies.contains(&&json!("Which version?")) && bodies.contains(&&json!("Looks familiar"))
    );
    assert_eq!(told["attachments"][0]["url"], "https://files.example/log.txt");
    let changes = told["status_changes"].as_array().unwrap();
    assert_eq!(
        [&changes[0]["from"], &changes[changes.len() - 1]["to"]],
        [&Value::Null, &json!("050")]
    );
    for pair in changes.windows(2) {
        assert_eq!(pair[0]["to"], pair[1]["from"]);
    }
    assert_eq!(told["time_entries"][0]["minutes"], 45);
    assert_eq!(told["links"][0]["kind"], "related");
    assert_eq!(told["surveys"][0]["rating"], 5);
    let case = desk.case(ticket["id"].as_str().unwrap()).await.id;
    assert_eq!(told["crm"], json!([{"connection_id": desk.connection, "remote_id": case}]));
    for part in ["assignments", "clocks", "watchers"] {
        assert!(!told[part].as_array().unwrap().is_empty(), "{part}: {told}");
    }
    let end = &warehouse.tickets[other["id"].as_str().unwrap()]["ticket"]["links"];
    assert_eq!(end[0]["id"], told["links"][0]["id"], "both ends tell it");
}

#[actix_web::test]
async fn a_deleted_ticket_is_told_as_that_and_a_restored_one_whole_again() {
    let app = TestApp::start().await;
    let (admin, coordinator) = (app.client(Role::Admin).await, app.agent("Coordinator").await);
    let ticket = app.open_ticket(json!({})).await;
    coordinator.post("/v1/drafts", json!({"subject": "Unfinished"})).await.expect(201);
    let mut warehouse = Warehouse::default();
    assert_eq!(warehouse.read_on(&admin).await, 0, "nothing is published yet");
    app.publish().await;
    assert_eq!(warehouse.read_on(&admin).await, 1, "the draft is nobody else's business");
    coordinator.delete(&path(&ticket, ""), "*").await.expect(204);
    app.publish().await;
    assert_eq!(warehouse.read_on(&admin).await, 1);
    fit(&warehouse);
    let line = &warehouse.tickets[ticket["id"].as_str().unwrap()];
    assert!(line["deleted_at"].is_string() && line["ticket"].is_null(), "{line}");
    let back = coordinator.post_on(&path(&ticket, "/restoration"), "*", json!({})).await;
    back.expect(200);
    app.publish().await;
    assert_eq!(warehouse.read_on(&admin).await, 1);
    assert!(warehouse.tickets[ticket["id"].as_str().unwrap()]["ticket"].is_object());
}

#[actix_web::test]
async fn a_secret_that_was_taken_out_is_in_no_line() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let secret = "4111-1111-7731";
    let ticket = app.open_ticket(json!({"description": format!("Card {secret}, thanks.")})).await;
    let note = json!({"minutes": 5, "note": format!("Tried {secret}")});
    admin.post(&path(&ticket, "/time-entries"), note).await.expect(201);
    let redaction =
        json!({"field": "description", "start": 5, "length": secret.len(), "reason": "A card"});
    admin.post_on(&path(&ticket, "/redactions"), "*", redaction).await.expect(201);
    app.publish().await;
    let mut warehouse = Warehouse::default();
    warehouse.read_on(&admin).await;
    let line = warehouse.tickets[ticket["id"].as_str().unwrap()].to_string();
    assert!(!line.contains(secret) && line.contains("[redacted]"), "{line}");
}

#[actix_web::test]
async fn what_no_event_of_the_ticket_tells_is_exported_too() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let ticket = app.open_ticket(json!({})).await;
    app.publish().await;
    let mut warehouse = Warehouse::default();
    warehouse.read_on(&admin).await;
    let of =
        |warehouse: &Warehouse| warehouse.tickets[ticket["id"].as_str().unwrap()]["ticket"].clone();
    assert_eq!(of(&warehouse)["clocks"], json!([]));
    // The clocks learn of the event after it was exported.
    let step = |conn: &mut _| sla::derive_some(conn, Utc::now(), 50);
    while app.service.db.quiet_tx(step).await.unwrap() > 0 {}
    assert_eq!(warehouse.read_on(&admin).await, 1);
    let clocks = of(&warehouse)["clocks"].clone();
    assert!(clocks[0]["due_at"].is_string(), "{clocks}");
    app.sql("update sla_clocks set check_at = null").await.unwrap();
    assert_eq!(warehouse.read_on(&admin).await, 0, "when something is told is not exported");
    let calendar = "/v1/calendars/0199f0c2-b1c9-7000-8000-000000000301";
    let week = json!({"week": [{"day": "sun", "from": "09:00", "to": "10:00"}]});
    admin.patch(calendar, "*", week).await.expect(200);
    while app.service.db.quiet_tx(step).await.unwrap() > 0 {}
    assert_eq!(warehouse.read_on(&admin).await, 1);
    assert_ne!(of(&warehouse)["clocks"], clocks);
}
