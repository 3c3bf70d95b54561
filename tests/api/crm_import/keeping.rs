//! What an import keeps up to date, and what it leaves alone.
use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::{counts, creating, reason};
use crate::support::mirror::{CLERK, Mirrored, crm_id, text};

#[actix_web::test]
async fn what_the_crm_changed_is_taken_and_what_only_the_desk_changed_stays() {
    let desk = creating().await;
    let (contact, account) = (crm_id("Warehouse contact"), crm_id("Harbor Logistics"));
    desk.edit_record("Contacts", &contact, json!({"account_id": account, "phone_work": "+43 1"}));
    desk.import(false).await;
    let path = format!("/v1/contacts/{}", desk.id("Warehouse contact"));
    assert_eq!(desk.admin.get(&path).await.expect(200)["phone"], "+43 1", "what the desk lacks");
    desk.admin
        .patch(&path, "*", json!({"name": "Depot contact", "phone": "+43 9"}))
        .await
        .expect(200);
    let account_path = format!("/v1/accounts/{}", desk.id("Harbor Logistics"));
    desk.admin.patch(&account_path, "*", json!({"name": "Harbour"})).await.expect(200);

    desk.edit_record("Contacts", &contact, json!({"email1": "depot@customer.example"}));
    let status = desk.import(false).await;
    assert_eq!(counts(&status, "contact")[2], 1, "{status}");
    let shown = desk.admin.get(&path).await.expect(200);
    let values = ["name", "email", "phone"].map(|field| text(&shown[field]));
    assert_eq!(values, ["Depot contact", "depot@customer.example", "+43 9"]);
    assert_eq!(desk.admin.get(&account_path).await.expect(200)["name"], "Harbour");
}

#[actix_web::test]
async fn where_both_changed_the_crm_is_taken_and_the_event_keeps_what_gave_way() {
    let desk = Mirrored::start().await;
    desk.import(false).await;
    let path = format!("/v1/accounts/{}", desk.id("Harbor Logistics"));
    desk.admin.patch(&path, "*", json!({"name": "Desk's name"})).await.expect(200);
    desk.edit_record("Accounts", &crm_id("Harbor Logistics"), json!({"name": "CRM's name"}));
    desk.import(false).await;
    assert_eq!(desk.admin.get(&path).await.expect(200)["name"], "CRM's name");
    let event =
        "select changes->'name'->>'from' as text from events where origin = 'crm' order by id desc";
    assert_eq!(desk.app.text(event).await.unwrap(), "Desk's name");
}

#[actix_web::test]
async fn a_contact_who_moves_to_another_account_moves_at_the_desk() {
    let desk = Mirrored::start().await;
    let contact = crm_id("Warehouse contact");
    let account = |name| json!({"account_id": crm_id(name)});
    desk.edit_record("Contacts", &contact, account("Harbor Logistics"));
    desk.import(false).await;
    desk.edit_record("Contacts", &contact, account("Northwind Services"));
    desk.import(false).await;
    let path = format!("/v1/contacts/{}", desk.id("Warehouse contact"));
    let shown = desk.admin.get(&path).await.expect(200);
    assert_eq!(shown["account_ids"], json!([desk.id("Northwind Services")]));
}

#[actix_web::test]
async fn a_new_name_that_something_else_has_is_reported_until_it_is_free() {
    let desk = Mirrored::start().await;
    desk.import(false).await;
    let taken = desk.admin.post("/v1/accounts", json!({"name": "Wanted"})).await.expect(201);
    desk.edit_record("Accounts", &crm_id("Harbor Logistics"), json!({"name": "Wanted"}));
    desk.import(false).await;
    let unmapped = desk.unmapped("account").await;
    assert_eq!(reason(&unmapped, "Wanted"), "name_taken");
    assert_eq!(unmapped[0]["local_id"], desk.id("Harbor Logistics"));
    let other = format!("/v1/accounts/{}", text(&taken["id"]));
    desk.admin.patch(&other, "*", json!({"name": "Renamed"})).await.expect(200);
    desk.import(false).await;
    assert!(desk.unmapped("account").await.is_empty());
    assert_eq!(desk.find("accounts", "Wanted").await["id"], desk.id("Harbor Logistics"));
}

#[actix_web::test]
async fn what_was_deleted_in_the_crm_is_reported_and_stays_at_the_desk() {
    let desk = creating().await;
    let stranger = desk.crm.create("Contacts", json!({"last_name": "Stranger"})).unwrap();
    desk.import(false).await;
    desk.crm.delete("Accounts", &crm_id("Harbor Logistics")).unwrap();
    desk.crm.delete("Contacts", &stranger).unwrap();
    desk.import(true).await;
    assert_eq!(reason(&desk.unmapped("account").await, "Harbor Logistics"), "deleted");
    assert!(desk.unmapped("contact").await.is_empty());
    assert_eq!(desk.find("accounts", "Harbor").await["active"], true);
}

#[actix_web::test]
async fn a_user_who_has_left_is_reported_and_their_agent_stays() {
    let desk = Mirrored::start().await;
    desk.import(false).await;
    desk.edit_record("Users", &crm_id("L1 agent A"), json!({"status": "Inactive"}));
    desk.import(false).await;
    assert_eq!(reason(&desk.unmapped("agent").await, "L1 agent A"), "inactive");
    let path = format!("/v1/agents/{}", desk.id("L1 agent A"));
    assert_eq!(desk.admin.get(&path).await.expect(200)["active"], true);
}

#[actix_web::test]
async fn an_agent_who_comes_later_is_linked_by_the_next_import() {
    let desk = Mirrored::start().await;
    desk.edit_record("Users", CLERK, json!({"email1": "clerk@desk.example"}));
    desk.import(false).await;
    assert_eq!(reason(&desk.unmapped("agent").await, "Sales clerk"), "no_match");
    let new = json!({"name": "Clerk", "email": "Clerk@desk.example", "role": "agent"});
    let agent = desk.admin.post("/v1/agents", new).await.expect(201);
    desk.import(false).await;
    let linked = (text(&agent["id"]), CLERK.to_owned());
    assert!(desk.links("agent").await.contains(&linked));
}

#[actix_web::test]
async fn the_second_import_lists_only_what_changed() {
    let desk = Mirrored::start().await;
    desk.crm.set_clock_offset(TimeDelta::hours(-3));
    for n in 0..120 {
        desk.crm.create("Accounts", json!({"name": format!("Old {n}")})).unwrap();
    }
    desk.crm.set_clock_offset(TimeDelta::zero());
    assert_eq!(counts(&desk.import(false).await, "account")[0], 122);
    let old = desk.unmapped("account").await[0].clone();
    let id = text(&old["remote_id"]);
    desk.edit_record("Accounts", &id, json!({"name": "Harbor and more"}));
    let status = desk.import(false).await;
    // The two that Mirrored made a moment ago are within the overlap.
    assert_eq!(counts(&status, "account")[0], 3, "{status}");
    reason(&desk.unmapped("account").await, "Harbor and more");
}

#[actix_web::test]
async fn a_schedule_starts_an_import_when_it_is_due_and_only_then() {
    let desk = Mirrored::start().await;
    let engine = &desk.app.service.mirror;
    assert!(!engine.import_due(Utc::now()).await.unwrap(), "off until it is switched on");
    let path = format!("/v1/crm/connections/{}", desk.connection);
    let settings = json!({"settings": {"import": {"scheduled": true, "every_minutes": 60}}});
    desk.admin.patch(&path, "*", settings).await.expect(200);
    assert!(engine.import_due(Utc::now()).await.unwrap());
    assert!(!engine.import_due(Utc::now()).await.unwrap(), "one is at work");
    desk.app.run_jobs().await;
    assert_eq!(desk.status().await["job"]["started_by"]["name"], "Casebridge");
    let later = |minutes| Utc::now() + TimeDelta::minutes(minutes);
    assert!(!engine.import_due(later(59)).await.unwrap());
    assert!(engine.import_due(later(61)).await.unwrap());
    desk.app.run_jobs().await;
    assert_eq!(desk.status().await["job"]["options"]["whole"], false);
    assert!(engine.import_due(later(25 * 60)).await.unwrap());
    assert_eq!(desk.status().await["job"]["options"]["whole"], true, "once a day everything");
}
