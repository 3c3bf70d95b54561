//! What says to which conversation a mail belongs: a signed token in its `Message-ID`, which every reply repeats in
//! `In-Reply-To` and `References` (RFC 5322, section 3.6.4), and in a marker in its text for mail programs that drop both.
use std::fmt;

use uuid::Uuid;

use crate::kernel::{MailId, SIGNATURE, SecretKey, TicketId};

const PURPOSE: &str = "mail thread";
const START: &str = "cb-";
/// Of an id without dashes.
const ID: usize = 32;

/// The conversation that a mail belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conversation {
    /// The ticket's own, with the customer and the desk.
    Ticket(TicketId),
    /// One of a ticket's side conversations, with outsiders.
    Side(Uuid),
}

impl Conversation {
    /// `ticket` or `side`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Ticket(_) => "ticket",
            Self::Side(_) => "side",
        }
    }

    pub fn id(self) -> Uuid {
        match self {
            Self::Ticket(id) => id.0,
            Self::Side(id) => id,
        }
    }
}

/// A mail of ours, and the conversation that replies to it belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thread {
    pub conversation: Conversation,
    pub mail: MailId,
}

impl Thread {
    /// The mail's `Message-ID`, without angle brackets.
    pub fn message_id(&self, key: &SecretKey, domain: &str) -> String {
        format!("{}@{domain}", self.token(key))
    }

    /// The token as it stands in a message id or in a text.
    pub fn token(&self, key: &SecretKey) -> String {
        let named = self.to_string();
        let signature = key.sign(PURPOSE, named.as_bytes());
        let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{START}{named}-{hex}")
    }

    /// The first token of ours in a text: a message id, or a body with a marker. Those that were not signed here are passed over.
    pub fn find(key: &SecretKey, text: &str) -> Option<Self> {
        // Some mail programs write message ids in capitals.
        let text = text.to_ascii_lowercase();
        text.match_indices(START).find_map(|(at, _)| Self::parse(key, &text[at + START.len()..]))
    }

    fn parse(key: &SecretKey, text: &str) -> Option<Self> {
        let named = text.get(..1 + ID + 1 + ID)?;
        let (kind, ids) = named.split_at(1);
        let (first, mail) = ids.split_once('-')?;
        let (first, mail) = (first.parse().ok()?, MailId(mail.parse().ok()?));
        let conversation = match kind {
            "t" => Conversation::Ticket(TicketId(first)),
            "s" => Conversation::Side(first),
            _ => return None,
        };
        let hex = text[named.len()..].strip_prefix('-')?.get(..2 * SIGNATURE)?;
        let byte = |at: usize| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok();
        let signature: Vec<u8> = (0..SIGNATURE).map(byte).collect::<Option<_>>()?;
        key.verify(PURPOSE, named.as_bytes(), &signature).then_some(Self { conversation, mail })
    }
}

impl fmt::Display for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, id) = match self.conversation {
            Conversation::Ticket(id) => ('t', id.0),
            Conversation::Side(id) => ('s', id),
        };
        write!(f, "{kind}{}-{}", id.simple(), self.mail.0.simple())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> SecretKey {
        SecretKey::parse(&SecretKey::generate().unwrap()).unwrap()
    }

    fn thread() -> Thread {
        Thread { conversation: Conversation::Ticket(TicketId::new()), mail: MailId::new() }
    }

    #[test]
    fn a_reply_is_recognized_by_any_of_the_message_ids_that_it_repeats() {
        let (key, thread) = (key(), thread());
        let ours = thread.message_id(&key, "desk.example");
        let references = format!("<1@mail.example> <{ours}> <cb-2@mail.example>");
        assert_eq!(Thread::find(&key, &references), Some(thread));
        assert_eq!(Thread::find(&key, &references.to_uppercase()), Some(thread));
        let side = Thread { conversation: Conversation::Side(Uuid::now_v7()), ..thread };
        assert_eq!(Thread::find(&key, &format!("ref:{}]", side.token(&key))), Some(side));
    }

    #[test]
    fn a_token_that_was_not_signed_here_is_none() {
        let (key, thread) = (key(), thread());
        let token = thread.token(&key);
        let other = Thread { mail: MailId::new(), ..thread }.token(&key);
        let moved = format!("{}{}", &token[..START.len() + 66], &other[START.len() + 66..]);
        assert_eq!(Thread::find(&key, &moved), None);
        assert_eq!(Thread::find(&key, &self::thread().token(&self::key())), None);
        assert_eq!(Thread::find(&key, &token[..token.len() - 1]), None);
        assert_eq!(Thread::find(&key, &format!("{moved} {token}")), Some(thread));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_search_panic(text in ".*", tail in "\\PC{0,80}") {
            let key = key();
            Thread::find(&key, &text);
            Thread::find(&key, &format!("cb-t{}-{tail}", Uuid::nil().simple()));
        }
    }
}
