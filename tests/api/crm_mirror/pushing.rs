//! From the desk to the CRM.
use casebridge::crm::adapters::Access;
use casebridge::crm::adapters::suitecrm::{self, SuiteCrm};
use casebridge::kernel::Secret;
use fake_crm::{Fault, FaultRule};
use serde_json::json;

use crate::support::mirror::{Mirrored, crm_id};

#[actix_web::test]
async fn a_ticket_becomes_a_case_with_its_contact_and_its_notes() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("The export stops").await;
    desk.note(&ticket, "public", "We are looking into it.").await;
    desk.note(&ticket, "internal", "Looks like the limit.").await;
    desk.converge().await;

    let shown = desk.ticket(&ticket).await;
    let case = desk.case(&ticket).await;
    assert_eq!(case.value("name"), "The export stops");
    assert!(case.value("description").ends_with("rows.\n\nURL: https://app.example/exports/7"));
    assert_eq!(case.value("account_id"), crm_id("Northwind Services"));
    assert_eq!((case.value("priority"), case.value("type")), ("P2", "User"));
    assert_eq!((case.value("state"), case.value("status")), ("Open", "Open_New"));
    assert_eq!(case.value("product_c"), "CoreTrac");
    assert_eq!(case.value("ticket_number_c"), shown["number"]);
    let link = format!("{}/v1/tickets/{ticket}", desk.app.url);
    assert_eq!(case.value("ticket_id_c"), link);
    let agents = ["L1 agent A", "L1 agent B"].map(crm_id);
    assert!(agents.iter().any(|id| id == case.value("assigned_user_id")), "{case:?}");
    assert_eq!(desk.crm.contacts_of(&case.id), [crm_id("Purchasing contact")]);

    let mut notes = desk.notes(&case.id);
    notes.sort_by_key(|note| note.value("name").to_owned());
    let texts: Vec<_> = notes.iter().map(|n| (n.value("name"), n.value("description"))).collect();
    let internal = ("Internal note by Administrator", "Looks like the limit.");
    assert_eq!(texts, [internal, ("Reply by Administrator", "We are looking into it.")]);

    let mirror = desk.mirror(&ticket).await;
    assert_eq!((&mirror["state"], &mirror["dirty_since"]), (&json!("linked"), &json!(null)));
    let expected =
        format!("{}/index.php?module=Cases&action=DetailView&record={}", desk.crm.url(), case.id);
    assert_eq!(mirror["link"], expected);
    let fields = mirror["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 10, "{mirror}");
    for field in fields {
        assert_eq!((&field["desk"], &field["crm"]), (&field["base"], &field["base"]), "{field}");
    }
    desk.priority(&ticket, "critical").await;
    let mirror = desk.mirror(&ticket).await;
    let fields = mirror["fields"].as_array().unwrap();
    let priority = fields.iter().find(|field| field["field"] == "priority").unwrap();
    assert_eq!((&priority["desk"], &priority["crm"]), (&json!("P1"), &json!("P2")));
}

#[actix_web::test]
async fn a_draft_is_no_case_until_it_is_submitted() {
    let desk = Mirrored::start().await;
    let draft = json!({"subject": "Half", "draft": true});
    let ticket = desk.admin.post("/v1/tickets", draft).await.expect(201);
    desk.converge().await;
    assert_eq!(desk.crm.count("POST", "Cases"), 0);
    let mirror = format!("/v1/tickets/{}/mirror", ticket["id"].as_str().unwrap());
    assert_eq!(desk.admin.get(&mirror).await.expect(200)["items"], json!([]));
}

#[actix_web::test]
async fn only_what_differs_is_written_and_a_burst_is_one_update() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Burst").await;
    desk.converge().await;
    desk.crm.clear_calls();
    for priority in ["high", "low", "critical"] {
        desk.priority(&ticket, priority).await;
    }
    desk.converge().await;
    let writes: Vec<_> = desk.crm.calls().into_iter().filter(|c| c.method == "PATCH").collect();
    assert_eq!(writes.len(), 1, "{writes:?}");
    let body: serde_json::Value = serde_json::from_str(&writes[0].body).unwrap();
    assert_eq!(body["data"]["attributes"], json!({"priority": "P1"}));
}

#[actix_web::test]
async fn our_own_write_is_no_echo() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Echo").await;
    desk.note(&ticket, "public", "Hello.").await;
    desk.converge().await;
    desk.crm.clear_calls();
    let before = desk.ticket(&ticket).await;
    for _ in 0..2 {
        desk.pull().await;
    }
    let compared = desk.reconcile(json!({"mode": "repair"})).await;
    assert_eq!(compared["progress"], json!({"done": 1, "total": 1, "found": 0}));
    let everything =
        "update crm_mirrors set dirty_since = now(), dirty_seq = dirty_seq + 1, full_check = true";
    desk.app.sql(everything).await.unwrap();
    desk.converge().await;
    for method in ["POST", "PATCH", "DELETE"] {
        for module in ["Cases", "Notes", "Contacts"] {
            assert_eq!(desk.crm.count(method, module), 0, "{method} {module}");
        }
    }
    assert_eq!(desk.ticket(&ticket).await, before);
    assert!(desk.conflicts(&ticket).await.is_empty());
}

#[actix_web::test]
async fn a_timeout_after_the_commit_makes_no_second_case_and_no_second_note() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Twice").await;
    desk.note(&ticket, "public", "Once.").await;
    desk.crm.fail(FaultRule::next(Fault::DropAfter).method("POST").module("Cases"));
    desk.crm.fail(FaultRule::next(Fault::DropAfter).method("POST").module("Notes"));
    desk.converge().await;
    assert_eq!(desk.mirror(&ticket).await["state"], "pending");
    // The ticket goes on meanwhile: what was written must not be taken for an edit in the CRM.
    desk.priority(&ticket, "high").await;
    for _ in 0..3 {
        desk.wait().await;
        desk.converge().await;
    }
    assert!(desk.crm.pending_faults().is_empty());
    assert_eq!(desk.crm.records("Cases").len(), 1);
    let case = desk.case(&ticket).await;
    assert_eq!(case.value("priority"), "P1");
    assert_eq!(desk.notes(&case.id).len(), 1);
    assert_eq!(desk.ticket(&ticket).await["priority"], "high");
    assert!(desk.conflicts(&ticket).await.is_empty());
}

#[actix_web::test]
async fn a_lost_answer_to_an_update_is_recognized_although_the_ticket_has_changed_again() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Lost answer").await;
    desk.converge().await;
    desk.priority(&ticket, "high").await;
    desk.crm.fail(FaultRule::next(Fault::DropAfter).method("PATCH"));
    desk.converge().await;
    assert_eq!(desk.case(&ticket).await.value("priority"), "P1");
    desk.priority(&ticket, "low").await;
    desk.wait().await;
    desk.converge().await;
    assert_eq!(desk.case(&ticket).await.value("priority"), "P3");
    assert_eq!(desk.ticket(&ticket).await["priority"], "low");
    assert!(desk.conflicts(&ticket).await.is_empty());
}

#[actix_web::test]
async fn a_deleted_ticket_leaves_its_case_alone_until_it_is_restored() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Gone").await;
    desk.converge().await;
    let case = desk.case(&ticket).await;
    desk.priority(&ticket, "high").await;
    desk.admin.delete(&format!("/v1/tickets/{ticket}"), "*").await.expect(204);
    desk.converge().await;
    assert_eq!(desk.crm.record("Cases", &case.id).unwrap().value("priority"), "P2");
    assert_eq!(desk.health().await["detached"], 1);
    let restore = format!("/v1/tickets/{ticket}/restoration");
    desk.admin.post_on(&restore, "*", json!({})).await.expect(200);
    desk.converge().await;
    assert_eq!(desk.case(&ticket).await.value("priority"), "P1");
}

#[actix_web::test]
async fn a_transferred_ticket_takes_its_relation_to_the_new_contact_along() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("For somebody else").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    // Somebody of the CRM related another contact: that is theirs.
    let colleague = crm_id("Finance contact");
    let (id, secret) = (desk.crm.client_id(), Secret::new(desk.crm.client_secret()));
    let suite = SuiteCrm::new(Access::stock(&suitecrm::KIND, &desk.crm.url(), id, secret)).unwrap();
    suite.relate_contact(&case, &colleague).await.unwrap();
    let transfer = json!({
        "account_id": desk.id("Harbor Logistics"), "contact_id": desk.id("Warehouse contact"),
    });
    let path = format!("/v1/tickets/{ticket}/transfer");
    desk.admin.post_on(&path, "*", transfer).await.expect(200);
    desk.converge().await;
    let mut related = desk.crm.contacts_of(&case);
    related.sort();
    let mut expected = vec![colleague, crm_id("Warehouse contact")];
    expected.sort();
    assert_eq!(related, expected);
    assert_eq!(desk.case(&ticket).await.value("account_id"), crm_id("Harbor Logistics"));
}
