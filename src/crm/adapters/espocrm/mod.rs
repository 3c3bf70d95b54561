//! EspoCRM 9 through its REST API.
//!
//! What it is known to do, and what follows for us:
//! - It chooses the ids itself: a field of its own holds our key, which is searched before a case or a lead is created, and
//!   a post ends in a line that holds its key.
//! - A write that names the version it has seen is refused when somebody changed one of its fields since.
//! - It refuses what it cannot keep instead of altering it: see [`text`].
//! - Its stream is a log in the order of a number: who changed which case, and what people wrote on it.
mod api;
mod attributes;
mod cases;
mod changes;
mod directory;
mod leads;
mod record;
mod search;
mod stream;
pub mod text;
mod webhooks;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Access, Adapter, Capabilities, Changes, Kind, Position};
use crate::crm::CrmError;
use crate::crm::case::{
    Attribute, Case, Field, NewLead, NewNote, RecordKind, RecordPage, RemoteCase, RemoteNote,
    RemoteRecord,
};
use crate::crm::vocabulary::{Defaults, FieldNames};
use crate::kernel::{Priority, Secret};
use api::Api;

/// A stock EspoCRM 9, which has no attribute for number, link and product, and the custom field for the key.
pub const KIND: Kind = Kind {
    key: "espocrm",
    title: "EspoCRM 9 (REST API)",
    client_id: false,
    capabilities: Capabilities {
        client_ids: false,
        version_lock: true,
        webhooks: true,
        change_log: true,
        deletions: false,
        keyset: true,
        batch: 1,
        concurrency: 8,
    },
    defaults: Defaults {
        fields: &[
            (Field::Subject, "name"),
            (Field::Description, "description"),
            (Field::Type, "type"),
            (Field::Status, "status"),
            (Field::Priority, "priority"),
            (Field::Assignee, "assignedUserId"),
            (Field::Account, "accountId"),
        ],
        state_field: None,
        key_field: Some("cTicketKey"),
        categories: &[
            ("new", "New"),
            ("open", "Assigned"),
            ("pending", "Pending"),
            ("on_hold", "Pending"),
            ("closed", "Closed"),
        ],
        priorities: &[
            (Priority::Critical, "Urgent"),
            (Priority::High, "High"),
            (Priority::Normal, "Normal"),
            (Priority::Low, "Low"),
        ],
        types: &[("question", "Question"), ("incident", "Incident"), ("problem", "Problem")],
        other_type: "",
        is_closed: |status| matches!(status, "Closed" | "Rejected" | "Duplicate"),
    },
    open: |access| Ok(Box::new(EspoCrm::new(access)?)),
};

/// One EspoCRM; cheap to share behind an `Arc`, its calls may run side by side.
#[derive(Debug)]
pub struct EspoCrm {
    api: Api,
    fields: FieldNames,
}

impl EspoCrm {
    /// The secret is the key of an API user; with a client id it is the password of the user of that name.
    ///
    /// Fails with [`CrmError::Permanent`] if the base URL is none.
    pub fn new(access: Access) -> Result<Self, CrmError> {
        let fields = access.fields.clone();
        Ok(Self { api: Api::new(access)?, fields })
    }

    /// The attribute that holds our key.
    fn key(&self) -> Result<&str, CrmError> {
        let missing = || CrmError::permanent("EspoCRM needs a field for the key (key_field)");
        self.fields.key.as_deref().ok_or_else(missing)
    }
}

/// The methods are in the files beside this one, by what they are about.
#[async_trait]
impl Adapter for EspoCrm {
    fn normal_form(&self, case: &Case) -> Case {
        self.normal_form(case)
    }

    fn normal_text(&self, text: &str) -> String {
        stream::normal(text)
    }

    fn case_url(&self, id: &str) -> String {
        self.api.record_url(cases::MODULE, id)
    }

    async fn sign_in(&self) -> Result<(), CrmError> {
        self.api.sign_in().await
    }

    async fn own_user(&self) -> Result<String, CrmError> {
        self.api.own_user().await
    }

    async fn read_case(&self, id: &str) -> Result<RemoteCase, CrmError> {
        self.read_case(id).await
    }

    async fn create_case(&self, key: Uuid, case: &Case) -> Result<RemoteCase, CrmError> {
        self.create_case(key, case).await
    }

    async fn update_case(&self, seen: &RemoteCase, changed: &Case) -> Result<RemoteCase, CrmError> {
        self.update_case(seen, changed).await
    }

    async fn changed_since(
        &self,
        from: &Position,
        now: DateTime<Utc>,
    ) -> Result<Changes, CrmError> {
        self.changed_since(from, now).await
    }

    async fn relate_contact(&self, case_id: &str, contact_id: &str) -> Result<(), CrmError> {
        self.relate_contact(case_id, contact_id).await
    }

    async fn unrelate_contact(&self, case_id: &str, contact_id: &str) -> Result<(), CrmError> {
        self.unrelate_contact(case_id, contact_id).await
    }

    async fn related_contacts(&self, case_id: &str) -> Result<Vec<String>, CrmError> {
        self.related_contacts(case_id).await
    }

    async fn notes(&self, case_id: &str) -> Result<Vec<RemoteNote>, CrmError> {
        self.notes(case_id).await
    }

    async fn create_note(&self, case_id: &str, note: &NewNote) -> Result<RemoteNote, CrmError> {
        self.create_note(case_id, note).await
    }

    async fn update_note(&self, id: &str, note: &NewNote) -> Result<(), CrmError> {
        self.update_note(id, note).await
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

    /// EspoCRM searches for addresses by itself.
    async fn find_contact_by_email(
        &self,
        _last_name: &str,
        email: &str,
    ) -> Result<Vec<RemoteRecord>, CrmError> {
        self.find_contact_by_email(email).await
    }

    fn modules(&self) -> &'static [&'static str] {
        &["Case", "Note", "Account", "Contact", "User", "Lead"]
    }

    async fn case_attributes(&self) -> Result<Option<Vec<Attribute>>, CrmError> {
        self.case_attributes().await
    }

    async fn reach(&self, module: &str) -> Result<(), CrmError> {
        self.api.reach(module).await
    }

    async fn delete_case(&self, id: &str) -> Result<(), CrmError> {
        self.api.delete(cases::MODULE, id).await
    }

    async fn delete_note(&self, id: &str) -> Result<(), CrmError> {
        self.api.delete(stream::MODULE, id).await
    }

    /// Each webhook has a secret of its own: returns all of them, with blanks between.
    async fn subscribe(&self, url: &str) -> Result<Secret, CrmError> {
        self.subscribe(url).await
    }
}
