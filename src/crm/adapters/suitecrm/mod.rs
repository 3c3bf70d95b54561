//! SuiteCRM 7.14 and later 7.x through its V8 API (a JSON:API dialect).
//!
//! What it is known to do, and what follows for us:
//! - A client may choose the id of a record, so creating is idempotent: repeat it until it answers.
//! - It rewrites the whole row on every save and has no version to check: only one writer for a
//!   case at a time, and only the fields that differ.
//! - It loses what looks like a tag: see [`text`].
//! - Offset paging skips rows that move: see [`SuiteCrm::changed_since`].
mod answer;
mod api;
mod cases;
mod changes;
mod directory;
mod leads;
mod notes;
mod probing;
pub mod text;

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
use crate::kernel::Priority;
use api::Api;

/// A stock SuiteCRM 7.14, which has no attribute for number, link and product.
pub const KIND: Kind = Kind {
    key: "suitecrm",
    title: "SuiteCRM 7.14 (V8 API)",
    client_id: true,
    capabilities: Capabilities {
        client_ids: true,
        version_lock: false,
        webhooks: false,
        change_log: false,
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
            (Field::Assignee, "assigned_user_id"),
            (Field::Account, "account_id"),
        ],
        state_field: Some("state"),
        key_field: None,
        categories: &[
            ("new", "Open/Open_New"),
            ("open", "Open/Open_Assigned"),
            ("pending", "Open/Open_Pending Input"),
            ("on_hold", "Open/Open_Pending Input"),
            ("closed", "Closed/Closed_Closed"),
        ],
        priorities: &[
            (Priority::Critical, "P1"),
            (Priority::High, "P1"),
            (Priority::Normal, "P2"),
            (Priority::Low, "P3"),
        ],
        types: &[("question", "User"), ("incident", "Product"), ("problem", "Product")],
        other_type: "Administration",
        is_closed: |status| status.starts_with("Closed"),
    },
    open: |access| Ok(Box::new(SuiteCrm::new(access)?)),
};

/// One SuiteCRM; cheap to share behind an `Arc`, its calls may run side by side.
#[derive(Debug)]
pub struct SuiteCrm {
    api: Api,
    fields: FieldNames,
}

impl SuiteCrm {
    /// Fails with [`CrmError::Permanent`] if the base URL is none.
    pub fn new(access: Access) -> Result<Self, CrmError> {
        let fields = access.fields.clone();
        Ok(Self { api: Api::new(access)?, fields })
    }
}

/// The methods are in the files beside this one, by what they are about.
#[async_trait]
impl Adapter for SuiteCrm {
    fn normal_form(&self, case: &Case) -> Case {
        self.normal_form(case)
    }

    fn normal_text(&self, text: &str) -> String {
        text::normal(text::Kind::Text, text)
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
        self.update_case(&seen.id, changed).await
    }

    async fn changed_since(
        &self,
        from: &Position,
        now: DateTime<Utc>,
    ) -> Result<Changes, CrmError> {
        self.changed_since(from.time, now).await
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

    async fn find_contact_by_email(
        &self,
        last_name: &str,
        email: &str,
    ) -> Result<Vec<RemoteRecord>, CrmError> {
        self.find_contact_by_email(last_name, email).await
    }

    fn modules(&self) -> &'static [&'static str] {
        &["Cases", "Notes", "Accounts", "Contacts", "Users"]
    }

    async fn case_attributes(&self) -> Result<Option<Vec<Attribute>>, CrmError> {
        self.case_attributes().await
    }

    async fn reach(&self, module: &str) -> Result<(), CrmError> {
        self.reach(module).await
    }

    async fn delete_case(&self, id: &str) -> Result<(), CrmError> {
        self.delete(cases::MODULE, id).await
    }

    async fn delete_note(&self, id: &str) -> Result<(), CrmError> {
        self.delete(notes::MODULE, id).await
    }
}
