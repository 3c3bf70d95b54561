//! One folder for each CRM that a connection can point at. What is special to a CRM stays in its folder; a new one is
//! such a folder, a page in `docs/crm`, and a line in [`KINDS`].
pub mod espocrm;
pub mod integration;
pub mod salesforce;
pub mod suitecrm;
mod wire;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::CrmError;
use super::case::{
    Attribute, Case, NewLead, NewNote, RecordKind, RecordPage, RemoteCase, RemoteNote, RemoteRecord,
};
use super::vocabulary::{Defaults, FieldNames};
use crate::kernel::Secret;

/// Every kind of CRM.
pub const KINDS: &[Kind] = &[suitecrm::KIND, espocrm::KIND, salesforce::KIND, integration::KIND];

/// For one call to a CRM.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The kind with this key.
pub fn kind(key: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.key == key)
}

/// A kind of CRM: what it can do, what it calls things, and how to open one.
#[derive(Debug)]
pub struct Kind {
    /// Its stable name in the API and in the database.
    pub key: &'static str,
    /// Its name for people, with the interface that is used.
    pub title: &'static str,
    /// Whether a client id goes with the secret.
    pub client_id: bool,
    pub capabilities: Capabilities,
    pub defaults: Defaults,
    pub open: fn(Access) -> Result<Box<dyn Adapter>, CrmError>,
}

/// What a CRM can do. The mirror is correct without any of it, and cheaper with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Capabilities {
    /// A client may choose ids, so that creating twice makes one record; elsewhere a key is searched before each creation.
    pub client_ids: bool,
    /// A write over a change that we have not seen is refused.
    pub version_lock: bool,
    /// It can call us when something changes.
    pub webhooks: bool,
    /// It tells who changed which field.
    pub change_log: bool,
    /// Its changes show which cases were deleted.
    pub deletions: bool,
    /// Its lists are read along a key, so that no row is missed when others move.
    pub keyset: bool,
    /// Cases written with one call.
    #[schema(example = 200)]
    pub batch: u16,
    /// Calls at a time that it takes well.
    #[schema(example = 8)]
    pub concurrency: u16,
}

/// How to reach a CRM, and where it keeps what.
#[derive(Debug, Clone)]
pub struct Access {
    /// Where the CRM is installed.
    pub base_url: String,
    /// Empty where the kind needs none.
    pub client_id: String,
    pub secret: Secret,
    pub fields: FieldNames,
    /// For one request, from connecting to the end of the answer.
    pub timeout: Duration,
    /// Calls that may be under way at a time.
    pub calls: u16,
}

impl Access {
    /// To a stock CRM of this kind.
    pub fn stock(kind: &Kind, base_url: &str, client_id: &str, secret: Secret) -> Self {
        Self {
            base_url: base_url.to_owned(),
            client_id: client_id.to_owned(),
            secret,
            fields: FieldNames::stock(&kind.defaults),
            timeout: TIMEOUT,
            calls: kind.capabilities.concurrency,
        }
    }
}

/// How far a CRM's changes were read. Stored in the transaction that takes them over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// On the CRM's clock.
    pub time: DateTime<Utc>,
    /// What the adapter needs beside the time; its own words.
    pub cursor: Option<String>,
}

/// What changed since a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    pub cases: Vec<RemoteCase>,
    /// Notes that were written or changed, each with the id of its case.
    pub notes: Vec<(String, RemoteNote)>,
    /// Cases that were deleted, or may have been, as far as the CRM tells.
    pub deleted: Vec<String>,
    /// Where to go on.
    pub position: Position,
}

/// One CRM; its calls may run side by side. Values of cases are in its own vocabulary and in its normal form.
#[async_trait]
pub trait Adapter: Debug + Send + Sync {
    /// The desk's values as this CRM would return them: without the fields that it does not have. Compare and merge these.
    fn normal_form(&self, case: &Case) -> Case;

    /// The text of a note as this CRM would return it.
    fn normal_text(&self, text: &str) -> String {
        text.replace("\r\n", "\n").replace('\r', "\n").trim_end().to_owned()
    }

    /// Where people see the case.
    fn case_url(&self, id: &str) -> String;

    /// Fails when the credentials are refused or the CRM cannot be reached.
    async fn sign_in(&self) -> Result<(), CrmError>;

    /// The CRM's id of the user whom it takes us for.
    async fn own_user(&self) -> Result<String, CrmError>;

    /// Fails with [`CrmError::NotFound`] also if the case was deleted.
    async fn read_case(&self, id: &str) -> Result<RemoteCase, CrmError>;

    /// Creates the case, or finds it if an earlier attempt with this `key` created it: after a failure that left the outcome
    /// open simply call again. Returns the case as the CRM keeps it.
    ///
    /// Fails with [`CrmError::Gone`] if it is known to have been created and deleted in the CRM.
    async fn create_case(&self, key: Uuid, case: &Case) -> Result<RemoteCase, CrmError>;

    /// Writes the `changed` fields of the case that was `seen` and leaves the others alone. Returns the case as the CRM keeps
    /// it now. Where the CRM has no version lock, the caller keeps two writers of one case apart.
    ///
    /// Fails with [`CrmError::Stale`] if the CRM has a version lock and somebody changed the case since it was seen.
    async fn update_case(&self, seen: &RemoteCase, changed: &Case) -> Result<RemoteCase, CrmError>;

    /// Every case and note changed since the position, or a part of them: call again while the returned time is far
    /// behind `now`. Most changes are seen more than once, none is left out.
    async fn changed_since(&self, from: &Position, now: DateTime<Utc>)
    -> Result<Changes, CrmError>;

    /// Relates a contact to the case; once more does nothing.
    async fn relate_contact(&self, case_id: &str, contact_id: &str) -> Result<(), CrmError>;

    /// Takes the relation to a contact away; once more does nothing.
    async fn unrelate_contact(&self, case_id: &str, contact_id: &str) -> Result<(), CrmError>;

    /// The ids of the contacts that are related to the case.
    async fn related_contacts(&self, case_id: &str) -> Result<Vec<String>, CrmError>;

    /// The notes of a case, oldest first.
    async fn notes(&self, case_id: &str) -> Result<Vec<RemoteNote>, CrmError>;

    /// Writes the note, or finds it if an earlier attempt wrote it.
    ///
    /// Fails with [`CrmError::Gone`] if it is known to have been written and deleted in the CRM.
    async fn create_note(&self, case_id: &str, note: &NewNote) -> Result<RemoteNote, CrmError>;

    /// Writes title and text of a note anew, ours or one of the CRM's own.
    ///
    /// Fails with [`CrmError::Permanent`] where the CRM does not let a note be changed.
    async fn update_note(&self, _id: &str, _note: &NewNote) -> Result<(), CrmError> {
        Err(CrmError::permanent("notes of this CRM cannot be changed"))
    }

    /// Creates the lead, or finds it if an earlier attempt with this `key` created it; returns its id.
    async fn create_lead(&self, key: Uuid, lead: &NewLead) -> Result<String, CrmError>;

    /// A page of the records of one kind that were changed at or after `since`, or of all, in an order that does not change
    /// while it is read; `after` is the `next` of the page before.
    async fn records(
        &self,
        kind: RecordKind,
        since: Option<DateTime<Utc>>,
        after: Option<&str>,
    ) -> Result<RecordPage, CrmError>;

    /// The accounts of this name; more than one means that the name does not tell.
    async fn find_account_by_name(&self, name: &str) -> Result<Vec<RemoteRecord>, CrmError>;

    /// The account with this id; `None` if there is none.
    async fn account(&self, id: &str) -> Result<Option<RemoteRecord>, CrmError>;

    /// The contacts with this address. The last name narrows the search where the CRM cannot search for addresses.
    async fn find_contact_by_email(
        &self,
        last_name: &str,
        email: &str,
    ) -> Result<Vec<RemoteRecord>, CrmError>;

    /// The modules that are read and written, by the CRM's own names.
    fn modules(&self) -> &'static [&'static str];

    /// The attributes that cases have; `None` where the CRM does not tell.
    async fn case_attributes(&self) -> Result<Option<Vec<Attribute>>, CrmError> {
        Ok(None)
    }

    /// Fails when the module cannot be listed with these credentials.
    async fn reach(&self, module: &str) -> Result<(), CrmError>;

    /// Deletes a case that a probe made.
    async fn delete_case(&self, id: &str) -> Result<(), CrmError>;

    /// Deletes a note that a probe wrote.
    async fn delete_note(&self, id: &str) -> Result<(), CrmError>;

    /// Makes the CRM send its changes of cases to `url`; once more renews. Returns the secret that signs them.
    async fn subscribe(&self, _url: &str) -> Result<Secret, CrmError> {
        Err(CrmError::permanent("webhooks of this CRM are set up in the CRM itself"))
    }
}
