//! The page of the reports, as a browser sees it.
mod figures;
mod filters;
mod signing_in;

use casebridge::auth;
use chrono::Utc;
use reqwest::{RequestBuilder, Response, header, redirect};
use uuid::Uuid;

use crate::support::TestApp;

/// A browser that follows no redirect by itself.
fn browser() -> reqwest::Client {
    reqwest::Client::builder().redirect(redirect::Policy::none()).build().unwrap()
}

/// An access token of the person or client with this id.
async fn token_for(app: &TestApp, id: Uuid, seconds: i64) -> String {
    let read = move |conn: &mut _| auth::find_principal(conn, id);
    let principal = app.service.db.read(read).await.unwrap();
    app.service.authenticator.sign(&principal, None, seconds, Utc::now()).await.unwrap()
}

/// A token of the agent with this name.
async fn token(app: &TestApp, agent: &str) -> String {
    token_for(app, app.id("agents", agent).await.parse().unwrap(), 600).await
}

/// The page with this query, as somebody who signed in with the token.
fn open(app: &TestApp, token: &str, query: &str) -> RequestBuilder {
    let url = format!("{}/dashboard{query}", app.url);
    browser().get(url).header(header::COOKIE, format!("other=1; casebridge={token}"))
}

/// The status and the text of the page that the coordinator sees.
async fn show(app: &TestApp, query: &str) -> (u16, String) {
    read(open(app, &token(app, "Coordinator").await, query)).await
}

async fn read(request: RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// A header of an answer; empty when it has none.
fn told<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}
