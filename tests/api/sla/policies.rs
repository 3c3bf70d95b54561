//! Policies of service levels.
use casebridge::kernel::Role;
use serde_json::{Value, json};

use super::{around_the_clock, clock, derive, sla_of};
use crate::support::{TestApp, path, pointers};

const POLICIES: &str = "/v1/sla-policies";

#[actix_web::test]
async fn the_first_policy_that_fits_is_the_tickets_and_a_change_of_the_ticket_finds_another() {
    let app = TestApp::start().await;
    let (admin, desk) = (app.client(Role::Admin).await, app.agent("Coordinator").await);
    let ticket = app.open_ticket(json!({"priority": "normal"})).await;
    assert_eq!(clock(&sla_of(&desk, &ticket).await, "resolution")["policy"], "Standard");
    derive(&app).await;
    let urgent = json!({"priority": "critical"});
    desk.patch(&path(&ticket, ""), "*", urgent).await.expect(200);
    derive(&app).await;
    let sla = sla_of(&desk, &ticket).await;
    assert_eq!(clock(&sla, "resolution")["policy"], "Standard, urgent");
    let gold = around_the_clock(json!({"conditions": {"agreements": ["gold"]}}));
    admin.post(POLICIES, gold).await.expect(201);
    assert_eq!(clock(&sla_of(&desk, &ticket).await, "resolution")["policy"], "Standard, urgent");
    let account = format!("/v1/accounts/{}", app.id("accounts", "Northwind Services").await);
    admin.patch(&account, "*", json!({"agreement": "gold"})).await.expect(200);
    derive(&app).await;
    let sla = sla_of(&desk, &ticket).await;
    let resolution = clock(&sla, "resolution");
    assert_eq!(resolution["policy"], "Around the clock");
    let kinds: Vec<&Value> =
        resolution["ledger"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(
        json!(kinds),
        json!(["activated", "policy_changed", "policy_changed", "policy_changed"])
    );
}

#[actix_web::test]
async fn a_change_is_another_version_that_measures_open_clocks_anew_after_a_preview_said_so() {
    let app = TestApp::start().await;
    let (admin, desk) = (app.client(Role::Admin).await, app.agent("Coordinator").await);
    let made = admin.post(POLICIES, around_the_clock(json!({}))).await.expect(201);
    let policy = format!("{POLICIES}/{}", made["id"].as_str().unwrap());
    let ticket = app.open_ticket(json!({})).await;
    derive(&app).await;
    let before = clock(&sla_of(&desk, &ticket).await, "resolution")["due_at"].clone();
    let targets = json!([{"metric": "resolution", "within": "PT1H", "time": "calendar"}]);
    let mut proposed = around_the_clock(json!({}));
    proposed["targets"] = targets.clone();
    let preview = json!({"replaces": made["id"], "policy": proposed});
    let effect = admin.post("/v1/sla-policies/preview", preview).await.expect(200);
    // The first response would have no target any more.
    assert_eq!(
        (&effect["tickets"], &effect["clocks"], &effect["more"]),
        (&json!(1), &json!(2), &json!(false))
    );
    assert_eq!(
        (&effect["would_move"], &effect["would_breach"]),
        (&json!(2), &json!(0)),
        "{effect}"
    );
    assert_eq!(
        clock(&sla_of(&desk, &ticket).await, "resolution")["due_at"],
        before,
        "changes nothing"
    );
    let changed = admin.patch(&policy, "\"v1\"", json!({"targets": targets})).await.expect(200);
    assert_eq!(changed["version"], 2);
    admin.patch(&policy, "\"v1\"", json!({"rank": 7})).await.problem(412, "stale_version");
    derive(&app).await;
    let sla = sla_of(&desk, &ticket).await;
    let resolution = clock(&sla, "resolution");
    assert_eq!(
        (&resolution["basis"]["policy_version"], &resolution["target"]["within"]),
        (&json!(2), &json!("PT1H"))
    );
    assert!(resolution["due_at"].as_str().unwrap() < before.as_str().unwrap());
    assert_eq!(clock(&sla, "first_response")["due_at"], Value::Null, "no target any more");
    let versions = admin.get(&format!("{policy}/versions")).await.expect(200);
    let versions: Vec<_> = versions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["version"], &one["policy"]["targets"][0]["within"]))
        .collect();
    assert_eq!(json!(versions), json!([[2, "PT1H"], [1, "PT1H"]]));
}

#[actix_web::test]
async fn what_contradicts_itself_is_refused_with_its_place() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let refused = async |more| pointers(admin.post(POLICIES, around_the_clock(more)).await);
    assert_eq!(refused(json!({"targets": []})).await, ["/targets"]);
    let day = json!({"metric": "resolution", "within": "P1D"});
    assert_eq!(refused(json!({"targets": [day]})).await, ["/targets/0/within"]);
    let late = json!({"metric": "resolution", "within": "PT1H", "warn_before": "PT2H"});
    assert_eq!(refused(json!({"targets": [late]})).await, ["/targets/0/warn_before"]);
    let twice = json!({"metric": "resolution", "within": "PT1H"});
    assert_eq!(refused(json!({"targets": [twice, twice]})).await, ["/targets/1/metric"]);
    let nowhere = uuid::Uuid::now_v7();
    assert_eq!(refused(json!({"calendar_id": nowhere})).await, ["/calendar_id"]);
    admin
        .post(POLICIES, around_the_clock(json!({"name": "standard"})))
        .await
        .problem(409, "name_taken");
    let office = "/v1/calendars/0199f0c2-b1c9-7000-8000-000000000301";
    admin.delete(office, "*").await.problem(409, "calendar_in_use");
    app.client(Role::Agent)
        .await
        .post(POLICIES, around_the_clock(json!({})))
        .await
        .problem(403, "forbidden");
}
