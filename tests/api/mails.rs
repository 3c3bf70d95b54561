//! Mail that goes out: what leaves, what does not and why, and what people see and do.
mod desk;
mod failures;
mod limits;
mod sending;
mod templates;

use casebridge::kernel::{Actor, MailId, TicketId};
use casebridge::mail::{Address, Conversation, NewMail, service};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::smtp::Sink;

/// An app whose mails go to this server.
async fn app_with(sink: &Sink) -> TestApp {
    let url = sink.url();
    TestApp::start_with(|config| {
        config.smtp_url = Some(url);
        config.mail_from = Some("Support <support@desk.example>".into());
    })
    .await
}

fn address(email: &str) -> Address {
    Address { name: None, email: email.into() }
}

/// A mail of no ticket.
fn mail(to: &str, subject: &str) -> NewMail {
    NewMail {
        conversation: Conversation::Side(Uuid::now_v7()),
        ticket_id: None,
        note_id: None,
        to: address(to),
        cc: Vec::new(),
        subject: subject.into(),
        text: format!("About {subject}."),
        html: None,
        automatic: false,
        dedupe: None,
    }
}

/// A mail on a ticket.
fn on(ticket: &Value, to: &str, subject: &str) -> NewMail {
    let id = TicketId(ticket["id"].as_str().unwrap().parse().unwrap());
    NewMail { conversation: Conversation::Ticket(id), ticket_id: Some(id), ..mail(to, subject) }
}

async fn queue(app: &TestApp, new: NewMail) -> MailId {
    app.service.db.tx(move |conn| service::queue(conn, new, Utc::now())).await.unwrap()
}

/// Sends what is due at this time.
async fn send_at(app: &TestApp, now: DateTime<Utc>) {
    while app.service.mailer.send_due(now).await.unwrap() {}
}

async fn send(app: &TestApp) {
    send_at(app, Utc::now()).await;
}

/// Sends what is due within two days.
async fn send_later(app: &TestApp) {
    send_at(app, Utc::now() + TimeDelta::days(2)).await;
}

/// The mail as the service sees it.
async fn read(app: &TestApp, id: MailId) -> casebridge::mail::OutgoingMail {
    app.service.db.read(move |conn| service::get(conn, &Actor::system(), id)).await.unwrap()
}
