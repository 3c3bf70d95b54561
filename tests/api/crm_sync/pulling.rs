//! Cases as the CRM should have them.
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Integrated;
use crate::support::mirror::text;

#[actix_web::test]
async fn a_case_is_told_in_the_words_of_the_connection() {
    let settings = json!({"fields": {"link": ""}, "priorities": {"normal": "P2"}});
    let desk = Integrated::start_with(settings).await;
    let ticket = desk.open("The export stops").await;
    let case = desk.case(&ticket).await;
    assert_eq!((&case["case_id"], &case["deleted"]), (&Value::Null, &json!(false)));
    assert_eq!(case["fields"]["subject"], "The export stops");
    assert_eq!(case["fields"]["priority"], "P2");
    assert_eq!(case["fields"]["account"], "Northwind Services");
    assert_eq!(case["fields"]["product"], "CoreTrac");
    assert!(case["fields"].get("link").is_none());
    assert!(text(&case["fields"]["number"]).starts_with("CB-"));
}

#[actix_web::test]
async fn a_burst_of_changes_is_one_item_with_the_state_that_it_left() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Busy").await;
    let seen = desk.pull(0, "").await["last_position"].as_i64().unwrap();
    for priority in ["high", "low", "critical"] {
        desk.priority(&ticket, priority).await;
    }
    let page = desk.pull(seen, "").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!(page["items"][0]["fields"]["priority"], "critical");
    assert_eq!(page["items"][0]["position"], page["last_position"]);
    let end = page["last_position"].as_i64().unwrap();
    assert_eq!(desk.pull(end, "").await, json!({"items": [], "last_position": end}));
}

#[actix_web::test]
async fn pages_leave_no_ticket_and_no_note_out_however_small_they_are() {
    let desk = Integrated::start().await;
    let mut tickets = BTreeSet::new();
    for n in 0..7 {
        tickets.insert(desk.open(&format!("Ticket {n}")).await);
    }
    // Interleaved, so that every page cuts through the events of some ticket.
    for round in 0..3 {
        for ticket in &tickets {
            let note = json!({"body": format!("{ticket} {round}"), "visibility": "internal"});
            desk.admin.post(&format!("/v1/tickets/{ticket}/notes"), note).await.expect(201);
        }
        desk.app.publish().await;
    }
    let (mut after, mut seen, mut notes) = (0, BTreeSet::new(), Vec::new());
    loop {
        let page = desk.pull(after, "&limit=2").await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        for item in items {
            seen.insert(text(&item["ticket_id"]));
            let added = item["notes"].as_array().unwrap();
            notes.extend(added.iter().map(|note| text(&note["body"])));
        }
        let last = page["last_position"].as_i64().unwrap();
        if last == after {
            break;
        }
        after = last;
    }
    assert_eq!(seen, tickets);
    let expected = (0..3).flat_map(|round| tickets.iter().map(move |t| format!("{t} {round}")));
    notes.sort_unstable();
    let mut expected: Vec<String> = expected.collect();
    expected.sort_unstable();
    assert_eq!(notes, expected);
}

#[actix_web::test]
async fn a_long_poll_answers_as_soon_as_a_ticket_changes_and_not_before() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Awaited").await;
    let after = desk.pull(0, "").await["last_position"].as_i64().unwrap();
    let started = Instant::now();
    let news = async {
        // What is about no ticket wakes nobody.
        desk.admin.post("/v1/products", json!({"name": "News"})).await.expect(201);
        desk.app.publish().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        desk.priority(&ticket, "high").await;
    };
    let (page, ()) = tokio::join!(desk.pull(after, "&wait=30"), news);
    assert_eq!(page["items"][0]["fields"]["priority"], "high");
    assert!((300..10_000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    let end = page["last_position"].as_i64().unwrap();
    assert_eq!(desk.pull(end, "&wait=1").await["items"], json!([]));
}

#[actix_web::test]
async fn a_deleted_ticket_is_told_once_more_and_a_draft_never() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Short-lived").await;
    let draft = json!({"subject": "Half", "draft": true});
    desk.admin.post("/v1/tickets", draft).await.expect(201);
    desk.admin.delete(&format!("/v1/tickets/{ticket}"), "*").await.expect(204);
    desk.app.publish().await;
    let page = desk.pull(0, "").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    assert_eq!(page["items"][0]["deleted"], true);
    let refused = desk.tell("late", &ticket, json!({"fields": {"priority": "high"}})).await;
    assert_eq!(refused["outcome"], "refused");
    assert_eq!(refused["problem"]["code"], "ticket_deleted");
}

#[actix_web::test]
async fn a_note_that_came_from_the_crm_is_not_told_to_it() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Talkative").await;
    desk.tell("1", &ticket, json!({"note": {"body": "From the CRM"}})).await;
    let note = json!({"body": "From the desk"});
    desk.admin.post(&format!("/v1/tickets/{ticket}/notes"), note).await.expect(201);
    desk.app.publish().await;
    let notes = desk.case(&ticket).await["notes"].clone();
    assert_eq!(notes.as_array().unwrap().len(), 1, "{notes}");
    assert_eq!(
        (&notes[0]["body"], &notes[0]["visibility"]),
        (&json!("From the desk"), &json!("public"))
    );
}

#[actix_web::test]
async fn an_unknown_connection_has_no_cases() {
    let desk = Integrated::start().await;
    let path = "/v1/crm/changes?connection=0199f0c2-0000-7000-8000-000000000000";
    desk.integration.get(path).await.problem(404, "not_found");
}
