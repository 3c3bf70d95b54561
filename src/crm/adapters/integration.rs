//! A CRM that we do not call: an integration reads what its cases should have, writes them itself, and tells what changed
//! there (`GET` and `POST /v1/crm/changes`). See `docs/crm/protocol.md`.
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Adapter, Capabilities, Changes, Kind, Position};
use crate::crm::CrmError;
use crate::crm::case::{
    Case, Field, NewLead, NewNote, RecordKind, RecordPage, RemoteCase, RemoteNote, RemoteRecord,
};
use crate::crm::vocabulary::Defaults;
use crate::kernel::Priority;

/// The key of the kind whose mirrors the engine leaves alone.
pub const KEY: &str = "integration";

/// Cases in the desk's own words, unless the connection says what its CRM calls them.
pub const KIND: Kind = Kind {
    key: KEY,
    title: "Any CRM, through an integration of its own",
    client_id: false,
    capabilities: Capabilities {
        client_ids: false,
        version_lock: false,
        webhooks: false,
        change_log: false,
        deletions: false,
        keyset: false,
        batch: 1,
        concurrency: 1,
    },
    defaults: Defaults {
        fields: &[
            (Field::Subject, "subject"),
            (Field::Description, "description"),
            (Field::Type, "type"),
            (Field::Number, "number"),
            (Field::Link, "link"),
            (Field::Status, "status"),
            (Field::Priority, "priority"),
            (Field::Assignee, "assignee"),
            (Field::Account, "account"),
            (Field::Product, "product"),
        ],
        state_field: None,
        key_field: None,
        categories: &[
            ("new", "new"),
            ("open", "open"),
            ("pending", "pending"),
            ("on_hold", "on_hold"),
            ("closed", "closed"),
        ],
        priorities: &[
            (Priority::Critical, "critical"),
            (Priority::High, "high"),
            (Priority::Normal, "normal"),
            (Priority::Low, "low"),
        ],
        types: &[("question", "question"), ("incident", "incident"), ("problem", "problem")],
        other_type: "other",
        is_closed: |status| status == "closed",
    },
    open: |access| Ok(Box::new(Integration { base_url: access.base_url })),
};

#[derive(Debug)]
struct Integration {
    base_url: String,
}

fn refused<T>() -> Result<T, CrmError> {
    Err(CrmError::permanent("an integration works this connection; nothing calls its CRM"))
}

/// Every call is refused: what is not written for such a connection says so instead of doing something else.
#[async_trait]
impl Adapter for Integration {
    fn normal_form(&self, case: &Case) -> Case {
        case.clone()
    }

    fn case_url(&self, _: &str) -> String {
        self.base_url.clone()
    }

    async fn sign_in(&self) -> Result<(), CrmError> {
        refused()
    }

    async fn own_user(&self) -> Result<String, CrmError> {
        refused()
    }

    async fn read_case(&self, _: &str) -> Result<RemoteCase, CrmError> {
        refused()
    }

    async fn create_case(&self, _: Uuid, _: &Case) -> Result<RemoteCase, CrmError> {
        refused()
    }

    async fn update_case(&self, _: &RemoteCase, _: &Case) -> Result<RemoteCase, CrmError> {
        refused()
    }

    async fn changed_since(&self, _: &Position, _: DateTime<Utc>) -> Result<Changes, CrmError> {
        refused()
    }

    async fn relate_contact(&self, _: &str, _: &str) -> Result<(), CrmError> {
        refused()
    }

    async fn unrelate_contact(&self, _: &str, _: &str) -> Result<(), CrmError> {
        refused()
    }

    async fn related_contacts(&self, _: &str) -> Result<Vec<String>, CrmError> {
        refused()
    }

    async fn notes(&self, _: &str) -> Result<Vec<RemoteNote>, CrmError> {
        refused()
    }

    async fn create_note(&self, _: &str, _: &NewNote) -> Result<RemoteNote, CrmError> {
        refused()
    }

    async fn create_lead(&self, _: Uuid, _: &NewLead) -> Result<String, CrmError> {
        refused()
    }

    async fn records(
        &self,
        _: RecordKind,
        _: Option<DateTime<Utc>>,
        _: Option<&str>,
    ) -> Result<RecordPage, CrmError> {
        refused()
    }

    async fn find_account_by_name(&self, _: &str) -> Result<Vec<RemoteRecord>, CrmError> {
        refused()
    }

    async fn account(&self, _: &str) -> Result<Option<RemoteRecord>, CrmError> {
        refused()
    }

    async fn find_contact_by_email(&self, _: &str, _: &str) -> Result<Vec<RemoteRecord>, CrmError> {
        refused()
    }

    fn modules(&self) -> &'static [&'static str] {
        &[]
    }

    async fn reach(&self, _: &str) -> Result<(), CrmError> {
        refused()
    }

    async fn delete_case(&self, _: &str) -> Result<(), CrmError> {
        refused()
    }

    async fn delete_note(&self, _: &str) -> Result<(), CrmError> {
        refused()
    }
}
