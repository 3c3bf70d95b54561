//! Accounts and contacts.
use casebridge::kernel::{AccountId, ContactId, ProductId, Role};
use casebridge::people;
use reqwest::Method;
use serde_json::{Value, json};

use super::{events, id, named, uuid};
use crate::support::{Reply, TestApp};

#[actix_web::test]
async fn an_account_is_created_read_changed_and_told_about() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let product = named(&admin, "/v1/products", "CoreTrac").await;
    let new = json!({"name": "Summit Foods", "product_ids": [id(&product), id(&product)]});
    let created = admin.post("/v1/accounts", new).await;
    let path = created.header("location").to_owned();
    assert_eq!(created.header("etag"), "\"v1\"");
    let account = created.expect(201);
    assert_eq!(path, format!("/v1/accounts/{}", id(&account)));
    assert_eq!(account["product_ids"], json!([id(&product)]));
    assert_eq!(admin.get(&path).await.expect(200), account);

    let change = json!({"name": "Summit Foods Group", "active": false});
    let changed = admin.patch(&path, "\"v1\"", change.clone()).await.expect(200);
    assert_eq!((&changed["name"], &changed["version"]), (&json!("Summit Foods Group"), &json!(2)));
    let same = admin.patch(&path, "\"v2\"", change).await.expect(200);
    assert_eq!(same["version"], 2, "what changes nothing makes no version");

    let events = events(&app, &format!("account/{}", id(&account))).await;
    let types: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
    assert_eq!(types, ["resource.created", "resource.changed"]);
    assert_eq!(events[0]["changes"]["name"], json!({"from": null, "to": "Summit Foods"}));
    let changes = json!({
        "name": {"from": "Summit Foods", "to": "Summit Foods Group"},
        "active": {"from": true, "to": false},
    });
    assert_eq!(events[1]["changes"], changes);
    assert_eq!(events[1]["actor"]["role"], "admin");
}

#[actix_web::test]
async fn names_and_addresses_are_unique_without_regard_to_case() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let workflow = named(&admin, "/v1/departments", "Support").await["workflow_id"].clone();
    let account = json!({"name": "NORTHWIND services"});
    admin.post("/v1/accounts", account).await.problem(409, "name_taken");
    let department = json!({"name": "SUPPORT", "workflow_id": workflow});
    admin.post("/v1/departments", department).await.problem(409, "name_taken");
    let contact = json!({"name": "Twin", "email": "Purchasing@Customer.example"});
    admin.post("/v1/contacts", contact).await.problem(409, "email_taken");
    let agent = json!({"name": "Twin", "email": "L1-A@desk.example", "role": "agent"});
    admin.post("/v1/agents", agent).await.problem(409, "email_taken");
    let contact = named(&admin, "/v1/contacts", "Finance contact").await;
    let change = json!({"email": "PURCHASING@customer.example"});
    let path = format!("/v1/contacts/{}", id(&contact));
    admin.patch(&path, "*", change).await.problem(409, "email_taken");
}

#[actix_web::test]
async fn a_contact_changes_field_by_field_and_null_clears_the_phone() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let [northwind, harbor] = ["Northwind Services", "Harbor Logistics"];
    let northwind = named(&admin, "/v1/accounts", northwind).await;
    let harbor = named(&admin, "/v1/accounts", harbor).await;
    let new = json!({
        "name": "Board contact", "email": "board@customer.example", "phone": "+43 1 0000000",
        "time_zone": "Europe/Vienna", "account_ids": [id(&northwind)],
    });
    let contact = admin.post("/v1/contacts", new).await.expect(201);
    assert_eq!((&contact["language"], &contact["active"]), (&json!("en"), &json!(true)));
    let path = format!("/v1/contacts/{}", id(&contact));
    let both = json!({"account_ids": [id(&harbor), id(&northwind)], "language": "pt-BR"});
    let changed = admin.patch(&path, "\"v1\"", both).await.expect(200);
    assert_eq!(changed["account_ids"].as_array().unwrap().len(), 2);
    assert_eq!(changed["phone"], "+43 1 0000000", "what is absent stays");
    let cleared = admin.patch(&path, "\"v2\"", json!({"phone": null})).await.expect(200);
    assert_eq!(cleared["phone"], Value::Null);
    assert_eq!(cleared["time_zone"], "Europe/Vienna");

    // The accounts are those that the contact acts for.
    let portal = app.client_for(uuid(&contact)).await;
    let me = portal.get("/v1/me").await.expect(200);
    assert_eq!(me["accounts"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn an_account_has_the_products_that_were_put_last() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let account = named(&admin, "/v1/accounts", "Northwind Services").await;
    let second = admin.post("/v1/products", json!({"name": "CoreTrac Lite"})).await.expect(201);
    let path = format!("/v1/accounts/{}/products", id(&account));
    let put = |etag: &'static str, body: Value| {
        Reply::of(admin.request(Method::PUT, &path).header("if-match", etag).json(&body))
    };
    admin.put(&path, json!({"product_ids": []})).await.problem(428, "precondition_required");
    let changed = put("\"v1\"", json!({"product_ids": [id(&second)]})).await.expect(200);
    assert_eq!(changed["product_ids"], json!([id(&second)]));
    put("\"v1\"", json!({"product_ids": []})).await.problem(412, "stale_version");
    let events = events(&app, &format!("account/{}", id(&account))).await;
    let change = &events.last().unwrap()["changes"]["product_ids"];
    assert_eq!((&change["from"], &change["to"]), (&account["product_ids"], &json!([id(&second)])));
}

#[actix_web::test]
async fn a_creation_that_is_sent_again_has_its_effect_once() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let send = async || {
        let request = admin.request(Method::POST, "/v1/contacts").header("idempotency-key", "k1");
        let body = json!({"name": "Once", "email": "once@customer.example"});
        Reply::of(request.json(&body)).await
    };
    let first = send().await.expect(201);
    let again = send().await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.expect(201), first);
}

#[actix_web::test]
async fn the_parties_of_a_ticket_must_go_together() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let northwind = named(&admin, "/v1/accounts", "Northwind Services").await;
    let own = named(&admin, "/v1/contacts", "Purchasing contact").await;
    let other = named(&admin, "/v1/contacts", "Finance contact").await;
    let product = named(&admin, "/v1/products", "CoreTrac").await;
    let lite = admin.post("/v1/products", json!({"name": "CoreTrac Lite"})).await.expect(201);
    let check = async |account: &Value, contact: Option<&Value>, product: Option<&Value>| {
        let account = AccountId(uuid(account));
        let contact = contact.map(|contact| ContactId(uuid(contact)));
        let product = product.map(|product| ProductId(uuid(product)));
        let work = move |conn: &mut _| people::check_parties(conn, account, contact, product);
        let errors = app.service.db.read(work).await.unwrap().errors();
        errors.into_iter().map(|error| error.pointer).collect::<Vec<_>>()
    };
    assert_eq!(check(&northwind, Some(&own), Some(&product)).await, [""; 0]);
    assert_eq!(check(&northwind, None, None).await, [""; 0]);
    let wrong = check(&northwind, Some(&other), Some(&lite)).await;
    assert_eq!(wrong, ["/contact_id", "/product_id"]);
    for (path, pointer) in [
        (format!("/v1/products/{}", id(&product)), "/product_id"),
        (format!("/v1/contacts/{}", id(&own)), "/contact_id"),
        (format!("/v1/accounts/{}", id(&northwind)), "/account_id"),
    ] {
        admin.patch(&path, "*", json!({"active": false})).await.expect(200);
        assert_eq!(check(&northwind, Some(&own), Some(&product)).await, [pointer]);
        admin.patch(&path, "*", json!({"active": true})).await.expect(200);
    }
}
