use reqwest::Method;
use serde_json::{Map, Value};

use super::SuiteCrm;
use super::answer::{Record, is_taken, record};
use super::api::Query;
use super::cases::{self, gone};
use super::text::{Kind, decode, encode};
use crate::crm::CrmError;
use crate::crm::case::{NewNote, RemoteNote};

pub(super) const MODULE: &str = "Notes";
pub(super) const COLUMNS: &str = "name,description,date_entered,created_by,contact_id,parent_id";

impl SuiteCrm {
    /// The notes of a case, oldest first.
    pub async fn notes(&self, case_id: &str) -> Result<Vec<RemoteNote>, CrmError> {
        let filters = [("parent_id", "eq", case_id)];
        let records = self.list(MODULE, COLUMNS, &filters).await?;
        let mut notes = records.iter().map(remote_note).collect::<Result<Vec<_>, _>>()?;
        notes.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(notes)
    }

    /// Writes the note, or finds it if an earlier attempt wrote it: after a failure that left the
    /// outcome open simply call again. SuiteCRM does not check that the case exists.
    ///
    /// Fails with [`CrmError::Gone`] if the note was written once and deleted in the CRM.
    pub async fn create_note(&self, case_id: &str, note: &NewNote) -> Result<RemoteNote, CrmError> {
        let id = note.id.to_string();
        match self.write(Method::POST, MODULE, &id, attributes(case_id, note)).await {
            Ok(created) => remote_note(&created),
            Err(e) if is_taken(&e) => self.read_note(&id).await.map_err(gone),
            Err(e) => Err(e),
        }
    }

    /// Writes title and text of a note anew.
    pub async fn update_note(&self, id: &str, note: &NewNote) -> Result<(), CrmError> {
        let texts = [
            ("name", encode(Kind::Line, &note.title)),
            ("description", encode(Kind::Text, &note.body)),
        ];
        let texts = texts.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
        self.write(Method::PATCH, MODULE, id, texts.collect()).await?;
        Ok(())
    }

    async fn read_note(&self, id: &str) -> Result<RemoteNote, CrmError> {
        let query = Query::from([(format!("fields[{MODULE}]"), COLUMNS.to_owned())]);
        let answer = self.api.get(&["module", MODULE, id], &query).await?;
        remote_note(&record(&answer)?)
    }
}

/// The case that a note belongs to.
pub(super) fn case_id(record: &Record) -> Option<String> {
    record.filled("parent_id")
}

pub(super) fn remote_note(record: &Record) -> Result<RemoteNote, CrmError> {
    Ok(RemoteNote {
        id: record.id.clone(),
        title: decode(Kind::Line, &record.text("name").unwrap_or_default()),
        body: decode(Kind::Text, &record.text("description").unwrap_or_default()),
        author: record.filled("created_by"),
        created_at: record.time("date_entered")?,
        contact_id: record.filled("contact_id"),
    })
}

fn attributes(case_id: &str, note: &NewNote) -> Map<String, Value> {
    let values = [
        ("name", encode(Kind::Line, &note.title)),
        ("description", encode(Kind::Text, &note.body)),
        ("parent_type", cases::MODULE.to_owned()),
        ("parent_id", case_id.to_owned()),
        ("contact_id", note.contact_id.clone().unwrap_or_default()),
    ];
    values.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}
