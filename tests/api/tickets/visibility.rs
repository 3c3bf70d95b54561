//! Who sees which tickets, and how much of them.
use casebridge::kernel::Permission;
use serde_json::{Value, json};

use super::history;
use crate::support::{Client, Reply, TestApp, path};

/// Every operation on this ticket, by a caller who may do such things to tickets that they see.
async fn every_operation(caller: &Client, ticket: &Value, reads: &[&str]) -> Vec<(String, Reply)> {
    let mut replies = Vec::new();
    for rest in reads {
        replies.push(((*rest).to_owned(), caller.get(&path(ticket, rest)).await));
    }
    replies.push(("PATCH".into(), caller.patch(&path(ticket, ""), "*", json!({"tags": []})).await));
    for (rest, body) in [
        ("/notes", json!({"body": "x"})),
        ("/transitions", json!({"to": "050", "resolution": "x"})),
        ("/submission", json!({})),
    ] {
        replies.push((rest.into(), caller.post_on(&path(ticket, rest), "*", body).await));
    }
    replies
}

#[actix_web::test]
async fn a_contact_sees_no_ticket_of_another_account() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let stranger = app.contact("Warehouse contact").await;
    let reads = ["", "/notes", "/history", "/transitions"];
    for (operation, reply) in every_operation(&stranger, &ticket, &reads).await {
        assert_eq!(reply.status, 404, "{operation}: {}", reply.body);
    }
    assert_eq!(stranger.get("/v1/tickets").await.expect(200)["items"], json!([]));
    let account = ticket["account_id"].as_str().unwrap();
    let asked = stranger.get(&format!("/v1/tickets?account={account}")).await.expect(200);
    assert_eq!(asked["items"], json!([]));
    assert_eq!(app.read(&ticket).await, ticket);
    // A colleague of the same account does.
    app.contact("Operations contact").await.get(&path(&ticket, "")).await.expect(200);
}

#[actix_web::test]
async fn an_agent_sees_no_ticket_of_another_department() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let stranger = app.agent("Business analyst A").await;
    let reads = ["", "/notes", "/history", "/transitions", "/assignment", "/elevations"];
    for (operation, reply) in every_operation(&stranger, &ticket, &reads).await {
        assert_eq!(reply.status, 404, "{operation}: {}", reply.body);
    }
    for (rest, body) in [
        ("/assignment", json!({})),
        ("/transfer", json!({})),
        ("/elevations", json!({"to": "L2", "reason": "r", "tried": "t"})),
    ] {
        stranger.post_on(&path(&ticket, rest), "*", body).await.problem(404, "not_found");
    }
    assert_eq!(stranger.get("/v1/tickets").await.expect(200)["items"], json!([]));
    // Assigned to them, they see it.
    let to = json!({"agent_id": app.id("agents", "Business analyst A").await});
    app.agent("Coordinator")
        .await
        .post_on(&path(&ticket, "/assignment"), "*", to)
        .await
        .expect(200);
    stranger.get(&path(&ticket, "")).await.expect(200);
}

#[actix_web::test]
async fn a_contact_sees_the_customers_side_only() {
    let app = TestApp::start().await;
    let contact = app.contact("Purchasing contact").await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "031").await;
    let coordinator = app.agent("Coordinator").await;
    let at = path(&ticket, "");
    let reference = json!({"vendor_reference": "MS-1"});
    coordinator.patch(&at, "*", reference).await.expect(200);
    let elevation = json!({"to": "L2", "reason": "r", "tried": "t"});
    coordinator.post_on(&path(&ticket, "/elevations"), "*", elevation).await.expect(200);

    let whole = contact.get(&at).await.expect(200);
    let listed = contact.get("/v1/tickets").await.expect(200)["items"][0].clone();
    for seen in [&whole, &listed] {
        assert_eq!(seen["status"]["label"], "Under investigation");
        let status = &seen["status"];
        assert_eq!([&status["code"], &status["key"], &status["name"]], [&Value::Null; 3]);
        for field in [
            "assignee_id",
            "level",
            "department_id",
            "workflow_id",
            "vendor_reference",
            "note_count",
            "opened_by",
        ] {
            assert_eq!(seen.get(field), None, "{field}");
        }
    }
    let notes = contact.get(&path(&ticket, "/notes")).await.expect(200);
    assert_eq!(notes["items"], json!([]), "the only note is internal");

    let told = history(&contact, &ticket).await;
    let text = json!(told).to_string();
    for hidden in [
        "assignee",
        "\"L2\"",
        "\"status\"",
        "\"031\"",
        "internal",
        "MS-1",
        "department",
        "elevated",
    ] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    for desks in ["/assignment", "/elevations"] {
        contact.get(&path(&ticket, desks)).await.problem(403, "forbidden");
    }
    for filter in [
        "status=031",
        "assignee=none",
        "level=L2",
        "department=00000000-0000-0000-0000-000000000000",
    ] {
        contact.get(&format!("/v1/tickets?{filter}")).await.problem(400, "malformed_request");
    }
}

#[actix_web::test]
async fn who_outside_works_on_a_ticket_is_not_told_to_the_customer() {
    let app = TestApp::start().await;
    let contact = app.contact("Purchasing contact").await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "031").await;
    assert_eq!(ticket["status"]["awaiting"], "third_line");
    let seen = contact.get(&path(&ticket, "")).await.expect(200);
    assert_eq!(
        (&seen["status"]["category"], &seen["status"]["awaiting"]),
        (&json!("open"), &json!("desk"))
    );
    app.sql("update tickets set status = '099', category = 'on_hold'").await.unwrap();
    assert_eq!(app.read(&ticket).await["status"]["awaiting"], "vendor");
    let seen = contact.get(&path(&ticket, "")).await.expect(200);
    assert_eq!(
        (&seen["status"]["category"], &seen["status"]["awaiting"]),
        (&json!("open"), &json!("desk"))
    );
    // Nor by a filter: what looks alike is found alike.
    for (filter, found) in [
        ("category=open", 1),
        ("category=on_hold", 1),
        ("category=active", 1),
        ("category=pending,new,closed", 0),
        ("awaiting=desk", 1),
        ("awaiting=third_line", 1),
        ("awaiting=vendor", 1),
        ("awaiting=customer,nobody", 0),
    ] {
        let page = contact.get(&format!("/v1/tickets?{filter}")).await.expect(200);
        assert_eq!(page["items"].as_array().unwrap().len(), found, "{filter}");
    }
}

#[actix_web::test]
async fn an_internal_note_and_what_was_tried_are_for_those_who_work_tickets() {
    let app = TestApp::start().await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "030").await;
    let coordinator = app.agent("Coordinator").await;
    let note = json!({"body": "Psst", "visibility": "internal"});
    let note = coordinator.post(&path(&ticket, "/notes"), note).await;
    let at = note.header("location").to_owned();
    let elevation = json!({"to": "L2", "reason": "Too hard", "tried": "Everything"});
    coordinator.post_on(&path(&ticket, "/elevations"), "*", elevation).await.expect(200);
    assert_eq!(coordinator.get(&at).await.expect(200)["body"], "Psst");
    let reads = app.integration(&[Permission::TicketsRead]).await;
    let reads = app.client_for(reads).await;
    for caller in [&app.contact("Purchasing contact").await, &reads] {
        caller.get(&at).await.problem(404, "not_found");
        let told = json!(history(caller, &ticket).await).to_string();
        assert!(!told.contains("Everything") && told.contains("ticket.opened"), "{told}");
    }
    // A note is found through its own ticket only.
    let other = app.open_ticket(json!({})).await;
    let id = note.body["id"].as_str().unwrap();
    coordinator.get(&path(&other, &format!("/notes/{id}"))).await.problem(404, "not_found");
}
