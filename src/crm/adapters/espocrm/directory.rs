//! Users, accounts, contacts and products, to map people and companies.
use chrono::{DateTime, Utc};

use super::EspoCrm;
use super::record::{Record, record, written_time};
use super::search::{Key, Search, compare, is};
use super::text::{decode, encode};
use crate::crm::CrmError;
use crate::crm::case::{RecordKind, RecordPage, RemoteRecord};

const COMPANY: [&str; 5] = ["id", "createdAt", "name", "emailAddress", "phoneNumber"];
const CONTACT: [&str; 6] = ["id", "createdAt", "name", "emailAddress", "phoneNumber", "accountId"];
const USER: [&str; 7] =
    ["id", "createdAt", "name", "userName", "emailAddress", "phoneNumber", "isActive"];
const PRODUCT: [&str; 3] = ["id", "createdAt", "name"];

impl EspoCrm {
    /// Records in the order in which they were created. A CRM without the Sales Pack has no products.
    pub async fn records(
        &self,
        kind: RecordKind,
        since: Option<DateTime<Utc>>,
        after: Option<&str>,
    ) -> Result<RecordPage, CrmError> {
        let (module, select): (_, &[&str]) = match kind {
            RecordKind::User => ("User", &USER),
            RecordKind::Account => ("Account", &COMPANY),
            RecordKind::Contact => ("Contact", &CONTACT),
            RecordKind::Product => ("Product", &PRODUCT),
        };
        let since = since.map(written_time);
        let since = since.map(|since| compare("greaterThanOrEquals", "modifiedAt", &since));
        let filters = since.into_iter().collect();
        let search = Search { module, select, along: "createdAt", filters };
        let after = after.map(from_cursor).transpose()?;
        let (rows, next) = match self.page(&search, after.as_ref()).await {
            Err(CrmError::NotFound { .. }) if kind == RecordKind::Product => (Vec::new(), None),
            page => page?,
        };
        Ok(RecordPage { records: rows.iter().map(remote_record).collect(), next: next.map(cursor) })
    }

    /// The accounts of this name; more than one means that the name does not tell.
    pub async fn find_account_by_name(&self, name: &str) -> Result<Vec<RemoteRecord>, CrmError> {
        self.find("Account", &COMPANY, is("name", &encode(name))).await
    }

    /// The account with this id; `None` if there is none.
    pub async fn account(&self, id: &str) -> Result<Option<RemoteRecord>, CrmError> {
        match self.api.get(&["Account", id], &[]).await {
            Ok(account) => Ok(Some(remote_record(&record(account)?))),
            Err(CrmError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The contacts with this address.
    pub async fn find_contact_by_email(&self, email: &str) -> Result<Vec<RemoteRecord>, CrmError> {
        self.find("Contact", &CONTACT, is("emailAddress", &email.to_lowercase())).await
    }

    async fn find(
        &self,
        module: &str,
        select: &[&str],
        filter: serde_json::Value,
    ) -> Result<Vec<RemoteRecord>, CrmError> {
        let search = Search { module, select, along: "createdAt", filters: vec![filter] };
        let found = self.list(&search).await?;
        Ok(found.iter().map(remote_record).collect())
    }
}

fn remote_record(row: &Record) -> RemoteRecord {
    let name = row.filled("name").or_else(|| row.filled("userName")).unwrap_or_default();
    RemoteRecord {
        id: row.id.clone(),
        name: decode(&name),
        email: row.filled("emailAddress"),
        phone: row.filled("phoneNumber"),
        account_id: row.filled("accountId"),
        active: row.text("isActive").is_none_or(|active| active != "false"),
    }
}

/// The words of a key as they are handed out and come back.
fn cursor(key: Key) -> String {
    format!("{}|{}", key.value, key.id)
}

fn from_cursor(cursor: &str) -> Result<Key, CrmError> {
    let (value, id) =
        cursor.split_once('|').ok_or_else(|| CrmError::permanent("this is no page's next"))?;
    Ok(Key { value: value.to_owned(), id: id.to_owned() })
}
