//! Whatever closes a ticket, the open steps of its process are not passed over in silence.
use serde_json::{Value, json};

use super::process::{MANAGER, close, hand_over, outside};
use super::{go, history};
use crate::support::{TestApp, path};

#[actix_web::test]
async fn a_ticket_with_open_steps_can_be_merged_and_tells_what_was_left_open() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let (ticket, target) = (outside(&app).await, app.open_ticket(json!({})).await);
    let into = json!({"into": target["id"]});
    coordinator.post_on(&path(&ticket, "/merge"), "*", into).await.expect(200);
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    assert_eq!(event["type"], "ticket.merged");
    let left = &event["data"]["process"];
    assert_eq!(left["open_steps"].as_array().unwrap().len(), 5);
    let merged = format!("Merged into {}", target["number"].as_str().unwrap());
    assert_eq!(left["override_reason"], *merged);
    let contact = app.contact("Purchasing contact").await;
    assert_eq!(history(&contact, &ticket).await.pop().unwrap()["data"], json!({}));
}

#[actix_web::test]
async fn a_conversion_closes_a_ticket_with_open_steps_only_with_a_reason() {
    let app = TestApp::start().await;
    let (admin, coordinator) = (app.agent("Administrator").await, app.agent("Coordinator").await);
    let ticket = outside(&app).await;
    let ways = format!("/v1/workflows/{}/transitions", ticket["workflow_id"].as_str().unwrap());
    let way = json!({"from": "012", "to": "050", "trigger": "conversion"});
    admin.post_on(&ways, "*", way).await.expect(201);
    let at = path(&ticket, "/conversion");
    let before = app.read(&ticket).await;
    let refused = coordinator.post(&at, json!({"to": "job"})).await;
    assert_eq!(refused.problem(409, "process_open_steps")["open_steps"][0]["step"], 1);
    assert_eq!(app.read(&ticket).await, before);
    coordinator.get(&at).await.problem(404, "not_found");
    let reason = json!({"to": "job", "override_reason": "The business unit does it"});
    coordinator.post(&at, reason).await.expect(201);
    assert_eq!(app.read(&ticket).await["status"]["code"], "050");
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    assert_eq!(event["data"]["process"]["override_reason"], "The business unit does it");
    assert_eq!(event["data"]["to"], "job");
}

#[actix_web::test]
async fn many_tickets_at_once_are_held_to_their_processes_as_each_by_itself() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let (ticket, usual) = (outside(&app).await, app.open_ticket(json!({})).await);
    app.follow_automatic().await;
    let mut body = close();
    body["to"] = json!("050");
    let operation = |ticket: &Value, body: &Value| json!({"id": ticket["id"], "operation": "transition", "body": body});
    let batch = json!({"items": [operation(&ticket, &body), operation(&usual, &body)]});
    let outcomes = coordinator.post("/v1/tickets:batch", batch).await.expect(207);
    assert_eq!(outcomes["items"][0]["problem"]["code"], "process_open_steps", "{outcomes}");
    assert_eq!(outcomes["items"][1]["status"], 200);

    let bulk = async |body: &Value| {
        let job = json!({"ids": [ticket["id"]], "operation": "transition", "body": body});
        let job = coordinator.post("/v1/bulk-jobs", job).await.expect(202);
        app.run_jobs().await;
        let at = format!("/v1/bulk-jobs/{}/outcomes", job["id"].as_str().unwrap());
        coordinator.get(&at).await.expect(200)["items"][0].clone()
    };
    assert_eq!(bulk(&body).await["code"], "process_open_steps");
    assert_eq!(app.read(&ticket).await["status"]["code"], "012");
    body["override_reason"] = json!("All of them were settled by phone");
    assert_eq!(bulk(&body).await["status"], 200);
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    assert_eq!(event["data"]["process"]["open_steps"].as_array().unwrap().len(), 5);
}

#[actix_web::test]
async fn an_administrator_who_moves_a_status_closes_tickets_with_open_steps_and_that_is_recorded() {
    let app = TestApp::start().await;
    let admin = app.agent("Administrator").await;
    let ticket = outside(&app).await;
    let at = format!("/v1/workflows/{}/ticket-moves", ticket["workflow_id"].as_str().unwrap());
    let moves = json!({"from": "012", "to": "050", "reason": "The product is no more"});
    admin.post(&at, moves).await.expect(202);
    app.run_jobs().await;
    assert_eq!(app.read(&ticket).await["status"]["code"], "050");
    let event = history(&admin, &ticket).await.pop().unwrap();
    assert_eq!(event["data"]["process"]["override_reason"], "The product is no more");
    assert_eq!(event["data"]["process"]["open_steps"].as_array().unwrap().len(), 5);
}

#[actix_web::test]
async fn nothing_closes_by_itself_before_its_process_is_through() {
    let app = TestApp::start().await;
    let (admin, manager) = (app.agent("Administrator").await, app.agent(MANAGER).await);
    let ticket = outside(&app).await;
    let ways = format!("/v1/workflows/{}/transitions", ticket["workflow_id"].as_str().unwrap());
    let way = json!({"from": "013", "to": "050", "trigger": "automatic"});
    admin.post_on(&ways, "*", way).await.expect(201);
    let ask =
        json!({"note": {"body": "Account manager A, account-manager-a@desk.example, calls you"}});
    go(&manager, &ticket, ask, "013").await.expect(200);
    let waits = app.read(&ticket).await;
    app.follow_automatic().await;
    assert_eq!(app.read(&ticket).await, waits);
    hand_over(&manager, &ticket).await;
    // An hour later.
    app.sql("update tickets set automatic_at = automatic_at - interval '1 hour'").await.unwrap();
    app.follow_automatic().await;
    let closed = app.read(&ticket).await;
    assert_eq!(closed["status"]["code"], "050");
    let event = history(&manager, &ticket).await.pop().unwrap();
    assert_eq!(
        (&event["type"], &event["data"]["process"]),
        (&json!("ticket.status_changed"), &Value::Null)
    );
}
