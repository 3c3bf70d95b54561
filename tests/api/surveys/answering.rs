//! Answers in the portal, and what a redaction makes of them.
use casebridge::kernel::Role;
use serde_json::{Value, json};

use super::{ANSWERS, ask, asked, count, survey};
use crate::redaction::{SECRET, redact, tables_with};
use crate::support::{Client, Reply, TestApp, path, pointers};

async fn answer(caller: &Client, ticket: &Value, body: Value) -> Reply {
    caller.post(&path(ticket, "/survey"), body).await
}

#[actix_web::test]
async fn the_contact_who_was_asked_answers_in_the_portal_and_nobody_else_does() {
    let app = TestApp::start().await;
    let ticket = asked(&app).await;
    let (contact, colleague) =
        (app.contact("Purchasing contact").await, app.contact("Operations contact").await);
    let five = json!({"rating": 5, "comment": "Great"});
    let desk = app.agent("Coordinator").await;
    for other in [&colleague, &desk, &app.client(Role::Admin).await] {
        answer(other, &ticket, five.clone()).await.problem(409, "not_asked");
    }
    assert_eq!(count(&app, ANSWERS).await, 0);
    let answered = answer(&contact, &ticket, five.clone()).await.expect(200);
    assert_eq!((&answered["rating"], &answered["comment"]), (&json!(5), &json!("Great")));
    assert_eq!(answered, answer(&contact, &ticket, five).await.expect(200));
    assert_eq!(count(&app, ANSWERS).await, 1);
    for (wrong, at) in [
        (json!({"rating": 0}), "/rating"),
        (json!({"rating": 6}), "/rating"),
        (json!({"comment": "x"}), "/rating"),
        (json!({"rating": 3, "comment": "x".repeat(2_001)}), "/comment"),
    ] {
        assert_eq!(pointers(answer(&contact, &ticket, wrong).await), [at]);
    }
    app.sql("update surveys set expires_at = now()").await.unwrap();
    answer(&contact, &ticket, json!({"rating": 1})).await.problem(409, "survey_over");
    assert_eq!(app.read(&ticket).await["status"]["code"], "050");
}

#[actix_web::test]
async fn who_sees_the_ticket_sees_its_survey_and_only_who_is_asked_gets_the_link() {
    let app = TestApp::start().await;
    let ticket = asked(&app).await;
    let (contact, colleague) =
        (app.contact("Purchasing contact").await, app.contact("Operations contact").await);
    let mine = survey(&contact, &ticket).await.expect(200);
    assert!(mine["url"].as_str().unwrap().starts_with(&format!("{}/s/", app.url)));
    assert_eq!((&mine["agent_id"], &mine["department_id"]), (&json!(null), &json!(null)));
    assert_eq!(survey(&colleague, &ticket).await.expect(200)["url"], json!(null));
    let seen = survey(&app.agent("Coordinator").await, &ticket).await.expect(200);
    assert_eq!((&seen["url"], &seen["agent_id"]), (&json!(null), &ticket["assignee_id"]));

    app.sql("delete from contact_accounts").await.unwrap();
    let stranger = app.contact("Operations contact").await;
    survey(&stranger, &ticket).await.problem(404, "not_found");
    answer(&stranger, &ticket, json!({"rating": 1})).await.problem(404, "not_found");
    app.move_elsewhere(&ticket).await;
    survey(&app.agent("L1 agent A").await, &ticket).await.problem(404, "not_found");
}

#[actix_web::test]
async fn a_redaction_reaches_what_was_commented() {
    let app = TestApp::start().await;
    let text = format!("My card is {SECRET}.");
    let ticket = app.open_ticket(json!({"description": text})).await;
    let ticket = app.advance_to(&ticket, "050").await;
    ask(&app).await;
    let contact = app.contact("Purchasing contact").await;
    let comment = json!({"rating": 2, "comment": format!("You still have {SECRET}?")});
    answer(&contact, &ticket, comment).await.expect(200);
    assert!(tables_with(&app, SECRET).await.contains(&"surveys".to_owned()));
    let coordinator = app.agent("Coordinator").await;
    redact(&coordinator, &ticket, "description", SECRET).await.expect(201);
    assert_eq!(tables_with(&app, SECRET).await, Vec::<String>::new());
    let now = survey(&contact, &ticket).await.expect(200);
    assert_eq!(
        (&now["comment"], &now["rating"]),
        (&json!("You still have [redacted]?"), &json!(2))
    );
}
