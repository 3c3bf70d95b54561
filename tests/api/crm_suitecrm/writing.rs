//! Cases, notes and relations as they are written.
use casebridge::crm::CrmError;
use casebridge::crm::adapters::Access;
use casebridge::crm::adapters::suitecrm::{self, SuiteCrm};
use casebridge::crm::case::{Case, Field, NewNote, loss};
use casebridge::crm::vocabulary::FieldNames;
use fake_crm::{FakeCrm, Settings};
use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::{case, note, settings, start};

const NASTY: &str = "email <bob@x>, vec<int>, &lt;b&gt; &amp; &#60;i>, 1 < 2, a<3, <!-- \"it's\" -->, <\u{200B}z 🙂";

#[actix_web::test]
async fn a_created_case_is_read_back_as_it_was_sent() {
    let (_crm, suite) = start().await;
    let id = Uuid::now_v7();
    let created = suite.create_case(id, &case("Printer")).await.unwrap();
    assert_eq!(created.fields, case("Printer"));
    assert_eq!(created.id, id.to_string());
    assert_eq!(created.modified_by.as_deref(), Some("1"));
    assert_eq!(suite.read_case(&created.id).await.unwrap(), created);
}

#[actix_web::test]
async fn custom_fields_are_mirrored_where_they_are_configured() {
    let crm = FakeCrm::start().await.unwrap();
    let mut fields = FieldNames::stock(&suitecrm::KIND.defaults);
    fields.attributes.insert(Field::Number, "ticket_number_c".into());
    fields.attributes.insert(Field::Product, "product_c".into());
    let suite = SuiteCrm::new(Access { fields, ..settings(&crm) }).unwrap();
    let sent =
        Case::from_iter([(Field::Number, "T-7"), (Field::Product, "Lathe"), (Field::Link, "x")]);
    let created = suite.create_case(Uuid::now_v7(), &sent).await.unwrap();
    assert_eq!(created.fields.get(Field::Number), Some("T-7"));
    assert_eq!(created.fields.get(Field::Product), Some("Lathe"));
    assert_eq!(created.fields.get(Field::Link), None);
}

#[actix_web::test]
async fn a_field_that_the_crm_does_not_have_is_refused_with_its_name() {
    let crm = FakeCrm::start_with(Settings::stock()).await.unwrap();
    let mut fields = FieldNames::stock(&suitecrm::KIND.defaults);
    fields.attributes.insert(Field::Product, "product_c".into());
    let suite = SuiteCrm::new(Access { fields, ..settings(&crm) }).unwrap();
    let refused =
        suite.create_case(Uuid::now_v7(), &Case::from_iter([(Field::Product, "p")])).await;
    assert!(
        matches!(&refused, Err(CrmError::Permanent { detail }) if detail.contains("product_c")),
        "{refused:?}"
    );
}

#[actix_web::test]
async fn creating_a_case_or_a_note_twice_makes_one() {
    let (crm, suite) = start().await;
    let (id, note) = (Uuid::now_v7(), note("hello"));
    let first = suite.create_case(id, &case("Printer")).await.unwrap();
    assert_eq!(suite.create_case(id, &case("Printer")).await.unwrap(), first);
    let written = suite.create_note(&first.id, &note).await.unwrap();
    assert_eq!(suite.create_note(&first.id, &note).await.unwrap(), written);
    assert_eq!((crm.records("Cases").len(), crm.records("Notes").len()), (1, 1));
}

#[actix_web::test]
async fn eight_creations_at_once_make_one_case() {
    let (crm, suite) = start().await;
    let (id, case) = (Uuid::now_v7(), case("Printer"));
    let created = join_all((0..8).map(|_| suite.create_case(id, &case))).await;
    assert!(created.iter().all(Result::is_ok), "{created:?}");
    assert_eq!(crm.records("Cases").len(), 1);
}

#[actix_web::test]
async fn a_case_or_note_deleted_in_the_crm_is_gone_and_not_made_again() {
    let (crm, suite) = start().await;
    let (id, note) = (Uuid::now_v7(), note("hello"));
    let created = suite.create_case(id, &case("Printer")).await.unwrap();
    let written = suite.create_note(&created.id, &note).await.unwrap();
    crm.delete("Notes", &written.id).unwrap();
    assert_eq!(suite.create_note(&created.id, &note).await, Err(CrmError::Gone));
    crm.delete("Cases", &created.id).unwrap();
    assert_eq!(suite.create_case(id, &case("Printer")).await, Err(CrmError::Gone));
    assert_eq!(suite.read_case(&created.id).await.unwrap_err().class(), "not_found");
    let change = Case::from_iter([(Field::Priority, "P1")]);
    assert_eq!(suite.update_case(&created.id, &change).await.unwrap_err().class(), "not_found");
}

#[actix_web::test]
async fn an_update_writes_the_changed_fields_only() {
    let (crm, suite) = start().await;
    let created = suite.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap();
    crm.edit("Cases", &created.id, json!({ "priority": "P1" }), "1").unwrap();
    let change = Case::from_iter([(Field::Status, "Closed/Closed_Closed"), (Field::Assignee, "")]);
    let updated = suite.update_case(&created.id, &change).await.unwrap();
    let stored = crm.record("Cases", &created.id).unwrap();
    let values =
        ["state", "status", "assigned_user_id", "priority", "name"].map(|name| stored.value(name));
    assert_eq!(values, ["Closed", "Closed_Closed", "", "P1", "Printer"]);
    assert_eq!(updated.fields.get(Field::Status), Some("Closed/Closed_Closed"));
    assert_eq!(updated.fields.get(Field::Priority), Some("P1"));
}

#[actix_web::test]
async fn tags_entities_and_emoji_survive_in_subjects_descriptions_and_notes() {
    let (crm, suite) = start().await;
    let text = format!("  indented\r\n{NASTY}\n");
    let mut sent = case(&format!(" {NASTY}\t"));
    sent.set(Field::Description, &*text);
    let created = suite.create_case(Uuid::now_v7(), &sent).await.unwrap();
    assert_eq!(created.fields, suite.normal_form(&sent));
    assert_eq!(created.fields.get(Field::Subject), Some(NASTY));
    assert_eq!(created.fields.get(Field::Description), Some(&*format!("  indented\n{NASTY}")));
    let written = suite
        .create_note(&created.id, &NewNote { title: NASTY.into(), ..note(&text) })
        .await
        .unwrap();
    assert_eq!((written.title.as_str(), written.body), (NASTY, format!("  indented\n{NASTY}")));
    let stored = crm.record("Cases", &created.id).unwrap();
    assert!(stored.value("name").replace('\u{200B}', "").starts_with("email <bob@x>, vec<int>"));
}

#[actix_web::test]
async fn what_the_crm_cannot_hold_is_reported_as_a_loss() {
    let crm = FakeCrm::start_with(Settings { utf8mb3: true, ..Settings::default() }).await.unwrap();
    let suite = SuiteCrm::new(settings(&crm)).unwrap();
    let (long, emoji) = ("é".repeat(40_000), "all fine 🙂!");
    let mut sent = case(emoji);
    sent.set(Field::Description, &*long);
    let created = suite.create_case(Uuid::now_v7(), &sent).await.unwrap();
    let kept = created.fields.get(Field::Description).unwrap();
    assert_eq!(kept, "é".repeat(32_767));
    assert!(loss(&long, kept).is_some());
    assert_eq!(loss(emoji, created.fields.get(Field::Subject).unwrap()).unwrap().got, "all fine !");
}

#[actix_web::test]
async fn contacts_are_related_once_and_listed() {
    let (crm, suite) = start().await;
    let created = suite.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap();
    assert_eq!(suite.related_contacts(&created.id).await.unwrap(), Vec::<String>::new());
    let contact = crm.create("Contacts", json!({ "last_name": "Miller" })).unwrap();
    for _ in 0..2 {
        suite.relate_contact(&created.id, &contact).await.unwrap();
    }
    assert_eq!(suite.related_contacts(&created.id).await.unwrap(), [contact]);
    let unknown = suite.relate_contact(&created.id, "nobody").await;
    assert_eq!(unknown.unwrap_err().class(), "not_found");
}
