//! Who has the say about a field, and what becomes of the value that gave way.
use casebridge::kernel::Role;
use serde_json::{Value, json};

use crate::support::Reply;
use crate::support::mirror::{Mirrored, text};

async fn restore(desk: &Mirrored, conflict: &Value) -> Reply {
    let path = format!("/v1/crm/conflicts/{}/restore", text(&conflict["id"]));
    desk.admin.post(&path, json!({})).await
}

/// Both sides change the priority: the desk to `level`, the CRM to `value`.
async fn both_change(desk: &Mirrored, ticket: &str, level: &str, value: &str) -> Value {
    desk.edit(ticket, json!({ "priority": value })).await;
    desk.priority(ticket, level).await;
    desk.converge().await;
    let conflicts = desk.conflicts(ticket).await;
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    conflicts[0].clone()
}

#[actix_web::test]
async fn what_the_desk_changes_of_a_field_of_the_crm_is_taken_back_and_recorded() {
    let desk = Mirrored::start_with(json!({"owners": {"priority": "crm"}})).await;
    let ticket = desk.open("Theirs").await;
    desk.converge().await;
    assert_eq!(desk.case(&ticket).await.value("priority"), "P2", "a case begins with the desk's");
    desk.priority(&ticket, "low").await;
    desk.converge().await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "normal");
    assert_eq!(desk.case(&ticket).await.value("priority"), "P2");
    let conflicts = desk.conflicts(&ticket).await;
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    assert_eq!(conflicts[0]["policy"], "crm_owned");
    assert_eq!(conflicts[0]["losing_value"], "P3");
    assert_eq!(desk.field(&ticket, "priority").await["provenance"]["rule"], "crm_owned");
    restore(&desk, &conflicts[0]).await.problem(409, "cannot_restore");
}

#[actix_web::test]
async fn what_belongs_to_the_crm_and_the_desk_refuses_waits_for_a_decision() {
    let desk = Mirrored::start_with(json!({"owners": {"status": "crm"}})).await;
    let ticket = desk.open("Refused").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"state": "Open", "status": "Open_Pending Input"})).await;
    desk.pull().await;
    assert_eq!(desk.case(&ticket).await.value("status"), "Open_Pending Input");
    let conflicts = desk.conflicts(&ticket).await;
    assert_eq!((conflicts.len(), &conflicts[0]["winner"]), (1, &json!(null)), "{conflicts:?}");
    assert!(conflicts[0]["reason"].is_string());
    let path = format!("/v1/crm/conflicts/{}/resolution", text(&conflicts[0]["id"]));
    let decided = desk.admin.post(&path, json!({"winner": "desk"})).await.expect(202);
    assert!(decided["decided_by"].is_string() && decided["decided_at"].is_string(), "{decided}");
    desk.converge().await;
    assert_eq!(desk.case(&ticket).await.value("status"), "Open_New");
    let settled = desk.conflicts(&ticket).await;
    assert_eq!((settled.len(), &settled[0]["id"]), (1, &conflicts[0]["id"]), "{settled:?}");
    assert_eq!(
        (&settled[0]["winner"], &settled[0]["losing_value"]),
        (&json!("desk"), &json!("Open/Open_Pending Input"))
    );
    let told = desk.events("mirror.conflict_decided").await;
    assert_eq!((told.len(), &told[0]["data"]["ticket_id"]), (1, &json!(ticket)));
    assert_eq!(told[0]["actor"]["name"], decided["decided_by"]);
}

#[actix_web::test]
async fn a_status_can_go_one_way_only() {
    let desk = Mirrored::start_with(json!({"owners": {"status": "desk"}})).await;
    let ticket = desk.open("One way").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"state": "Closed", "status": "Closed_Closed"})).await;
    desk.pull().await;
    assert_eq!(desk.case(&ticket).await.value("status"), "Open_New");
    assert_eq!(desk.conflicts(&ticket).await[0]["policy"], "desk_owned");
}

#[actix_web::test]
async fn a_type_that_both_may_change_comes_back_from_the_crm() {
    let desk = Mirrored::start_with(json!({"owners": {"type": "both"}})).await;
    let ticket = desk.open("Typed").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"type": "User"})).await;
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["type"], "question");
    desk.edit(&ticket, json!({"type": "Administration"})).await;
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["type"], "question");
    assert_eq!(desk.case(&ticket).await.value("type"), "User");
    assert_eq!(desk.conflicts(&ticket).await[0]["policy"], "refused");
}

#[actix_web::test]
async fn the_desks_value_that_lost_is_restored_in_its_own_words_on_both_sides() {
    let desk = Mirrored::start_with(json!({"policies": {"priority": "crm"}})).await;
    let ticket = desk.open("Restored").await;
    desk.converge().await;
    let conflict = both_change(&desk, &ticket, "critical", "P3").await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "low");
    let restored = restore(&desk, &conflict).await.expect(200);
    assert!(restored["restored_at"].is_string());
    desk.converge().await;
    // P1 alone would have come back as high.
    assert_eq!(desk.ticket(&ticket).await["priority"], "critical");
    assert_eq!(desk.case(&ticket).await.value("priority"), "P1");
    let provenance = desk.field(&ticket, "priority").await["provenance"].clone();
    assert_eq!(
        (&provenance["rule"], &provenance["by"]),
        (&json!("restored"), &restored["restored_by"])
    );
    desk.priority(&ticket, "normal").await;
    assert_eq!(restore(&desk, &conflict).await.expect(200), restored, "once more does nothing");
    desk.converge().await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "normal");
    assert_eq!(desk.field(&ticket, "priority").await["provenance"]["rule"], "pushed");
    let told = desk.events("mirror.conflict_restored").await;
    assert_eq!((told.len(), &told[0]["data"]["ticket_id"]), (1, &json!(ticket)));
}

#[actix_web::test]
async fn the_crms_value_that_lost_is_restored_on_both_sides_by_the_desks_rules() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Restored").await;
    desk.converge().await;
    let conflict = both_change(&desk, &ticket, "low", "P1").await;
    assert_eq!(desk.case(&ticket).await.value("priority"), "P3");
    let path = format!("/v1/crm/conflicts/{}/restore", text(&conflict["id"]));
    let agent = desk.app.client(Role::Agent).await;
    agent.post(&path, json!({})).await.problem(403, "forbidden");
    restore(&desk, &conflict).await.expect(200);
    desk.converge().await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "high");
    assert_eq!(desk.case(&ticket).await.value("priority"), "P1");
    assert_eq!(desk.conflicts(&ticket).await.len(), 1);
}

#[actix_web::test]
async fn what_cannot_be_restored_is_refused_with_its_reason() {
    let desk = Mirrored::start_with(json!({"policies": {"priority": "hold"}})).await;
    let ticket = desk.open("Held").await;
    desk.converge().await;
    let held = both_change(&desk, &ticket, "low", "P1").await;
    restore(&desk, &held).await.problem(409, "conflict_open");
    desk.edit(&ticket, json!({"name": "Renamed there"})).await;
    desk.pull().await;
    let conflicts = desk.conflicts(&ticket).await;
    let renamed = conflicts.iter().find(|c| c["field"] == "subject").unwrap();
    let problem = restore(&desk, renamed).await.problem(409, "cannot_restore");
    assert!(text(&problem["detail"]).contains("never changes"), "{problem}");
    desk.edit(&ticket, json!({"state": "Open", "status": "Open_Pending Input"})).await;
    desk.pull().await;
    let conflicts = desk.conflicts(&ticket).await;
    let status = conflicts.iter().find(|c| c["field"] == "status").unwrap();
    restore(&desk, status).await.problem(409, "cannot_restore");
}

#[actix_web::test]
async fn an_owner_that_a_field_cannot_have_is_refused_by_its_pointer() {
    let desk = Mirrored::start().await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    let change = json!({"settings": {"owners": {"subject": "crm"}}});
    let problem = desk.admin.patch(&path, "*", change).await.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/settings/owners/subject");
    let change = json!({"settings": {"owners": {"status": "desk"}, "policies": {"status": "crm"}}});
    let problem = desk.admin.patch(&path, "*", change).await.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/settings/policies/status");
}
