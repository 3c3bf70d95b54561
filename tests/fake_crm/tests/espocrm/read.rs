use serde_json::json;

use crate::support::Crm;

#[tokio::test]
async fn lists_have_a_total_pages_and_at_most_two_hundred_rows() {
    let crm = Crm::start().await;
    for n in 0..205 {
        crm.fake.create("Case", json!({ "name": format!("{n:03}") })).unwrap();
    }
    let first = crm.list("Case", json!({ "orderBy": "name", "order": "asc" })).await;
    assert_eq!((first.body["total"].as_u64(), first.column("name").len()), (Some(205), 200));
    let page = json!({ "orderBy": "name", "order": "desc", "maxSize": 2, "offset": 204 });
    assert_eq!(crm.list("Case", page).await.column("name"), ["000"]);
    let large = crm.list("Case", json!({ "maxSize": 201 })).await;
    assert_eq!((large.status, large.reason.starts_with("Max size")), (403, true));
    assert_eq!(crm.get("Case?maxSize=1&orderBy=name&order=asc").await.column("name"), ["000"]);
}

#[tokio::test]
async fn conditions_nest_and_only_the_selected_attributes_are_shown() {
    let crm = Crm::start().await;
    for (name, priority) in [("a", "Low"), ("b", "High"), ("c", "High"), ("d", "Urgent")] {
        crm.fake.create("Case", json!({ "name": name, "priority": priority })).unwrap();
    }
    let found = crm
        .list(
            "Case",
            json!({
                "select": ["name"], "orderBy": "name", "order": "asc",
                "where": [{ "type": "or", "value": [
                    { "type": "equals", "attribute": "priority", "value": "Urgent" },
                    { "type": "and", "value": [
                        { "type": "in", "attribute": "priority", "value": ["High", "Low"] },
                        { "type": "greaterThan", "attribute": "name", "value": "b" },
                    ]},
                ]}],
            }),
        )
        .await;
    assert_eq!(found.column("name"), ["c", "d"]);
    assert!(found.body["list"][0].get("priority").is_none());
}

#[tokio::test]
async fn a_search_by_an_attribute_or_in_an_order_that_is_not_there_is_refused() {
    let crm = Crm::start().await;
    let unknown = json!([{ "type": "equals", "attribute": "colour", "value": "red" }]);
    assert_eq!(crm.list("Case", json!({ "where": unknown })).await.status, 400);
    assert_eq!(crm.list("Case", json!({ "orderBy": "colour" })).await.status, 400);
    let strange = json!([{ "type": "resembles", "attribute": "name", "value": "a" }]);
    crm.case("a").await;
    assert_eq!(crm.list("Case", json!({ "where": strange })).await.status, 400);
    let unknown = crm.get("Product").await;
    assert_eq!((unknown.status, unknown.reason.contains("Product")), (404, true));
}

#[tokio::test]
async fn times_are_in_utc_to_the_second_and_addresses_are_found_whatever_their_case() {
    let crm = Crm::start().await;
    let contact =
        json!({ "firstName": "Ann", "lastName": "Lee", "emailAddress": "Ann@customer.example" });
    crm.fake.create("Contact", contact).unwrap();
    let address =
        json!([{ "type": "equals", "attribute": "emailAddress", "value": "ann@customer.example" }]);
    let found = crm.list("Contact", json!({ "where": address })).await;
    assert_eq!(found.column("name"), ["Ann Lee"]);
    let stamp = found.column("createdAt")[0];
    assert!(chrono::NaiveDateTime::parse_from_str(stamp, "%Y-%m-%d %H:%M:%S").is_ok(), "{stamp}");
}

#[tokio::test]
async fn the_fields_of_an_entity_are_told_and_nothing_of_what_is_not_there() {
    let crm = Crm::start().await;
    let fields = crm.get("Metadata?key=entityDefs.Case.fields").await.body;
    assert_eq!(fields["name"], json!({ "type": "varchar", "required": true }));
    assert_eq!(fields["status"], json!({ "type": "enum", "default": "New" }));
    assert_eq!(fields["account"]["type"], "link");
    assert_eq!(fields["contacts"]["type"], "linkMultiple");
    assert!(fields["cTicketKey"].is_object() && fields["accountId"].is_null(), "{fields}");
    let nothing = crm.get("Metadata?key=entityDefs.Product.fields").await;
    assert_eq!((nothing.status, nothing.body), (200, json!(null)));
}
