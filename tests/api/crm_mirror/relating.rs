//! Who and what a ticket is about, in both directions.
use serde_json::{Value, json};

use crate::support::mirror::{CLERK, Mirrored, crm_id, text};

impl Mirrored {
    async fn transfer(&self, ticket: &str, to: Value) {
        let path = format!("/v1/tickets/{ticket}/transfer");
        self.admin.post_on(&path, "*", to).await.expect(200);
        self.converge().await;
    }
}

#[actix_web::test]
async fn another_contact_of_the_same_account_moves_the_relation_alone() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("For a colleague").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.crm.clear_calls();
    desk.transfer(&ticket, json!({"contact_id": desk.id("Operations contact")})).await;
    assert_eq!(desk.crm.contacts_of(&case), [crm_id("Operations contact")]);
    assert_eq!(desk.crm.count("PATCH", "Cases"), 0);
    desk.transfer(&ticket, json!({"contact_id": null})).await;
    assert_eq!(desk.crm.contacts_of(&case), Vec::<String>::new());
}

#[actix_web::test]
async fn a_relation_that_was_removed_in_the_crm_comes_back_with_a_reconcile() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Unrelated").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    assert!(desk.crm.unrelate(&case, &crm_id("Purchasing contact")));
    desk.pull().await;
    assert_eq!(desk.crm.contacts_of(&case), Vec::<String>::new(), "no feed shows it");
    desk.app.sql("update crm_mirrors set full_check = true, dirty_since = now()").await.unwrap();
    desk.converge().await;
    assert_eq!(desk.crm.contacts_of(&case), [crm_id("Purchasing contact")]);
}

#[actix_web::test]
async fn a_product_that_is_changed_in_the_crm_is_changed_at_the_desk() {
    let desk = Mirrored::start().await;
    let new = json!({"name": "Ledger"});
    let ledger = text(&desk.admin.post("/v1/products", new).await.expect(201)["id"]);
    let account = desk.id("Northwind Services");
    let give = format!("insert into account_products values ('{account}', '{ledger}')");
    desk.app.sql(give).await.unwrap();
    let ticket = desk.open("Another product").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"product_c": "ledger"})).await;
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["product_id"], ledger);
    assert!(desk.conflicts(&ticket).await.is_empty());
}

#[actix_web::test]
async fn a_product_that_is_cleared_in_the_crm_is_cleared_if_a_category_says_what_it_is_about() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Cleared").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"product_c": ""})).await;
    desk.pull().await;
    let refused = desk.conflicts(&ticket).await;
    assert_eq!(
        (&refused[0]["field"], &refused[0]["policy"]),
        (&json!("product"), &json!("refused"))
    );
    assert_eq!(desk.ticket(&ticket).await["product_id"], desk.id("CoreTrac"));
    assert_eq!(desk.case(&ticket).await.value("product_c"), "CoreTrac");

    let categories = desk.admin.get("/v1/categories").await.expect(200);
    desk.transfer(&ticket, json!({"category_id": categories["items"][0]["id"]})).await;
    desk.edit(&ticket, json!({"product_c": ""})).await;
    // A second look within the same second of the CRM's clock would have to wait for the next.
    let earlier = "update crm_connections set watermark = watermark - interval '5 seconds'";
    desk.app.sql(earlier).await.unwrap();
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["product_id"], Value::Null);
    assert_eq!(desk.case(&ticket).await.value("product_c"), "");
}

#[actix_web::test]
async fn an_assignee_that_is_cleared_in_the_crm_leaves_the_ticket_waiting() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Nobody").await;
    desk.converge().await;
    assert_ne!(desk.ticket(&ticket).await["assignee_id"], Value::Null);
    desk.edit(&ticket, json!({"assigned_user_id": ""})).await;
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["assignee_id"], Value::Null);
    assert_eq!(desk.case(&ticket).await.value("assigned_user_id"), "");
}

#[actix_web::test]
async fn a_case_given_to_a_user_who_is_no_agent_goes_back_to_the_desks_agent() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Not theirs").await;
    desk.converge().await;
    let before = desk.ticket(&ticket).await["assignee_id"].clone();
    desk.edit(&ticket, json!({"assigned_user_id": CLERK})).await;
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["assignee_id"], before);
    let conflicts = desk.conflicts(&ticket).await;
    assert_eq!(
        (&conflicts[0]["field"], &conflicts[0]["losing_value"]),
        (&json!("assignee"), &json!(CLERK))
    );
}

#[actix_web::test]
async fn an_account_that_is_cleared_in_the_crm_comes_back() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Homeless").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"account_id": ""})).await;
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["account_id"], desk.id("Northwind Services"));
    assert_eq!(desk.case(&ticket).await.value("account_id"), crm_id("Northwind Services"));
    assert_eq!(desk.conflicts(&ticket).await[0]["reason"], "a ticket needs an account");
}

#[actix_web::test]
async fn notes_of_the_crm_become_replies_where_the_connection_says_so() {
    let desk = Mirrored::start_with(json!({"crm_notes": "public"})).await;
    let ticket = desk.open("Answered there").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.in_the_crm(|crm| crm.write_note(&case, "Call", "They called back.", CLERK).unwrap());
    desk.pull().await;
    let notes = desk.admin.get(&format!("/v1/tickets/{ticket}/notes")).await.expect(200);
    let note = &notes["items"][0];
    assert_eq!((&note["visibility"], &note["channel"]), (&json!("public"), &json!("crm")));
}
