//! What becomes of a record of the CRM at the desk. Pure.
use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::kernel::text_enum;

text_enum! {
    /// What an import does with a record that nothing at the desk is linked to.
    Handling {
        /// It is linked to the one of the same name or e-mail address, if there is one.
        Link = "link",
        /// As `link`; what is not found is created.
        Create = "create",
        /// Records of this kind are not looked at.
        Off = "off",
    }
}

text_enum! {
    /// Why a record is linked to nothing, or what is wrong with its link.
    Reason {
        /// Nothing at the desk has its name or address.
        NoMatch = "no_match",
        /// Several records of the CRM have this name or address.
        Ambiguous = "ambiguous",
        /// What has its name or address at the desk is linked to another record.
        Taken = "taken",
        /// The contact with this address belongs to another account.
        OtherAccount = "other_account",
        /// It has no name, or one that is too long.
        NoName = "no_name",
        /// It has no e-mail address.
        NoEmail = "no_email",
        /// Its account is linked to none.
        NoAccount = "no_account",
        /// It was renamed, and something else at the desk has the new name.
        NameTaken = "name_taken",
        /// Its address was changed, and another contact has the new one.
        EmailTaken = "email_taken",
        /// It was deleted in the CRM.
        Deleted = "deleted",
        /// The user has left.
        Inactive = "inactive",
        /// Somebody took its link away.
        Unlinked = "unlinked",
    }
}

/// The values of a record that were compared with the desk last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// The CRM's id.
    pub account_id: Option<String>,
}

/// A record as the CRM listed it last.
#[derive(Debug, Clone, Default)]
pub struct Record {
    pub remote_id: String,
    pub values: Base,
    /// What it is recognized by: its address if it is a person, its name otherwise, without regard to case.
    pub key: Option<String>,
    pub active: bool,
    pub gone: bool,
    pub base: Option<Base>,
    pub reason: Option<Reason>,
    /// What it is linked to at the desk.
    pub local: Option<Uuid>,
}

/// A person, a company or a product of the desk.
#[derive(Debug, Clone, Default)]
pub struct Local {
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub account_ids: Vec<Uuid>,
    /// To any record of this CRM.
    pub linked: bool,
}

/// What the desk has that a batch of records may be about.
#[derive(Debug, Default)]
pub struct Desk {
    pub locals: HashMap<Uuid, Local>,
    pub by_key: HashMap<String, Uuid>,
    /// Keys that several records of the CRM have.
    pub ambiguous: HashSet<String>,
    /// The desk's accounts by the CRM's ids.
    pub accounts: HashMap<String, Uuid>,
}

/// What is taken over at the desk; `None` leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Take {
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<Option<String>>,
    /// The account that the contact leaves, and the one that they join.
    pub account: Option<(Option<Uuid>, Uuid)>,
}

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and most are the large one")]
pub enum Verdict {
    /// It is gone, and was linked to nothing.
    Forget,
    /// Nothing, for this reason; without one there is nothing to report either.
    Leave(Option<Reason>),
    /// It is made at the desk, a contact in this account.
    Create(Option<Uuid>),
    /// It is linked to this, takes something over, and has these values as its new base.
    Keep { local: Uuid, new_link: bool, take: Take, base: Base, reason: Option<Reason> },
}

/// The longest names and numbers that the desk keeps.
const NAME_MAX: usize = 200;
const PHONE_MAX: usize = 50;
const EMAIL_MAX: usize = 254;

/// The kinds that differ in how they are matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    User,
    Named,
    Contact,
}

/// Decides about one record.
pub fn decide(sort: Sort, record: &Record, desk: &Desk, handling: Handling) -> Verdict {
    if let Some(local) = record.local.filter(|local| desk.locals.contains_key(local)) {
        return keep(sort, record, desk, local, false);
    }
    if record.gone {
        return Verdict::Forget;
    }
    if record.reason == Some(Reason::Unlinked) {
        return Verdict::Leave(record.reason);
    }
    // Who has left needs no agent.
    if sort == Sort::User && !record.active {
        return Verdict::Leave(None);
    }
    match find(sort, record, desk) {
        Ok(local) => keep(sort, record, desk, local, true),
        Err(Reason::NoMatch) if handling == Handling::Create && sort != Sort::User => {
            match may_create(sort, record, desk) {
                Ok(account) => Verdict::Create(account),
                Err(reason) => Verdict::Leave(Some(reason)),
            }
        }
        Err(reason) => Verdict::Leave(Some(reason)),
    }
}

/// What at the desk the record is.
fn find(sort: Sort, record: &Record, desk: &Desk) -> Result<Uuid, Reason> {
    let lacking = if sort == Sort::Named { Reason::NoName } else { Reason::NoEmail };
    let key = record.key.as_ref().filter(|key| !key.trim().is_empty()).ok_or(lacking)?;
    if desk.ambiguous.contains(key) {
        return Err(Reason::Ambiguous);
    }
    let account = record.values.account_id.as_ref().filter(|_| sort == Sort::Contact);
    let account = account.map(|id| desk.accounts.get(id).copied().ok_or(Reason::NoAccount));
    let local = *desk.by_key.get(key).ok_or(Reason::NoMatch)?;
    let found = desk.locals.get(&local).ok_or(Reason::NoMatch)?;
    match account.transpose()? {
        _ if found.linked => Err(Reason::Taken),
        Some(account) if !found.account_ids.contains(&account) => Err(Reason::OtherAccount),
        _ => Ok(local),
    }
}

/// The account that a new contact is to have; `None` for other kinds.
fn may_create(sort: Sort, record: &Record, desk: &Desk) -> Result<Option<Uuid>, Reason> {
    let values = &record.values;
    if !fits(&values.name) {
        return Err(Reason::NoName);
    }
    if sort != Sort::Contact {
        return Ok(None);
    }
    if !values.email.as_deref().is_some_and(is_address) {
        return Err(Reason::NoEmail);
    }
    let account = values.account_id.as_ref().and_then(|id| desk.accounts.get(id));
    account.copied().map(Some).ok_or(Reason::NoAccount)
}

fn fits(name: &str) -> bool {
    !name.trim().is_empty() && name.chars().count() <= NAME_MAX
}

fn is_address(email: &str) -> bool {
    email.len() <= EMAIL_MAX
        && email.split_once('@').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
}

/// The number as the desk can keep it.
pub fn phone(record: &Base) -> Option<String> {
    record.phone.clone().filter(|phone| (1..=PHONE_MAX).contains(&phone.chars().count()))
}

/// The record and what it is linked to. What the CRM changed since the last comparison is taken over, also where the desk
/// changed the same: the event tells what it replaced. What only the desk changed stays. A new link has no last comparison:
/// then the desk only gets what it lacks.
fn keep(sort: Sort, record: &Record, desk: &Desk, local: Uuid, new_link: bool) -> Verdict {
    let values = &record.values;
    let here = desk.locals.get(&local).cloned().unwrap_or_default();
    let mut kept = Kept { take: Take::default(), base: values.clone(), reason: None };
    match &record.base {
        _ if record.gone => kept.reason = Some(Reason::Deleted),
        _ if sort == Sort::User => kept.reason = (!record.active).then_some(Reason::Inactive),
        None => {
            let number = phone(values).filter(|_| sort == Sort::Contact && here.phone.is_none());
            kept.take.phone = number.map(Some);
        }
        Some(base) => kept.changed(sort, record, base, &here, desk, local),
    }
    let Kept { take, base, reason } = kept;
    Verdict::Keep { local, new_link, take, base, reason }
}

struct Kept {
    take: Take,
    base: Base,
    reason: Option<Reason>,
}

impl Kept {
    /// What cannot be taken keeps its old base, so that it is tried again.
    fn changed(
        &mut self,
        sort: Sort,
        record: &Record,
        base: &Base,
        here: &Local,
        desk: &Desk,
        local: Uuid,
    ) {
        let values = &record.values;
        let free = match &record.key {
            Some(key) => {
                !desk.ambiguous.contains(key) && desk.by_key.get(key).is_none_or(|id| *id == local)
            }
            None => false,
        };
        if values.name != base.name && values.name != here.name {
            if !fits(&values.name) {
                (self.reason, self.base.name) = (Some(Reason::NoName), base.name.clone());
            } else if sort == Sort::Named && !free {
                (self.reason, self.base.name) = (Some(Reason::NameTaken), base.name.clone());
            } else {
                self.take.name = Some(values.name.clone());
            }
        }
        if sort == Sort::Contact {
            self.changed_contact(values, base, here, desk, free);
        }
    }

    fn changed_contact(
        &mut self,
        values: &Base,
        base: &Base,
        here: &Local,
        desk: &Desk,
        free: bool,
    ) {
        if values.phone != base.phone && phone(values) != here.phone {
            self.take.phone = Some(phone(values));
        }
        if values.email != base.email && values.email != here.email {
            match values.email.as_deref().filter(|email| is_address(email)) {
                Some(email) if free => self.take.email = Some(email.to_owned()),
                Some(_) => self.reason = Some(Reason::EmailTaken),
                None => self.reason = Some(Reason::NoEmail),
            }
            if self.take.email.is_none() {
                self.base.email.clone_from(&base.email);
            }
        }
        if values.account_id != base.account_id {
            let desks =
                |id: &Option<String>| id.as_ref().and_then(|id| desk.accounts.get(id)).copied();
            match desks(&values.account_id) {
                Some(joins) => self.take.account = Some((desks(&base.account_id), joins)),
                None => {
                    self.reason = Some(Reason::NoAccount);
                    self.base.account_id.clone_from(&base.account_id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
