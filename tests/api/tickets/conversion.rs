//! A ticket becomes a lead, at the desk and in the CRM.
use fake_crm::{Fault, FaultRule};
use serde_json::{Value, json};

use super::history;
use crate::support::mirror::{Mirrored, text};
use crate::support::{TestApp, path, pointers};

#[actix_web::test]
async fn a_ticket_becomes_a_lead_once_with_what_is_known_of_its_contact() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let (contact, agent) =
        (app.contact("Purchasing contact").await, app.agent("Coordinator").await);
    let at = path(&ticket, "/conversion");
    agent.get(&at).await.problem(404, "not_found");
    contact.post(&at, json!({"to": "lead"})).await.problem(403, "forbidden");
    let made = agent.post(&at, json!({"to": "lead", "phone": "+43 5"})).await.expect(201);
    assert_eq!(
        made["lead"],
        json!({
            "first_name": "Purchasing", "last_name": "contact", "email": "purchasing@customer.example",
            "phone": "+43 5", "company": "Northwind Services",
            "description": "The export stops\n\nAfter 100 rows.",
        })
    );
    assert_eq!((&made["to"], &made["crm"]), (&json!("lead"), &json!([])));
    assert_eq!(agent.get(&at).await.expect(200), made);
    agent.post(&at, json!({"to": "lead"})).await.problem(409, "already_converted");
    contact.get(&at).await.problem(403, "forbidden");
    app.publish().await;
    let converted = |events: Vec<Value>| {
        events.iter().filter(|event| event["type"] == "ticket.converted").count()
    };
    assert_eq!(converted(history(&agent, &ticket).await), 1);
    assert_eq!(converted(history(&contact, &ticket).await), 0);
}

#[actix_web::test]
async fn only_a_submitted_ticket_with_a_name_becomes_a_lead() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let nobody = app.open_ticket(json!({"contact_id": null})).await;
    let at = path(&nobody, "/conversion");
    assert_eq!(pointers(agent.post(&at, json!({"to": "lead"})).await), ["/last_name"]);
    assert_eq!(pointers(agent.post(&at, json!({"to": "unicorn"})).await), ["/to"]);
    assert_eq!(pointers(agent.post(&at, json!({"to": "workflow"})).await), ["/workflow_id"]);
    let mixed = json!({"to": "job", "last_name": "Caller", "phone": "+43 5"});
    assert_eq!(pointers(agent.post(&at, mixed).await), ["/last_name", "/phone"]);
    agent.post(&at, json!({"to": "lead", "last_name": "Caller"})).await.expect(201);
    let draft = json!({"subject": "Half", "draft": true});
    let draft = agent.post("/v1/tickets", draft).await.expect(201);
    let at = path(&draft, "/conversion");
    agent.post(&at, json!({"to": "lead", "last_name": "X"})).await.problem(409, "not_submitted");
}

#[actix_web::test]
async fn a_conversion_moves_the_ticket_where_its_workflow_says() {
    let app = TestApp::start().await;
    let admin = app.agent("Administrator").await;
    let ticket = app.open_ticket(json!({})).await;
    let ticket = app.advance_to(&ticket, "030").await;
    let workflow = text(&ticket["workflow_id"]);
    let way = json!({"from": "030", "to": "050", "trigger": "conversion"});
    let ways = format!("/v1/workflows/{workflow}/transitions");
    admin.post_on(&ways, "*", way).await.expect(201);
    admin.post(&path(&ticket, "/conversion"), json!({"to": "lead"})).await.expect(201);
    let now = app.read(&ticket).await;
    assert_eq!(now["status"]["code"], "050");
    assert_eq!(now["resolution"], "Converted to a lead");
    app.loads_are_true().await;
}

#[actix_web::test]
async fn the_crm_gets_one_lead_after_the_case_and_its_notes_whatever_fails_between() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Wants more seats").await;
    desk.note(&ticket, "public", "A colleague will call you.").await;
    let at = format!("/v1/tickets/{ticket}/conversion");
    let made = desk.admin.post(&at, json!({"to": "lead"})).await.expect(201);
    assert_eq!(made["crm"][0]["lead_id"], Value::Null);
    assert!(desk.crm.calls().is_empty(), "nothing is sent inside the request");
    desk.crm.fail(FaultRule::next(Fault::DropAfter).method("POST").module("Leads"));
    desk.converge().await;
    // Done in the CRM, but the answer was lost.
    assert_eq!(desk.admin.get(&at).await.expect(200)["crm"][0]["lead_id"], Value::Null);
    desk.wait().await;
    desk.converge().await;
    let leads = desk.crm.records("Leads");
    assert_eq!(leads.len(), 1, "{leads:?}");
    let values = ["first_name", "last_name", "email1", "account_name"].map(|f| leads[0].value(f));
    let expected = ["Purchasing", "contact", "purchasing@customer.example", "Northwind Services"];
    assert_eq!(values, expected);
    assert!(leads[0].value("description").starts_with("Wants more seats"));
    assert_eq!(desk.admin.get(&at).await.expect(200)["crm"][0]["lead_id"], leads[0].id);
    assert_eq!(desk.mirror(&ticket).await["lead_id"], leads[0].id);
    let posts: Vec<String> =
        desk.crm.calls().iter().filter(|c| c.method == "POST").map(|c| c.module.clone()).collect();
    let place = |module: &str| posts.iter().position(|posted| posted == module).unwrap();
    assert!(place("Cases") < place("Notes") && place("Notes") < place("Leads"), "{posts:?}");
}

#[actix_web::test]
async fn a_case_that_is_made_anew_makes_no_second_lead() {
    let desk = Mirrored::start_with(json!({"on_deleted": "recreate"})).await;
    let ticket = desk.open("Once").await;
    let at = format!("/v1/tickets/{ticket}/conversion");
    desk.admin.post(&at, json!({"to": "lead"})).await.expect(201);
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.in_the_crm(|crm| crm.delete("Cases", &case).unwrap());
    desk.priority(&ticket, "high").await;
    desk.converge().await;
    assert_ne!(desk.case(&ticket).await.id, case);
    assert_eq!(desk.crm.records("Leads").len(), 1);
}

#[actix_web::test]
async fn a_connection_that_wants_no_leads_gets_none() {
    let desk = Mirrored::start_with(json!({"leads": false})).await;
    let ticket = desk.open("No lead there").await;
    let at = format!("/v1/tickets/{ticket}/conversion");
    let made = desk.admin.post(&at, json!({"to": "lead"})).await.expect(201);
    assert_eq!(made["crm"], json!([]));
    desk.converge().await;
    assert!(desk.crm.records("Leads").is_empty());
    assert_eq!(desk.mirror(&ticket).await["state"], "linked");
}

#[actix_web::test]
async fn a_crm_without_leads_parks_the_ticket_with_the_reason_when_all_else_is_done() {
    let desk = Mirrored::start().await;
    desk.crm.uninstall("Leads");
    let ticket = desk.open("No module").await;
    desk.note(&ticket, "public", "Before the lead.").await;
    let at = format!("/v1/tickets/{ticket}/conversion");
    desk.admin.post(&at, json!({"to": "lead"})).await.expect(201);
    desk.converge().await;
    let mirror = desk.mirror(&ticket).await;
    assert_eq!((&mirror["state"], &mirror["error_class"]), (&json!("parked"), &json!("permanent")));
    assert!(text(&mirror["last_error"]).starts_with("the lead cannot be written"), "{mirror}");
    let case = desk.case(&ticket).await.id;
    assert_eq!(desk.notes(&case).len(), 1);
    assert_eq!(desk.crm.contacts_of(&case).len(), 1);
}
