//! What the clocks of a ticket say.
use casebridge::kernel::Role;
use serde_json::{Value, json};

use super::{around_the_clock, clock, derive, sla_of};
use crate::support::{TestApp, path};

async fn with_policy() -> TestApp {
    let app = TestApp::start().await;
    let policy = around_the_clock(json!({}));
    app.client(Role::Admin).await.post("/v1/sla-policies", policy).await.expect(201);
    app
}

fn states(sla: &Value) -> Value {
    let clocks = sla["clocks"].as_array().unwrap().iter();
    json!(clocks.map(|one| json!([one["metric"], one["cycle"], one["state"]])).collect::<Vec<_>>())
}

#[actix_web::test]
async fn clocks_start_pause_go_on_end_and_start_another_cycle_as_the_ticket_does() {
    let app = with_policy().await;
    let desk = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let both = json!([["resolution", 1, "running"], ["first_response", 1, "running"]]);
    assert_eq!(states(&sla_of(&desk, &ticket).await), both);
    app.advance_to(&ticket, "035").await;
    let paused = json!([["resolution", 1, "paused"], ["first_response", 1, "fulfilled"]]);
    let sla = sla_of(&desk, &ticket).await;
    assert_eq!(states(&sla), paused);
    let resolution = clock(&sla, "resolution");
    assert_eq!(
        (&resolution["due_at"], &resolution["stretches"][1]["because"]["status"]),
        (&Value::Null, &json!("035"))
    );
    let contact = app.contact("Purchasing contact").await;
    contact.post(&path(&ticket, "/notes"), json!({"body": "Firefox"})).await.expect(201);
    let replied = json!([
        ["resolution", 1, "running"],
        ["first_response", 1, "fulfilled"],
        ["next_response", 1, "running"]
    ]);
    assert_eq!(states(&sla_of(&desk, &ticket).await), replied);
    derive(&app).await;
    assert_eq!(states(&sla_of(&desk, &ticket).await), replied, "once learned it is the same");
    let closed = json!({"to": "050", "resolution": "Solved"});
    desk.post_on(&path(&ticket, "/transitions"), "*", closed).await.expect(200);
    let over = json!([
        ["resolution", 1, "fulfilled"],
        ["first_response", 1, "fulfilled"],
        ["next_response", 1, "stopped"]
    ]);
    assert_eq!(states(&sla_of(&desk, &ticket).await), over);
    desk.post_on(&path(&ticket, "/transitions"), "*", json!({"to": "017"})).await.expect(200);
    derive(&app).await;
    let sla = sla_of(&desk, &ticket).await;
    assert_eq!(states(&sla)[3], json!(["resolution", 2, "running"]));
    assert_eq!(clock(&sla, "resolution")["ledger"][0]["kind"], "reopened");
    for one in sla["clocks"].as_array().unwrap() {
        let counted = one["stretches"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part["counted_seconds"].as_i64().unwrap());
        assert!(
            (counted.sum::<i64>() - one["elapsed_seconds"].as_i64().unwrap()).abs() < 4,
            "{one}"
        );
    }
}

#[actix_web::test]
async fn a_merged_or_deleted_tickets_clocks_stop_and_go_on_when_that_is_undone() {
    let app = with_policy().await;
    let desk = app.agent("Coordinator").await;
    let (ticket, target) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    let merge = json!({"into": target["id"]});
    desk.post_on(&path(&ticket, "/merge"), "*", merge).await.expect(200);
    let stopped = json!([["resolution", 1, "stopped"], ["first_response", 1, "stopped"]]);
    assert_eq!(states(&sla_of(&desk, &ticket).await), stopped);
    derive(&app).await;
    desk.delete(&path(&ticket, "/merge"), "*").await.expect(200);
    let running = json!([["resolution", 1, "running"], ["first_response", 1, "running"]]);
    let sla = sla_of(&desk, &ticket).await;
    assert_eq!(states(&sla), running);
    assert_eq!(clock(&sla, "resolution")["stretches"][1]["because"]["reason"], "merged");
}

#[actix_web::test]
async fn the_deadline_of_a_ticket_overrides_the_target() {
    let app = with_policy().await;
    let desk = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({"deadline": "2040-01-02T15:00:00Z"})).await;
    let sla = sla_of(&desk, &ticket).await;
    assert_eq!(clock(&sla, "resolution")["due_at"], "2040-01-02T15:00:00Z");
    let none = json!({"deadline": null});
    desk.patch(&path(&ticket, ""), "*", none).await.expect(200);
    let sla = sla_of(&desk, &ticket).await;
    let resolution = clock(&sla, "resolution");
    assert_eq!(resolution["deadline"], Value::Null);
    assert!(resolution["due_at"].as_str().unwrap() < "2040", "{resolution}");
}

#[actix_web::test]
async fn the_clocks_are_for_those_of_the_desk_who_see_the_ticket() {
    let app = with_policy().await;
    let ticket = app.open_ticket(json!({})).await;
    let at = path(&ticket, "/sla");
    app.contact("Purchasing contact").await.get(&at).await.problem(403, "forbidden");
    let stranger = "select name as text from agents a where role = 'agent' and not exists
        (select from tickets t left join agent_departments d on d.department_id = t.department_id and d.agent_id = a.id
          where d.agent_id is not null or t.assignee_id = a.id)";
    let agent = app.text(stranger).await.unwrap();
    app.agent(&agent).await.get(&at).await.problem(404, "not_found");
    app.agent("Coordinator").await.get(&at).await.expect(200);
    app.anonymous().get(&at).await.problem(401, "unauthenticated");
}
