//! What a comparison finds, and that it only looks.
use casebridge::kernel::Role;
use fake_crm::Call;
use serde_json::{Value, json};

use crate::support::mirror::{CLERK, Mirrored, crm_id, text};

/// A ticket with a note, in the CRM too.
async fn mirrored(subject: &str) -> (Mirrored, String) {
    let desk = Mirrored::start().await;
    let ticket = desk.open(subject).await;
    desk.note(&ticket, "public", "Please try again.").await;
    desk.converge().await;
    (desk, ticket)
}

/// Kind and action of what a report finds.
async fn report(desk: &Mirrored) -> Vec<(String, String)> {
    let job = desk.reconcile(json!({})).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    let found = desk.differences(&job).await;
    let drift = found.iter().filter(|d| d["action"] != "leave" && d["action"] != "agree").count();
    assert_eq!(job["progress"]["found"], drift);
    found.iter().map(|d| (text(&d["kind"]), text(&d["action"]))).collect()
}

fn one(kind: &str, action: &str) -> Vec<(String, String)> {
    vec![(kind.to_owned(), action.to_owned())]
}

/// Calls that could have changed something; a look for a token is none.
fn writes(calls: Vec<Call>) -> Vec<Call> {
    calls.into_iter().filter(|call| call.method != "GET" && !call.module.is_empty()).collect()
}

#[actix_web::test]
async fn sides_that_agree_show_no_difference() {
    let (desk, _) = mirrored("Agreed").await;
    assert_eq!(report(&desk).await, []);
}

#[actix_web::test]
async fn a_report_writes_nothing_to_either_side() {
    let (desk, ticket) = mirrored("Only looked at").await;
    let bare = desk.open("Not there yet").await;
    let case = desk.case(&ticket).await;
    desk.edit(&ticket, json!({"priority": "P1", "name": "Rewritten"})).await;
    desk.in_the_crm(|crm| crm.write_note(&case.id, "Call", "They rang.", CLERK).unwrap());
    desk.crm.clear_calls();
    let tickets = "select string_agg(row_to_json(t)::text, ' ' order by id) as text from tickets t";
    let mirrors = "select string_agg(row_to_json(m)::text, ' ' order by ticket_id) as text from crm_mirrors m";
    let before = (desk.app.text(tickets).await, desk.app.text(mirrors).await);
    let found = report(&desk).await;
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(desk.crm.calls().len() >= 3, "nothing was compared");
    assert_eq!(writes(desk.crm.calls()), []);
    assert_eq!((desk.app.text(tickets).await, desk.app.text(mirrors).await), before);
    assert_eq!(desk.ticket(&bare).await["id"], bare);
}

#[actix_web::test]
async fn a_field_is_shown_as_base_desk_and_crm_with_what_a_merge_would_do() {
    let (desk, ticket) = mirrored("Fields").await;
    desk.edit(&ticket, json!({"name": "Rewritten", "product_c": ""})).await;
    desk.priority(&ticket, "high").await;
    let job = desk.reconcile(json!({})).await;
    let found = desk.differences(&job).await;
    let shown = |field: &str| -> Value {
        let all: Vec<_> = found.iter().filter(|d| d["field"] == field).collect();
        assert_eq!(all.len(), 1, "{field}: {found:?}");
        let keys = ["kind", "base", "desk", "crm", "action", "winner"];
        keys.iter().map(|key| all[0][key].clone()).collect()
    };
    assert_eq!(
        shown("subject"),
        json!(["field", "Fields", "Fields", "Rewritten", "conflict", "desk"])
    );
    assert_eq!(shown("product"), json!(["field", "CoreTrac", "CoreTrac", "", "take", null]));
    assert_eq!(shown("priority"), json!(["field", "P2", "P1", "P2", "push", null]));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().all(|d| d["ticket_id"] == ticket));
}

#[actix_web::test]
async fn a_conflict_that_the_connection_holds_has_no_winner() {
    let desk = Mirrored::start_with(json!({"policies": {"priority": "hold"}})).await;
    let ticket = desk.open("Held").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"priority": "P3"})).await;
    desk.priority(&ticket, "high").await;
    let job = desk.reconcile(json!({})).await;
    let found = desk.differences(&job).await;
    assert_eq!((&found[0]["action"], &found[0]["winner"]), (&json!("conflict"), &Value::Null));
}

#[actix_web::test]
async fn a_case_that_was_deleted_there_is_found_although_no_feed_shows_it() {
    for (setting, action) in [("leave", "tombstone"), ("recreate", "create"), ("ask", "park")] {
        let desk = Mirrored::start_with(json!({ "on_deleted": setting })).await;
        let ticket = desk.open("Deleted there").await;
        desk.converge().await;
        let case = desk.case(&ticket).await.id;
        desk.crm.delete("Cases", &case).unwrap();
        assert_eq!(report(&desk).await, one("case_deleted", action));
    }
}

#[actix_web::test]
async fn a_contact_that_was_taken_off_the_case_is_found() {
    let (desk, ticket) = mirrored("Contact").await;
    let case = desk.case(&ticket).await.id;
    let contact = crm_id("Purchasing contact");
    assert!(desk.crm.unrelate(&case, &contact));
    assert_eq!(report(&desk).await, one("contact_missing", "push"));
}

#[actix_web::test]
async fn notes_are_found_that_are_missing_or_altered_on_either_side() {
    let (desk, ticket) = mirrored("Notes").await;
    let case = desk.case(&ticket).await.id;
    let ours = desk.notes(&case)[0].id.clone();
    desk.crm.edit("Notes", &ours, json!({"description": "Somebody else's words."}), CLERK).unwrap();
    assert_eq!(report(&desk).await, one("note_altered", "leave"));
    desk.crm.delete("Notes", &ours).unwrap();
    assert_eq!(report(&desk).await, one("note_missing_in_crm", "tell"));
    desk.note(&ticket, "internal", "Not sent yet.").await;
    desk.crm.write_note(&case, "Call", "They rang.", CLERK).unwrap();
    let mut found = report(&desk).await;
    found.sort();
    let expected = [
        ("note_missing_at_desk", "take"),
        ("note_missing_in_crm", "push"),
        ("note_missing_in_crm", "tell"),
    ];
    assert_eq!(found, expected.map(|(kind, action)| (kind.to_owned(), action.to_owned())));
}

#[actix_web::test]
async fn what_is_linked_to_nothing_is_named() {
    let (desk, ticket) = mirrored("Unmapped").await;
    desk.app.sql("delete from crm_links where kind = 'account'").await.unwrap();
    desk.crm.delete("Accounts", &crm_id("Northwind Services")).unwrap();
    let job = desk.reconcile(json!({})).await;
    let found = desk.differences(&job).await;
    assert_eq!((&found[0]["kind"], &found[0]["action"]), (&json!("unmapped"), &json!("park")));
    assert!(found[0]["detail"].as_str().unwrap().contains("Northwind Services"), "{found:?}");
    assert_eq!(found[0]["ticket_id"], ticket);
}

#[actix_web::test]
async fn only_what_is_asked_for_is_compared() {
    let desk = Mirrored::start().await;
    let (first, second) = (desk.open("First").await, desk.open("Second").await);
    desk.converge().await;
    for ticket in [&first, &second] {
        desk.edit(ticket, json!({"priority": "P1"})).await;
    }
    let third = desk.open("Third").await;
    let of = |found: Vec<Value>| -> Vec<String> {
        found.iter().map(|d| text(&d["ticket_id"])).collect()
    };
    let job = desk.reconcile(json!({"ticket_ids": [second]})).await;
    assert_eq!(job["progress"], json!({"done": 1, "total": 1, "found": 1}));
    assert_eq!(of(desk.differences(&job).await), [second]);
    let job = desk.reconcile(json!({"states": ["pending"]})).await;
    assert_eq!(of(desk.differences(&job).await), [third]);
}

#[actix_web::test]
async fn differences_are_paged_and_filtered() {
    let desk = Mirrored::start().await;
    for n in 0..3 {
        let ticket = desk.open(&format!("Paged {n}")).await;
        desk.converge().await;
        desk.edit(&ticket, json!({"priority": "P1", "name": "Rewritten"})).await;
    }
    let job = desk.reconcile(json!({})).await;
    let path = format!("/v1/crm/reconciliations/{}/differences", text(&job["id"]));
    let first = desk.admin.get(&format!("{path}?limit=4")).await.expect(200);
    assert_eq!(first["items"].as_array().unwrap().len(), 4);
    let next = text(&first["next"]);
    let rest = desk.admin.get(&format!("{path}?limit=4&cursor={next}")).await.expect(200);
    assert_eq!(rest["items"].as_array().unwrap().len(), 2);
    for (filter, count) in [("field=priority", 3), ("action=take", 3), ("kind=case_deleted", 0)] {
        let page = desk.admin.get(&format!("{path}?{filter}")).await.expect(200);
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{filter}");
    }
    desk.admin.get(&format!("{path}?kind=nonsense")).await.problem(400, "malformed_request");
}

#[actix_web::test]
async fn the_texts_of_tickets_are_shown_to_nobody_who_may_not_change_the_connection() {
    let (desk, _) = mirrored("Private").await;
    let job = desk.reconcile(json!({})).await;
    let path = format!("/v1/crm/reconciliations/{}/differences", text(&job["id"]));
    for role in [Role::Contact, Role::Agent, Role::Coordinator] {
        desk.app.client(role).await.get(&path).await.problem(403, "forbidden");
    }
    // Neither is another kind of job taken for a comparison.
    let backfill = desk.health().await["backfill"]["id"].clone();
    let path = format!("/v1/crm/reconciliations/{}/differences", text(&backfill));
    desk.admin.get(&path).await.problem(404, "not_found");
}

#[actix_web::test]
async fn what_the_mirror_is_about_to_do_anyway_is_told_apart() {
    let (desk, ticket) = mirrored("On its way").await;
    let on_its_way = async || {
        let job = desk.reconcile(json!({})).await;
        desk.differences(&job).await[0]["on_its_way"].clone()
    };
    desk.edit(&ticket, json!({"product_c": ""})).await;
    assert_eq!(on_its_way().await, false);
    desk.priority(&ticket, "high").await;
    desk.app.publish().await;
    assert_eq!(on_its_way().await, true);
}
