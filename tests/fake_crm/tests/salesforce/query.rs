use fake_crm::salesforce::Settings;
use serde_json::json;

use crate::support::Crm;

async fn with_accounts(names: &[&str]) -> Crm {
    let crm = Crm::start().await;
    for name in names {
        crm.fake.create("Account", json!({ "Name": name })).unwrap();
    }
    crm
}

#[tokio::test]
async fn records_are_found_sorted_and_limited() {
    let crm = with_accounts(&["b", "A", "c"]).await;
    for (soql, names) in [
        ("SELECT Name FROM Account ORDER BY Name", vec!["A", "b", "c"]),
        ("SELECT Name FROM Account WHERE Name = 'B'", vec!["b"]),
        ("SELECT Name FROM Account WHERE Name IN ('a','c') ORDER BY Name LIMIT 1", vec!["A"]),
        ("select Name from Account where Name > 'a' and (Name < 'c' or Name like 'x%')", vec!["b"]),
        ("SELECT Name FROM Account WHERE SystemModstamp < 2001-01-01T00:00:00.000Z", vec![]),
    ] {
        assert_eq!(crm.column(soql, "Name").await, names, "{soql}");
    }
}

#[tokio::test]
async fn what_is_no_query_is_refused_with_the_code_that_says_why() {
    let crm = with_accounts(&[]).await;
    for (soql, code) in [
        ("SELECT Name FROM Account WHERE Name = 'O'Neil'", "MALFORMED_QUERY"),
        ("SELECT Name FROM Account WHERE Name = 'a\\x'", "MALFORMED_QUERY"),
        ("SELECT Name FROM Account WHERE Name = 'a", "MALFORMED_QUERY"),
        ("SELECT Colour FROM Account", "INVALID_FIELD"),
        ("SELECT Id,Id FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Case WHERE Description = 'a'", "INVALID_FIELD"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
    ] {
        let reply = crm.query(soql).await;
        assert_eq!((reply.status, reply.code()), (400, code), "{soql}");
    }
}

#[tokio::test]
async fn an_escaped_quote_is_part_of_the_text() {
    let crm = with_accounts(&["O'Neil", r"a\b", "x"]).await;
    let name = |literal| format!("SELECT Name FROM Account WHERE Name = {literal}");
    assert_eq!(crm.column(&name(r"'O\'Neil'"), "Name").await, ["O'Neil"]);
    assert_eq!(crm.column(&name(r"'a\\b'"), "Name").await, [r"a\b"]);
    let all = crm.column(&name("'x' OR Name != ''"), "Name").await;
    assert_eq!(all.len(), 3, "an injection would work here");
}

#[tokio::test]
async fn an_answer_that_is_cut_short_says_so() {
    let crm = Crm::start_with(Settings { query_batch: 2, ..Settings::default() }).await;
    for n in 0..3 {
        crm.fake.create("Case", json!({ "Subject": format!("{n}") })).unwrap();
    }
    let reply = crm.query("SELECT Id FROM Case").await;
    assert_eq!((&reply.body["done"], &reply.body["totalSize"]), (&json!(false), &json!(3)));
    assert_eq!(reply.body["records"].as_array().unwrap().len(), 2);
    assert!(reply.body["nextRecordsUrl"].is_string());
    let page = crm.query("SELECT Id FROM Case LIMIT 2").await;
    assert_eq!(page.body["done"], true);
}

#[tokio::test]
async fn an_id_is_found_in_both_of_its_forms() {
    let crm = with_accounts(&["a"]).await;
    let id = crm.fake.records("Account")[0].id.clone();
    assert_eq!(id.len(), 18);
    for form in [&id[..], &id[..15]] {
        let soql = format!("SELECT Id FROM Account WHERE Id = '{form}'");
        assert_eq!(crm.column(&soql, "Id").await, [id.as_str()]);
    }
}

#[tokio::test]
async fn a_description_of_an_object_tells_what_a_record_cannot_be_without() {
    let crm = Crm::start().await;
    let needed = async |object: &str| {
        let described = crm.get(&format!("/sobjects/{object}/describe")).await.body;
        let fields = described["fields"].as_array().unwrap().clone();
        let needed = fields.into_iter().filter(|field| {
            field["createable"] == true
                && field["nillable"] == false
                && field["defaultedOnCreate"] == false
        });
        needed.map(|field| field["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(needed("Lead").await, ["LastName", "Company"]);
    assert_eq!(needed("Case").await, Vec::<String>::new(), "the owner is given");
    assert_eq!(crm.get("/sobjects/Order/describe").await.status, 404);
}
