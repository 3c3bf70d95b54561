//! Users, accounts and contacts, looked up to map people and companies.
use chrono::{DateTime, Utc};

use super::SuiteCrm;
use super::answer::Record;
use super::changes::{PAGE_SIZE, filter_time};
use super::text::{Kind, decode, stored};
use crate::crm::CrmError;
use crate::crm::case::{RecordKind, RecordPage, RemoteRecord};

impl SuiteCrm {
    /// Records along their ids. Users are listed whole whatever `since` says: their stamps do not move when their address does.
    pub async fn records(
        &self,
        kind: RecordKind,
        since: Option<DateTime<Utc>>,
        after: Option<&str>,
    ) -> Result<RecordPage, CrmError> {
        let (module, columns, read): (_, _, fn(&Record) -> RemoteRecord) = match kind {
            RecordKind::User => ("Users", "user_name,first_name,last_name,email1,status", person),
            RecordKind::Account => ("Accounts", "name,email1,phone_office", company),
            RecordKind::Contact => ("Contacts", CONTACT, person),
            RecordKind::Product => ("AOS_Products", "name", company),
        };
        let since = since.filter(|_| kind != RecordKind::User).map(filter_time);
        let filter = since.as_deref().map(|since| ("date_modified", "gte", since));
        let page = self.page(module, columns, filter.as_slice(), after).await?;
        let next = page.last().filter(|_| page.len() >= PAGE_SIZE).map(|last| last.id.clone());
        Ok(RecordPage { records: page.iter().map(read).collect(), next })
    }

    /// The accounts of this name; more than one means that the name does not tell.
    pub async fn find_account_by_name(&self, name: &str) -> Result<Vec<RemoteRecord>, CrmError> {
        let found = self.find("Accounts", "name,email1", "name", name).await?;
        Ok(found.iter().map(company).collect())
    }

    /// The account with this id; `None` if there is none.
    pub async fn account(&self, id: &str) -> Result<Option<RemoteRecord>, CrmError> {
        let found = self.list("Accounts", "name,email1", &[("id", "eq", id)]).await?;
        Ok(found.first().map(company))
    }

    /// The contacts of this last name with this address. SuiteCRM cannot filter by the address,
    /// so the last name narrows the search.
    pub async fn find_contact_by_email(
        &self,
        last_name: &str,
        email: &str,
    ) -> Result<Vec<RemoteRecord>, CrmError> {
        let found = self.find("Contacts", CONTACT, "last_name", last_name).await?;
        let has_address = |contact: &RemoteRecord| {
            contact.email.as_deref().is_some_and(|e| e.eq_ignore_ascii_case(email))
        };
        Ok(found.iter().map(person).filter(has_address).collect())
    }

    /// The records whose attribute is the text. Its database holds entities where the record was
    /// saved through a form, so a text with such characters is looked for in both forms.
    async fn find(
        &self,
        module: &str,
        columns: &str,
        attribute: &str,
        text: &str,
    ) -> Result<Vec<Record>, CrmError> {
        let found = self.list(module, columns, &[(attribute, "eq", text)]).await?;
        let stored = stored(Kind::Line, text);
        if !found.is_empty() || stored == text {
            return Ok(found);
        }
        self.list(module, columns, &[(attribute, "eq", &stored)]).await
    }
}

const CONTACT: &str = "first_name,last_name,email1,phone_work,account_id";

fn company(record: &Record) -> RemoteRecord {
    RemoteRecord {
        id: record.id.clone(),
        name: line(record, "name"),
        email: record.filled("email1"),
        phone: record.filled("phone_office"),
        account_id: None,
        active: true,
    }
}

fn person(record: &Record) -> RemoteRecord {
    let names = [line(record, "first_name"), line(record, "last_name")];
    let full = names.join(" ").trim().to_owned();
    RemoteRecord {
        id: record.id.clone(),
        name: if full.is_empty() { line(record, "user_name") } else { full },
        email: record.filled("email1"),
        phone: record.filled("phone_work"),
        account_id: record.filled("account_id"),
        active: record.text("status").is_none_or(|status| status != "Inactive"),
    }
}

fn line(record: &Record, name: &str) -> String {
    decode(Kind::Line, &record.text(name).unwrap_or_default())
}
