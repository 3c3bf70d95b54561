//! Changes of workflows: looked at before they are made, made as a whole, and followed by tickets.
use casebridge::kernel::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp};
use crate::workflow::{path, read, status, transition};

async fn put(caller: &Client, path: &str, etag: &str, body: &Value) -> Reply {
    Reply::of(caller.request(Method::PUT, path).header("if-match", etag).json(body)).await
}

fn parts(plan: &Value) -> Vec<(&str, &str)> {
    let parts = plan["changes"].as_array().unwrap().iter();
    parts.map(|c| (c["part"].as_str().unwrap(), c["action"].as_str().unwrap())).collect()
}

fn codes(plan: &Value) -> Vec<&str> {
    plan["problems"].as_array().unwrap().iter().map(|p| p["code"].as_str().unwrap()).collect()
}

/// Takes a status out of a workflow as it was read, with all its ways.
fn without(workflow: &Value, code: &str) -> Value {
    let mut workflow = workflow.clone();
    workflow["statuses"].as_array_mut().unwrap().retain(|s| s["code"] != code);
    let ways = workflow["transitions"].as_array_mut().unwrap();
    ways.retain(|t| t["from"] != code && t["to"] != code);
    workflow
}

#[actix_web::test]
async fn what_was_read_can_be_sent_back_and_changes_nothing_but_the_version() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (before, etag) = read(&admin, "consultancy").await;
    let whole = path(&before, "");
    let same = put(&admin, &format!("{whole}?dry_run=true"), &etag, &before).await.expect(200);
    assert_eq!(same, json!({"version": 1, "changes": [], "problems": []}));
    let after = put(&admin, &whole, &etag, &before).await;
    assert_eq!(after.header("etag"), "\"v2\"");
    assert_eq!(after.body["transitions"], before["transitions"], "with the same ids");
}

#[actix_web::test]
async fn a_dry_run_shows_what_would_differ_and_changes_nothing() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (before, etag) = read(&admin, "consultancy").await;
    let mut wanted = without(&before, "014");
    wanted["name"] = json!("Desk");
    wanted["statuses"][2]["customer_label"] = json!("Arrived");
    wanted["transitions"].as_array_mut().unwrap().push(json!({
        "from": "013", "to": "016", "trigger": "customer_reply", "requires": [], "effects": []
    }));
    let asked = format!("{}?dry_run=true", path(&before, ""));
    let plan = put(&admin, &asked, &etag, &wanted).await.expect(200);
    assert!(codes(&plan).is_empty(), "{plan}");
    let parts = parts(&plan);
    assert!(parts.contains(&("name", "changed")));
    assert!(parts.contains(&("statuses/012", "changed")));
    assert!(parts.contains(&("statuses/014", "removed")));
    let ways = parts.iter().filter(|(part, _)| part.starts_with("transitions/")).copied();
    let (added, removed): (Vec<_>, Vec<_>) = ways.partition(|(_, action)| *action == "added");
    // From 013 by a reply, to 013, 016 and 050, in and out.
    assert_eq!((added.len(), removed.len()), (1, 4));
    let label = plan["changes"].as_array().unwrap().iter().find(|c| c["part"] == "statuses/012");
    let label = label.unwrap();
    assert_eq!(label["from"]["customer_label"], "Received");
    assert_eq!(label["to"]["customer_label"], "Arrived");
    assert_eq!(read(&admin, "consultancy").await, (before.clone(), etag.clone()));

    let done = put(&admin, &path(&before, ""), &etag, &wanted).await.expect(200);
    assert_eq!(done["statuses"].as_array().unwrap().len(), 15);
    let stale = put(&admin, &asked, &etag, &wanted).await;
    stale.problem(412, "stale_version");
}

#[actix_web::test]
async fn a_dry_run_names_everything_that_is_wrong_at_once() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    app.open_ticket(json!({})).await;
    app.open_ticket(json!({})).await;
    let (before, etag) = read(&admin, "consultancy").await;
    let mut wanted = without(&before, "010");
    wanted["submitted_status"] = json!("050");
    let ways = wanted["transitions"].as_array_mut().unwrap();
    ways.retain(|t| t["from"] != "031");
    ways.push(transition("012", "777"));
    let asked = format!("{}?dry_run=true", path(&before, ""));
    let plan = put(&admin, &asked, &etag, &wanted).await.expect(200);
    let codes = codes(&plan);
    assert_eq!(
        codes,
        ["bad_entry_status", "unknown_status", "trap_status", "status_in_use"],
        "{plan}"
    );
    let used = plan["problems"][3]["detail"].as_str().unwrap();
    assert_eq!(used, "2 tickets have status 010; move them first");
    put(&admin, &path(&before, ""), &etag, &wanted).await.problem(422, "bad_entry_status");
}

#[actix_web::test]
async fn every_single_change_has_a_dry_run_too() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (before, etag) = read(&admin, "consultancy").await;
    let dry = |rest: &str| format!("{}?dry_run=true", path(&before, rest));
    let first = before["transitions"][0]["id"].as_str().unwrap();
    let plans = [
        admin.patch(&dry(""), &etag, json!({"name": "Desk"})).await,
        admin.post_on(&dry("/statuses"), &etag, status("032")).await,
        admin.patch(&dry("/statuses/030"), &etag, json!({"name": "Analysis"})).await,
        admin.delete(&dry("/statuses/014"), &etag).await,
        admin.post_on(&dry("/transitions"), &etag, transition("012", "030")).await,
        admin.delete(&dry(&format!("/transitions/{first}")), &etag).await,
    ];
    for plan in plans {
        let plan = plan.expect(200);
        assert!(!parts(&plan).is_empty(), "{plan}");
    }
    // The first transition submits a ticket.
    let plan = admin.delete(&dry(&format!("/transitions/{first}")), &etag).await.expect(200);
    assert_eq!(codes(&plan), ["bad_entry_status", "trap_status"]);
    assert_eq!(read(&admin, "consultancy").await, (before.clone(), etag.clone()));
}

#[actix_web::test]
async fn a_status_goes_when_its_tickets_were_moved() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (before, _) = read(&admin, "consultancy").await;
    let ticket = app.open_ticket(json!({})).await;
    app.advance_to(&ticket, "014").await;
    let gone = app.open_ticket(json!({})).await;
    app.advance_to(&gone, "014").await;
    let coordinator = app.agent("Coordinator").await;
    let deleted = crate::support::path(&gone, "");
    assert_eq!(coordinator.delete(&deleted, "*").await.status, 204);

    let status = path(&before, "/statuses/014");
    admin.delete(&status, "*").await.problem(409, "status_in_use");
    let moves = path(&before, "/ticket-moves");
    let wanted = json!({"from": "014", "to": "016", "reason": "intake is not reviewed any more"});
    let job = admin.post(&moves, wanted.clone()).await.expect(202);
    admin.post(&moves, wanted).await.problem(409, "job_active");
    app.run_jobs().await;
    let job = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    let job = admin.get(&job).await.expect(200);
    assert_eq!((&job["state"], &job["progress"]["done"]), (&json!("succeeded"), &json!(2)));

    let now = app.read(&ticket).await;
    // Somebody has the ticket, so it goes on from 016.
    assert_eq!(now["status"]["code"], "020");
    let history = crate::support::path(&ticket, "/history");
    let history = coordinator.get(&history).await.expect(200);
    let told = history["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(told["data"]["reason"], "intake is not reviewed any more");
    app.loads_are_true().await;

    let removed = admin.delete(&status, "*").await;
    assert_eq!((removed.status, removed.header("etag")), (204, "\"v2\""));
    let (after, _) = read(&admin, "consultancy").await;
    assert_eq!(after, {
        let mut expected = without(&before, "014");
        (expected["version"], expected["revision"]) = (json!(2), after["revision"].clone());
        expected
    });
    admin.delete(&status, "*").await.problem(404, "not_found");
}

#[actix_web::test]
async fn tickets_are_moved_within_a_workflow_and_never_from_draft_to_submitted() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (workflow, _) = read(&admin, "consultancy").await;
    let moves = path(&workflow, "/ticket-moves");
    let refused = [
        ("014", "777", "/to"),
        ("777", "014", "/from"),
        ("014", "014", "/to"),
        ("005", "010", "/to"),
    ];
    for (from, to, pointer) in refused {
        let wanted = json!({"from": from, "to": to, "reason": "tidying up"});
        let problem = admin.post(&moves, wanted).await.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{from} {to}");
    }
    let agent = app.client(Role::Agent).await;
    let wanted = json!({"from": "014", "to": "016", "reason": "tidying up"});
    let refused = agent.post(&moves, wanted).await.problem(403, "forbidden");
    assert_eq!(refused["required_permission"], "workflow:write");
}

#[actix_web::test]
async fn a_ticket_type_can_have_a_workflow_of_its_own() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (simple, _) = read(&admin, "simple").await;
    let change = json!({"workflow_id": simple["id"]});
    let changed = admin.patch("/v1/ticket-types/incident", "\"v1\"", change.clone()).await;
    assert_eq!(changed.header("etag"), "\"v2\"");
    assert_eq!(changed.expect(200)["workflow_id"], simple["id"]);
    admin.patch("/v1/ticket-types/incident", "\"v1\"", change).await.problem(412, "stale_version");
    let unknown = json!({"workflow_id": "0192f0c1-0000-7000-8000-000000000000"});
    let refused = admin.patch("/v1/ticket-types/incident", "*", unknown).await;
    assert_eq!(refused.problem(422, "validation_failed")["errors"][0]["pointer"], "/workflow_id");

    let incident = app.open_ticket(json!({"type": "incident"})).await;
    assert_eq!(
        (&incident["workflow_id"], &incident["status"]["code"]),
        (&simple["id"], &json!("open"))
    );
    let question = app.open_ticket(json!({"type": "question"})).await;
    assert_eq!(question["status"]["code"], "010");
    let component = app.id("components", "Report Writer").await;
    let routed = app.open_ticket(json!({"type": "incident", "component_id": component})).await;
    assert_eq!(routed["workflow_id"], simple["id"]);
    let asked = json!({"component": "Report Writer", "type": "incident"});
    let resolved = admin.post("/v1/routing/resolve", asked).await.expect(200);
    assert_eq!(resolved["workflow"]["key"], "simple");

    // A draft follows its type; what is submitted stays where it is.
    let draft = app.open_ticket(json!({"type": "question", "draft": true})).await;
    let coordinator = app.agent("Coordinator").await;
    let at = crate::support::path(&draft, "");
    let moved = coordinator.patch(&at, "*", json!({"type": "incident"})).await.expect(200);
    assert_eq!((&moved["workflow_id"], &moved["status"]["code"]), (&simple["id"], &json!("draft")));
    let at = crate::support::path(&question, "");
    let kept = coordinator.patch(&at, "*", json!({"type": "incident"})).await.expect(200);
    assert_eq!(kept["status"]["code"], "010");

    let back = json!({"workflow_id": null});
    let back = admin.patch("/v1/ticket-types/incident", "*", back).await.expect(200);
    assert_eq!(back["workflow_id"], Value::Null);
}

#[actix_web::test]
async fn a_workflow_goes_when_nothing_follows_it() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (consultancy, etag) = read(&admin, "consultancy").await;
    admin.delete(&path(&consultancy, ""), &etag).await.problem(409, "workflow_in_use");
    let example = admin.get("/openapi.json").await.expect(200);
    let example = example["components"]["schemas"]["NewWorkflow"]["example"].clone();
    let new = admin.post("/v1/workflows", example).await.expect(201);
    let of_type = json!({"workflow_id": new["id"]});
    admin.patch("/v1/ticket-types/problem", "*", of_type).await.expect(200);
    admin.delete(&path(&new, ""), "\"v1\"").await.problem(409, "workflow_in_use");
    let back = json!({"workflow_id": null});
    admin.patch("/v1/ticket-types/problem", "*", back).await.expect(200);
    admin.delete(&path(&new, ""), "\"v7\"").await.problem(412, "stale_version");
    assert_eq!(admin.delete(&path(&new, ""), "\"v1\"").await.status, 204);
    admin.get(&path(&new, "")).await.problem(404, "not_found");
    app.publish().await;
    let told = admin.get("/v1/events?types=resource.deleted").await.expect(200);
    assert_eq!(told["items"][0]["changes"]["name"], json!({"from": "Field service", "to": null}));
}

#[actix_web::test]
async fn a_workflow_is_drawn_as_svg_and_as_mermaid() {
    let app = TestApp::start().await;
    let agent = app.client(Role::Agent).await;
    let (workflow, etag) = read(&agent, "consultancy").await;
    let picture = agent.get(&path(&workflow, "/diagram")).await;
    assert_eq!((picture.header("content-type"), picture.header("etag")), ("image/svg+xml", &*etag));
    assert!(picture.body.as_str().unwrap().starts_with("<svg "));
    let text = agent.get(&path(&workflow, "/diagram?format=mermaid")).await;
    assert_eq!(text.header("content-type"), "application/vnd.mermaid");
    assert!(text.body.as_str().unwrap().contains("stateDiagram-v2"));
    agent.get(&path(&workflow, "/diagram?format=png")).await.problem(400, "malformed_request");
    let contact = app.client(Role::Contact).await;
    contact.get(&path(&workflow, "/diagram")).await.problem(403, "forbidden");
}
