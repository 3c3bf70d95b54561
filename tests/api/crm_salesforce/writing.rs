//! Cases as they are written, and how few calls that takes.
use casebridge::crm::CrmError;
use casebridge::crm::adapters::Adapter as _;
use casebridge::crm::adapters::salesforce::Salesforce;
use casebridge::crm::case::{Case, Field, NewLead, RemoteCase};
use fake_crm::salesforce::{FakeSalesforce, Settings};
use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{access, case, made, start};

const NASTY: &str = "email <bob@x>, vec<int>, &lt;b&gt; &amp; 1 < 2, \"it's\" \\' -- 🙂\nnew line";

#[actix_web::test]
async fn a_created_case_is_read_back_as_it_was_sent() {
    let (crm, sales) = start().await;
    let user = crm.create("User", json!({"LastName": "Lee"})).unwrap();
    let account = crm.create("Account", json!({"Name": "Northwind"})).unwrap();
    let mut sent = case("Printer");
    sent.set(Field::Assignee, &user);
    sent.set(Field::Account, &account);
    sent.set(Field::Description, NASTY);
    let created = sales.create_case(Uuid::now_v7(), &sent).await.unwrap();
    assert_eq!(created.fields, sent);
    assert_eq!(created.modified_by, Some(crm.api_user()));
    assert_eq!(sales.read_case(&created.id).await.unwrap(), created);
    assert_eq!(sales.read_case(&created.id[..15]).await.unwrap(), created);
    let link = format!("{}/lightning/r/Case/{}/view", crm.url(), created.id);
    assert_eq!(sales.case_url(&created.id), link);
}

#[actix_web::test]
async fn what_is_no_case_is_not_found() {
    let (_crm, sales) = start().await;
    for id in ["500000000000099AAA", "0190e0c4-1111-7000-8000-000000000000", "x' OR Id != '"] {
        assert_eq!(sales.read_case(id).await.unwrap_err().class(), "not_found", "{id}");
    }
}

#[actix_web::test]
async fn creating_a_case_twice_makes_one_also_at_the_same_moment_and_from_two_places() {
    let (crm, sales) = start().await;
    let elsewhere = Salesforce::new(access(&crm)).unwrap();
    let key = Uuid::now_v7();
    let sent = case("Printer");
    let (a, b) = tokio::join!(sales.create_case(key, &sent), sales.create_case(key, &sent));
    assert_eq!(a.unwrap(), b.unwrap());
    let again = elsewhere.create_case(key, &sent).await.unwrap();
    assert_eq!(crm.records("Case").len(), 1);
    assert_eq!(again.fields, sent);
}

#[actix_web::test]
async fn an_edit_made_after_a_lost_answer_survives_the_next_attempt() {
    let (crm, sales) = start().await;
    let key = Uuid::now_v7();
    let created = sales.create_case(key, &case("Printer")).await.unwrap();
    let clerk = crm.create("User", json!({"LastName": "Clerk"})).unwrap();
    crm.edit("Case", &created.id, json!({"Priority": "High"}), &clerk).unwrap();
    let found = sales.create_case(key, &case("Printer")).await.unwrap();
    assert_eq!(found.id, created.id);
    assert_eq!(found.fields.get(Field::Priority), Some("High"));
}

#[actix_web::test]
async fn a_case_that_was_deleted_is_not_made_again() {
    let (crm, sales) = start().await;
    let key = Uuid::now_v7();
    let created = sales.create_case(key, &case("Printer")).await.unwrap();
    crm.delete("Case", &created.id).unwrap();
    assert_eq!(sales.create_case(key, &case("Printer")).await, Err(CrmError::Gone));
    assert_eq!(sales.read_case(&created.id).await.unwrap_err().class(), "not_found");
    let update = Case::from_iter([(Field::Priority, "High")]);
    assert_eq!(sales.update_case(&created, &update).await.unwrap_err().class(), "not_found");
    assert_eq!(crm.records("Case").len(), 1);
}

#[actix_web::test]
async fn two_hundred_cases_are_created_read_and_updated_with_one_write_each() {
    let (crm, sales) = start().await;
    sales.sign_in().await.unwrap();
    let create = (0..200).map(async |n| made(&sales, &format!("Case {n}")).await);
    let created: Vec<RemoteCase> = join_all(create).await;
    for (n, case) in created.iter().enumerate() {
        assert_eq!(case.fields.get(Field::Subject), Some(format!("Case {n}").as_str()));
    }
    // One to look for the keys, one to write, one to read back.
    assert_eq!((crm.count("PATCH", "Case"), crm.count("GET", "Case")), (1, 2));
    crm.clear_calls();
    let read = join_all(created.iter().map(|case| sales.read_case(&case.id))).await;
    assert!(read.iter().zip(&created).all(|(read, made)| read.as_ref() == Ok(made)));
    assert_eq!((crm.count("PATCH", "Case"), crm.count("GET", "Case")), (0, 1));
    crm.clear_calls();
    let update = Case::from_iter([(Field::Priority, "High")]);
    let updated = join_all(created.iter().map(|case| sales.update_case(case, &update))).await;
    assert!(updated.iter().all(|case| {
        case.as_ref().is_ok_and(|case| case.fields.get(Field::Priority) == Some("High"))
    }));
    assert_eq!((crm.count("PATCH", "Case"), crm.count("GET", "Case")), (1, 1));
    let body: Value = serde_json::from_str(&crm.calls()[0].body).unwrap();
    assert_eq!(body["allOrNone"], false);
    assert_eq!(body["records"].as_array().unwrap().len(), 200);
}

#[actix_web::test]
async fn a_record_that_fails_among_others_fails_alone_and_each_caller_gets_its_own_result() {
    let (crm, sales) = start().await;
    let subjects =
        ["one".to_owned(), "x".repeat(256), "three".into(), "locked".into(), "five".into()];
    crm.fail_record("locked", "UNABLE_TO_LOCK_ROW", 1);
    let create = subjects.iter().map(async |s| sales.create_case(Uuid::now_v7(), &case(s)).await);
    let outcomes = join_all(create).await;
    let classes: Vec<_> =
        outcomes.iter().map(|o| o.as_ref().map_or_else(CrmError::class, |_| "ok")).collect();
    assert_eq!(classes, ["ok", "permanent", "ok", "transient", "ok"]);
    let subject = |n: usize| outcomes[n].as_ref().unwrap().fields.get(Field::Subject).unwrap();
    assert_eq!([subject(0), subject(2), subject(4)], ["one", "three", "five"]);
    assert_eq!(crm.count("PATCH", "Case"), 1);
    assert_eq!(crm.records("Case").len(), 3);
}

#[actix_web::test]
async fn a_subject_that_is_too_long_is_refused_and_never_cut() {
    let (crm, sales) = start().await;
    let long = sales.create_case(Uuid::now_v7(), &case(&"é".repeat(256))).await;
    assert!(
        matches!(&long, Err(CrmError::Permanent { detail }) if detail.contains("Subject")),
        "{long:?}"
    );
    assert!(crm.records("Case").is_empty());
    let fits = made(&sales, &"é".repeat(255)).await;
    assert_eq!(fits.fields.get(Field::Subject), Some("é".repeat(255).as_str()));
}

#[actix_web::test]
async fn what_the_rules_of_the_organization_refuse_waits_for_somebody() {
    let (crm, sales) = start().await;
    for code in ["DUPLICATES_DETECTED", "FIELD_CUSTOM_VALIDATION_EXCEPTION"] {
        crm.fail_record("Printer", code, 1);
        let refused = sales.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap_err();
        assert_eq!(refused.class(), "permanent");
        assert!(refused.to_string().contains(code));
    }
}

#[actix_web::test]
async fn an_owner_is_who_we_say_and_nobody_is_our_own_user_or_a_queue() {
    let (crm, sales) = start().await;
    let created = made(&sales, "Printer").await;
    let stored = crm.record("Case", &created.id).unwrap();
    assert_eq!(stored.value("OwnerId"), crm.api_user(), "an assignment rule was applied");
    assert_eq!(created.fields.get(Field::Assignee), Some(""));
    let queue = crm.create("Group", json!({"Name": "Support", "Type": "Queue"})).unwrap();
    let clerk = crm.create("User", json!({"LastName": "Clerk"})).unwrap();
    for (owner, shown) in [(&queue, ""), (&clerk, clerk.as_str())] {
        crm.edit("Case", &created.id, json!({"OwnerId": owner}), &clerk).unwrap();
        let read = sales.read_case(&created.id).await.unwrap();
        assert_eq!(read.fields.get(Field::Assignee), Some(shown));
    }
    let nobody = Case::from_iter([(Field::Assignee, "")]);
    let updated = sales.update_case(&created, &nobody).await.unwrap();
    assert_eq!(updated.fields.get(Field::Assignee), Some(""));
    assert_eq!(sales.normal_form(&Case::from_iter([(Field::Assignee, crm.api_user())])), nobody);
}

#[actix_web::test]
async fn a_reference_to_a_deleted_record_is_not_taken_for_a_deleted_case() {
    let (crm, sales) = start().await;
    let account = crm.create("Account", json!({"Name": "Closed down"})).unwrap();
    crm.delete("Account", &account).unwrap();
    let created = made(&sales, "Printer").await;
    let update = Case::from_iter([(Field::Account, account)]);
    let refused = sales.update_case(&created, &update).await.unwrap_err();
    assert_eq!(refused.class(), "permanent", "{refused}");
}

#[actix_web::test]
async fn a_case_has_one_contact_who_takes_the_place_of_the_one_before() {
    let (crm, sales) = start().await;
    let [ann, bob] = ["Ann", "Bob"].map(|n| crm.create("Contact", json!({"LastName": n})).unwrap());
    let case = made(&sales, "Printer").await.id;
    assert!(sales.related_contacts(&case).await.unwrap().is_empty());
    for contact in [&ann, &ann, &bob] {
        sales.relate_contact(&case, contact).await.unwrap();
        assert_eq!(sales.related_contacts(&case).await.unwrap(), std::slice::from_ref(contact));
    }
    sales.unrelate_contact(&case, &ann).await.unwrap();
    assert_eq!(sales.related_contacts(&case).await.unwrap(), std::slice::from_ref(&bob));
    sales.unrelate_contact(&case, &bob).await.unwrap();
    assert!(sales.related_contacts(&case).await.unwrap().is_empty());
}

#[actix_web::test]
async fn custom_fields_are_mirrored_where_they_are_configured() {
    let crm = FakeSalesforce::start().await.unwrap();
    let mut access = access(&crm);
    access.fields.attributes.insert(Field::Number, "Ticket_Number__c".into());
    access.fields.attributes.insert(Field::Product, "Product__c".into());
    let sales = Salesforce::new(access).unwrap();
    let sent =
        Case::from_iter([(Field::Number, "CB-7"), (Field::Product, "Lathe"), (Field::Link, "x")]);
    let created = sales.create_case(Uuid::now_v7(), &sent).await.unwrap();
    assert_eq!(created.fields.get(Field::Number), Some("CB-7"));
    assert_eq!(created.fields.get(Field::Product), Some("Lathe"));
    assert_eq!(created.fields.get(Field::Link), None);
}

#[actix_web::test]
async fn an_organization_without_the_key_field_is_told_so() {
    let crm = FakeSalesforce::start_with(Settings::stock()).await.unwrap();
    let sales = Salesforce::new(access(&crm)).unwrap();
    let refused = sales.create_case(Uuid::now_v7(), &case("Printer")).await;
    assert!(
        matches!(&refused, Err(CrmError::Permanent { detail }) if detail.contains("Casebridge_Key__c")),
        "{refused:?}"
    );
}

#[actix_web::test]
async fn a_lead_is_made_once_and_has_what_salesforce_requires() {
    let (crm, sales) = start().await;
    let lead = NewLead {
        first_name: String::new(),
        last_name: "Lee".into(),
        email: "lee@example.org".into(),
        phone: String::new(),
        company: String::new(),
        description: "Wants a lathe.".into(),
    };
    let key = Uuid::now_v7();
    let id = sales.create_lead(key, &lead).await.unwrap();
    assert_eq!(sales.create_lead(key, &lead).await.unwrap(), id);
    let leads = crm.records("Lead");
    assert_eq!(leads.len(), 1);
    assert_eq!((leads[0].value("LastName"), leads[0].value("Company")), ("Lee", "[not provided]"));
    crm.delete("Lead", &id).unwrap();
    assert_eq!(sales.create_lead(key, &lead).await.unwrap(), id);
}
