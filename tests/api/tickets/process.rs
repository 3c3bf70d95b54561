//! The process that a ticket follows outside the desk, and what it means to closing.
use serde_json::{Value, json};

use super::{go, history};
use crate::support::mirror::Mirrored;
use crate::support::{Client, Reply, TestApp, path, pointers};

pub(super) const MANAGER: &str = "Account manager A";

/// A ticket that an account manager shall take care of.
pub(super) async fn outside(app: &TestApp) -> Value {
    let component = app.id("components", "Managed Upgrade").await;
    let ticket = app.open_ticket(json!({"component_id": component})).await;
    app.follow_automatic().await;
    ticket
}

/// The same, where the process is one call that somebody makes.
async fn called(app: &TestApp) -> Value {
    let admin = app.agent("Administrator").await;
    let steps = json!({"steps": [{"do": "call the account manager", "check": "person"}]});
    admin.patch("/v1/processes/account_manager", "*", steps).await.expect(200);
    outside(app).await
}

/// Asks the account manager to take over, with the request.
pub(super) async fn hand_over(caller: &Client, ticket: &Value) {
    let new = json!({"subject": "Managed upgrade", "body": "Please take over."});
    caller.post(&path(ticket, "/side-conversations"), new).await.expect(201);
}

async fn process(caller: &Client, ticket: &Value) -> Value {
    caller.get(&path(ticket, "/process")).await.expect(200)
}

async fn mark(caller: &Client, ticket: &Value, step: usize, body: Value) -> Reply {
    caller.post_on(&path(ticket, &format!("/process/steps/{step}")), "*", body).await
}

/// Who found each step done.
fn found(process: &Value) -> Vec<&str> {
    let steps = process["steps"].as_array().unwrap().iter();
    steps.map(|step| step["checked_by"].as_str().unwrap_or("open")).collect()
}

async fn say(caller: &Client, ticket: &Value, body: &str) {
    caller.post(&path(ticket, "/notes"), json!({"body": body})).await.expect(201);
}

pub(super) fn close() -> Value {
    json!({"resolution": "Your account manager takes care of it."})
}

#[actix_web::test]
async fn the_service_checks_what_it_can_and_people_tell_the_rest() {
    let app = TestApp::start().await;
    let manager = app.agent(MANAGER).await;
    let ticket = outside(&app).await;
    let at_first = process(&manager, &ticket).await;
    assert_eq!(
        (&at_first["process"], &at_first["complete"]),
        (&json!("account_manager"), &json!(false))
    );
    assert_eq!(found(&at_first), ["open"; 5]);

    // Neither the customer's words nor what stays at the desk tell the customer anything.
    say(&app.contact("Purchasing contact").await, &ticket, "Hello?").await;
    let internal = json!({"body": "Account manager A, see above", "visibility": "internal"});
    manager.post(&path(&ticket, "/notes"), internal).await.expect(201);
    assert_eq!(found(&process(&manager, &ticket).await), ["open"; 5]);

    say(&manager, &ticket, "Your account manager will call you.").await;
    let told = process(&manager, &ticket).await;
    assert_eq!(found(&told), ["open", "open", "service", "open", "open"]);
    assert_eq!(told["steps"][2]["reference"], "note 3");
    assert!(told["steps"][2]["since"].is_string());
    say(&manager, &ticket, "That is account manager a, account-manager-a@DESK.example").await;
    assert_eq!(
        found(&process(&manager, &ticket).await),
        ["open", "open", "service", "service", "open"]
    );

    hand_over(&manager, &ticket).await;
    assert_eq!(
        found(&process(&manager, &ticket).await),
        ["service", "service", "service", "service", "open"]
    );
}

#[actix_web::test]
async fn what_only_a_person_can_tell_is_marked_and_the_mark_is_taken_back() {
    let app = TestApp::start().await;
    let manager = app.agent(MANAGER).await;
    let ticket = called(&app).await;
    let reference = json!({"done": true, "reference": "Call at noon"});
    let marked = mark(&manager, &ticket, 1, reference.clone()).await.expect(200);
    assert_eq!(marked["steps"][0]["checked_by"], "person");
    assert_eq!(marked["steps"][0]["by"], MANAGER);
    assert_eq!(marked["steps"][0]["reference"], "Call at noon");
    let event = history(&manager, &ticket).await.pop().unwrap();
    assert_eq!(
        (&event["type"], &event["data"]["step"]),
        (&json!("ticket.process_step_marked"), &json!(1))
    );
    let again = mark(&manager, &ticket, 1, reference).await;
    assert_eq!(again.header("etag"), format!("\"v{}\"", event["ticket_version"]));
    again.expect(200);
    let undone = mark(&manager, &ticket, 1, json!({"done": false})).await.expect(200);
    assert_eq!(undone["steps"][0]["checked_by"], Value::Null);
    assert_eq!(pointers(mark(&manager, &ticket, 1, json!({"done": true})).await), ["/reference"]);
}

#[actix_web::test]
async fn what_the_service_sees_itself_nobody_marks() {
    let app = TestApp::start().await;
    let manager = app.agent(MANAGER).await;
    let ticket = outside(&app).await;
    let done = json!({"done": true, "reference": "I swear"});
    for step in [1, 2, 3, 4, 5] {
        mark(&manager, &ticket, step, done.clone()).await.problem(409, "checked_by_service");
    }
    mark(&manager, &ticket, 6, done.clone()).await.problem(404, "not_found");
    let usual = app.open_ticket(json!({})).await;
    let coordinator = app.agent("Coordinator").await;
    coordinator.get(&path(&usual, "/process")).await.problem(404, "not_found");
    mark(&coordinator, &usual, 1, done.clone()).await.problem(404, "not_found");

    // Nobody is named as the manager: only a person can tell that the customer was told of one.
    let account = format!("/v1/accounts/{}", app.id("accounts", "Northwind Services").await);
    let admin = app.agent("Administrator").await;
    let half = admin.patch(&account, "*", json!({"manager_name": null})).await;
    assert_eq!(pointers(half), ["/manager_email"]);
    let nobody = json!({"manager_name": null, "manager_email": null});
    admin.patch(&account, "*", nobody).await.expect(200);
    let marked = mark(&manager, &ticket, 4, done).await.expect(200);
    assert_eq!(marked["steps"][3]["checked_by"], "person");
}

#[actix_web::test]
async fn a_ticket_with_open_steps_is_closed_only_with_a_reason() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = outside(&app).await;
    let refused = go(&coordinator, &ticket, close(), "050").await;
    let refused = refused.problem(409, "process_open_steps");
    let open: Vec<i64> = refused["open_steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["step"].as_i64().unwrap())
        .collect();
    assert_eq!(open, [1, 2, 3, 4, 5]);
    assert_eq!(app.read(&ticket).await["status"]["code"], "012");

    let mut overridden = close();
    overridden["override_reason"] = json!("It was a test");
    let contact = app.contact("Purchasing contact").await;
    go(&contact, &ticket, overridden.clone(), "050").await.problem(403, "forbidden");
    go(&coordinator, &ticket, overridden, "050").await.expect(200);
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    assert_eq!(event["data"]["process"]["override_reason"], "It was a test");
    assert_eq!(event["data"]["process"]["open_steps"].as_array().unwrap().len(), 5);
    let seen = history(&contact, &ticket).await.pop().unwrap();
    assert_eq!(seen["data"], json!({}), "the desk's process is not the customer's");
}

#[actix_web::test]
async fn a_ticket_whose_steps_are_done_is_closed_by_the_macro_of_its_last_step() {
    let app = TestApp::start().await;
    let manager = app.agent(MANAGER).await;
    let ticket = outside(&app).await;
    hand_over(&manager, &ticket).await;
    // What is said with the closing counts too.
    let mut closing = close();
    closing["note"] =
        json!({"body": "Account manager A (account-manager-a@desk.example) calls you."});
    let refused = go(&manager, &ticket, closing.clone(), "050").await;
    let refused = refused.problem(409, "process_open_steps");
    assert_eq!(refused["open_steps"].as_array().unwrap().len(), 1);
    assert_eq!(refused["open_steps"][0]["check"], "macro_applied");
    say(&manager, &ticket, closing["note"]["body"].as_str().unwrap()).await;
    let apply = || async {
        let at = format!("/macros/{}/apply", app.id("macros", "Close ticket and Survey").await);
        manager.post_on(&path(&ticket, &at), "*", json!({"values": close()})).await
    };
    assert_eq!(apply().await.expect(200)["status"]["category"], "closed");
    let done = process(&manager, &ticket).await;
    assert_eq!(found(&done), ["service"; 5]);
    assert_eq!(done["complete"], true);
    assert_eq!(done["steps"][4]["reference"], "macro \"Close ticket and Survey\"");
    // Reopened, it is to be closed again, and again so.
    go(&manager, &ticket, json!({}), "017").await.expect(200);
    assert_eq!(found(&process(&manager, &ticket).await)[4], "open");
    go(&manager, &ticket, close(), "050").await.problem(409, "process_open_steps");
    apply().await.expect(200);
}

#[actix_web::test]
async fn a_customer_closes_what_is_theirs_whatever_the_desk_has_yet_to_do() {
    let app = TestApp::start().await;
    let contact = app.contact("Purchasing contact").await;
    let ticket = outside(&app).await;
    contact.get(&path(&ticket, "/process")).await.problem(403, "forbidden");
    let closed = go(&contact, &ticket, json!({"resolution": "Found it"}), "050").await.expect(200);
    assert_eq!(closed["status"]["category"], "closed");
    let event = history(&app.agent("Coordinator").await, &ticket).await.pop().unwrap();
    assert_eq!(event["data"]["process"]["open_steps"].as_array().unwrap().len(), 5);
}

#[actix_web::test]
async fn a_ticket_keeps_its_copy_and_follows_its_component() {
    let app = TestApp::start().await;
    let (admin, coordinator) = (app.agent("Administrator").await, app.agent("Coordinator").await);
    let ticket = outside(&app).await;
    let shorter = json!({"steps": [{"do": "ask them", "check": "person"}]});
    let changed = admin.patch("/v1/processes/account_manager", "\"v1\"", shorter).await.expect(200);
    assert_eq!((&changed["version"], &changed["steps"][0]["step"]), (&json!(2), &json!(1)));
    assert_eq!(found(&process(&coordinator, &ticket).await).len(), 5);
    assert_eq!(found(&process(&coordinator, &outside(&app).await).await).len(), 1);
    let bad = json!({"steps": [{"do": "knit", "check": "knitted"}]});
    let bad = admin.patch("/v1/processes/account_manager", "*", bad).await;
    assert_eq!(pointers(bad), ["/steps/0/check"]);
    admin
        .patch("/v1/processes/account_manager", "\"v1\"", json!({}))
        .await
        .problem(412, "stale_version");
    coordinator
        .patch("/v1/processes/account_manager", "*", json!({}))
        .await
        .problem(403, "forbidden");

    hand_over(&coordinator, &ticket).await;
    let to =
        |name: &'static str| async { json!({"component_id": app.id("components", name).await}) };
    let at = path(&ticket, "");
    // Another component with the same process: what was done is done.
    coordinator.patch(&at, "*", to("Due Diligence Documentation").await).await.expect(200);
    assert_eq!(found(&process(&coordinator, &ticket).await)[0], "service");
    coordinator.patch(&at, "*", to("Reporting").await).await.expect(200);
    let other = process(&coordinator, &ticket).await;
    assert_eq!((&other["process"], found(&other)), (&json!("business_unit"), vec!["open"]));
    coordinator.patch(&at, "*", to("Data").await).await.expect(200);
    coordinator.get(&path(&ticket, "/process")).await.problem(404, "not_found");
    go(&coordinator, &ticket, close(), "050").await.expect(200);
}

#[actix_web::test]
async fn a_draft_is_routed_by_the_table_of_the_day_when_it_is_submitted() {
    let app = TestApp::start().await;
    let (admin, coordinator) = (app.agent("Administrator").await, app.agent("Coordinator").await);
    let component = app.id("components", "Managed Upgrade").await;
    let draft = app.open_ticket(json!({"component_id": component, "draft": true})).await;
    let inside = json!({"level": "L2", "process": null,
        "department_id": app.id("departments", "Support").await});
    let at = format!("/v1/components/{component}");
    admin.patch(&at, "*", inside).await.expect(200);
    let submitted = coordinator.post_on(&path(&draft, "/submission"), "*", json!({})).await;
    let submitted = submitted.expect(200);
    assert_eq!((&submitted["level"], &submitted["routing_version"]), (&json!("L2"), &json!(3)));
    coordinator.get(&path(&draft, "/process")).await.problem(404, "not_found");
}

#[actix_web::test]
async fn a_process_is_there_for_who_works_the_ticket_only() {
    let app = TestApp::start().await;
    let ticket = outside(&app).await;
    let elsewhere = app.agent("L1 agent A").await;
    elsewhere.get(&path(&ticket, "/process")).await.problem(404, "not_found");
    let done = json!({"done": true, "reference": "Mail"});
    mark(&elsewhere, &ticket, 1, done.clone()).await.problem(404, "not_found");
    for name in ["Purchasing contact", "Warehouse contact"] {
        let contact = app.contact(name).await;
        mark(&contact, &ticket, 1, done.clone()).await.problem(403, "forbidden");
    }
}

#[actix_web::test]
async fn what_the_crm_closes_too_early_becomes_a_conflict_and_the_ticket_stays_open() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("To the account manager").await;
    let component = desk.app.id("components", "Managed Upgrade").await;
    let at = format!("/v1/tickets/{ticket}");
    desk.admin.patch(&at, "*", json!({"component_id": component})).await.expect(200);
    desk.converge().await;
    desk.edit(&ticket, json!({"state": "Closed", "status": "Closed_Closed"})).await;
    desk.pull().await;
    let shown = desk.ticket(&ticket).await;
    assert_ne!(shown["status"]["category"], "closed");
    let conflicts = desk.conflicts(&ticket).await;
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    assert_eq!(conflicts[0]["field"], "status");
    let reason = conflicts[0]["reason"].as_str().unwrap();
    assert!(reason.contains("open steps: 1, 2, 3, 4, 5"), "{reason}");
    desk.converge().await;
    assert_ne!(desk.case(&ticket).await.value("state"), "Closed");
}
