//! Mails that come in: what they say, what becomes of them, over HTTP and from a mailbox.
mod corpus;
mod guarding;
mod hostile;
mod imap;
mod quarantine;
mod relay;
mod server;
mod taking;

use casebridge::inbound::Incoming;
use casebridge::kernel::{MailId, SecretKey, TicketId};
use casebridge::mail::{Conversation, Thread};
use reqwest::Method;
use serde_json::Value;

use crate::support::{Client, Reply, secret_key};

/// The domain of the message ids of the corpus.
const DOMAIN: &str = "desk.example";

fn key() -> SecretKey {
    SecretKey::parse(&secret_key()).unwrap()
}

fn ticket_id(ticket: &Value) -> TicketId {
    TicketId(ticket["id"].as_str().unwrap().parse().unwrap())
}

/// The token of a mail about this ticket that the desk could have sent.
fn token(ticket: &Value) -> String {
    let conversation = Conversation::Ticket(ticket_id(ticket));
    Thread { conversation, mail: MailId::new() }.token(&key())
}

/// A message of the corpus as it comes over the wire, as an answer to the mail with this token.
fn message(name: &str, token: &str) -> Vec<u8> {
    let path = format!("{}/tests/corpus/mail/{name}.eml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read(path).unwrap();
    let mut wire = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let end = line.strip_suffix(b"\n");
        wire.extend_from_slice(end.unwrap_or(line));
        wire.extend_from_slice(if end.is_some() { b"\r\n" } else { b"" });
    }
    replace(&wire, b"{token}", token.as_bytes())
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(from.len()).position(|part| part == from) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

/// What a message of the corpus says.
fn read(name: &str) -> Incoming {
    Incoming::read(&message(name, "cb-none"), Some(DOMAIN)).unwrap()
}

/// Posts a mail as a program that brings them does.
async fn post(client: &Client, raw: impl Into<Vec<u8>>) -> Reply {
    let request = client.request(Method::POST, "/v1/inbound/emails");
    Reply::of(request.header("content-type", "message/rfc822").body(raw.into())).await
}
