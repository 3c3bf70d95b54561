//! To whom a mail may go: not where mail does not arrive, and automatic mail only so often.
use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;

use super::Address;
use crate::kernel::MailId;

/// Automatic mails to an address within [`WINDOW`] at the most: two machines that answer each other stop here.
pub const CAP: usize = 10;
pub const WINDOW: TimeDelta = TimeDelta::hours(3);

/// An address as it is compared: the domain has no case (RFC 5321, section 2.4), and that of the local part is in use nowhere.
pub fn address_key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Whether a mail goes out.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// To its addressee and these; the reason tells who is left out.
    Send { cc: Vec<Address>, reason: Option<String> },
    /// Too many automatic mails went there.
    Held(String),
    /// Mail does not arrive there.
    Suppressed(String),
}

/// What is known of addresses before mails go out.
#[derive(Debug, Default)]
pub struct Allowance {
    suppressed: HashSet<String>,
    /// The automatic mails of the last [`WINDOW`].
    lately: HashMap<String, HashSet<MailId>>,
}

impl Allowance {
    /// Both with addresses as [`address_key`] gives them.
    pub fn new(
        suppressed: impl IntoIterator<Item = String>,
        lately: impl IntoIterator<Item = (String, MailId)>,
    ) -> Self {
        let mut allowance =
            Self { suppressed: suppressed.into_iter().collect(), lately: HashMap::new() };
        for (email, mail) in lately {
            allowance.lately.entry(email).or_default().insert(mail);
        }
        allowance
    }

    /// Decides about a mail, and counts it when it goes out. `counted`: it is automatic, and nobody released it.
    pub fn judge(&mut self, mail: MailId, to: &str, cc: &[Address], counted: bool) -> Verdict {
        if self.suppressed.contains(&address_key(to)) {
            return Verdict::Suppressed(format!("mail to {to} does not arrive"));
        }
        if counted && self.is_full(mail, to) {
            let hours = WINDOW.num_hours();
            return Verdict::Held(format!(
                "{CAP} automatic mails went to {to} within {hours} hours"
            ));
        }
        let (cc, left_out): (Vec<Address>, Vec<Address>) =
            cc.iter().cloned().partition(|address| {
                let full = counted && self.is_full(mail, &address.email);
                !full && !self.suppressed.contains(&address_key(&address.email))
            });
        if counted {
            for email in cc.iter().map(|address| address.email.as_str()).chain([to]) {
                self.lately.entry(address_key(email)).or_default().insert(mail);
            }
        }
        let emails: Vec<String> = left_out.into_iter().map(|address| address.email).collect();
        let reason = format!("not sent to {}: suppressed or too many", emails.join(", "));
        Verdict::Send { cc, reason: (!emails.is_empty()).then_some(reason) }
    }

    /// Whether others than this mail have used up what an address gets.
    fn is_full(&self, mail: MailId, email: &str) -> bool {
        let mails = self.lately.get(&address_key(email));
        mails.is_some_and(|mails| mails.len() - usize::from(mails.contains(&mail)) >= CAP)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(email: &str) -> Address {
        Address { name: None, email: email.to_owned() }
    }

    fn sent(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Send { .. })
    }

    #[test]
    fn the_eleventh_automatic_mail_to_an_address_is_held_and_one_by_hand_is_not() {
        let mut allowance = Allowance::default();
        for _ in 0..CAP {
            assert!(sent(&allowance.judge(MailId::new(), "Ann@c.example", &[], true)));
        }
        let held = allowance.judge(MailId::new(), "ann@C.example", &[], true);
        assert!(matches!(held, Verdict::Held(_)));
        assert!(sent(&allowance.judge(MailId::new(), "ann@c.example", &[], false)));
        assert!(sent(&allowance.judge(MailId::new(), "bob@c.example", &[], true)));
    }

    #[test]
    fn a_mail_that_is_tried_again_is_not_in_its_own_way() {
        let mails: Vec<MailId> = (0..CAP).map(|_| MailId::new()).collect();
        let lately = mails.iter().map(|mail| ("a@c.example".to_owned(), *mail));
        let mut allowance = Allowance::new([], lately);
        assert!(sent(&allowance.judge(mails[3], "a@c.example", &[], true)));
        assert!(!sent(&allowance.judge(MailId::new(), "a@c.example", &[], true)));
    }

    #[test]
    fn who_is_suppressed_gets_nothing_and_the_others_get_theirs() {
        let mut allowance = Allowance::new(["gone@c.example".to_owned()], []);
        let gone = allowance.judge(MailId::new(), "Gone@c.example", &[], false);
        assert!(matches!(gone, Verdict::Suppressed(_)));
        let cc = [address("gone@c.example"), address("bob@c.example")];
        let Verdict::Send { cc, reason } =
            allowance.judge(MailId::new(), "a@c.example", &cc, false)
        else {
            panic!("it is not sent")
        };
        assert_eq!(cc, [address("bob@c.example")]);
        assert!(reason.unwrap().contains("gone@c.example"));
    }

    proptest! {
        #[test]
        fn no_address_gets_more_automatic_mails_than_the_cap(
            mails in prop::collection::vec(("[ab]@c", prop::collection::vec("[abc]@c", 0..3)), 0..60),
        ) {
            let mut allowance = Allowance::default();
            let mut got: HashMap<String, usize> = HashMap::new();
            for (to, cc) in mails {
                let cc: HashSet<String> = cc.into_iter().filter(|email| *email != to).collect();
                let cc: Vec<Address> = cc.iter().map(|email| address(email)).collect();
                if let Verdict::Send { cc, .. } = allowance.judge(MailId::new(), &to, &cc, true) {
                    for email in cc.into_iter().map(|address| address.email).chain([to]) {
                        *got.entry(email).or_default() += 1;
                    }
                }
            }
            prop_assert!(got.values().all(|count| *count <= CAP));
        }
    }
}
