//! Failures of the CRM, and what is missing in it.
use casebridge::kernel::Role;
use fake_crm::{Fault, FaultRule};
use serde_json::json;

use crate::support::mirror::{Mirrored, crm_id};

const NEW: &str = "5f1d9c1e-3a55-4a0c-8d1c-0e9a7b6c5d4f";

#[actix_web::test]
async fn a_case_deleted_in_the_crm_is_not_resurrected() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Deleted there").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.crm.delete("Cases", &case).unwrap();
    for priority in ["high", "low"] {
        desk.priority(&ticket, priority).await;
        desk.converge().await;
    }
    let mirror = desk.mirror(&ticket).await;
    assert_eq!((&mirror["state"], &mirror["error_class"]), (&json!("deleted"), &json!("gone")));
    assert!(mirror["dirty_since"].is_string() && mirror["next_attempt_at"].is_null(), "{mirror}");
    assert_eq!(desk.crm.records("Cases").len(), 1);
    // Only when somebody asks for it, and then with everything that belongs to it.
    desk.note(&ticket, "public", "Still here.").await;
    desk.retry(json!({"deleted": true})).await;
    desk.converge().await;
    let new = desk.case(&ticket).await;
    assert_ne!(new.id, case);
    assert_eq!(new.value("priority"), "P3");
    assert_eq!(desk.notes(&new.id).len(), 1);
}

#[actix_web::test]
async fn a_deletion_that_nobody_edited_after_is_found_by_a_reconcile() {
    let desk = Mirrored::start_with(json!({"on_deleted": "recreate"})).await;
    let ticket = desk.open("Reconciled").await;
    desk.note(&ticket, "public", "Hello.").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.crm.delete("Cases", &case).unwrap();
    desk.reconcile(json!({"mode": "repair"})).await;
    desk.converge().await;
    let new = desk.case(&ticket).await;
    assert!(new.id != case && !new.deleted);
    assert_eq!(desk.notes(&new.id).len(), 1);
}

#[actix_web::test]
async fn an_account_that_the_crm_does_not_know_parks_with_its_name_until_it_is_mapped() {
    let desk = Mirrored::start().await;
    desk.crm.delete("Accounts", &crm_id("Northwind Services")).unwrap();
    let ticket = desk.open("Unmapped").await;
    desk.converge().await;
    let mirror = desk.mirror(&ticket).await;
    assert_eq!((&mirror["state"], &mirror["error_class"]), (&json!("parked"), &json!("unmapped")));
    assert!(mirror["last_error"].as_str().unwrap().contains("Northwind Services"), "{mirror}");
    assert_eq!(desk.crm.count("POST", "Cases"), 0);
    assert_eq!(desk.health().await["parked"][0]["count"], 1);

    desk.crm.create("Accounts", json!({"id": NEW, "name": "Northwind (old)"})).unwrap();
    let path = format!("/v1/crm/connections/{}/maps/account", desk.connection);
    let link = json!({"local_id": desk.id("Northwind Services"), "remote_id": NEW});
    desk.admin.put(&path, json!({"items": [link]})).await.expect(200);
    desk.retry(json!({"error_class": "unmapped"})).await;
    desk.converge().await;
    assert_eq!(desk.case(&ticket).await.value("account_id"), NEW);
    assert_eq!(desk.health().await["parked"], json!([]));
}

#[actix_web::test]
async fn an_outage_costs_no_attempts_and_everything_arrives_afterwards() {
    let desk = Mirrored::start().await;
    desk.crm.fail(FaultRule::next(Fault::ServerError).times(1000));
    let mut tickets = Vec::new();
    for n in 0..6 {
        tickets.push(desk.open(&format!("Outage {n}")).await);
    }
    for _ in 0..20 {
        desk.wait().await;
        desk.converge().await;
    }
    let health = desk.health().await;
    assert!(health["failures"].as_i64().unwrap() >= 3, "{health}");
    assert_eq!((&health["backlog"], &health["parked"]), (&json!(6), &json!([])));
    for ticket in &tickets {
        let attempts = desk.mirror(ticket).await["attempts"].as_i64().unwrap();
        assert!(attempts <= 2, "an outage burnt {attempts} attempts");
    }
    desk.crm.clear_faults();
    desk.wait().await;
    desk.converge().await;
    assert_eq!(desk.crm.records("Cases").len(), 6);
    let health = desk.health().await;
    assert_eq!((&health["backlog"], &health["failures"]), (&json!(0), &json!(0)));
}

#[actix_web::test]
async fn a_case_that_the_crm_chokes_on_delays_no_other() {
    let desk = Mirrored::start().await;
    let poisoned = desk.open("Poisoned").await;
    desk.converge().await;
    let case = desk.case(&poisoned).await.id;
    desk.crm.fail(FaultRule::next(Fault::ServerError).path(&case).times(1000));
    desk.priority(&poisoned, "high").await;
    desk.converge().await;
    let other = desk.open("Healthy").await;
    desk.converge().await;
    assert_eq!(desk.mirror(&other).await["state"], "linked");
    assert_eq!(desk.mirror(&poisoned).await["error_class"], "transient");
}

#[actix_web::test]
async fn a_revoked_token_is_renewed_in_the_middle() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Revoked").await;
    desk.converge().await;
    desk.crm.revoke_tokens();
    desk.priority(&ticket, "high").await;
    desk.converge().await;
    assert_eq!(desk.case(&ticket).await.value("priority"), "P1");
}

#[actix_web::test]
async fn refused_credentials_pause_the_connection_and_nothing_is_lost() {
    let desk = Mirrored::start().await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    let wrong = json!({"client_secret": "wrong"});
    let refused = desk.admin.patch(&path, "*", wrong.clone()).await;
    let problem = refused.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/client_secret");
    desk.admin.patch(&format!("{path}?check=false"), "*", wrong).await.expect(200);
    let ticket = desk.open("Locked out").await;
    desk.converge().await;
    let paused = desk.admin.get(&path).await.expect(200);
    assert_eq!(paused["state"], "paused");
    assert!(
        paused["reason"].as_str().unwrap().contains("Client authentication failed"),
        "{paused}"
    );
    assert_eq!(desk.mirror(&ticket).await["attempts"], 0);
    let right = json!({"client_secret": desk.crm.client_secret()});
    desk.admin.patch(&path, "*", right).await.expect(200);
    desk.admin.post(&format!("{path}/resume"), json!({})).await.expect(200);
    desk.converge().await;
    assert_eq!(desk.mirror(&ticket).await["state"], "linked");
}

#[actix_web::test]
async fn a_crm_that_asks_for_a_pause_gets_it() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Slow down").await;
    desk.crm.fail(FaultRule::next(Fault::TooManyRequests { retry_after: 120 }).module("Cases"));
    desk.converge().await;
    assert!(desk.health().await["not_before"].is_string());
    assert_eq!(desk.crm.records("Cases").len(), 0);
    desk.wait().await;
    desk.converge().await;
    assert_eq!(desk.mirror(&ticket).await["state"], "linked");
}

#[actix_web::test]
async fn contacts_see_nothing_of_the_mirror() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Private").await;
    let contact = desk.app.client(Role::Contact).await;
    for path in ["/v1/crm/connections".into(), format!("/v1/tickets/{ticket}/mirror")] {
        contact.get(&path).await.problem(403, "forbidden");
    }
}
