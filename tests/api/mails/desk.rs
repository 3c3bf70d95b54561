//! What people see of mails, and do about them.
use casebridge::kernel::{Permission, Role};
use casebridge::mail::NewMail;
use serde_json::{Value, json};

use super::{app_with, mail, on, queue, send};
use crate::redaction::{SECRET, redact, tables_with};
use crate::support::smtp::{Act, Sink};
use crate::support::{Client, TestApp};

async fn ids(client: &Client, query: &str) -> Vec<Value> {
    let page = client.get(&format!("/v1/mails{query}")).await.expect(200);
    page["items"].as_array().unwrap().iter().map(|mail| mail["id"].clone()).collect()
}

#[actix_web::test]
async fn who_sees_a_ticket_sees_its_mails_and_customers_see_none() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let own = queue(&app, on(&ticket, "ann@customer.example", "On the ticket")).await;
    let none = queue(&app, mail("agent@desk.example", "Digest")).await;
    let path = format!("/v1/mails/{own}");
    app.client(Role::Contact).await.get("/v1/mails").await.problem(403, "forbidden");
    app.client(Role::Contact).await.get(&path).await.problem(403, "forbidden");

    let outsider = app.agent("Business analyst A").await;
    assert!(ids(&outsider, "").await.is_empty());
    outsider.get(&path).await.problem(404, "not_found");
    for what in ["retry", "cancel"] {
        let path = format!("{path}/{what}");
        outsider.post(&path, json!({})).await.problem(404, "not_found");
    }
    let agent = app.agent("L1 agent A").await;
    assert_eq!(ids(&agent, "").await, [json!(own)]);
    let coordinator = app.agent("Coordinator").await;
    assert_eq!(ids(&coordinator, "").await, [json!(none), json!(own)]);
    let program = app.integration(&[Permission::TicketsWork]).await;
    let program = app.client_with(program, [Permission::TicketsWork].into_iter()).await;
    assert_eq!(ids(&program, "?limit=1").await, [json!(none)]);

    let shown = agent.get(&path).await.expect(200);
    assert_eq!(shown["text"], "About On the ticket.");
    assert_eq!((&shown["ticket_id"], &shown["state"]), (&ticket["id"], &json!("queued")));
    let of_ticket =
        format!("?ticket_id={}&to=ANN@customer.example", ticket["id"].as_str().unwrap());
    assert_eq!(ids(&coordinator, &of_ticket).await, [json!(own)]);
    assert!(ids(&coordinator, "?state=dead").await.is_empty());
}

#[actix_web::test]
async fn pages_go_forth_and_back_without_loss() {
    let app = TestApp::start().await;
    let mut all = Vec::new();
    for n in 0..7 {
        all.insert(0, json!(queue(&app, mail("ann@customer.example", &n.to_string())).await));
    }
    let coordinator = app.agent("Coordinator").await;
    let first = coordinator.get("/v1/mails?limit=3").await.expect(200);
    let path = format!("/v1/mails?limit=3&cursor={}", first["next"].as_str().unwrap());
    let second = coordinator.get(&path).await.expect(200);
    let of = |page: &Value| -> Vec<Value> {
        page["items"].as_array().unwrap().iter().map(|mail| mail["id"].clone()).collect()
    };
    assert_eq!([of(&first), of(&second)].concat(), all[..6]);
    let back = format!("/v1/mails?limit=3&cursor={}", second["prev"].as_str().unwrap());
    assert_eq!(of(&coordinator.get(&back).await.expect(200)), all[..3]);
}

#[actix_web::test]
async fn a_mail_that_waits_can_be_cancelled_and_one_that_left_cannot() {
    let sink = Sink::scripted(|asked| match asked.command {
        "MAIL" if asked.before == 0 => Act::Answer("550 5.7.1 no"),
        _ => Act::Accept,
    })
    .await;
    let app = app_with(&sink).await;
    let coordinator = app.agent("Coordinator").await;
    let cancelled = queue(&app, mail("ann@customer.example", "Cancelled")).await;
    let path = format!("/v1/mails/{cancelled}");
    for _ in 0..2 {
        let mail = coordinator.post(&format!("{path}/cancel"), json!({})).await.expect(200);
        assert_eq!(mail["reason"], "cancelled by Coordinator");
    }
    coordinator.post(&format!("{path}/retry"), json!({})).await.problem(409, "mail_not_waiting");
    send(&app).await;
    assert!(sink.received().is_empty());

    let id = queue(&app, mail("ann@customer.example", "Dead at first")).await;
    send(&app).await;
    let path = format!("/v1/mails/{id}");
    let dead = coordinator.get(&path).await.expect(200);
    assert_eq!((&dead["state"], &dead["next_attempt_at"]), (&json!("dead"), &json!(null)));
    coordinator.post(&format!("{path}/retry"), json!({})).await.expect(200);
    send(&app).await;
    let sent = coordinator.get(&path).await.expect(200);
    assert_eq!((&sent["state"], &sent["reason"]), (&json!("sent"), &json!(null)));
    for what in ["retry", "cancel"] {
        let path = format!("{path}/{what}");
        coordinator.post(&path, json!({})).await.problem(409, "mail_not_waiting");
    }
}

#[actix_web::test]
async fn what_is_taken_out_of_a_ticket_is_taken_out_of_its_mails() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({"description": format!("My card is {SECRET}.")})).await;
    let own = on(&ticket, "ann@customer.example", &format!("Card {SECRET}"));
    let html = format!("<p>My card is <b>{SECRET}</b>.</p>");
    let own = queue(&app, NewMail { html: Some(html), ..own }).await;
    let digest = queue(&app, mail("agent@desk.example", &format!("New: {SECRET}"))).await;
    let other = NewMail { html: Some("<p>Hello</p>".into()), ..mail("b@c.example", "Other") };
    let other = queue(&app, other).await;
    assert!(tables_with(&app, SECRET).await.contains(&"outgoing_mails".to_owned()));
    let coordinator = app.agent("Coordinator").await;
    redact(&coordinator, &ticket, "description", SECRET).await.expect(201);
    assert_eq!(tables_with(&app, SECRET).await, Vec::<String>::new());
    let read = async |id| coordinator.get(&format!("/v1/mails/{id}")).await.expect(200);
    let erased = read(own).await;
    assert_eq!(erased["text"], "About Card [redacted].");
    assert_eq!((&erased["subject"], &erased["html"]), (&json!("Card [redacted]"), &json!(null)));
    assert_eq!(read(digest).await["subject"], "New: [redacted]");
    assert_eq!(read(other).await["html"], "<p>Hello</p>");
}
