//! Drafts: filled in step by step, seen by their author alone, gone without a trace.
use casebridge::tickets::service;
use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Client, TestApp, pointers};

fn at(draft: &Value) -> String {
    format!("/v1/drafts/{}", draft["id"].as_str().unwrap())
}

async fn begin(author: &Client, body: Value) -> Value {
    author.post("/v1/drafts", body).await.expect(201)
}

/// The pointers of what a step complains about.
fn said(draft: &Value, step: &str, what: &str) -> Vec<String> {
    let steps = draft["steps"].as_array().unwrap();
    let step = steps.iter().find(|found| found["step"] == step).unwrap();
    assert_eq!(step["complete"], step["errors"].as_array().unwrap().is_empty());
    let errors = step[what].as_array().unwrap().iter();
    errors.map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn a_wizard_is_told_at_each_step_what_is_missing_and_may_save_what_does_not_fit() {
    let app = TestApp::start().await;
    let agent = app.agent("L1 agent A").await;
    let draft = begin(&agent, json!({})).await;
    assert_eq!(draft["complete"], false);
    let steps: Vec<_> = draft["steps"].as_array().unwrap().iter().map(|s| &s["step"]).collect();
    assert_eq!(steps, ["parties", "subject_matter", "description", "details"]);
    assert_eq!(said(&draft, "parties", "errors"), ["/account_id"]);
    assert_eq!(said(&draft, "parties", "warnings"), ["/contact_id"]);
    assert_eq!(said(&draft, "subject_matter", "errors"), ["/product_id"]);
    assert_eq!(said(&draft, "description", "errors"), ["/subject", "/description"]);
    assert!(said(&draft, "details", "errors").is_empty());

    // The contact of another account is saved, and told.
    let step = json!({
        "account_id": app.id("accounts", "Harbor Logistics").await,
        "contact_id": app.id("contacts", "Purchasing contact").await,
        "deadline": "2020-01-01T00:00:00Z",
    });
    let saved = agent.patch(&at(&draft), "\"v1\"", step).await;
    assert_eq!(saved.header("etag"), "\"v2\"");
    let saved = saved.expect(200);
    assert_eq!(said(&saved, "parties", "errors"), ["/contact_id"]);
    assert_eq!(said(&saved, "details", "warnings"), ["/deadline"]);
    let refused = agent.post_on(&format!("{}/submit", at(&draft)), "*", json!({})).await;
    assert_eq!(pointers(refused), ["/subject", "/description", "/product_id", "/contact_id"]);
    // What does not exist at all is refused.
    let nobody = json!({"contact_id": "00000000-0000-0000-0000-000000000000"});
    assert_eq!(pointers(agent.patch(&at(&draft), "*", nobody).await), ["/contact_id"]);
    // Null clears.
    let cleared = agent.patch(&at(&draft), "*", json!({"account_id": null})).await.expect(200);
    assert_eq!(cleared["account_id"], Value::Null);

    let whole = app.new_ticket(json!({})).await;
    let whole = agent.patch(&at(&draft), "\"v3\"", whole).await.expect(200);
    assert_eq!(whole["complete"], true);
    agent
        .patch(&at(&draft), "\"v3\"", json!({"subject": "Late"}))
        .await
        .problem(412, "stale_version");
    let ticket =
        agent.post_on(&format!("{}/submit", at(&draft)), "\"v4\"", json!({})).await.expect(200);
    assert_eq!((&ticket["id"], &ticket["number"]), (&draft["id"], &draft["number"]));
    assert_eq!(ticket["status"]["category"], "new");
    // A ticket is no draft any more.
    for gone in [agent.get(&at(&draft)).await, agent.delete(&at(&draft), "*").await] {
        gone.problem(404, "not_found");
    }
    let late = json!({"priority": "low"});
    agent.patch(&at(&draft), "*", late).await.problem(404, "not_found");
    assert_eq!(app.read(&ticket).await["priority"], ticket["priority"]);
}

#[actix_web::test]
async fn a_contact_fills_in_their_own_and_nobody_elses() {
    let app = TestApp::start().await;
    let contact = app.contact("Purchasing contact").await;
    let draft = begin(&contact, json!({"subject": "Login"})).await;
    assert_eq!(draft["contact_id"], app.id("contacts", "Purchasing contact").await);
    let foreign = json!({"account_id": app.id("accounts", "Harbor Logistics").await});
    assert_eq!(pointers(contact.patch(&at(&draft), "*", foreign).await), ["/account_id"]);
}

#[actix_web::test]
async fn a_draft_is_there_for_its_author_alone_and_listed_newest_first() {
    let app = TestApp::start().await;
    let author = app.agent("L1 agent A").await;
    let (first, second) = (begin(&author, json!({})).await, begin(&author, json!({})).await);
    let theirs = begin(&app.agent("Coordinator").await, json!({})).await;
    let listed = |page: Value| -> Vec<Value> {
        page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
    };
    let page = author.get("/v1/drafts").await.expect(200);
    assert_eq!(listed(page), [second["id"].clone(), first["id"].clone()]);
    let page = author.get("/v1/drafts?limit=1").await.expect(200);
    let next = format!("/v1/drafts?limit=1&cursor={}", page["next"].as_str().unwrap());
    let page = author.get(&next).await.expect(200);
    let prev = format!("/v1/drafts?limit=1&cursor={}", page["prev"].as_str().unwrap());
    assert_eq!(listed(page), [first["id"].clone()]);
    assert_eq!(listed(author.get(&prev).await.expect(200)), [second["id"].clone()]);
    for (name, is_contact) in
        [("Coordinator", false), ("Administrator", false), ("Purchasing contact", true)]
    {
        let other = if is_contact { app.contact(name).await } else { app.agent(name).await };
        other.get(&at(&first)).await.problem(404, "not_found");
        other.patch(&at(&first), "*", json!({"subject": "Mine"})).await.problem(404, "not_found");
        other.delete(&at(&first), "*").await.problem(404, "not_found");
        other
            .post_on(&format!("{}/submit", at(&first)), "*", json!({}))
            .await
            .problem(404, "not_found");
    }
    author.get(&at(&theirs)).await.problem(404, "not_found");
}

#[actix_web::test]
async fn an_autosave_tells_nobody_and_a_discarded_draft_leaves_nothing() {
    let app = TestApp::start().await;
    let author = app.agent("Coordinator").await;
    let events = "select count(*) as number from events where ticket_id is not null";
    let draft = begin(&author, json!({"subject": "Secret plans"})).await;
    for n in 0..5 {
        author
            .patch(&at(&draft), "*", json!({"description": format!("Line {n}")}))
            .await
            .expect(200);
    }
    let file = json!({"name": "plan.pdf", "url": "https://files.example/plan.pdf"});
    let attachments = format!("/v1/tickets/{}/attachments", draft["id"].as_str().unwrap());
    author.post(&attachments, file).await.expect(201);
    assert_eq!(app.number(events).await, 0);
    let stale = author.delete(&at(&draft), "\"v3\"").await;
    stale.problem(412, "stale_version");
    assert_eq!(author.delete(&at(&draft), "\"v7\"").await.status, 204);
    author.get(&at(&draft)).await.problem(404, "not_found");
    for table in ["tickets", "attachments"] {
        assert_eq!(app.number(&format!("select count(*) as number from {table}")).await, 0);
    }
    assert_eq!(app.number(events).await, 0);
    // The same through the ticket's own path, for who may delete.
    let draft = begin(&author, json!({})).await;
    let ticket = format!("/v1/tickets/{}", draft["id"].as_str().unwrap());
    assert_eq!(author.delete(&ticket, "*").await.status, 204);
    assert_eq!(app.number("select count(*) as number from tickets").await, 0);
}

#[actix_web::test]
async fn what_is_attached_to_a_draft_is_there_when_it_is_submitted() {
    let app = TestApp::start().await;
    let author = app.agent("Coordinator").await;
    let draft = begin(&author, app.new_ticket(json!({})).await).await;
    let attachments = format!("/v1/tickets/{}/attachments", draft["id"].as_str().unwrap());
    let file = json!({"name": "log.txt", "url": "https://files.example/log.txt"});
    author.post(&attachments, file).await.expect(201);
    author.post_on(&format!("{}/submit", at(&draft)), "*", json!({})).await.expect(200);
    let page = app.agent("Administrator").await.get(&attachments).await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn nobody_has_more_than_a_hundred_drafts_however_fast_they_are() {
    let app = TestApp::start().await;
    let author = app.agent("Coordinator").await;
    begin(&author, json!({})).await;
    app.sql(
        "insert into tickets (id, workflow_id, status, category, subject, description, department_id, level, source,
           opened_by, opened_by_role, created_at, updated_at)
         select gen_random_uuid(), workflow_id, status, category, '', '', department_id, level, source, opened_by,
           opened_by_role, now(), now() from tickets, generate_series(1, 97)",
    )
    .await
    .unwrap();
    let replies = join_all((0..40).map(|_| author.post("/v1/drafts", json!({})))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 2);
    let refused = author.post("/v1/tickets", json!({"draft": true})).await;
    refused.problem(409, "too_many_drafts");
    begin(&app.agent("Administrator").await, json!({})).await;
}

#[actix_web::test]
async fn a_draft_that_nobody_touches_for_ninety_days_is_forgotten() {
    let app = TestApp::start().await;
    let author = app.agent("Coordinator").await;
    let (old, touched) = (begin(&author, json!({})).await, begin(&author, json!({})).await);
    app.open_ticket(json!({})).await;
    app.sql("update tickets set updated_at = now() - interval '91 days'").await.unwrap();
    author.patch(&at(&touched), "*", json!({"subject": "Still here"})).await.expect(200);
    let forget = |days| {
        let now = Utc::now() + TimeDelta::days(days);
        app.service.db.quiet_tx(move |conn| service::forget_drafts(conn, now))
    };
    assert!(!forget(0).await.unwrap());
    author.get(&at(&old)).await.problem(404, "not_found");
    author.get(&at(&touched)).await.expect(200);
    assert_eq!(app.number("select count(*) as number from tickets").await, 2);
    forget(89).await.unwrap();
    let kept = author.get(&at(&touched)).await.expect(200);
    let expires = kept["expires_at"].as_str().unwrap().to_owned();
    assert!(expires > (Utc::now() + TimeDelta::days(89)).to_rfc3339(), "{expires}");
    forget(91).await.unwrap();
    author.get(&at(&touched)).await.problem(404, "not_found");
}
