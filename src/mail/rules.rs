//! What a mail is, and what of it may leave the desk.
mod allowance;
mod answers;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::allowance::{Allowance, Verdict, WINDOW, address_key};
pub use self::answers::{
    Failure, MAX_UNANSWERED, Next, Outcome, PATIENCE, Refusal, next, outage_pause,
};
use super::thread::Conversation;
use crate::kernel::{NoteId, TicketId, text_enum};

/// Characters of a subject or a name at the most.
const LINE_MAX: usize = 300;

text_enum! {
    /// Why no mail is sent to an address.
    SuppressionCause {
        /// The mail server refused it for good.
        Refused = "refused",
        /// A report came back.
        Bounced = "bounced",
    }
}

text_enum! {
    /// How a mail stands.
    MailState {
        /// It waits for its turn, for the mail server, or for one to be configured.
        Queued = "queued",
        /// It is being sent.
        Sending = "sending",
        /// The mail server took it.
        Sent = "sent",
        /// Too many automatic mails went to this address; somebody may release it.
        Held = "held",
        /// Mail to this address does not arrive; somebody may send it once the address is good again.
        Suppressed = "suppressed",
        /// It was refused for good, or could not be sent in time; somebody may try again.
        Dead = "dead",
        /// Somebody does not want it to be sent.
        Cancelled = "cancelled",
    }
}

/// Whom a mail goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Address {
    #[schema(example = "Ann Lee")]
    pub name: Option<String>,
    #[schema(example = "ann@customer.example")]
    pub email: String,
}

/// A mail to be queued.
#[derive(Debug, Clone)]
pub struct NewMail {
    /// Replies belong to it: its token is in the `Message-ID` and in a marker in the text.
    pub conversation: Conversation,
    /// Who may see the ticket may see the mail.
    pub ticket_id: Option<TicketId>,
    /// The note that it carries.
    pub note_id: Option<NoteId>,
    pub to: Address,
    pub cc: Vec<Address>,
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
    /// Nobody wrote it by hand: it says so in its header (RFC 3834), and only so many go to an address.
    pub automatic: bool,
    /// What was queued under this key before is not queued again.
    pub dedupe: Option<String>,
}

/// A text in one line, without control characters: what stands in a header can begin no other.
pub fn line(text: &str) -> String {
    let spaced = text.replace(|c: char| c.is_control() || c.is_whitespace(), " ");
    let words: Vec<&str> = spaced.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(LINE_MAX).collect()
}

impl Address {
    /// With a name in one line; without one that says nothing.
    pub fn cleaned(self) -> Self {
        let name = self.name.map(|name| line(&name)).filter(|name| !name.is_empty());
        Self { name, email: self.email.trim().to_owned() }
    }

    /// Whether a mail can go there (RFC 5321, section 4.1.2).
    pub fn is_deliverable(&self) -> bool {
        self.email.parse::<lettre::Address>().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_line_has_no_line_break_and_is_its_own_line(text in "[a-z\r\n\t\u{85}\u{2028} ]{0,40}|.{0,400}") {
            let cut = line(&text);
            let breaks = |c: char| c.is_control() || ['\u{2028}', '\u{2029}'].contains(&c);
            prop_assert!(!cut.contains(breaks));
            prop_assert_eq!(line(&cut), cut.trim_end());
        }

        #[test]
        fn no_address_with_a_line_break_is_deliverable(local in "[a-z]{1,8}", rest in "[a-z@.: \r\n]{0,12}") {
            let address = Address { name: None, email: format!("{local}@example.com\r\n{rest}x") };
            prop_assert!(!address.cleaned().is_deliverable());
        }
    }

    #[test]
    fn an_address_is_cleaned_before_it_is_judged() {
        let address = |name: &str, email: &str| Address {
            name: Some(name.to_owned()),
            email: email.to_owned(),
        };
        let ann = address("Ann\r\nBcc: eve@evil.example", " ann@customer.example ").cleaned();
        assert_eq!(ann, address("Ann Bcc: eve@evil.example", "ann@customer.example"));
        assert!(ann.is_deliverable());
        assert_eq!(address(" \t", "a@b.example").cleaned().name, None);
        for wrong in
            ["", "ann", "ann@", "@customer.example", "a b@customer.example", "<a@b.example>"]
        {
            assert!(!address("", wrong).is_deliverable(), "{wrong}");
        }
    }
}
