//! A mail as it goes over the wire (RFC 5322).
use std::time::SystemTime;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder, MultiPart, SinglePart};

use super::rules::{Address, line};
use super::store::OutgoingMail;
use super::thread::{Conversation, Thread};
use crate::kernel::{SecretKey, TicketId};

/// What one mail is sent with.
pub struct Outgoing {
    pub mail: OutgoingMail,
    /// Those in copy who get it.
    pub cc: Vec<Address>,
    /// The `Message-ID`s of the conversation's mails before it, oldest first; without angle brackets.
    pub references: Vec<String>,
}

impl Outgoing {
    /// Its recipients, the addressee first.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        let copies = self.cc.iter().map(|address| address.email.as_str());
        std::iter::once(self.mail.to_email.as_str()).chain(copies)
    }
}

/// The conversation and the mail that a reply is recognized by.
pub fn thread(mail: &OutgoingMail) -> Thread {
    let conversation = match mail.conversation.as_str() {
        "side" => Conversation::Side(mail.conversation_id),
        _ => Conversation::Ticket(TicketId(mail.conversation_id)),
    };
    Thread { conversation, mail: mail.id }
}

/// The whole message. Every attempt has the same `Message-ID`, so that whoever got it twice sees that.
pub fn compose(
    outgoing: &Outgoing,
    from: &Mailbox,
    key: &SecretKey,
    now: DateTime<Utc>,
) -> anyhow::Result<String> {
    let mail = &outgoing.mail;
    let id = mail.message_id.as_deref().context("the mail has no Message-ID")?;
    let to = mailbox(mail.to_name.clone(), &mail.to_email)?;
    let mut message = Message::builder()
        .from(from.clone())
        .to(to)
        .subject(line(&mail.subject))
        .date(SystemTime::from(now))
        .message_id(Some(format!("<{id}>")));
    for copy in &outgoing.cc {
        message = message.cc(mailbox(copy.name.clone(), &copy.email)?);
    }
    if let Some(last) = outgoing.references.last() {
        let all: Vec<String> = outgoing.references.iter().map(|id| format!("<{id}>")).collect();
        message = message.in_reply_to(format!("<{last}>")).references(all.join(" "));
    }
    if mail.automatic {
        // RFC 3834, section 5; and what Exchange asks for.
        message = header(message, "Auto-Submitted", "auto-generated");
        message = header(message, "X-Auto-Response-Suppress", "All");
    }
    let marker = format!("[ref:{}]", thread(mail).token(key));
    let plain = SinglePart::plain(format!("{}\r\n\r\n{marker}\r\n", mail.text_body.trim_end()));
    let message = match &mail.html_body {
        None => message.singlepart(plain)?,
        Some(html) => {
            let html = SinglePart::html(marked(html, &marker));
            message.multipart(MultiPart::alternative().singlepart(plain).singlepart(html))?
        }
    };
    // Everything in it is encoded as ASCII.
    Ok(String::from_utf8(message.formatted())?)
}

fn mailbox(name: Option<String>, email: &str) -> anyhow::Result<Mailbox> {
    Ok(Mailbox::new(name.map(|name| line(&name)), email.parse()?))
}

fn header(message: MessageBuilder, name: &'static str, value: &str) -> MessageBuilder {
    message.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned()))
}

/// The page with the marker at its end, small.
fn marked(html: &str, marker: &str) -> String {
    let marker = format!(
        "<p class=\"quiet\" style=\"margin: 0; padding: 8px; color: #8a929e; font-size: 10px; text-align: center;\">{marker}</p>"
    );
    match html.rfind("</body>") {
        Some(end) => format!("{}{marker}\n{}", &html[..end], &html[end..]),
        None => format!("{html}\n{marker}\n"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::MailId;
    use crate::mail::rules::MailState;

    fn key() -> SecretKey {
        SecretKey::parse(&SecretKey::generate().unwrap()).unwrap()
    }

    fn outgoing(key: &SecretKey, subject: &str, name: &str) -> Outgoing {
        let now = DateTime::UNIX_EPOCH;
        let mut mail = OutgoingMail {
            id: MailId::new(),
            conversation: "ticket".into(),
            conversation_id: TicketId::new().0,
            ticket_id: None,
            note_id: None,
            to_name: Some(name.into()),
            to_email: "ann@customer.example".into(),
            cc: serde_json::json!([]),
            subject: subject.into(),
            text_body: "Grüße".into(),
            html_body: Some("<body>Grüße</body>".into()),
            automatic: true,
            state: MailState::Sending,
            reason: None,
            attempts: 0,
            unanswered: 0,
            due_at: now,
            fence: 1,
            released: false,
            message_id: None,
            created_at: now,
            sent_at: None,
        };
        mail.message_id = Some(thread(&mail).message_id(key, "desk.example"));
        Outgoing { mail, cc: Vec::new(), references: Vec::new() }
    }

    fn written(outgoing: &Outgoing, key: &SecretKey) -> String {
        let from = "Desk <desk@desk.example>".parse().unwrap();
        compose(outgoing, &from, key, DateTime::UNIX_EPOCH).unwrap()
    }

    /// The names of the headers.
    fn names(message: &str) -> Vec<String> {
        let head = message.split("\r\n\r\n").next().unwrap();
        let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        lines.map(|line| line.split(':').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_mail_names_its_thread_and_says_that_it_is_automatic() {
        let key = key();
        let mut outgoing = outgoing(&key, "Re: Printer", "Ann");
        outgoing.references = vec!["1@c.example".into(), "2@c.example".into()];
        let message = written(&outgoing, &key);
        let id = outgoing.mail.message_id.clone().unwrap();
        assert!(message.contains(&format!("Message-ID: <{id}>\r\n")), "{message}");
        assert!(message.contains("In-Reply-To: <2@c.example>\r\n"));
        assert!(message.contains("References: <1@c.example> <2@c.example>\r\n"));
        assert!(message.contains("Auto-Submitted: auto-generated\r\n"));
        assert!(message.contains("X-Auto-Response-Suppress: All\r\n"));
        assert_eq!(Thread::find(&key, &id), Some(thread(&outgoing.mail)));
        assert!(message.is_ascii());
        outgoing.mail.automatic = false;
        assert!(!written(&outgoing, &key).contains("Auto-"));
    }

    #[test]
    fn long_ids_stay_whole_in_the_references() {
        let key = key();
        let mut outgoing = outgoing(&key, "s", "n");
        let ids = (0..20).map(|n| format!("cb-{}-{n}@desk.example", "0123456789".repeat(10)));
        outgoing.references = ids.collect();
        let message = written(&outgoing, &key).replace("\r\n ", " ");
        for id in &outgoing.references {
            assert!(message.contains(&format!("<{id}>")), "{message}");
        }
    }

    proptest! {
        #[test]
        fn no_subject_and_no_name_makes_another_header(
            subject in "[a-zé:\r\n ]{0,60}|\\PC{0,120}", name in "[a-zé:\r\n\", ]{0,40}|\\PC{0,40}",
        ) {
            let key = key();
            let plain = names(&written(&outgoing(&key, "s", "n"), &key));
            let hostile = names(&written(&outgoing(&key, &subject, &name), &key));
            prop_assert_eq!(plain, hostile);
        }
    }
}
