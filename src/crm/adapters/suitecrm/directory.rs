//! Users, accounts and contacts, looked up to map people and companies.
use super::SuiteCrm;
use super::answer::Record;
use super::text::{Kind, decode, stored};
use crate::crm::CrmError;
use crate::crm::case::RemoteRecord;

impl SuiteCrm {
    /// Every user, active or not, with the primary address.
    pub async fn users(&self) -> Result<Vec<RemoteRecord>, CrmError> {
        let columns = "user_name,first_name,last_name,email1";
        Ok(self.list("Users", columns, &[]).await?.iter().map(person).collect())
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
        let found =
            self.find("Contacts", "first_name,last_name,email1", "last_name", last_name).await?;
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

fn company(record: &Record) -> RemoteRecord {
    let email = record.filled("email1");
    RemoteRecord { id: record.id.clone(), name: line(record, "name"), email }
}

fn person(record: &Record) -> RemoteRecord {
    let names = [line(record, "first_name"), line(record, "last_name")];
    let full = names.join(" ").trim().to_owned();
    let name = if full.is_empty() { line(record, "user_name") } else { full };
    RemoteRecord { id: record.id.clone(), name, email: record.filled("email1") }
}

fn line(record: &Record, name: &str) -> String {
    decode(Kind::Line, &record.text(name).unwrap_or_default())
}
