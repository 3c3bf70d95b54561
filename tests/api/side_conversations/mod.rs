//! Side conversations: what the desk says to people outside, and what they answer, unseen by the customer.
mod opening;
mod replying;
mod tickets;

use casebridge::kernel::{MailId, Permission, SecretKey};
use casebridge::mail::{Conversation, Thread};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp, path, secret_key};

const VENDOR: &str = "vera@vendor.example";

/// A first message to the vendor; `more` is put over it.
fn to_vendor(more: Value) -> Value {
    let mut new = json!({
        "to": {"name": "Vera Vendor", "email": VENDOR}, "subject": "Export of 100 rows",
        "body": "Do you **know** this fault?",
    });
    new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    new
}

/// A ticket, and a side conversation on it that the coordinator opened with the vendor.
async fn asked(app: &TestApp) -> (Value, Value) {
    let ticket = app.open_ticket(json!({})).await;
    let side = open(&app.agent("Coordinator").await, &ticket, to_vendor(json!({}))).await;
    (ticket, side)
}

async fn open(caller: &Client, ticket: &Value, new: Value) -> Value {
    caller.post(&path(ticket, "/side-conversations"), new).await.expect(201)
}

/// `/v1/tickets/<id>/side-conversations/<id><rest>`
fn at(side: &Value, rest: &str) -> String {
    let ids = ["ticket_id", "id"].map(|field| side[field].as_str().unwrap());
    format!("/v1/tickets/{}/side-conversations/{}{rest}", ids[0], ids[1])
}

/// What was said, oldest first.
async fn said(caller: &Client, side: &Value) -> Vec<Value> {
    let page = caller.get(&at(side, "/messages?limit=100")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

/// The token of the mail that carried the last message of the desk.
async fn token(app: &TestApp, side: &Value) -> String {
    let said = said(&app.agent("Coordinator").await, side).await;
    let mail = said.iter().filter_map(|message| message["mail_id"].as_str()).next_back();
    let conversation = Conversation::Side(side["id"].as_str().unwrap().parse().unwrap());
    let key = SecretKey::parse(&secret_key()).unwrap();
    Thread { conversation, mail: MailId(mail.unwrap().parse().unwrap()) }.token(&key)
}

/// A program that brings mails.
async fn bringer(app: &TestApp) -> Client {
    let id = app.integration(&[Permission::MailReceive]).await;
    app.client_with(id, [Permission::MailReceive].into_iter()).await
}

/// A mail that answers the mail with this token.
fn answer(from: &str, id: &str, token: &str, text: &str) -> String {
    format!(
        "From: {from}\r\nTo: support@desk.example\r\nSubject: Re: Export of 100 rows\r\n\
         Message-ID: <{id}@vendor.example>\r\nIn-Reply-To: <{token}@desk.example>\r\n\r\n{text}\r\n"
    )
}

/// Posts a mail as a program that brings them does.
async fn post(client: &Client, raw: impl Into<Vec<u8>>) -> Value {
    let request = client.request(Method::POST, "/v1/inbound/emails");
    let request = request.header("content-type", "message/rfc822").body(raw.into());
    Reply::of(request).await.expect(200)
}

/// The kinds of what the ticket's history tells of side conversations, with the data.
async fn told(caller: &Client, ticket: &Value) -> Vec<(String, Value)> {
    let page = caller.get(&path(ticket, "/history?limit=100")).await.expect(200);
    let events = page["items"].as_array().unwrap().iter();
    let own = events.filter_map(|event| {
        let kind = event["type"].as_str()?.strip_prefix("side_conversation.")?;
        Some((kind.to_owned(), event["data"].clone()))
    });
    own.collect()
}

fn kinds(told: &[(String, Value)]) -> Vec<&str> {
    told.iter().map(|(kind, _)| kind.as_str()).collect()
}
