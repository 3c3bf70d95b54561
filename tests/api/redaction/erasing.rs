//! At the desk.
use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};

use super::{SECRET, redact, tables_with};
use crate::support::{Reply, TestApp, path, pointers};

#[actix_web::test]
async fn a_secret_is_nowhere_in_the_database_afterwards() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let text = format!("My card is {SECRET}, please refund.");
    let new =
        app.new_ticket(json!({"subject": format!("Card {SECRET}"), "description": text})).await;
    let request = agent.request(Method::POST, "/v1/tickets").header("idempotency-key", "once");
    let ticket = Reply::of(request.json(&new)).await.expect(201);
    let quote =
        json!({"body": format!("> {text}\nWe never ask for {SECRET}."), "visibility": "internal"});
    let note =
        agent.request(Method::POST, &path(&ticket, "/notes")).header("idempotency-key", "twice");
    Reply::of(note.json(&quote)).await.expect(201);
    let to = json!({"agent_id": null, "reason": format!("asks for {SECRET}")});
    agent.post_on(&path(&ticket, "/assignment"), "*", to).await.expect(200);
    let up = json!({"to": "L2", "reason": SECRET, "tried": format!("Charged {SECRET}")});
    agent.post_on(&path(&ticket, "/elevations"), "*", up).await.expect(200);
    agent.post(&path(&ticket, "/conversion"), json!({"to": "job"})).await.expect(201);
    let ticket = app.advance_to(&ticket, "030").await;
    let close = json!({"to": "050", "resolution": format!("Refunded {SECRET}")});
    agent.post_on(&path(&ticket, "/transitions"), "*", close).await.expect(200);
    app.publish().await;
    let held = tables_with(&app, SECRET).await;
    for table in [
        "tickets",
        "notes",
        "events",
        "idempotency_keys",
        "assignments",
        "elevations",
        "conversions",
    ] {
        assert!(held.iter().any(|found| found == table), "{table} in {held:?}");
    }

    let done = redact(&agent, &ticket, "description", SECRET).await.expect(201);
    assert_eq!(
        (&done["start"], &done["length"], &done["spans"]),
        (&json!(11), &json!(14), &json!(1))
    );
    assert_eq!(tables_with(&app, SECRET).await, Vec::<String>::new());
    let now = app.read(&ticket).await;
    assert_eq!(now["description"], "My card is [redacted], please refund.");
    assert_eq!(
        (&now["subject"], &now["resolution"]),
        (&json!("Card [redacted]"), &json!("Refunded [redacted]"))
    );
    // Sent again with its key, the opening gets its answer without the secret.
    let request = agent.request(Method::POST, "/v1/tickets").header("idempotency-key", "once");
    let again = Reply::of(request.json(&new)).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.expect(201)["subject"], "Card [redacted]");
    // The history tells that something was taken out, by whom and why.
    let contact = app.contact("Purchasing contact").await;
    let page = contact.get(&path(&ticket, "/history?limit=100")).await.expect(200);
    let last = page["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["type"], &last["changes"]), (&json!("ticket.redacted"), &json!({})));
    let page = agent.get(&path(&ticket, "/history?limit=100")).await.expect(200);
    let last = page["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["data"]["reason"], &last["data"]["redaction_id"]),
        (&json!("A card number"), &done["id"])
    );
    let list = agent.get(&path(&ticket, "/redactions")).await.expect(200);
    assert_eq!(list["items"], json!([done]));
    assert_eq!(list["items"][0]["redacted_by_name"], "Coordinator");
}

#[actix_web::test]
async fn a_secret_that_was_repeated_in_the_desks_records_of_a_ticket_is_gone_from_them_too() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let component = app.id("components", "Managed Upgrade").await;
    let call = json!({"steps": [{"do": "call the account manager", "check": "person"}]});
    let admin = app.agent("Administrator").await;
    admin.patch("/v1/processes/account_manager", "*", call).await.expect(200);
    let text = format!("My card is {SECRET}.");
    let new = json!({"description": text, "component_id": component});
    let (ticket, target) = (app.open_ticket(new).await, app.open_ticket(json!({})).await);
    app.follow_automatic().await;
    let post = async |rest: &str, body: Value| {
        let reply = agent.post_on(&path(&ticket, rest), "*", body).await;
        assert!((200..300).contains(&reply.status), "{rest}: {}", reply.body);
    };
    let mail = json!({"done": true, "reference": format!("Mail about {SECRET}")});
    post("/process/steps/1", mail).await;
    let hour = json!({"starts_at": "2030-05-06T09:00:00Z", "ends_at": "2030-05-06T10:00:00Z", "note": format!("Block {SECRET}")});
    post("/schedule", with_agent(&app, hour).await).await;
    post("/conversion", json!({"to": "job", "title": "Block it", "reference": SECRET})).await;
    let close =
        json!({"to": "050", "resolution": format!("{SECRET} is blocked"), "override_reason": text});
    post("/transitions", close).await;
    post("/merge", json!({"into": target["id"]})).await;
    let own = json!({"name": "Cards", "filters": {"q": SECRET}});
    agent.post("/v1/views", own).await.expect(201);
    app.publish().await;
    let held = tables_with(&app, SECRET).await;
    for table in ["appointments", "conversions", "events", "process_steps", "ticket_merges"] {
        assert!(held.iter().any(|found| found == table), "{table} in {held:?}");
    }

    redact(&agent, &ticket, "description", SECRET).await.expect(201);
    // What somebody searches for is theirs, and nothing of the ticket.
    assert_eq!(tables_with(&app, SECRET).await, ["views"]);
    let back = agent.delete(&path(&ticket, "/merge"), "*").await.expect(200);
    assert_eq!(back["resolution"], "[redacted] is blocked");
}

async fn with_agent(app: &TestApp, mut body: Value) -> Value {
    body["agent_id"] = json!(app.id("agents", "L1 agent A").await);
    body
}

#[actix_web::test]
async fn a_short_secret_leaves_its_text_and_nothing_else_loses_its_digits() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket =
        app.open_ticket(json!({"description": "The code is 123.", "subject": "Order 81234"})).await;
    let span = json!({"field": "description", "start": 12, "length": 3, "reason": "A card's code"});
    agent.post_on(&path(&ticket, "/redactions"), "\"v1\"", span).await.expect(201);
    let now = app.read(&ticket).await;
    assert_eq!(
        (&now["description"], &now["subject"]),
        (&json!("The code is [redacted]."), &json!("Order 81234"))
    );
    assert!(tables_with(&app, "code is 123").await.is_empty());
}

#[actix_web::test]
async fn a_note_loses_its_secret_and_keeps_the_rest() {
    let app = TestApp::start().await;
    let (agent, contact) = (app.agent("L1 agent A").await, app.contact("Purchasing contact").await);
    let ticket = app.open_ticket(json!({})).await;
    app.sql("update tickets set assignee_id = null").await.unwrap();
    let note = contact
        .post(&path(&ticket, "/notes"), json!({"body": format!("It is {SECRET}")}))
        .await
        .expect(201);
    let body =
        json!({"field": "note", "note_id": note["id"], "text": SECRET, "reason": "A password"});
    let at = path(&ticket, "/redactions");
    contact.post_on(&at, "*", body.clone()).await.problem(403, "forbidden");
    contact.get(&at).await.problem(403, "forbidden");
    agent.post_on(&at, "*", body).await.expect(201);
    let notes = contact.get(&path(&ticket, "/notes")).await.expect(200);
    let mut expected = note.clone();
    expected["body"] = json!("It is [redacted]");
    expected["body_html"] = json!("<p>It is [redacted]</p>");
    assert_eq!(notes["items"], json!([expected]));
    assert!(tables_with(&app, SECRET).await.is_empty());
}

#[actix_web::test]
async fn that_an_internal_note_lost_a_secret_is_not_told_to_the_customer() {
    let app = TestApp::start().await;
    let (agent, contact) =
        (app.agent("Coordinator").await, app.contact("Purchasing contact").await);
    let ticket = app.open_ticket(json!({})).await;
    let psst = json!({"body": format!("Their key: {SECRET}"), "visibility": "internal"});
    let note = agent.post(&path(&ticket, "/notes"), psst).await.expect(201);
    let body = json!({"field": "note", "note_id": note["id"], "text": SECRET, "reason": "A key"});
    agent.post_on(&path(&ticket, "/redactions"), "*", body).await.expect(201);
    let told = contact.get(&path(&ticket, "/history")).await.expect(200).to_string();
    assert!(!told.contains("redacted") && !told.contains(note["id"].as_str().unwrap()), "{told}");
}

#[actix_web::test]
async fn what_cannot_be_taken_out_is_named_and_who_may_not_see_the_ticket_finds_none() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let other = app.open_ticket(json!({})).await;
    let note = agent.post(&path(&other, "/notes"), json!({"body": "Elsewhere"})).await.expect(201);
    let at = path(&ticket, "/redactions");
    for (body, pointer) in [
        (json!({"field": "description", "text": "not there"}), "/text"),
        (json!({"field": "description", "start": 99, "length": 1}), "/start"),
        (json!({"field": "description", "start": 0, "length": 99}), "/length"),
        (json!({"field": "description", "start": 0}), "/start"),
        (json!({"field": "description", "start": 0, "length": 1, "text": "After"}), "/start"),
        (json!({"field": "note", "text": "Elsewhere"}), "/note_id"),
        (json!({"field": "note", "note_id": note["id"], "text": "Elsewhere"}), "/note_id"),
        (json!({"field": "subject", "note_id": note["id"], "text": "The"}), "/note_id"),
        (
            json!({"field": "description", "text": "100 rows", "reason": "It said 100 rows"}),
            "/reason",
        ),
    ] {
        let mut full = json!({"reason": "A secret"});
        full.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        assert_eq!(pointers(agent.post_on(&at, "*", full).await), [pointer], "{body}");
    }
    let good = json!({"field": "description", "text": "100 rows", "reason": "A secret"});
    agent.post(&at, good.clone()).await.problem(428, "precondition_required");
    agent.post_on(&at, "\"v9\"", good.clone()).await.problem(412, "stale_version");
    app.move_elsewhere(&ticket).await;
    let stranger = app.agent("L1 agent A").await;
    stranger.post_on(&at, "*", good).await.problem(404, "not_found");
    stranger.get(&at).await.problem(404, "not_found");
    let draft = app.open_ticket(json!({"draft": true})).await;
    redact(&agent, &draft, "description", "100 rows").await.problem(409, "not_submitted");
    assert_eq!(app.number("select count(*) as number from redactions").await, 0);
}

#[actix_web::test]
async fn the_same_secret_is_taken_out_once_and_a_key_repeats_nothing() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({"description": format!("a {SECRET} b")})).await;
    let send = |body: Value| {
        let request = agent.request(Method::POST, &path(&ticket, "/redactions"));
        Reply::of(request.header("if-match", "\"v1\"").header("idempotency-key", "r").json(&body))
    };
    let body = json!({"field": "description", "text": SECRET, "reason": "A key"});
    let first = send(body.clone()).await.expect(201);
    let again = send(body).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.expect(201), first);
    assert_eq!(pointers(redact(&agent, &ticket, "description", SECRET).await), ["/text"]);
    assert_eq!(pointers(redact(&agent, &ticket, "description", "[redacted]").await), ["/start"]);
    let two = json!({"field": "description", "start": 0, "length": 1, "reason": "A letter"});
    agent.post_on(&path(&ticket, "/redactions"), "\"v2\"", two).await.expect(201);
    assert_eq!(app.read(&ticket).await["description"], "[redacted] [redacted] b");
    assert!(tables_with(&app, SECRET).await.is_empty());
}

/// What a statement that names a redaction may not do either.
#[actix_web::test]
async fn what_never_changes_still_never_changes_but_for_a_recorded_redaction() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let (ticket, other) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    for ticket in [&ticket, &other] {
        agent.post(&path(ticket, "/notes"), json!({"body": "Original"})).await.expect(201);
    }
    let done = redact(&agent, &ticket, "description", "100 rows").await.expect(201);
    app.publish().await;
    let named = |id: &str| format!("select set_config('casebridge.redaction', '{id}', true)");
    let (id, at) = (done["id"].as_str().unwrap(), ticket["id"].as_str().unwrap());
    let elsewhere = other["id"].as_str().unwrap();
    let attempt = async |setting: String, statement: String| {
        let both = move |conn: &mut diesel::PgConnection| {
            use diesel::RunQueryDsl as _;
            diesel::sql_query(setting).execute(conn)?;
            Ok(diesel::sql_query(statement).execute(conn)?)
        };
        app.service.db.tx(both).await
    };
    let texts = |ticket: &str| {
        [
            format!("update tickets set description = 'x' where id = '{ticket}'"),
            format!("update tickets set subject = 'x' where id = '{ticket}'"),
            format!("update notes set body = 'x' where ticket_id = '{ticket}'"),
            format!("update events set changes = '{{}}' where ticket_id = '{ticket}'"),
        ]
    };
    let nobody = "00000000-0000-0000-0000-000000000000";
    for (setting, statements) in
        [(named(""), texts(at)), (named(nobody), texts(at)), (named(id), texts(elsewhere))]
    {
        for statement in statements {
            assert!(attempt(setting.clone(), statement.clone()).await.is_err(), "{statement}");
        }
    }
    for statement in [
        format!("update notes set author_name = 'x' where ticket_id = '{at}'"),
        format!("update notes set visibility = 'internal' where ticket_id = '{at}'"),
        format!("delete from notes where ticket_id = '{at}'"),
        format!("update events set actor_name = 'x' where ticket_id = '{at}'"),
        format!("update events set position = position + 1000 where ticket_id = '{at}'"),
        format!("delete from events where ticket_id = '{at}'"),
    ] {
        assert!(attempt(named(id), statement.clone()).await.is_err(), "{statement}");
    }
    // That these refuse for no other reason.
    for statement in texts(at) {
        assert!(attempt(named(id), statement.clone()).await.is_ok(), "{statement}");
    }
}

#[actix_web::test]
async fn of_many_who_write_and_take_out_at_once_none_fails_and_the_last_leaves_nothing() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({"description": format!("It is {SECRET}.")})).await;
    let at = path(&ticket, "/notes");
    let write = || agent.post(&at, json!({"body": format!("Again {SECRET}")}));
    let turns = (0..12)
        .map(|_| async { (write().await, redact(&agent, &ticket, "description", SECRET).await) });
    let (turns, ()) = join(join_all(turns), app.publish()).await;
    let taken = turns.iter().filter(|(_, taken)| taken.status == 201).count();
    assert!(
        turns
            .iter()
            .all(|(written, taken)| written.status == 201 && [201, 422].contains(&taken.status))
    );
    assert_eq!(taken, 1, "the description held it once");
    let last = write().await.expect(201);
    let body = json!({"field": "note", "note_id": last["id"], "text": SECRET, "reason": "A key"});
    agent.post_on(&path(&ticket, "/redactions"), "*", body).await.expect(201);
    app.publish().await;
    assert!(tables_with(&app, SECRET).await.is_empty());
    let notes = "select count(*) as number from notes where body = 'Again [redacted]'";
    assert_eq!(app.number(notes).await, 13);
}
