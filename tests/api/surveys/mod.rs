//! Customers are asked how satisfied they are, and answer on a page or in the portal.
mod answering;
mod asking;
mod page;
mod results;

use chrono::Utc;
use reqwest::{Method, redirect};
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp, path};

/// Publishes what happened, and asks whom it calls for.
pub async fn ask(app: &TestApp) {
    app.publish().await;
    let surveys = app.service.surveys.clone();
    loop {
        let surveys = surveys.clone();
        let step = move |conn: &mut _| surveys.ask_next(conn, Utc::now());
        if !app.service.db.tx(step).await.unwrap() {
            return;
        }
    }
}

async fn close(app: &TestApp, ticket: &Value) -> Value {
    let body = json!({"to": "050", "resolution": "Restarted it"});
    let coordinator = app.agent("Coordinator").await;
    coordinator.post_on(&path(ticket, "/transitions"), "*", body).await.expect(200)
}

/// A closed ticket about which its contact was asked.
async fn asked(app: &TestApp) -> Value {
    let ticket = app.open_ticket(json!({})).await;
    let ticket = app.advance_to(&ticket, "050").await;
    ask(app).await;
    ticket
}

async fn survey(caller: &Client, ticket: &Value) -> Reply {
    caller.get(&path(ticket, "/survey")).await
}

/// The path of the page on which the contact answers about this ticket.
async fn link(app: &TestApp, ticket: &Value) -> String {
    let contact = app.contact("Purchasing contact").await;
    let url = survey(&contact, ticket).await.expect(200)["url"].as_str().unwrap().to_owned();
    url.strip_prefix(&app.url).unwrap().to_owned()
}

/// A browser that follows no redirect by itself.
fn browser() -> reqwest::Client {
    reqwest::Client::builder().redirect(redirect::Policy::none()).build().unwrap()
}

/// Sends the form of the page as a browser does; the status, and where it leads to or what it says.
async fn send(app: &TestApp, link: &str, form: &[(&str, &str)]) -> (u16, String) {
    let request = browser().post(format!("{}{link}", app.url)).form(form);
    // As a page without a referrer sends it.
    let answer = request.header("origin", "null").send().await.unwrap();
    let status = answer.status().as_u16();
    let location = answer.headers().get("location").map(|at| at.to_str().unwrap().to_owned());
    (status, location.unwrap_or(answer.text().await.unwrap()))
}

async fn show(app: &TestApp, link: &str) -> (u16, String) {
    let answer = browser().get(format!("{}{link}", app.url)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn count(app: &TestApp, what: &str) -> i64 {
    app.number(&format!("select count(*) as number from {what}")).await
}

const ANSWERS: &str = "events where type = 'survey.answered'";

/// HEAD of a page.
async fn head(app: &TestApp, link: &str) -> u16 {
    let request = browser().request(Method::HEAD, format!("{}{link}", app.url));
    request.send().await.unwrap().status().as_u16()
}
