//! From the CRM to the desk.
use serde_json::json;

use crate::support::mirror::{CLERK, Mirrored, crm_id};

#[actix_web::test]
async fn edits_in_the_crm_come_back_through_the_desks_own_operations() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Edited there").await;
    desk.converge().await;
    desk.edit(
        &ticket,
        json!({
            "assigned_user_id": crm_id("L1 agent B"), "account_id": crm_id("Harbor Logistics"), "priority": "P1",
            "state": "Open", "status": "Open_Assigned",
        }),
    )
    .await;
    desk.pull().await;
    let shown = desk.ticket(&ticket).await;
    assert_eq!(shown["assignee_id"], desk.id("L1 agent B"));
    assert_eq!(shown["account_id"], desk.id("Harbor Logistics"));
    // The contact does not belong to that account; the event keeps who they were.
    assert_eq!(shown["contact_id"], json!(null));
    let case = desk.case(&ticket).await.id;
    assert_eq!(desk.crm.contacts_of(&case), Vec::<String>::new());
    assert_eq!(shown["priority"], "high");
    assert_eq!(shown["status"]["category"], "open");
    assert!(desk.conflicts(&ticket).await.is_empty());
    let history =
        desk.admin.get(&format!("/v1/tickets/{ticket}/history?limit=100")).await.expect(200);
    let by_crm: Vec<_> =
        history["items"].as_array().unwrap().iter().filter(|e| e["origin"] == "crm").collect();
    assert!(by_crm.len() >= 3, "{history}");
    assert!(by_crm.iter().all(|e| e["actor"]["name"] == "Sales clerk (SuiteCRM)"), "{by_crm:?}");
    desk.crm.clear_calls();
    desk.pull().await;
    assert_eq!(desk.crm.count("PATCH", "Cases"), 0);
}

#[actix_web::test]
async fn what_the_desk_refuses_does_not_hold_back_what_it_takes() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Half refused").await;
    let agent = json!({"agent_id": desk.id("L1 agent A")});
    desk.admin.post_on(&format!("/v1/tickets/{ticket}/transfer"), "*", agent).await.expect(200);
    desk.converge().await;
    // The desk has no such account.
    let account = crm_id("Unheard of");
    desk.crm.create("Accounts", json!({"id": account, "name": "Unheard of"})).unwrap();
    let edit = json!({
        "assigned_user_id": crm_id("L1 agent B"), "account_id": account, "priority": "P3",
        "state": "Open", "status": "Open_Assigned",
    });
    desk.edit(&ticket, edit).await;
    desk.pull().await;
    let shown = desk.ticket(&ticket).await;
    assert_eq!(
        shown["assignee_id"],
        desk.id("L1 agent B"),
        "{shown} {:?}",
        desk.conflicts(&ticket).await
    );
    assert_eq!(shown["priority"], "low");
    assert_eq!(shown["account_id"], desk.id("Northwind Services"));
    let case = desk.case(&ticket).await;
    assert_eq!(case.value("account_id"), crm_id("Northwind Services"));
    assert_eq!(case.value("assigned_user_id"), crm_id("L1 agent B"));
    let conflicts = desk.conflicts(&ticket).await;
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    assert_eq!(
        (&conflicts[0]["field"], &conflicts[0]["policy"]),
        (&json!("account"), &json!("refused"))
    );
}

#[actix_web::test]
async fn a_case_closed_in_the_crm_closes_the_ticket_and_keeps_its_finer_word() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Closed there").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"state": "Closed", "status": "Closed_Duplicate"})).await;
    desk.pull().await;
    let shown = desk.ticket(&ticket).await;
    assert_eq!(shown["status"]["code"], "050");
    assert_eq!(shown["resolution"], "Closed in the CRM");
    assert_eq!(desk.case(&ticket).await.value("status"), "Closed_Duplicate");
    desk.edit(&ticket, json!({"state": "Open", "status": "Open_Assigned"})).await;
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["status"]["category"], "open");
}

#[actix_web::test]
async fn a_change_that_the_workflow_forbids_becomes_a_conflict_and_the_desk_keeps_its_status() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Forbidden").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"state": "Open", "status": "Open_Pending Input"})).await;
    let before = desk.ticket(&ticket).await;
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["status"], before["status"]);
    assert_eq!(desk.case(&ticket).await.value("status"), "Open_New");
    let conflicts = desk.conflicts(&ticket).await;
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0]["policy"], "refused");
    assert_eq!(conflicts[0]["losing_value"], "Open/Open_Pending Input");
    assert!(conflicts[0]["reason"].as_str().unwrap().contains("012"), "{conflicts:?}");
}

#[actix_web::test]
async fn a_field_that_both_sides_changed_is_decided_by_its_policy_and_the_loser_is_kept() {
    for (policy, desk_has, crm_has, loser) in
        [("desk", "low", "P3", json!("P1")), ("crm", "high", "P1", json!("P3"))]
    {
        let desk = Mirrored::start_with(json!({"policies": {"priority": policy}})).await;
        let ticket = desk.open("Both").await;
        desk.converge().await;
        desk.edit(&ticket, json!({"priority": "P1"})).await;
        desk.priority(&ticket, "low").await;
        desk.converge().await;
        assert_eq!(desk.ticket(&ticket).await["priority"], desk_has);
        assert_eq!(desk.case(&ticket).await.value("priority"), crm_has);
        let conflicts = desk.conflicts(&ticket).await;
        assert_eq!(conflicts.len(), 1, "{conflicts:?}");
        assert_eq!(conflicts[0]["losing_value"], loser);
        assert_eq!(conflicts[0]["policy"], format!("policy:{policy}"));
    }
}

#[actix_web::test]
async fn a_held_conflict_waits_for_a_decision_and_then_follows_it() {
    let desk = Mirrored::start_with(json!({"policies": {"priority": "hold"}})).await;
    let ticket = desk.open("Held").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"priority": "P1"})).await;
    desk.priority(&ticket, "low").await;
    desk.converge().await;
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "low");
    assert_eq!(desk.case(&ticket).await.value("priority"), "P1");
    let conflicts = desk.conflicts(&ticket).await;
    assert_eq!((conflicts.len(), &conflicts[0]["winner"]), (1, &json!(null)));
    let path = format!("/v1/crm/conflicts/{}/resolution", conflicts[0]["id"].as_str().unwrap());
    desk.admin.post(&path, json!({"winner": "crm"})).await.expect(202);
    desk.converge().await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "high");
    assert_eq!(desk.mirror(&ticket).await["conflicts"], json!([]));
    desk.admin.post(&path, json!({"winner": "crm"})).await.problem(409, "already_resolved");
}

#[actix_web::test]
async fn a_note_written_in_the_crm_comes_back_once_as_an_internal_note() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Noted there").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.in_the_crm(|crm| crm.write_note(&case, "Call", "They rang about it.", CLERK).unwrap());
    for _ in 0..3 {
        desk.pull().await;
    }
    let notes = desk.admin.get(&format!("/v1/tickets/{ticket}/notes")).await.expect(200);
    let notes = notes["items"].as_array().unwrap();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0]["visibility"], "internal");
    assert_eq!(notes[0]["channel"], "crm");
    assert_eq!(notes[0]["body"], "Call\n\nThey rang about it.");
    assert_eq!(notes[0]["author"]["name"], "Sales clerk (SuiteCRM)");
    assert_eq!(desk.notes(&case).len(), 1);
}

#[actix_web::test]
async fn an_edit_of_what_belongs_to_the_desk_is_written_over_and_recorded() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Original").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"name": "Renamed there"})).await;
    desk.pull().await;
    assert_eq!(desk.case(&ticket).await.value("name"), "Original");
    let conflicts = desk.conflicts(&ticket).await;
    assert_eq!(conflicts[0]["policy"], "desk_owned");
    assert_eq!(conflicts[0]["losing_value"], "Renamed there");
}

#[actix_web::test]
async fn who_takes_a_case_in_the_crm_and_says_so_in_its_status_causes_no_conflict() {
    let desk = Mirrored::start().await;
    desk.app.set_away(&["L1 agent A", "L1 agent B"], true).await;
    let ticket = desk.open("Taken there").await;
    desk.converge().await;
    let edit = json!({
        "assigned_user_id": crm_id("L1 agent B"), "state": "Open", "status": "Open_Assigned",
    });
    desk.edit(&ticket, edit).await;
    desk.pull().await;
    let shown = desk.ticket(&ticket).await;
    assert_eq!(shown["assignee_id"], desk.id("L1 agent B"), "{shown}");
    assert_eq!(shown["status"]["category"], "open", "{shown}");
    assert!(desk.conflicts(&ticket).await.is_empty(), "{:?}", desk.conflicts(&ticket).await);
    assert_eq!(desk.case(&ticket).await.value("status"), "Open_Assigned");
}
