//! Who takes part in a side conversation, and whether it goes on.
use serde::{Deserialize, Serialize};

use crate::kernel::{AppError, FieldError, text_enum};
use crate::mail::Address;

/// Addresses in copy at the most.
pub const CC_MAX: usize = 20;
/// Side conversations of a ticket at the most.
pub const MOST: i64 = 100;

text_enum! {
    /// How a side conversation stands.
    SideConversationState {
        /// Something is awaited, or may still be said.
        Open = "open",
        /// It is settled; whatever is said in it opens it again.
        Closed = "closed",
    }
}

/// Who takes part from outside: each message goes to all of them, and what they answer is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participants {
    pub to: Address,
    pub cc: Vec<Address>,
}

impl Participants {
    /// Cleaned, each address once. `customers` are the addresses, in lower case, to which nothing may go. Fails with a
    /// pointer to each address that is one of those, or to which no mail can go.
    pub fn new(to: Address, cc: Vec<Address>, customers: &[String]) -> Result<Self, AppError> {
        let (to, cc) = (to.cleaned(), cc.into_iter().map(Address::cleaned).collect::<Vec<_>>());
        let pointers = (0..cc.len()).map(|at| format!("/cc/{at}/email"));
        let named = std::iter::once("/to/email".to_owned()).chain(pointers);
        let all = std::iter::once(&to).chain(&cc);
        let errors = named.zip(all).filter_map(|(pointer, address)| {
            let detail = wrong(address, customers)?;
            Some(FieldError::new(pointer, detail))
        });
        let errors: Vec<FieldError> = errors.collect();
        if !errors.is_empty() {
            return Err(AppError::Invalid(errors));
        }
        let mut participants = Self { to, cc: Vec::new() };
        for address in cc {
            if !participants.include(&address.email) {
                participants.cc.push(address);
            }
        }
        Ok(participants)
    }

    /// Whether this address is one of theirs, whatever its case.
    pub fn include(&self, email: &str) -> bool {
        let mut all = std::iter::once(&self.to).chain(&self.cc);
        all.any(|address| address.email.eq_ignore_ascii_case(email))
    }
}

fn wrong(address: &Address, customers: &[String]) -> Option<&'static str> {
    if !address.is_deliverable() {
        Some("this is not an address that mail can go to")
    } else if customers.contains(&address.email.to_lowercase()) {
        Some("this is a contact of the ticket's account, and customers see no side conversation")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(email: &str) -> Address {
        Address { name: None, email: email.to_owned() }
    }

    fn participants(to: &str, cc: &[&str]) -> Result<Participants, AppError> {
        let cc = cc.iter().map(|email| address(email)).collect();
        Participants::new(address(to), cc, &["ann@customer.example".to_owned()])
    }

    #[test]
    fn everybody_takes_part_once_however_their_address_is_written() {
        let all = participants(" a@vendor.example", &["A@Vendor.example", "b@vendor.example"]);
        let all = all.unwrap();
        assert_eq!(all.to, address("a@vendor.example"));
        assert_eq!(all.cc, [address("b@vendor.example")]);
        assert!(all.include("B@vendor.EXAMPLE") && !all.include("c@vendor.example"));
    }

    #[test]
    fn each_address_that_cannot_take_part_is_named() {
        let refused = participants("Ann@Customer.example", &["b@vendor.example", "nobody", ""]);
        let Err(AppError::Invalid(errors)) = refused else { panic!("{refused:?}") };
        let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/to/email", "/cc/1/email", "/cc/2/email"]);
    }
}
