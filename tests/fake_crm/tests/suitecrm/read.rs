use serde_json::{Value, json};

use crate::support::{CASE, Crm};

/// A CRM with so many cases named `0`, `1`, ... each modified a second after the one before.
async fn with_cases(count: usize) -> Crm {
    let crm = Crm::start().await;
    for n in 0..count {
        let modified = format!("2030-01-31 10:00:{n:02}");
        let attributes = json!({ "name": n.to_string(), "date_modified": modified });
        crm.fake.create("Cases", attributes).unwrap();
    }
    crm
}

#[tokio::test]
async fn without_a_page_size_there_are_twenty_rows_and_no_meta() {
    let crm = with_cases(25).await;
    let reply = crm.get("/module/Cases").await;
    assert_eq!(reply.names().len(), 20);
    assert!(reply.body.get("meta").is_none());
    assert!(reply.body.get("links").is_none());
}

#[tokio::test]
async fn without_a_page_number_the_next_link_is_page_one_again() {
    let crm = with_cases(5).await;
    let first = crm.get("/module/Cases?sort=date_modified&page[size]=2").await;
    assert_eq!(first.names(), ["0", "1"]);
    assert!(first.body["links"]["next"].as_str().unwrap().ends_with("page[number]=1"));
    let numbered = crm.get("/module/Cases?sort=date_modified&page[size]=2&page[number]=1").await;
    assert!(numbered.body["links"]["next"].as_str().unwrap().ends_with("page[number]=2"));
}

#[tokio::test]
async fn pages_are_counted_and_past_the_end_there_is_nothing() {
    let crm = with_cases(5).await;
    let page = async |number| {
        crm.get(&format!("/module/Cases?sort=-date_modified&page[size]=2&page[number]={number}"))
            .await
    };
    let last = page(3).await;
    assert_eq!(last.body["meta"], json!({ "total-pages": 3, "records-on-this-page": 1 }));
    assert_eq!(last.names(), ["0"]);
    assert_eq!(last.body["links"]["next"], Value::Null);
    let past = page(4).await;
    assert_eq!(past.status, 200);
    assert_eq!(past.body, json!({ "data": [] }));
}

#[tokio::test]
async fn rows_that_move_make_a_page_skip_others() {
    let crm = with_cases(8).await;
    let page = async |number| {
        crm.get(&format!("/module/Cases?sort=date_modified&page[size]=4&page[number]={number}"))
            .await
    };
    let first = page(1).await;
    assert_eq!(first.names(), ["0", "1", "2", "3"]);
    for row in &first.body["data"].as_array().unwrap()[..2] {
        let later = json!({ "date_modified": "2031-01-01 00:00:00" });
        crm.fake.edit("Cases", row["id"].as_str().unwrap(), later, "u1").unwrap();
    }
    assert_eq!(page(2).await.names()[..2], ["6", "7"]);
}

#[tokio::test]
async fn filters_are_anded_and_custom_fields_can_be_filtered() {
    let crm = with_cases(5).await;
    crm.case(json!({ "name": "Printer on fire", "product_c": "Laser" })).await;
    for (filter, names) in [
        ("filter[name][eq]=3", vec!["3"]),
        ("filter[name][gte]=2&filter[name][lt]=4", vec!["2", "3"]),
        ("filter[name][neq]=1&filter[name][lte]=2", vec!["0", "2"]),
        ("filter[name][like]=printer%25", vec!["Printer on fire"]),
        ("filter[name][like]=_", vec!["0", "1", "2", "3", "4"]),
        ("filter[product_c][eq]=Laser", vec!["Printer on fire"]),
        ("filter[product_c][eq]=Laser&filter[name][eq]=3", vec![]),
    ] {
        let reply = crm.get(&format!("/module/Cases?{filter}&sort=name")).await;
        assert_eq!(reply.names(), names, "{filter}");
    }
}

#[tokio::test]
async fn an_unknown_filter_operator_field_or_sort_is_400() {
    let crm = with_cases(1).await;
    for (query, detail) in [
        ("filter[name][in]=1", "Filter operator in is invalid"),
        ("filter[colour][eq]=1", "Filter field colour in Case module is not found"),
        ("filter[name]=1", "Filter field name must be an array"),
        ("sort=colour", "Sort field colour in Case module is not found"),
        ("sort=name,status", "Sort field name,status in Case module is not found"),
    ] {
        let reply = crm.get(&format!("/module/Cases?{query}")).await;
        assert_eq!((reply.status, reply.detail()), (400, detail), "{query}");
    }
}

#[tokio::test]
async fn an_email_address_is_answered_but_cannot_be_filtered() {
    let crm = Crm::start().await;
    let contact = json!({ "first_name": "A", "last_name": "B", "email1": "a@example.com" });
    let id = crm.fake.create("Contacts", contact).unwrap();
    let reply = crm.get(&format!("/module/Contacts/{id}")).await;
    assert_eq!(reply.attribute("email1"), "a@example.com");
    assert_eq!(reply.attribute("name"), "A B");
    assert_eq!(crm.get("/module/Contacts?filter[email1][eq]=a@example.com").await.status, 400);
    assert_eq!(crm.get("/module/Contacts?filter[last_name][eq]=B").await.status, 200);
}

#[tokio::test]
async fn only_the_fields_asked_for_come_back() {
    let crm = with_cases(1).await;
    let reply = crm.get("/module/Cases?fields[Cases]=name,status").await;
    assert_eq!(reply.body["data"][0]["attributes"], json!({ "name": "0", "status": "" }));
    let unknown = crm.get("/module/Cases?fields[Cases]=name,colour").await;
    assert_eq!(unknown.detail(), "The following field in Case module is not found: colour");
}

#[tokio::test]
async fn deleted_cases_are_invisible_and_asking_for_them_fails() {
    let crm = with_cases(1).await;
    crm.case(json!({ "name": "gone" })).await;
    crm.fake.delete("Cases", CASE).unwrap();
    assert_eq!(crm.get("/module/Cases").await.names(), ["0"]);
    let asked = crm.get("/module/Cases?filter[deleted][eq]=1").await;
    assert_eq!(asked.status, 400);
    assert_eq!(asked.detail(), format!("Cases module with id {CASE} is not found"));
}

#[tokio::test]
async fn every_module_answers_with_its_own_type() {
    let crm = Crm::start().await;
    for (module, object) in [
        ("Accounts", "Account"),
        ("AOS_Products", "AOS_Products"),
        ("Contacts", "Contact"),
        ("Leads", "Lead"),
        ("Notes", "Note"),
        ("Users", "User"),
    ] {
        let id = crm.fake.create(module, json!({ "description": "x" })).unwrap();
        let reply = crm.get(&format!("/module/{module}/{id}")).await;
        assert_eq!(reply.body["data"]["type"], object);
    }
}
