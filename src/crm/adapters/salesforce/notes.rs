use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Salesforce;
use super::answer::{filled, text, time};
use super::cases::normal;
use super::comment::{self, Part};
use super::soql;
use crate::crm::CrmError;
use crate::crm::case::{NewNote, RemoteNote};

pub(super) const OBJECT: &str = "CaseComment";
pub(super) const COLUMNS: &str =
    "Id,ParentId,CommentBody,CreatedById,CreatedDate,IsDeleted,SystemModstamp";

/// A comment as Salesforce has it.
pub(super) struct RawComment {
    id: String,
    case: String,
    body: String,
    author: Option<String>,
    created_at: DateTime<Utc>,
    deleted: bool,
    part: Option<Part>,
}

impl RawComment {
    pub fn read(record: &Value) -> Result<Self, CrmError> {
        let body = normal(&text(record, "CommentBody").unwrap_or_default());
        Ok(Self {
            id: filled(record, "Id").ok_or_else(|| CrmError::transient("a record has no id"))?,
            case: text(record, "ParentId").unwrap_or_default(),
            author: filled(record, "CreatedById"),
            created_at: time(record, "CreatedDate")?,
            deleted: record["IsDeleted"] == true,
            part: comment::read(&body),
            body,
        })
    }

    /// The note for the list of changes, with its case. The first part stands for a note of several.
    pub fn changed(self) -> Option<(String, RemoteNote)> {
        let first = self.part.as_ref().is_none_or(|part| part.number == 1);
        first.then(|| (self.case.clone(), self.note()))
    }

    fn note(self) -> RemoteNote {
        let (title, body) = match self.part {
            Some(part) => (part.title, part.text),
            None => (String::new(), self.body),
        };
        let (id, author, created_at) = (self.id, self.author, self.created_at);
        RemoteNote { id, title, body, author, created_at, contact_id: None }
    }
}

impl Salesforce {
    /// The comments of a case, oldest first; the parts of one note are one.
    pub(super) async fn notes(&self, case_id: &str) -> Result<Vec<RemoteNote>, CrmError> {
        let comments = self.comments(case_id).await?;
        Ok(joined(comments.into_iter().filter(|comment| !comment.deleted)))
    }

    /// Writes the note unless it is there. A comment can hold no key that Salesforce would check, so two attempts at the very same
    /// moment can both write; their comments are read as one note.
    pub(super) async fn create_note(
        &self,
        case_id: &str,
        note: &NewNote,
    ) -> Result<RemoteNote, CrmError> {
        if let Some(found) = self.written(case_id, note.id).await? {
            return found;
        }
        let record = |body: String| {
            json!({
                "attributes": { "type": OBJECT },
                "ParentId": case_id,
                "CommentBody": body,
                "IsPublished": !note.internal,
            })
        };
        let bodies = comment::write(note.id, &note.title, &note.body);
        let records = bodies.into_iter().map(record).collect();
        let made = self.cases.api.collection(Method::POST, &[], true, records).await?;
        made.into_iter().collect::<Result<Vec<_>, _>>()?;
        let missing = || CrmError::transient("the comment is not there");
        self.written(case_id, note.id).await?.ok_or_else(missing)?
    }

    /// The note with this id of ours: as it is there, or [`CrmError::Gone`] if it was deleted there.
    async fn written(
        &self,
        case_id: &str,
        note: Uuid,
    ) -> Result<Option<Result<RemoteNote, CrmError>>, CrmError> {
        let comments = self.comments(case_id).await?;
        let ours = |comment: &RawComment| comment.part.as_ref().is_some_and(|p| p.note == note);
        let (deleted, living): (Vec<_>, Vec<_>) =
            comments.into_iter().filter(ours).partition(|comment| comment.deleted);
        let gone = (!deleted.is_empty()).then_some(Err(CrmError::Gone));
        Ok(joined(living.into_iter()).pop().map(Ok).or(gone))
    }

    /// With deleted ones, oldest first.
    async fn comments(&self, case_id: &str) -> Result<Vec<RawComment>, CrmError> {
        let case = soql::quote(soql::id(case_id)?);
        let mut comments: Vec<RawComment> = Vec::new();
        loop {
            let after = comments.last().map(|last| format!(" AND Id > {}", soql::quote(&last.id)));
            let soql = format!(
                "SELECT {COLUMNS} FROM {OBJECT} WHERE ParentId = {case}{} ORDER BY Id LIMIT 2000",
                after.unwrap_or_default(),
            );
            let (page, done) = self.cases.api.query_all(&soql).await?;
            let complete = page.is_empty() || done && page.len() < 2000;
            for record in &page {
                comments.push(RawComment::read(record)?);
            }
            if complete {
                comments.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
                return Ok(comments);
            }
        }
    }
}

/// The notes that these comments make up, in the order of their first comments.
fn joined(comments: impl Iterator<Item = RawComment>) -> Vec<RemoteNote> {
    let mut notes: Vec<RemoteNote> = Vec::new();
    let mut of_note: HashMap<Uuid, (usize, BTreeMap<usize, String>)> = HashMap::new();
    for comment in comments {
        let Some(part) = comment.part.clone() else {
            notes.push(comment.note());
            continue;
        };
        let at = notes.len();
        let (at, parts) = of_note.entry(part.note).or_insert((at, BTreeMap::new()));
        if *at == notes.len() {
            notes.push(comment.note());
        }
        parts.entry(part.number).or_insert(part.text);
    }
    for (at, parts) in of_note.into_values() {
        notes[at].body = parts.into_values().collect();
    }
    notes
}
