//! Which case a ticket has.
use reqwest::Method;
use serde_json::json;

use super::Integrated;
use crate::support::Reply;
use crate::support::mirror::Mirrored;

#[actix_web::test]
async fn a_case_that_was_told_is_shown_and_told_again_changes_nothing() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Linked").await;
    for _ in 0..2 {
        let link = desk.link(&ticket, "c-1").await.expect(200);
        assert_eq!((&link["case_id"], &link["state"]), (&json!("c-1"), &json!("linked")));
    }
    assert_eq!(desk.case(&ticket).await["case_id"], "c-1");
    let once = "select count(*) as number from crm_mirrors where generation = 1";
    assert_eq!(desk.app.number(once).await, 1);
}

#[actix_web::test]
async fn a_case_belongs_to_one_ticket() {
    let desk = Integrated::start().await;
    let (first, second) = (desk.open("First").await, desk.open("Second").await);
    desk.link(&first, "c-1").await.expect(200);
    desk.link(&second, "c-1").await.problem(409, "already_linked");
    assert_eq!(desk.case(&second).await["case_id"], json!(null));
}

#[actix_web::test]
async fn a_ticket_can_be_linked_before_it_is_published_and_an_unknown_one_cannot() {
    let desk = Integrated::start().await;
    let ticket = desk.app.open_ticket(json!({})).await;
    desk.link(ticket["id"].as_str().unwrap(), "c-1").await.expect(200);
    desk.link("0199f0c2-0000-7000-8000-000000000000", "c-2").await.problem(404, "not_found");
}

#[actix_web::test]
async fn another_case_begins_without_what_was_agreed_on_with_the_first() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Moved").await;
    desk.made(&ticket, "c-1").await;
    desk.link(&ticket, "c-2").await.expect(200);
    assert_eq!(desk.health().await["backlog"], 1);
    // As in a case that existed before, the desk wins.
    let outcome = desk.tell("2", &ticket, json!({"fields": {"priority": "high"}})).await;
    assert_eq!(outcome["outcome"], "conflict", "{outcome}");
    assert_eq!(outcome["conflicts"][0]["policy"], "first_link");
    let unknown = json!([{"change_id": "3", "case_id": "c-1", "fields": {"priority": "high"}}]);
    let told = desk.push(unknown).await.expect(207);
    assert_eq!(told["items"][0]["outcome"], "unknown");
}

#[actix_web::test]
async fn the_case_of_a_deleted_ticket_is_left_alone() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Gone").await;
    desk.admin.delete(&format!("/v1/tickets/{ticket}"), "*").await.expect(204);
    desk.app.publish().await;
    desk.link(&ticket, "c-1").await.problem(409, "ticket_deleted");
}

#[actix_web::test]
async fn the_engine_takes_up_a_case_that_was_told_and_makes_no_second_one() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Known there").await;
    let old =
        json!({"name": "Known there", "state": "Open", "status": "Open_New", "priority": "P3"});
    let case = desk.crm.create("Cases", old).unwrap();
    let body = json!({"connection": desk.connection, "case_id": case});
    let put = desk.admin.request(Method::PUT, &format!("/v1/crm/links/{ticket}")).json(&body);
    Reply::of(put).await.expect(200);
    desk.converge().await;
    assert_eq!(desk.crm.records("Cases").len(), 1);
    assert_eq!(desk.case(&ticket).await.value("priority"), "P2");
    assert_eq!(desk.health().await["backlog"], 0);
}

#[actix_web::test]
async fn the_case_that_a_parked_mirror_has_lets_it_go_on_and_writes_no_note_twice() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Parked").await;
    desk.note(&ticket, "internal", "Once.").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.app
        .sql("update crm_mirrors set state = 'parked', error_class = 'unmapped'")
        .await
        .unwrap();
    let body = json!({"connection": desk.connection, "case_id": case});
    let put = desk.admin.request(Method::PUT, &format!("/v1/crm/links/{ticket}")).json(&body);
    assert_eq!(Reply::of(put).await.expect(200)["state"], "linked");
    desk.converge().await;
    assert_eq!(desk.mirror(&ticket).await["state"], "linked");
    assert_eq!(desk.notes(&case).len(), 1);
}
