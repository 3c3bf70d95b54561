//! Users, accounts, contacts and products, looked up to map people and companies.
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Salesforce;
use super::answer::{filled, text};
use super::soql;
use crate::crm::CrmError;
use crate::crm::case::{RecordKind, RecordPage, RemoteRecord};

/// Records of a page: as many as a query answers with.
const PAGE: usize = 2000;
const ACCOUNT: &str = "Id,Name,Phone";
const CONTACT: &str = "Id,Name,Email,Phone,AccountId";

impl Salesforce {
    /// Records along their ids. Users are those who can own a case.
    pub(super) async fn records(
        &self,
        kind: RecordKind,
        since: Option<DateTime<Utc>>,
        after: Option<&str>,
    ) -> Result<RecordPage, CrmError> {
        let (object, columns, only) = match kind {
            RecordKind::User => ("User", "Id,Name,Email,Phone,IsActive", "UserType = 'Standard'"),
            RecordKind::Account => ("Account", ACCOUNT, ""),
            RecordKind::Contact => ("Contact", CONTACT, ""),
            RecordKind::Product => ("Product2", "Id,Name,IsActive", ""),
        };
        let only = (!only.is_empty()).then(|| only.to_owned());
        let since = since.map(|since| format!("SystemModstamp >= {}", soql::time(since)));
        let after = after.map(|id| format!("Id > {}", soql::quote(id)));
        let conditions: Vec<String> = [only, since, after].into_iter().flatten().collect();
        let filter = match conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", conditions.join(" AND ")),
        };
        let soql = format!("SELECT {columns} FROM {object}{filter} ORDER BY Id LIMIT {PAGE}");
        let (found, done) = self.cases.api.query(&soql).await?;
        let last = found.last().filter(|_| !done || found.len() >= PAGE);
        let next = last.and_then(|last| filled(last, "Id"));
        Ok(RecordPage { records: found.iter().filter_map(record).collect(), next })
    }

    /// The accounts of this name, whatever its capitals; more than one means that the name does not tell.
    pub(super) async fn find_account_by_name(
        &self,
        name: &str,
    ) -> Result<Vec<RemoteRecord>, CrmError> {
        self.find("Account", ACCOUNT, "Name", name).await
    }

    /// The account with this id; `None` if there is none.
    pub(super) async fn account(&self, id: &str) -> Result<Option<RemoteRecord>, CrmError> {
        match soql::id(id) {
            Ok(id) => Ok(self.find("Account", ACCOUNT, "Id", id).await?.pop()),
            Err(_) => Ok(None),
        }
    }

    /// The contacts with this address.
    pub(super) async fn find_contact_by_email(
        &self,
        email: &str,
    ) -> Result<Vec<RemoteRecord>, CrmError> {
        self.find("Contact", CONTACT, "Email", email).await
    }

    async fn find(
        &self,
        object: &str,
        columns: &str,
        field: &str,
        value: &str,
    ) -> Result<Vec<RemoteRecord>, CrmError> {
        let value = soql::quote(value);
        let soql = format!("SELECT {columns} FROM {object} WHERE {field} = {value} ORDER BY Id");
        let (found, _) = self.cases.api.query(&soql).await?;
        Ok(found.iter().filter_map(record).collect())
    }
}

fn record(found: &Value) -> Option<RemoteRecord> {
    Some(RemoteRecord {
        id: filled(found, "Id")?,
        name: text(found, "Name").unwrap_or_default(),
        email: filled(found, "Email"),
        phone: filled(found, "Phone"),
        account_id: filled(found, "AccountId"),
        active: found["IsActive"] != false,
    })
}
