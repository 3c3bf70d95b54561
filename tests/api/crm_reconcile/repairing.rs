//! What a comparison found is put right.
use casebridge::crm::reconcile::start_scheduled;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::mirror::{CLERK, Mirrored, crm_id, text};
use crate::support::pointers;

/// A ticket whose case has come apart from it in every way that can be put right; returns ticket and case.
async fn broken(desk: &Mirrored, subject: &str) -> (String, String) {
    let ticket = desk.open(subject).await;
    desk.note(&ticket, "public", "Please try again.").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.edit(&ticket, json!({"priority": "P1", "name": "Rewritten"})).await;
    assert!(desk.crm.unrelate(&case, &crm_id("Purchasing contact")));
    desk.crm.write_note(&case, "Call", "They rang.", CLERK).unwrap();
    (ticket, case)
}

async fn is_whole(desk: &Mirrored, ticket: &str, case: &str) {
    assert_eq!(desk.ticket(ticket).await["priority"], "high");
    let record = desk.crm.record("Cases", case).unwrap();
    assert_ne!(record.value("name"), "Rewritten");
    assert_eq!(desk.crm.contacts_of(case), [crm_id("Purchasing contact")]);
    let notes = desk.admin.get(&format!("/v1/tickets/{ticket}/notes")).await.expect(200);
    assert_eq!(notes["items"].as_array().unwrap().len(), 2);
}

async fn drift(desk: &Mirrored) -> Value {
    desk.reconcile(json!({})).await["progress"]["found"].clone()
}

#[actix_web::test]
async fn a_repair_puts_everything_right_and_the_next_report_shows_no_drift() {
    let desk = Mirrored::start().await;
    let (ticket, case) = broken(&desk, "Broken").await;
    let job = desk.reconcile(json!({"mode": "repair"})).await;
    assert_eq!(job["progress"]["found"], 4);
    let found = desk.differences(&job).await;
    assert!(found.iter().all(|d| d["repaired_at"].is_string()), "{found:?}");
    desk.converge().await;
    is_whole(&desk, &ticket, &case).await;
    assert_eq!(drift(&desk).await, 0);
}

#[actix_web::test]
async fn a_report_can_be_put_right_difference_by_difference_or_kind_by_kind() {
    let desk = Mirrored::start().await;
    let (first, first_case) = broken(&desk, "First").await;
    let (second, second_case) = broken(&desk, "Second").await;
    let report = desk.reconcile(json!({})).await;
    desk.converge().await;
    assert_eq!(desk.ticket(&first).await["priority"], "normal", "a report repaired");
    let path = format!("/v1/crm/reconciliations/{}/repair", text(&report["id"]));
    let found = desk.differences(&report).await;
    let of_first = found.iter().find(|d| d["ticket_id"] == first).unwrap();
    let marked = desk.admin.post(&path, json!({"differences": [of_first["id"]]})).await;
    assert_eq!(marked.expect(202), json!({"marked": 1}));
    desk.converge().await;
    is_whole(&desk, &first, &first_case).await;
    assert_eq!(desk.ticket(&second).await["priority"], "normal");
    let marked = desk.admin.post(&path, json!({"kinds": ["case_deleted"]})).await;
    assert_eq!(marked.expect(202), json!({"marked": 0}));
    let marked = desk.admin.post(&path, json!({"kinds": ["contact_missing"]})).await;
    assert_eq!(marked.expect(202), json!({"marked": 2}));
    desk.converge().await;
    is_whole(&desk, &second, &second_case).await;
    assert_eq!(drift(&desk).await, 0);
}

#[actix_web::test]
async fn a_repair_says_which_differences_in_one_way() {
    let desk = Mirrored::start().await;
    let report = desk.reconcile(json!({})).await;
    let path = format!("/v1/crm/reconciliations/{}/repair", text(&report["id"]));
    for body in [json!({}), json!({"all": true, "kinds": ["field"]})] {
        assert_eq!(pointers(desk.admin.post(&path, body).await), ["/all"]);
    }
    desk.admin.post(&path, json!({"all": true})).await.expect(202);
}

#[actix_web::test]
async fn what_changed_since_the_report_is_merged_and_not_written_over() {
    let desk = Mirrored::start().await;
    let (ticket, _) = broken(&desk, "Moved on").await;
    let report = desk.reconcile(json!({})).await;
    desk.edit(&ticket, json!({"priority": "P3"})).await;
    let path = format!("/v1/crm/reconciliations/{}/repair", text(&report["id"]));
    desk.admin.post(&path, json!({"all": true})).await.expect(202);
    desk.converge().await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "low");
}

#[actix_web::test]
async fn a_case_deleted_there_gets_its_tombstone_and_is_no_drift_any_more() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Gone").await;
    desk.converge().await;
    desk.crm.delete("Cases", &desk.case(&ticket).await.id).unwrap();
    desk.reconcile(json!({"mode": "repair"})).await;
    desk.converge().await;
    assert_eq!(desk.mirror(&ticket).await["state"], "deleted");
    assert_eq!(drift(&desk).await, 0);
    assert_eq!(desk.crm.records("Cases").len(), 1);
}

#[actix_web::test]
async fn repairs_wait_for_what_people_change() {
    let desk = Mirrored::start().await;
    let (old, case) = broken(&desk, "Repaired later").await;
    desk.reconcile(json!({"mode": "repair"})).await;
    let mut new = Vec::new();
    for n in 0..24 {
        new.push(desk.open(&format!("New {n}")).await);
    }
    desk.app.publish().await;
    desk.crm.clear_calls();
    assert!(desk.app.service.mirror.converge_due(Utc::now()).await.unwrap());
    let cases = desk.crm.calls().into_iter().filter(|call| call.module == "Cases");
    let cases: Vec<_> = cases.collect();
    let repaired = cases.iter().position(|call| call.path.contains(&case)).unwrap();
    let made = cases[..repaired].iter().filter(|call| call.body.contains("ticket_id_c")).count();
    // It begins when the last of them have begun.
    assert!(made >= new.len() / 2, "a repair came after {made} of {}", new.len());
    is_whole(&desk, &old, &case).await;
}

#[actix_web::test]
async fn a_day_after_the_last_comparison_the_next_starts_by_itself() {
    let desk = Mirrored::start().await;
    let (ticket, case) = broken(&desk, "Found by itself").await;
    let start = |hours| {
        let now = Utc::now() + TimeDelta::hours(hours);
        desk.app.service.db.tx(move |conn| start_scheduled(conn, now))
    };
    assert!(!start(23).await.unwrap());
    assert!(start(24).await.unwrap());
    assert!(!start(24).await.unwrap(), "once a day");
    desk.converge().await;
    is_whole(&desk, &ticket, &case).await;
    assert_eq!(desk.health().await["reconcile"]["started_by"]["name"], "Casebridge");
}

#[actix_web::test]
async fn a_connection_says_how_often_it_is_compared_and_whether_that_repairs() {
    let settings = json!({"reconcile_hours": 2, "reconcile_mode": "report"});
    let desk = Mirrored::start_with(settings).await;
    let (ticket, _) = broken(&desk, "Reported by itself").await;
    let later = Utc::now() + TimeDelta::hours(2);
    let start = || desk.app.service.db.tx(move |conn| start_scheduled(conn, later));
    assert!(start().await.unwrap());
    desk.converge().await;
    let health = desk.health().await;
    assert_eq!(health["reconcile"]["progress"]["found"], 4, "{health}");
    assert_eq!(desk.ticket(&ticket).await["priority"], "normal");
    let path = format!("/v1/crm/connections/{}", desk.connection);
    let never = json!({"settings": {"reconcile_hours": 0}});
    desk.admin.patch(&path, "*", never).await.expect(200);
    let later = later + TimeDelta::days(400);
    assert!(!desk.app.service.db.tx(move |conn| start_scheduled(conn, later)).await.unwrap());
}

#[actix_web::test]
async fn a_comparison_of_some_tickets_is_not_told_as_the_last_one_of_everything() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Compared alone").await;
    desk.converge().await;
    let some = json!({"mode": "report", "ticket_ids": [ticket]});
    desk.reconcile(some.clone()).await;
    assert_eq!(desk.health().await["reconcile"], json!(null));
    let whole = desk.reconcile(json!({"mode": "report"})).await;
    desk.reconcile(some).await;
    desk.reconcile(json!({"mode": "report", "states": ["linked"]})).await;
    let told = desk.health().await["reconcile"].clone();
    assert_eq!((&told["id"], &told["state"]), (&whole["id"], &json!("succeeded")));
}

#[actix_web::test]
async fn what_waits_for_a_person_is_not_said_to_be_repaired() {
    let desk = Mirrored::start_with(json!({ "on_deleted": "ask" })).await;
    let ticket = desk.open("Whose case is gone").await;
    desk.converge().await;
    desk.crm.delete("Cases", &desk.case(&ticket).await.id).unwrap();
    desk.priority(&ticket, "high").await;
    desk.converge().await;
    assert_eq!(desk.mirror(&ticket).await["error_class"], "gone");
    let job = desk.reconcile(json!({"mode": "report"})).await;
    let path = format!("/v1/crm/reconciliations/{}/repair", job["id"].as_str().unwrap());
    assert_eq!(desk.admin.post(&path, json!({"all": true})).await.expect(202)["marked"], 0);
    let found = desk.differences(&job).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["repaired_at"], json!(null));
    assert_eq!(desk.mirror(&ticket).await["state"], "parked");
}
