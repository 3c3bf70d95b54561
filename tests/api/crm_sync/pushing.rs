//! What changed in the CRM, and what becomes of it.
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::Integrated;
use crate::support::Reply;
use crate::support::mirror::Mirrored;

#[actix_web::test]
async fn what_only_the_crm_changed_is_applied_in_the_name_of_the_integration() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Applied").await;
    desk.made(&ticket, "c-1").await;
    let change = json!([{"change_id": "1", "case_id": "c-1", "fields": {"priority": "high"}}]);
    let told = desk.push(change).await.expect(207);
    let outcome = &told["items"][0];
    assert_eq!(outcome["outcome"], "applied", "{told}");
    assert_eq!((&outcome["ticket_id"], &outcome["case_id"]), (&json!(ticket), &json!("c-1")));
    assert_eq!(outcome["write"], json!({}));
    assert_eq!(desk.ticket(&ticket).await["priority"], "high");
    let history = desk.admin.get(&format!("/v1/tickets/{ticket}/history")).await.expect(200);
    let last = history["items"].as_array().unwrap();
    let changed = last
        .iter()
        .find(|event| event["changes"].get("priority").is_some_and(|p| p["to"] == "high"));
    assert_eq!(changed.unwrap()["origin"], "crm");
}

#[actix_web::test]
async fn assignee_account_and_status_are_applied_by_the_desks_rules() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Handed over").await;
    desk.made(&ticket, "c-1").await;
    let fields = json!({"assignee": "", "status": "closed"});
    let outcome = desk.tell("1", &ticket, json!({ "fields": fields })).await;
    assert_eq!(outcome["outcome"], "applied", "{outcome}");
    let after = desk.ticket(&ticket).await;
    assert_eq!(
        (&after["assignee_id"], &after["status"]["category"]),
        (&Value::Null, &json!("closed"))
    );
    // No workflow goes there.
    let outcome = desk.tell("2", &ticket, json!({"fields": {"status": "on_hold"}})).await;
    assert_eq!(outcome["outcome"], "conflict");
    assert_eq!(outcome["conflicts"][0]["policy"], "refused");
    assert_eq!(outcome["write"], json!({"status": "closed"}));
}

#[actix_web::test]
async fn the_echo_of_what_was_written_changes_nothing() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Echoed").await;
    desk.made(&ticket, "c-1").await;
    desk.priority(&ticket, "critical").await;
    let version = desk.ticket(&ticket).await["version"].clone();
    let outcome = desk.tell("1", &ticket, json!({"fields": {"priority": "critical"}})).await;
    assert_eq!(outcome["outcome"], "unchanged");
    assert_eq!(desk.ticket(&ticket).await["version"], version);
}

#[actix_web::test]
async fn a_change_that_is_older_than_the_desks_is_answered_with_what_to_write() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Late").await;
    desk.made(&ticket, "c-1").await;
    desk.priority(&ticket, "critical").await;
    // The CRM has not got it yet.
    let outcome = desk.tell("1", &ticket, json!({"fields": {"priority": "normal"}})).await;
    assert_eq!(outcome["outcome"], "unchanged");
    assert_eq!(outcome["write"], json!({"priority": "critical"}));
}

#[actix_web::test]
async fn what_both_sides_changed_is_a_conflict_that_keeps_the_losing_value_and_comes_up_once() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Torn").await;
    desk.made(&ticket, "c-1").await;
    desk.priority(&ticket, "critical").await;
    let outcome = desk.tell("1", &ticket, json!({"fields": {"priority": "low"}})).await;
    assert_eq!(outcome["outcome"], "conflict");
    assert_eq!(outcome["write"], json!({"priority": "critical"}));
    let again = desk.tell("2", &ticket, json!({"fields": {"priority": "low"}})).await;
    assert_eq!(again["outcome"], "unchanged", "{again}");
    let conflicts = desk.conflicts(&ticket).await;
    assert_eq!(conflicts.len(), 1);
    assert_eq!(
        (&conflicts[0]["winner"], &conflicts[0]["losing_value"]),
        (&json!("desk"), &json!("low"))
    );
    assert_eq!(desk.ticket(&ticket).await["priority"], "critical");
}

#[actix_web::test]
async fn a_held_conflict_waits_and_is_not_closed_by_changes_of_other_fields() {
    let desk = Integrated::start_with(json!({"policies": {"priority": "hold"}})).await;
    let ticket = desk.open("Held").await;
    desk.made(&ticket, "c-1").await;
    desk.priority(&ticket, "critical").await;
    let held = desk.tell("1", &ticket, json!({"fields": {"priority": "low"}})).await;
    assert_eq!((&held["conflicts"][0]["winner"], &held["write"]), (&Value::Null, &json!({})));
    desk.tell("2", &ticket, json!({"fields": {"assignee": ""}})).await;
    let conflict = desk.conflicts(&ticket).await.remove(0);
    assert_eq!(conflict["resolved_at"], Value::Null);
    // Until somebody has decided, the case is to keep what it has.
    assert_eq!(desk.case(&ticket).await["fields"]["priority"], "low");
    let path = format!("/v1/crm/conflicts/{}/resolution", conflict["id"].as_str().unwrap());
    desk.admin.post(&path, json!({"winner": "crm"})).await.expect(202);
    desk.tell("3", &ticket, json!({"fields": {"priority": "low"}})).await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "low");
}

#[actix_web::test]
async fn the_latest_change_wins_where_the_policy_says_so() {
    let desk = Integrated::start_with(json!({"policies": {"priority": "latest"}})).await;
    let ticket = desk.open("Raced").await;
    desk.made(&ticket, "c-1").await;
    desk.priority(&ticket, "critical").await;
    let at = |minutes| (Utc::now() + TimeDelta::minutes(minutes)).to_rfc3339();
    let early = json!({"fields": {"priority": "low"}, "changed_at": at(-5)});
    assert_eq!(desk.tell("1", &ticket, early).await["conflicts"][0]["winner"], "desk");
    let late = json!({"fields": {"priority": "high"}, "base": {"priority": "normal"}, "changed_at": at(5)});
    assert_eq!(desk.tell("2", &ticket, late).await["conflicts"][0]["winner"], "crm");
    assert_eq!(desk.ticket(&ticket).await["priority"], "high");
}

#[actix_web::test]
async fn the_base_that_is_given_counts_before_the_mirrors() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Based").await;
    desk.link(&ticket, "c-1").await.expect(200);
    // Nothing was agreed on yet.
    let change = json!({"fields": {"priority": "high"}, "base": {"priority": "normal"}});
    assert_eq!(desk.tell("1", &ticket, change).await["outcome"], "applied");
    assert_eq!(desk.ticket(&ticket).await["priority"], "high");
}

#[actix_web::test]
async fn an_edit_of_what_belongs_to_the_desk_is_to_be_written_over_and_lost_text_is_not() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Tag <b> lost").await;
    desk.link(&ticket, "c-1").await.expect(200);
    let cut = json!({"fields": {"subject": "Tag  lost"}});
    let outcome = desk.tell("1", &ticket, cut).await;
    assert_eq!((&outcome["outcome"], &outcome["write"]), (&json!("unchanged"), &json!({})));
    let mirror = desk.admin.get(&format!("/v1/tickets/{ticket}/mirror")).await.expect(200);
    assert!(mirror.to_string().contains("\"altered\":{"), "{mirror}");
    let edited = desk.tell("2", &ticket, json!({"fields": {"subject": "Mine"}})).await;
    assert_eq!(edited["conflicts"][0]["policy"], "desk_owned");
    assert_eq!(edited["write"], json!({"subject": "Tag <b> lost"}));
}

#[actix_web::test]
async fn a_change_that_is_told_again_has_its_first_outcome_and_no_effect() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Twice").await;
    desk.made(&ticket, "c-1").await;
    let change = json!({"fields": {"priority": "high"}, "note": {"body": "Urgent"}});
    let first = desk.tell("1", &ticket, change.clone()).await;
    assert_eq!(first["outcome"], "applied");
    desk.priority(&ticket, "low").await;
    assert_eq!(desk.tell("1", &ticket, change).await, first);
    assert_eq!(desk.ticket(&ticket).await["priority"], "low");
    assert_eq!(desk.notes(&ticket).await, ["Urgent"]);
}

#[actix_web::test]
async fn a_change_that_is_told_many_times_at_once_is_applied_once() {
    let desk = Integrated::start().await;
    let ticket = desk.open("At once").await;
    desk.made(&ticket, "c-1").await;
    let change = json!({"fields": {"priority": "high"}, "note": {"body": "Urgent"}});
    let told = join_all((0..12).map(|_| desk.tell("1", &ticket, change.clone()))).await;
    assert!(
        told.iter().all(|outcome| *outcome == told[0] && outcome["outcome"] == "applied"),
        "{told:?}"
    );
    assert_eq!(desk.notes(&ticket).await, ["Urgent"]);
}

#[actix_web::test]
async fn changes_of_one_ticket_in_one_call_follow_each_other() {
    let desk = Integrated::start().await;
    let ticket = desk.open("In order").await;
    desk.made(&ticket, "c-1").await;
    let change = |id: &str, priority| json!({"change_id": id, "ticket_id": ticket, "fields": {"priority": priority}});
    let changes = json!([change("1", "high"), change("2", "normal"), change("1", "low")]);
    let told = desk.push(changes).await.expect(207);
    let outcomes: Vec<&Value> =
        told["items"].as_array().unwrap().iter().map(|o| &o["outcome"]).collect();
    assert_eq!(outcomes, ["applied", "applied", "applied"]);
    assert_eq!(desk.ticket(&ticket).await["priority"], "normal");
}

#[actix_web::test]
async fn an_unknown_case_is_not_remembered_and_a_bad_change_stops_no_other() {
    let desk = Integrated::start().await;
    let (good, bare) = (desk.open("Good").await, desk.open("Bare").await);
    desk.made(&good, "c-1").await;
    let path = format!("/v1/crm/connections/{}/maps/account", desk.connection);
    let account = desk.ticket(&bare).await["account_id"].clone();
    let gone = json!({"items": [{"local_id": account, "remote_id": null}]});
    desk.admin.put(&path, gone).await.expect(200);
    let changes = json!([
        {"change_id": "1", "case_id": "nobody's", "fields": {"priority": "high"}},
        {"change_id": "2", "ticket_id": bare, "fields": {"account": "Contoso"}},
        {"change_id": "3", "case_id": "c-1", "fields": {"priority": "high"}},
    ]);
    let told = desk.push(changes).await.expect(207);
    let outcomes: Vec<&Value> =
        told["items"].as_array().unwrap().iter().map(|o| &o["outcome"]).collect();
    assert_eq!(outcomes, ["unknown", "refused", "applied"], "{told}");
    assert_eq!(told["items"][1]["problem"]["code"], "unmapped");
    desk.link(&bare, "nobody's").await.expect(200);
    let again = json!([{"change_id": "1", "case_id": "nobody's", "fields": {"priority": "high"}, "base": {"priority": "normal"}}]);
    assert_eq!(desk.push(again).await.expect(207)["items"][0]["outcome"], "applied");
}

#[actix_web::test]
async fn a_refused_note_takes_its_change_back() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Whole").await;
    desk.made(&ticket, "c-1").await;
    desk.app.sql("create function refuse() returns trigger language plpgsql as $$ begin raise unique_violation; end $$").await.unwrap();
    desk.app.sql("create trigger refuse before insert on crm_note_links for each row execute function refuse()").await.unwrap();
    let change = json!({"fields": {"priority": "high"}, "note": {"body": "Urgent"}});
    let outcome = desk.tell("1", &ticket, change).await;
    assert_eq!(outcome["outcome"], "refused", "{outcome}");
    assert_eq!(desk.ticket(&ticket).await["priority"], "normal");
    assert!(desk.notes(&ticket).await.is_empty());
}

#[actix_web::test]
async fn a_note_of_the_crm_comes_in_once_whatever_change_brings_it() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Noted").await;
    let note = json!({"note": {"id": "n-1", "body": "They rang"}});
    assert_eq!(desk.tell("1", &ticket, note.clone()).await["outcome"], "applied");
    assert_eq!(desk.tell("2", &ticket, note).await["outcome"], "unchanged");
    assert_eq!(desk.notes(&ticket).await, ["They rang"]);
    let page = desk.admin.get(&format!("/v1/tickets/{ticket}/notes")).await.expect(200);
    let note = &page["items"][0];
    assert_eq!((&note["visibility"], &note["channel"]), (&json!("internal"), &json!("crm")));
}

#[actix_web::test]
async fn a_note_on_the_case_of_a_merged_ticket_goes_where_the_ticket_went() {
    let desk = Integrated::start().await;
    let (target, source) = (desk.open("Kept").await, desk.open("Merged").await);
    let merge = format!("/v1/tickets/{source}/merge");
    desk.admin.post_on(&merge, "*", json!({"into": target})).await.expect(200);
    let merged = desk.ticket(&source).await;
    let told = json!({"fields": {"priority": "high"}, "note": {"id": "n-1", "body": "They rang"}});
    let outcome = desk.tell("1", &source, told.clone()).await;
    // The note is taken; the merged ticket itself is as the desk left it.
    assert_eq!(outcome["outcome"], "conflict", "{outcome}");
    assert_eq!(outcome["write"], json!({"priority": "normal"}));
    assert_eq!(desk.notes(&target).await, ["Merged into CB-1000", "They rang"]);
    assert_eq!(desk.ticket(&source).await, merged);
    let again = desk.tell("2", &source, json!({"note": {"id": "n-1", "body": "They rang"}})).await;
    assert_eq!(again["outcome"], "unchanged");
}

#[actix_web::test]
async fn a_change_names_either_the_case_or_the_ticket_and_a_call_has_a_hundred_at_most() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Named").await;
    for change in
        [json!({"change_id": "1"}), json!({"change_id": "1", "case_id": "c", "ticket_id": ticket})]
    {
        let problem = desk.push(json!([change])).await.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/changes/0/ticket_id");
    }
    let many: Vec<Value> =
        (0..101).map(|n| json!({"change_id": n.to_string(), "case_id": "c"})).collect();
    desk.push(json!(many)).await.problem(422, "validation_failed");
    desk.push(json!([])).await.problem(422, "validation_failed");
}

#[actix_web::test]
async fn outcomes_are_forgotten_after_seven_days() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Forgotten").await;
    desk.tell("1", &ticket, json!({"note": {"body": "Once"}})).await;
    let inbox = &desk.app.service.inbox;
    assert!(!inbox.sweep(Utc::now() + TimeDelta::days(6)).await.unwrap());
    assert!(inbox.sweep(Utc::now() + TimeDelta::days(8)).await.unwrap());
    // The note is known all the same.
    assert_eq!(
        desk.tell("1", &ticket, json!({"note": {"body": "Once"}})).await["outcome"],
        "unchanged"
    );
}

#[actix_web::test]
async fn a_change_told_of_a_crm_that_the_engine_writes_is_taken_at_once_and_then_compared() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Both ways").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.edit(&ticket, json!({"priority": "P1"})).await;
    let change = json!({"change_id": "1", "case_id": case, "fields": {"priority": "P1"}});
    let body = json!({"connection": desk.connection, "changes": [change]});
    let told: Reply = desk.admin.post("/v1/crm/changes", body).await;
    assert_eq!(told.expect(207)["items"][0]["outcome"], "applied");
    assert_eq!(desk.ticket(&ticket).await["priority"], "high");
    desk.converge().await;
    assert_eq!(desk.case(&ticket).await.value("priority"), "P1");
    assert!(desk.conflicts(&ticket).await.is_empty());
    assert_eq!(desk.health().await["backlog"], 0);
}

#[actix_web::test]
async fn an_attempt_that_began_before_a_told_change_does_not_undo_what_was_agreed_on() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Overtaken").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.note(&ticket, "internal", "Slowly written").await;
    desk.app.publish().await;
    desk.crm.set_latency(Duration::from_millis(500));
    let attempt = desk.app.service.mirror.converge_due(Utc::now());
    let overtake = async {
        // The case is read, and the note is on its way.
        tokio::time::sleep(Duration::from_millis(750)).await;
        desk.edit(&ticket, json!({"priority": "P1"})).await;
        let change = json!({"change_id": "1", "case_id": case, "fields": {"priority": "P1"}});
        let body = json!({"connection": desk.connection, "changes": [change]});
        let told = desk.admin.post("/v1/crm/changes", body).await.expect(207);
        assert_eq!(told["items"][0]["outcome"], "applied", "{told}");
    };
    let (attempt, ()) = tokio::join!(attempt, overtake);
    attempt.unwrap();
    desk.crm.set_latency(Duration::ZERO);
    let mirror = desk.mirror(&ticket).await;
    let fields = mirror["fields"].as_array().unwrap();
    let priority = fields.iter().find(|field| field["field"] == "priority").unwrap();
    assert_eq!(priority["base"], "P1", "{mirror}");
    desk.app.sql("update crm_mirrors set leased_until = null").await.unwrap();
    desk.converge().await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "high");
    assert_eq!(desk.notes(&case).len(), 1);
    assert_eq!(desk.health().await["backlog"], 0);
}
