//! Who is asked, and when.
use casebridge::config::Surveys;
use serde_json::{Value, json};

use super::{ask, asked, close, count, survey};
use crate::support::{TestApp, path};

async fn mail(app: &TestApp) -> Value {
    let query =
        "select row_to_json(m)::text as text from outgoing_mails m order by id desc limit 1";
    serde_json::from_str(&app.text(query).await.unwrap()).unwrap()
}

#[actix_web::test]
async fn each_closing_is_asked_about_once_by_a_mail_to_the_contact() {
    let app = TestApp::start().await;
    let ticket = asked(&app).await;
    ask(&app).await;
    assert_eq!((count(&app, "surveys").await, count(&app, "outgoing_mails").await), (1, 1));
    let mail = mail(&app).await;
    assert_eq!(mail["ticket_id"], ticket["id"]);
    assert_eq!(
        (&mail["to_name"], &mail["automatic"]),
        (&json!("Purchasing contact"), &json!(true))
    );
    let url = format!("{}/s/", app.url);
    for part in ["text_body", "html_body"] {
        let body = mail[part].as_str().unwrap().replace("&#x2f;", "/");
        assert!(body.contains(&url), "{part}");
    }
    let contact = app.contact("Purchasing contact").await;
    let first = survey(&contact, &ticket).await.expect(200);
    assert_eq!((&first["state"], &first["closed_at"]), (&json!("open"), &ticket["closed_at"]));

    // Opened again and closed again, it is another resolution.
    let reply = json!({"body": "It stops again"});
    contact.post(&path(&ticket, "/notes"), reply).await.expect(201);
    let again = close(&app, &ticket).await;
    ask(&app).await;
    assert_eq!((count(&app, "surveys").await, count(&app, "outgoing_mails").await), (2, 2));
    let second = survey(&contact, &ticket).await.expect(200);
    assert_eq!(second["closed_at"], again["closed_at"]);
    assert_ne!(second["id"], first["id"]);
}

#[actix_web::test]
async fn any_number_of_processes_ask_once_and_pass_no_closing_over() {
    let app = TestApp::start().await;
    let mut tickets = Vec::new();
    for _ in 0..4 {
        let ticket = app.open_ticket(json!({})).await;
        tickets.push(app.advance_to(&ticket, "050").await);
    }
    tokio::join!(ask(&app), ask(&app), ask(&app));
    // Who goes away because another is at it comes back.
    ask(&app).await;
    assert_eq!((count(&app, "surveys").await, count(&app, "outgoing_mails").await), (4, 4));
    let behind =
        "select last_position - (select position from survey_cursor) as number from event_feed";
    assert_eq!(app.number(behind).await, 0);
}

#[actix_web::test]
async fn a_ticket_that_is_open_again_before_anybody_looked_is_not_asked_about() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let ticket = app.advance_to(&ticket, "050").await;
    let contact = app.contact("Purchasing contact").await;
    contact.post(&path(&ticket, "/notes"), json!({"body": "No!"})).await.expect(201);
    ask(&app).await;
    assert_eq!(count(&app, "surveys").await, 0);
    survey(&contact, &ticket).await.problem(404, "not_found");
}

#[actix_web::test]
async fn what_was_merged_or_deleted_is_not_asked_about() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let (merged, target) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    let into = json!({"into": target["id"]});
    coordinator.post_on(&path(&merged, "/merge"), "*", into).await.expect(200);
    let deleted = app.open_ticket(json!({})).await;
    app.advance_to(&deleted, "050").await;
    coordinator.delete(&path(&deleted, ""), "*").await.expect(204);
    let nobodys = app.open_ticket(json!({})).await;
    app.sql(
        "update tickets set contact_id = null where number = (select max(number) from tickets)",
    )
    .await
    .unwrap();
    app.advance_to(&nobodys, "050").await;
    ask(&app).await;
    assert_eq!(count(&app, "surveys").await, 0);
}

#[actix_web::test]
async fn an_account_that_wants_no_surveys_gets_none() {
    let app = TestApp::start().await;
    let account = format!("/v1/accounts/{}", app.id("accounts", "Northwind Services").await);
    let admin = app.agent("Administrator").await;
    let changed = admin.patch(&account, "*", json!({"surveys": false})).await.expect(200);
    assert_eq!(changed["surveys"], false);
    asked(&app).await;
    assert_eq!(count(&app, "surveys").await, 0);
    admin.patch(&account, "*", json!({"surveys": true})).await.expect(200);
    asked(&app).await;
    assert_eq!(count(&app, "surveys").await, 1);
}

/// As a macro tells that it asks for a survey.
async fn request_survey(app: &TestApp, ticket: &Value, kind: &str, data: &str) {
    let id = ticket["id"].as_str().unwrap();
    let event = format!(
        "with t as (update tickets set version = version + 1 where id = '{id}' returning version)
         insert into events (type, ticket_id, ticket_version, subject, public, actor_id, actor_role, actor_name, origin, data, occurred_at)
         select '{kind}', '{id}', version, 'ticket/{id}', false, '{id}', 'agent', 'a', 'api', '{data}', now() from t"
    );
    app.sql(event).await.unwrap();
}

#[actix_web::test]
async fn where_only_macros_ask_a_closing_alone_asks_nobody() {
    let app = TestApp::start_with(|config| config.surveys = Surveys::Asked).await;
    for (kind, data) in
        [("ticket.survey_requested", "{}"), ("ticket.changed", r#"{"survey": true}"#)]
    {
        let ticket = asked(&app).await;
        let before = count(&app, "surveys").await;
        request_survey(&app, &ticket, "ticket.changed", r#"{"survey": false}"#).await;
        ask(&app).await;
        assert_eq!(count(&app, "surveys").await, before);
        request_survey(&app, &ticket, kind, data).await;
        ask(&app).await;
        assert_eq!(count(&app, "surveys").await, before + 1, "{kind}");
    }
}

#[actix_web::test]
async fn a_macro_that_closes_and_asks_asks_once() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let ticket = app.advance_to(&ticket, "050").await;
    request_survey(&app, &ticket, "ticket.survey_requested", "{}").await;
    ask(&app).await;
    assert_eq!((count(&app, "surveys").await, count(&app, "outgoing_mails").await), (1, 1));
}

#[actix_web::test]
async fn where_nobody_shall_be_asked_nobody_is_not_even_later() {
    let app = TestApp::start_with(|config| config.surveys = Surveys::Never).await;
    let ticket = asked(&app).await;
    request_survey(&app, &ticket, "ticket.survey_requested", "{}").await;
    ask(&app).await;
    assert_eq!(count(&app, "surveys").await, 0);
    let behind =
        "select last_position - (select position from survey_cursor) as number from event_feed";
    assert_eq!(app.number(behind).await, 0);
}
