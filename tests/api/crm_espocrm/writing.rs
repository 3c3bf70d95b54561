//! Cases, posts, leads and webhooks as they are written.
use casebridge::crm::CrmError;
use casebridge::crm::adapters::espocrm::{self, EspoCrm};
use casebridge::crm::adapters::{Access, Adapter as _};
use casebridge::crm::case::{Case, Field, NewLead, NewNote, loss};
use casebridge::crm::vocabulary::FieldNames;
use fake_crm::espo::{FakeEspo, Settings};
use fake_crm::{Fault, FaultRule};
use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{CLERK, access, case, start};

#[actix_web::test]
async fn a_case_keeps_our_key_in_the_field_that_the_operator_chose() {
    let (crm, espo) = start().await;
    let key = Uuid::now_v7();
    let created = espo.create_case(key, &case("Printer")).await.unwrap();
    assert_eq!(crm.record("Case", &created.id).unwrap().text("cTicketKey"), key.to_string());
    let stock = || FieldNames::stock(&espocrm::KIND.defaults);
    let fields = FieldNames { key: Some("cTicketNumber".into()), ..stock() };
    let other = EspoCrm::new(Access { fields, ..access(&crm) }).unwrap();
    let created = other.create_case(key, &case("Printer")).await.unwrap();
    assert_eq!(crm.record("Case", &created.id).unwrap().text("cTicketNumber"), key.to_string());
    let fields = FieldNames { key: None, ..stock() };
    let without = EspoCrm::new(Access { fields, ..access(&crm) }).unwrap();
    let refused = without.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap_err();
    assert!(refused.to_string().contains("key_field"), "{refused}");
}

#[actix_web::test]
async fn in_a_crm_without_the_field_for_the_key_no_case_is_made() {
    let crm = FakeEspo::start_with(Settings::stock()).await.unwrap();
    let espo = EspoCrm::new(access(&crm)).unwrap();
    let refused = espo.create_case(Uuid::now_v7(), &Case::default()).await.unwrap_err();
    assert_eq!(refused.class(), "permanent");
    assert!(refused.to_string().contains("cTicketKey"), "{refused}");
    assert!(crm.records("Case").is_empty());
}

#[actix_web::test]
async fn the_key_is_searched_also_where_the_crm_checks_nothing() {
    let settings = Settings { duplicate_check: Vec::new(), ..Settings::default() };
    let crm = FakeEspo::start_with(settings).await.unwrap();
    let espo = EspoCrm::new(access(&crm)).unwrap();
    let (key, case) = (Uuid::now_v7(), Case::from_iter([(Field::Subject, "Printer")]));
    crm.fail(FaultRule::next(Fault::DropAfter).method("POST").module("Case"));
    assert_eq!(espo.create_case(key, &case).await.unwrap_err().class(), "transient");
    let created = espo.create_case(key, &case).await.unwrap();
    assert_eq!(crm.records("Case").len(), 1);
    // Another ticket with the same words is another case.
    assert_ne!(espo.create_case(Uuid::now_v7(), &case).await.unwrap().id, created.id);
}

#[actix_web::test]
async fn eight_creations_at_once_make_one_case_where_the_crm_checks_the_key() {
    let (crm, espo) = start().await;
    let (key, case) = (Uuid::now_v7(), case("Printer"));
    let created = join_all((0..8).map(|_| espo.create_case(key, &case))).await;
    assert!(created.iter().all(Result::is_ok), "{created:?}");
    assert_eq!(crm.records("Case").len(), 1);
}

#[actix_web::test]
async fn a_write_that_changes_nothing_is_not_sent() {
    let (crm, espo) = start().await;
    let created = espo.create_case(Uuid::now_v7(), &case(" Printer ")).await.unwrap();
    let same = espo.update_case(&created, &case(" Printer ")).await.unwrap();
    assert_eq!((same, crm.count("PUT", "Case")), (created, 0));
}

#[actix_web::test]
async fn a_write_names_the_version_that_was_seen_and_is_stale_after_an_edit() {
    let (crm, espo) = start().await;
    let seen = espo.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap();
    crm.edit("Case", &seen.id, json!({ "priority": "High" }), CLERK).unwrap();
    let low = Case::from_iter([(Field::Priority, "Low")]);
    assert_eq!(espo.update_case(&seen, &low).await, Err(CrmError::Stale));
    assert_eq!(crm.record("Case", &seen.id).unwrap().text("priority"), "High");
    let seen = espo.read_case(&seen.id).await.unwrap();
    let written = espo.update_case(&seen, &low).await.unwrap();
    assert_eq!(written.fields.get(Field::Priority), Some("Low"));
    assert_ne!(written.version, seen.version);
}

#[actix_web::test]
async fn a_cleared_assignee_is_nobody_and_not_a_user_without_id() {
    let (crm, espo) = start().await;
    let seen = espo.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap();
    let nobody = Case::from_iter([(Field::Assignee, "")]);
    let written = espo.update_case(&seen, &nobody).await.unwrap();
    assert_eq!(written.fields.get(Field::Assignee), Some(""));
    assert_eq!(crm.record("Case", &seen.id).unwrap().value("assignedUserId"), Value::Null);
}

#[actix_web::test]
async fn a_name_with_characters_that_espocrm_refuses_comes_back_as_it_was() {
    let (crm, espo) = start().await;
    let name = "email <bob@x>, vec<int> = {} \u{FF1C}wide\u{FF1E} \u{1f642}";
    let created = espo.create_case(Uuid::now_v7(), &case(name)).await.unwrap();
    assert_eq!(created.fields.get(Field::Subject), Some(name));
    let stored = crm.record("Case", &created.id).unwrap();
    assert!(!stored.text("name").contains(['<', '>', '=']), "{}", stored.text("name"));
}

#[actix_web::test]
async fn a_name_that_is_too_long_is_cut_and_reported_as_a_loss() {
    let (_crm, espo) = start().await;
    let long = "\u{e9}<".repeat(200);
    let created = espo.create_case(Uuid::now_v7(), &case(&long)).await.unwrap();
    let kept = created.fields.get(Field::Subject).unwrap();
    assert_eq!(kept, "\u{e9}<".repeat(85));
    assert_eq!(loss(&long, kept).unwrap().got, kept);
}

#[actix_web::test]
async fn a_value_that_the_crm_does_not_know_is_refused_with_the_name_of_the_field() {
    let (_crm, espo) = start().await;
    let mut strange = case("Printer");
    strange.set(Field::Priority, "P1");
    let refused = espo.create_case(Uuid::now_v7(), &strange).await.unwrap_err();
    assert_eq!(refused.class(), "permanent");
    assert!(refused.to_string().contains("priority"), "{refused}");
}

#[actix_web::test]
async fn an_internal_note_is_internal_there_and_its_key_is_shown_to_nobody() {
    let (crm, espo) = start().await;
    let case = espo.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap();
    for internal in [true, false] {
        let id = Uuid::now_v7();
        let body = "<b>Hello</b> &amp;\n\n  there";
        let (title, text) = ("Reply by Ann".to_owned(), body.to_owned());
        let note = NewNote { id, title, body: text, contact_id: None, internal };
        let written = espo.create_note(&case.id, &note).await.unwrap();
        assert_eq!((written.title.as_str(), written.body.as_str()), ("Reply by Ann", body));
        let stored = crm.record("Note", &written.id).unwrap();
        assert_eq!(stored.value("isInternal"), internal);
        let last = stored.text("post").lines().last().unwrap().to_owned();
        assert_eq!(last, format!("[//]: # (casebridge {id})"));
    }
    let texts: Vec<String> =
        espo.notes(&case.id).await.unwrap().into_iter().map(|note| note.body).collect();
    assert!(texts.len() == 2 && texts.iter().all(|text| !text.contains("casebridge")), "{texts:?}");
}

#[actix_web::test]
async fn what_becomes_of_a_text_is_known_before_it_is_sent() {
    let (_crm, espo) = start().await;
    let case = espo.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap();
    for body in [" First\r\nsecond\rthird \n", "a \u{7}bell", "<b> &amp; 🙂", " \n "] {
        let (id, title) = (Uuid::now_v7(), "Reply by Ann".to_owned());
        let note = NewNote { id, title, body: body.into(), contact_id: None, internal: true };
        let kept = espo.create_note(&case.id, &note).await.unwrap().body;
        assert_eq!(kept, espo.normal_text(body), "{body:?}");
    }
}

#[actix_web::test]
async fn a_lead_has_our_names_for_its_fields_and_leaves_out_what_is_empty() {
    let (crm, espo) = start().await;
    let lead = NewLead {
        first_name: String::new(),
        last_name: "Lee".into(),
        email: "lee@customer.example".into(),
        phone: "+49 30 1234".into(),
        company: "Lee <Ltd>".into(),
        description: "Wants a <b>quote</b>.".into(),
    };
    let id = espo.create_lead(Uuid::now_v7(), &lead).await.unwrap();
    let stored = crm.record("Lead", &id).unwrap();
    assert_eq!((stored.text("lastName"), stored.text("phoneNumber")), ("Lee", "+49 30 1234"));
    assert_eq!(stored.text("emailAddress"), "lee@customer.example");
    assert_eq!(stored.text("description"), "Wants a <b>quote</b>.");
    assert!(stored.text("accountName").starts_with("Lee "));
    assert_eq!(stored.value("firstName"), Value::Null);
}

#[actix_web::test]
async fn webhooks_are_renewed_and_their_secrets_are_returned_and_our_own_writes_are_no_news() {
    let (crm, espo) = start().await;
    let url = "http://127.0.0.1:9/hook";
    let first = espo.subscribe(url).await.unwrap();
    let renewed = espo.subscribe(url).await.unwrap();
    assert_ne!(first.expose(), renewed.expose());
    let living: Vec<_> =
        crm.records("Webhook").into_iter().filter(|webhook| !webhook.deleted).collect();
    let mut events: Vec<&str> = living.iter().map(|webhook| webhook.text("event")).collect();
    events.sort_unstable();
    assert_eq!(events, ["Case.create", "Case.delete", "Case.update"]);
    let mut secrets: Vec<&str> = renewed.expose().split(' ').collect();
    let mut keys: Vec<&str> = living.iter().map(|webhook| webhook.text("secretKey")).collect();
    secrets.sort_unstable();
    keys.sort_unstable();
    assert_eq!(secrets, keys);
    let mine = espo.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap();
    assert!(crm.queued_events().is_empty(), "our own write is no news");
    crm.edit("Case", &mine.id, json!({ "priority": "High" }), CLERK).unwrap();
    let sent = crm.send_webhooks().await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    let news: Value = serde_json::from_str(&sent[0].body).unwrap();
    assert_eq!(news, json!([{ "id": mine.id, "priority": "High" }]));
}

#[actix_web::test]
async fn the_link_of_a_case_is_that_of_the_crms_own_pages() {
    let (crm, _) = start().await;
    for base in ["https://crm.example", "https://crm.example/espo/"] {
        let espo = EspoCrm::new(Access { base_url: base.into(), ..access(&crm) }).unwrap();
        let base = base.trim_end_matches('/');
        assert_eq!(espo.case_url("65f"), format!("{base}/#Case/view/65f"));
    }
}
