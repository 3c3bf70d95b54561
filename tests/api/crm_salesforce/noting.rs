//! Notes as case comments.
use casebridge::crm::CrmError;
use casebridge::crm::adapters::Adapter as _;
use casebridge::crm::case::NewNote;
use fake_crm::{Fault, FaultRule};
use serde_json::json;

use super::{made, note, start};

#[actix_web::test]
async fn a_note_is_one_comment_and_writing_it_twice_makes_one() {
    let (crm, sales) = start().await;
    let case = made(&sales, "Printer").await.id;
    let new = note("We are\nlooking into it. 🙂");
    let written = sales.create_note(&case, &new).await.unwrap();
    assert_eq!((written.title.as_str(), &written.body), ("Reply by Ann", &new.body));
    assert_eq!(sales.create_note(&case, &new).await.unwrap(), written);
    assert_eq!(sales.notes(&case).await.unwrap(), [written]);
    // Another note with the same words is another note.
    sales.create_note(&case, &note("We are\nlooking into it. 🙂")).await.unwrap();
    assert_eq!(crm.records("CaseComment").len(), 2);
}

#[actix_web::test]
async fn what_becomes_of_a_text_is_known_before_it_is_sent() {
    let (_crm, sales) = start().await;
    let case = made(&sales, "Printer").await.id;
    for body in [" First\r\nsecond\rthird \n", "a \u{7}bell", "<b> &amp; 🙂", " \n "] {
        let kept = sales.create_note(&case, &note(body)).await.unwrap().body;
        assert_eq!(kept, sales.normal_text(body), "{body:?}");
    }
}

#[actix_web::test]
async fn a_lost_answer_makes_no_second_comment() {
    let (crm, sales) = start().await;
    let case = made(&sales, "Printer").await.id;
    let new = note("Hello");
    crm.fail(FaultRule::next(Fault::DropAfter).method("POST").module("CaseComment"));
    assert_eq!(sales.create_note(&case, &new).await.unwrap_err().class(), "transient");
    assert_eq!(sales.create_note(&case, &new).await.unwrap().body, "Hello");
    assert_eq!(crm.records("CaseComment").len(), 1);
}

#[actix_web::test]
async fn only_what_the_customer_may_see_is_published() {
    let (crm, sales) = start().await;
    let case = made(&sales, "Printer").await.id;
    for internal in [false, true] {
        let new = NewNote { internal, ..note("Hello") };
        let id = sales.create_note(&case, &new).await.unwrap().id;
        assert_eq!(crm.record("CaseComment", &id).unwrap().values["IsPublished"], json!(!internal));
    }
}

#[actix_web::test]
async fn a_note_of_64_kilobytes_is_kept_in_several_comments_and_read_as_one() {
    let (crm, sales) = start().await;
    let case = made(&sales, "Printer").await.id;
    let new = note("Überraschend viel Text.\n".repeat(2700).trim_end());
    let written = sales.create_note(&case, &new).await.unwrap();
    assert_eq!(written.body, new.body);
    let parts = crm.records("CaseComment").len();
    assert!(parts > 15, "{parts}");
    assert_eq!(sales.create_note(&case, &new).await.unwrap(), written);
    assert_eq!(crm.records("CaseComment").len(), parts);
    assert_eq!(sales.notes(&case).await.unwrap(), [written]);
}

#[actix_web::test]
async fn the_parts_of_a_note_are_written_together_or_not_at_all() {
    let (crm, sales) = start().await;
    let case = made(&sales, "Printer").await.id;
    crm.fail_record("(2/", "UNABLE_TO_LOCK_ROW", 1);
    let new = note("word ".repeat(1500).trim_end());
    assert!(sales.create_note(&case, &new).await.is_err());
    assert!(crm.records("CaseComment").is_empty());
    assert_eq!(sales.create_note(&case, &new).await.unwrap().body, new.body);
}

#[actix_web::test]
async fn comments_of_people_come_with_their_author_and_oldest_first() {
    let (crm, sales) = start().await;
    let clerk = crm.create("User", json!({"LastName": "Clerk"})).unwrap();
    let [case, other] = [made(&sales, "One").await.id, made(&sales, "Other").await.id];
    crm.write_comment(&case, "They called.", &clerk).unwrap();
    crm.write_comment(&case, "Again.", &clerk).unwrap();
    crm.write_comment(&other, "Else.", &clerk).unwrap();
    let notes = sales.notes(&case).await.unwrap();
    let bodies: Vec<_> = notes.iter().map(|n| (n.title.as_str(), n.body.as_str())).collect();
    assert_eq!(bodies, [("", "They called."), ("", "Again.")]);
    assert!(notes.iter().all(|note| note.author.as_ref() == Some(&clerk)));
}

#[actix_web::test]
async fn a_comment_that_was_deleted_is_not_written_again() {
    let (crm, sales) = start().await;
    let case = made(&sales, "Printer").await.id;
    let new = note("Hello");
    let id = sales.create_note(&case, &new).await.unwrap().id;
    sales.delete_note(&id).await.unwrap();
    assert_eq!(sales.create_note(&case, &new).await, Err(CrmError::Gone));
    assert!(sales.notes(&case).await.unwrap().is_empty());
    assert_eq!(crm.records("CaseComment").len(), 1);
}
