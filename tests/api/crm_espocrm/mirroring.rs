//! A ticket becomes a case, and what happens on either side reaches the other.
use std::time::Duration;

use fake_crm::espo::API_USER;
use fake_crm::{Fault, FaultRule};
use serde_json::json;

use super::CLERK;
use super::desk::EspoDesk;
use crate::support::mirror::crm_id;

#[actix_web::test]
async fn a_ticket_becomes_a_case_with_people_company_product_and_a_link_to_it() {
    let desk = EspoDesk::start().await;
    let ticket = desk.open("The export <stops>").await;
    desk.converge().await;
    let mirror = desk.mirror(&ticket).await;
    assert_eq!(mirror["state"], "linked", "{mirror}");
    let case = desk.case(&ticket).await;
    assert_eq!(mirror["link"], format!("{}/#Case/view/{}", desk.crm.url(), case.id));
    let url = "https://app.example/exports/7";
    let description = format!("It stops after <b>100</b> rows.\n\nURL: {url}");
    assert_eq!(case.text("description"), description);
    assert_eq!((case.text("status"), case.text("priority")), ("New", "Normal"));
    assert_eq!(case.text("accountId"), crm_id("Northwind Services"));
    assert_eq!(case.text("cProduct"), "CoreTrac");
    assert!(case.text("cTicketNumber").starts_with("CB-"));
    assert!(case.text("cTicketUrl").ends_with(&ticket));
    assert_eq!(desk.crm.contacts_of(&case.id), [crm_id("Purchasing contact")]);
    for field in mirror["fields"].as_array().unwrap() {
        assert_eq!((&field["desk"], &field["crm"]), (&field["base"], &field["base"]), "{field}");
    }
}

#[actix_web::test]
async fn edits_there_come_back_with_who_made_them_and_are_no_echo() {
    let desk = EspoDesk::start().await;
    let ticket = desk.open("Edited there").await;
    desk.converge().await;
    let edit = json!({
        "priority": "High", "status": "Assigned", "assignedUserId": crm_id("L1 agent B"),
        "accountId": crm_id("Harbor Logistics"),
    });
    desk.edit(&ticket, edit).await;
    desk.pull().await;
    let shown = desk.ticket(&ticket).await;
    assert_eq!(
        (&shown["priority"], &shown["status"]["category"]),
        (&json!("high"), &json!("open"))
    );
    let agent = desk.app.id("agents", "L1 agent B").await;
    let account = desk.app.id("accounts", "Harbor Logistics").await;
    assert_eq!((&shown["assignee_id"], &shown["account_id"]), (&json!(agent), &json!(account)));
    assert!(desk.conflicts(&ticket).await.is_empty());
    let history =
        desk.admin.get(&format!("/v1/tickets/{ticket}/history?limit=100")).await.expect(200);
    let history = history["items"].as_array().unwrap().clone();
    let by_crm: Vec<_> = history.iter().filter(|event| event["origin"] == "crm").collect();
    assert!(!by_crm.is_empty());
    assert!(by_crm.iter().all(|e| e["actor"]["name"] == "Sales clerk (EspoCRM)"), "{by_crm:?}");
    desk.crm.clear_calls();
    desk.pull().await;
    desk.reconcile().await;
    for method in ["PUT", "POST", "DELETE"] {
        assert_eq!((desk.crm.count(method, "Case"), desk.crm.count(method, "Note")), (0, 0));
    }
}

#[actix_web::test]
async fn a_case_closed_as_a_duplicate_closes_the_ticket_and_stays_a_duplicate() {
    let desk = EspoDesk::start().await;
    let ticket = desk.open("Closed there").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"status": "Duplicate"})).await;
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["status"]["category"], "closed");
    assert_eq!(desk.case(&ticket).await.text("status"), "Duplicate");
}

#[actix_web::test]
async fn notes_go_both_ways_once() {
    let desk = EspoDesk::start().await;
    let ticket = desk.open("Notes").await;
    desk.note(&ticket, "public", "Which <version>?").await;
    desk.note(&ticket, "internal", "Ask the lab &amp; wait.").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.in_the_crm(|crm| crm.post(&case, "They rang about it.", CLERK).unwrap());
    for _ in 0..3 {
        desk.pull().await;
    }
    let mut posts = desk.crm.posts_of(&case);
    posts.reverse();
    assert_eq!(posts.len(), 3, "{posts:?}");
    assert!(
        posts[0].text("post").contains("Which <version>?") && posts[0].value("isInternal") == false
    );
    assert!(
        posts[1].text("post").contains("lab &amp; wait") && posts[1].value("isInternal") == true
    );
    let notes = desk.notes(&ticket).await;
    assert_eq!(notes.len(), 3, "{notes:?}");
    let theirs: Vec<_> = notes.iter().filter(|note| note["channel"] == "crm").collect();
    assert_eq!(theirs.len(), 1);
    assert_eq!(theirs[0]["body"], "They rang about it.");
    assert_eq!(theirs[0]["visibility"], "internal");
    assert_eq!(theirs[0]["author"]["name"], "Sales clerk (EspoCRM)");
}

#[actix_web::test]
async fn lost_answers_make_no_second_case_and_no_second_note() {
    let desk = EspoDesk::start().await;
    let ticket = desk.open("Twice").await;
    desk.note(&ticket, "public", "Once.").await;
    desk.crm.fail(FaultRule::next(Fault::DropAfter).method("POST").module("Case"));
    desk.crm.fail(FaultRule::next(Fault::DropAfter).method("POST").module("Note"));
    desk.converge().await;
    assert_eq!(desk.mirror(&ticket).await["state"], "pending");
    // The ticket goes on meanwhile: what was written must not be taken for an edit in the CRM.
    desk.priority(&ticket, "high").await;
    for _ in 0..3 {
        desk.wait().await;
        desk.converge().await;
    }
    assert!(desk.crm.pending_faults().is_empty());
    assert_eq!(desk.crm.records("Case").len(), 1);
    let case = desk.case(&ticket).await;
    assert_eq!((case.text("priority"), desk.crm.posts_of(&case.id).len()), ("High", 1));
    assert_eq!(desk.ticket(&ticket).await["priority"], "high");
    assert!(desk.conflicts(&ticket).await.is_empty());
}

#[actix_web::test]
async fn two_edits_at_the_same_time_lose_nothing_the_version_lock_sees_to_it() {
    let desk = EspoDesk::start().await;
    let ticket = desk.open("Race").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.priority(&ticket, "high").await;
    // Our write is on its way, having read the case, when somebody saves another field.
    desk.crm.fail(FaultRule::next(Fault::Hang { milliseconds: 600 }).method("PUT").module("Case"));
    let meanwhile = async {
        while !desk.crm.pending_faults().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let edit = json!({"assignedUserId": crm_id("L1 agent B")});
        desk.crm.edit("Case", &case, edit, CLERK).unwrap();
    };
    tokio::join!(desk.converge(), meanwhile);
    let refused: Vec<_> =
        desk.crm.calls().into_iter().filter(|call| call.status == Some(409)).collect();
    assert_eq!(refused.len(), 1, "the lock was not put to the test");
    let stored = desk.case(&ticket).await;
    assert_eq!(stored.text("priority"), "High");
    assert_eq!(stored.text("assignedUserId"), crm_id("L1 agent B"));
    let shown = desk.ticket(&ticket).await;
    let agent = desk.app.id("agents", "L1 agent B").await;
    assert_eq!((&shown["priority"], &shown["assignee_id"]), (&json!("high"), &json!(agent)));
    assert!(desk.conflicts(&ticket).await.is_empty());
}

#[actix_web::test]
async fn two_edits_of_one_field_at_the_same_time_leave_a_record_of_the_one_that_gave_way() {
    let desk = EspoDesk::start_with(json!({"policies": {"priority": "crm"}})).await;
    let ticket = desk.open("Race").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.priority(&ticket, "high").await;
    desk.crm.fail(FaultRule::next(Fault::Hang { milliseconds: 600 }).method("PUT").module("Case"));
    let meanwhile = async {
        while !desk.crm.pending_faults().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        desk.crm.edit("Case", &case, json!({"priority": "Low"}), CLERK).unwrap();
    };
    tokio::join!(desk.converge(), meanwhile);
    assert_eq!(desk.case(&ticket).await.text("priority"), "Low");
    assert_eq!(desk.ticket(&ticket).await["priority"], "low");
    let conflicts = desk.conflicts(&ticket).await;
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    assert_eq!(conflicts[0]["losing_value"], "High");
}

#[actix_web::test]
async fn a_case_deleted_there_is_found_out_by_comparing_and_is_not_made_again() {
    let desk = EspoDesk::start().await;
    let ticket = desk.open("Deleted there").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.crm.delete("Case", &case, CLERK).unwrap();
    desk.reconcile().await;
    let mirror = desk.mirror(&ticket).await;
    assert_eq!(mirror["state"], "deleted", "{mirror}");
    desk.priority(&ticket, "high").await;
    desk.converge().await;
    assert_eq!(desk.crm.records("Case").len(), 1);
}

#[actix_web::test]
async fn a_revoked_key_pauses_the_connection_and_nothing_is_lost() {
    let desk = EspoDesk::start().await;
    let ticket = desk.open("Revoked").await;
    desk.converge().await;
    desk.crm.revoke_key(true);
    desk.priority(&ticket, "high").await;
    desk.converge().await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    assert_eq!(desk.admin.get(&path).await.expect(200)["state"], "paused");
    desk.crm.revoke_key(false);
    desk.admin.post(&format!("{path}/resume"), json!({})).await.expect(200);
    desk.converge().await;
    assert_eq!(desk.case(&ticket).await.text("priority"), "High");
    let case = desk.case(&ticket).await;
    assert_eq!(case.text("modifiedById"), API_USER);
}

#[actix_web::test]
async fn a_write_that_was_given_up_and_arrives_late_is_told_as_a_conflict() {
    let desk = EspoDesk::start().await;
    let ticket = desk.open("Late").await;
    desk.converge().await;
    desk.priority(&ticket, "high").await;
    desk.crm.fail(FaultRule::next(Fault::DropBefore).method("PUT"));
    desk.converge().await;
    desk.priority(&ticket, "normal").await;
    desk.wait().await;
    desk.converge().await;
    assert_eq!(desk.case(&ticket).await.text("priority"), "Normal");
    // Nothing was written since, so the write that was on its way still carries the version that is there.
    let case = desk.case(&ticket).await.id;
    let late = json!({"priority": "High"});
    desk.in_the_crm(|crm| crm.edit("Case", &case, late, API_USER).unwrap());
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "high");
    let conflicts = desk.conflicts(&ticket).await;
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    assert_eq!(
        (&conflicts[0]["winner"], &conflicts[0]["losing_value"]),
        (&json!("crm"), &json!("Normal"))
    );
}
