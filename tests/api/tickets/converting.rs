//! A ticket becomes a job, or goes on in another workflow.
use serde_json::{Value, json};

use super::history;
use crate::support::mirror::{Mirrored, text};
use crate::support::{TestApp, path, pointers};

async fn workflow(app: &TestApp, key: &str) -> String {
    app.text(&format!("select id::text as text from workflows where key = '{key}'")).await.unwrap()
}

#[actix_web::test]
async fn a_ticket_becomes_a_job_with_what_was_ordered_and_a_note_tells_it() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let at = path(&ticket, "/conversion");
    let nobody = json!({"to": "job", "assignee_id": "00000000-0000-0000-0000-000000000000"});
    assert_eq!(pointers(agent.post(&at, nobody).await), ["/assignee_id"]);
    let worker = app.id("agents", "L1 agent B").await;
    let order = json!({
        "to": "job", "title": "Replace the reader", "due_at": "2030-05-01T08:00:00Z", "assignee_id": worker,
        "reference": "WO-7",
    });
    let made = agent.post(&at, order).await.expect(201);
    assert_eq!(
        made["job"],
        json!({"title": "Replace the reader", "description": "After 100 rows.", "due_at": "2030-05-01T08:00:00Z",
            "assignee_id": worker, "assignee": "L1 agent B"})
    );
    assert_eq!(
        (&made["lead"], &made["crm"], &made["reference"]),
        (&Value::Null, &json!([]), &json!("WO-7"))
    );
    assert_eq!(agent.get(&at).await.expect(200), made);
    agent.post(&at, json!({"to": "lead"})).await.problem(409, "already_converted");
    let notes = agent.get(&path(&ticket, "/notes")).await.expect(200);
    assert_eq!(notes["items"][0]["visibility"], "internal");
    assert_eq!(
        notes["items"][0]["body"],
        "Became a job: Replace the reader\nDue: 2030-05-01 08:00 UTC\nAssignee: L1 agent B\nReference: WO-7\n\nAfter 100 rows."
    );
    let told = history(&agent, &ticket).await;
    let told = told.last().unwrap();
    assert_eq!((&told["type"], &told["data"]["to"]), (&json!("ticket.converted"), &json!("job")));
    assert_eq!(told["data"]["note_id"], notes["items"][0]["id"]);
}

#[actix_web::test]
async fn a_ticket_goes_on_in_another_workflow_where_that_begins() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let ticket = app.advance_to(&ticket, "030").await;
    let (own, other) = (text(&ticket["workflow_id"]), workflow(&app, "simple").await);
    let at = path(&ticket, "/conversion");
    let to = |id: &str| json!({"to": "workflow", "workflow_id": id});
    assert_eq!(pointers(agent.post(&at, to(&own)).await), ["/workflow_id"]);
    let unknown = to("00000000-0000-0000-0000-000000000000");
    assert_eq!(pointers(agent.post(&at, unknown).await), ["/workflow_id"]);
    let made = agent.post(&at, to(&other)).await.expect(201);
    assert_eq!(made["workflow"]["from_status"], "030");
    let now = app.read(&ticket).await;
    assert_eq!(now["workflow_id"], other);
    // It begins as new, and goes on at once because somebody has it.
    assert_eq!(
        (&now["status"]["code"], &now["assignee_id"]),
        (&json!("open"), &ticket["assignee_id"])
    );
    assert!(!now["allowed_transitions"].as_array().unwrap().is_empty());
    app.loads_are_true().await;
    let closed = app.open_ticket(json!({})).await;
    app.advance_to(&closed, "050").await;
    let refused = agent.post(&path(&closed, "/conversion"), to(&other)).await;
    refused.problem(409, "ticket_closed");
}

#[actix_web::test]
async fn a_job_moves_the_ticket_where_its_workflow_says_and_reaches_the_crm_as_a_note() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Reader broken").await;
    desk.converge().await;
    let at = format!("/v1/tickets/{ticket}/conversion");
    desk.admin.post(&at, json!({"to": "job", "title": "Replace it"})).await.expect(201);
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    let notes = desk.notes(&case);
    assert_eq!(notes.len(), 1);
    assert!(notes[0].value("description").starts_with("Became a job: Replace it"), "{notes:?}");
    assert!(desk.crm.records("Leads").is_empty());
    assert_eq!(desk.mirror(&ticket).await["state"], "linked");
}
