//! Salesforce (Service Cloud) through its REST API, written from the documentation and never run against a live one; the
//! pages are named where they matter and listed in `docs/crm/salesforce.md`.
//!
//! What it is documented to do, and what follows for us:
//! - It chooses the ids. A unique external id field holds our key: see `cases.rs` and `leads.rs`.
//! - A day's calls are counted for the whole organization, so cases are read and written up to 200 at a time: see `batch.rs`.
//! - Its conditional headers compare whole seconds and work on single records only, so there is no version lock.
//! - Stamps of changes are equal for all records of a transaction: see `changes.rs`.
//! - A case comment has a body and nothing else that we could mark: see `notes.rs`.
//! - Every case has an owner. One that a queue or our own user owns belongs to nobody.
mod answer;
mod api;
mod attributes;
mod batch;
mod cases;
mod changes;
mod comment;
mod directory;
mod leads;
mod notes;
mod soql;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::Method;
use uuid::Uuid;

use super::{Access, Adapter, Capabilities, Changes, Kind, Position};
use crate::crm::CrmError;
use crate::crm::case::{
    Attribute, Case, Field, NewLead, NewNote, RecordKind, RecordPage, RemoteCase, RemoteNote,
    RemoteRecord,
};
use crate::crm::vocabulary::Defaults;
use crate::kernel::Priority;
use batch::Batch;
use cases::{Attributes, Cases};

/// A stock organization with the one custom field that the mirror needs; it has none for number, link and product.
pub const KIND: Kind = Kind {
    key: "salesforce",
    title: "Salesforce (REST API v65.0)",
    client_id: true,
    capabilities: Capabilities {
        client_ids: false,
        version_lock: false,
        webhooks: false,
        change_log: false,
        deletions: true,
        keyset: true,
        batch: batch::LARGEST as u16,
        // Only calls of 20 seconds and more are limited, to 25 at a time ("API Request Limits and Allocations").
        concurrency: 25,
    },
    defaults: Defaults {
        fields: &[
            (Field::Subject, "Subject"),
            (Field::Description, "Description"),
            (Field::Type, "Type"),
            (Field::Status, "Status"),
            (Field::Priority, "Priority"),
            (Field::Assignee, "OwnerId"),
            (Field::Account, "AccountId"),
        ],
        state_field: None,
        key_field: Some("Casebridge_Key__c"),
        categories: &[
            ("new", "New"),
            ("open", "Working"),
            ("pending", "Working"),
            ("on_hold", "Working"),
            ("closed", "Closed"),
        ],
        priorities: &[
            (Priority::Critical, "High"),
            (Priority::High, "High"),
            (Priority::Normal, "Medium"),
            (Priority::Low, "Low"),
        ],
        types: &[("question", "Question"), ("incident", "Problem"), ("problem", "Problem")],
        other_type: "Question",
        is_closed: |status| status.starts_with("Closed"),
    },
    open: |access| Ok(Box::new(Salesforce::new(access)?)),
};

/// One organization; its calls may run side by side, and those of a moment share a request.
#[derive(Debug)]
pub struct Salesforce {
    cases: Arc<Cases>,
    reads: Batch<(), RemoteCase>,
    creations: Batch<Case, RemoteCase>,
    updates: Batch<Attributes, RemoteCase>,
}

impl Salesforce {
    /// Fails with [`CrmError::Permanent`] if the base URL is none, or if a field is named as none can be.
    pub fn new(access: Access) -> Result<Self, CrmError> {
        let cases = Arc::new(Cases::new(access)?);
        let [reading, creating, updating] = [0; 3].map(|_| Arc::clone(&cases));
        Ok(Self {
            cases,
            reads: Batch::new(move |items| {
                let cases = Arc::clone(&reading);
                Box::pin(async move { cases.read(items).await })
            }),
            creations: Batch::new(move |items| {
                let cases = Arc::clone(&creating);
                Box::pin(async move { cases.create(items).await })
            }),
            updates: Batch::new(move |items| {
                let cases = Arc::clone(&updating);
                Box::pin(async move { cases.update(items).await })
            }),
        })
    }

    async fn delete(&self, object: &str, id: &str) -> Result<(), CrmError> {
        self.cases.api.send(Method::DELETE, &["sobjects", object, id], None).await.map(drop)
    }
}

/// What is longer than a line is in the files beside this one, by what it is about.
#[async_trait]
impl Adapter for Salesforce {
    fn normal_form(&self, case: &Case) -> Case {
        self.cases.normal_form(case)
    }

    fn normal_text(&self, text: &str) -> String {
        cases::normal(text)
    }

    fn case_url(&self, id: &str) -> String {
        self.cases.api.record_url(cases::OBJECT, id)
    }

    async fn sign_in(&self) -> Result<(), CrmError> {
        self.cases.api.user().await.map(drop)
    }

    async fn own_user(&self) -> Result<String, CrmError> {
        self.cases.api.user().await
    }

    async fn read_case(&self, id: &str) -> Result<RemoteCase, CrmError> {
        self.sign_in().await?;
        self.reads.ask(soql::id(id)?, ()).await
    }

    async fn create_case(&self, key: Uuid, case: &Case) -> Result<RemoteCase, CrmError> {
        self.creations.ask(&key.to_string(), case.clone()).await
    }

    async fn update_case(&self, seen: &RemoteCase, changed: &Case) -> Result<RemoteCase, CrmError> {
        let user = self.cases.api.user().await?;
        let id = soql::id(&seen.id)?;
        self.updates.ask(id, self.cases.changed(changed, &user)).await
    }

    async fn changed_since(
        &self,
        from: &Position,
        now: DateTime<Utc>,
    ) -> Result<Changes, CrmError> {
        self.changed_since(from, now).await
    }

    async fn relate_contact(&self, case_id: &str, contact_id: &str) -> Result<(), CrmError> {
        self.set_contact(case_id, Some(contact_id)).await
    }

    async fn unrelate_contact(&self, case_id: &str, contact_id: &str) -> Result<(), CrmError> {
        if self.related_contacts(case_id).await?.iter().any(|related| related == contact_id) {
            self.set_contact(case_id, None).await?;
        }
        Ok(())
    }

    async fn related_contacts(&self, case_id: &str) -> Result<Vec<String>, CrmError> {
        self.contact_of(case_id).await
    }

    async fn notes(&self, case_id: &str) -> Result<Vec<RemoteNote>, CrmError> {
        self.notes(case_id).await
    }

    async fn create_note(&self, case_id: &str, note: &NewNote) -> Result<RemoteNote, CrmError> {
        self.create_note(case_id, note).await
    }

    async fn create_lead(&self, key: Uuid, lead: &NewLead) -> Result<String, CrmError> {
        self.create_lead(key, lead).await
    }

    async fn records(
        &self,
        kind: RecordKind,
        since: Option<DateTime<Utc>>,
        after: Option<&str>,
    ) -> Result<RecordPage, CrmError> {
        self.records(kind, since, after).await
    }

    async fn find_account_by_name(&self, name: &str) -> Result<Vec<RemoteRecord>, CrmError> {
        self.find_account_by_name(name).await
    }

    async fn account(&self, id: &str) -> Result<Option<RemoteRecord>, CrmError> {
        self.account(id).await
    }

    async fn find_contact_by_email(
        &self,
        _last_name: &str,
        email: &str,
    ) -> Result<Vec<RemoteRecord>, CrmError> {
        self.find_contact_by_email(email).await
    }

    fn modules(&self) -> &'static [&'static str] {
        &["Case", "CaseComment", "Account", "Contact", "User"]
    }

    async fn case_attributes(&self) -> Result<Option<Vec<Attribute>>, CrmError> {
        self.case_attributes().await
    }

    async fn reach(&self, module: &str) -> Result<(), CrmError> {
        self.cases.api.query(&format!("SELECT Id FROM {module} LIMIT 1")).await.map(drop)
    }

    async fn delete_case(&self, id: &str) -> Result<(), CrmError> {
        self.delete(cases::OBJECT, id).await
    }

    async fn delete_note(&self, id: &str) -> Result<(), CrmError> {
        self.delete(notes::OBJECT, id).await
    }
}
