//! The stream of a case: what people wrote on it, and what it tells of changes.
use std::collections::HashSet;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::EspoCrm;
use super::cases;
use super::record::{Record, record, records, written_time};
use super::search::{PAGE_SIZE, Search, any_of, compare, is};
use crate::crm::CrmError;
use crate::crm::case::{NewNote, RemoteNote};

pub(super) const MODULE: &str = "Note";
const POST: &str = "Post";
const COLUMNS: [&str; 8] =
    ["id", "number", "type", "post", "parentType", "parentId", "createdAt", "createdById"];
/// Opens the last line of a post of ours, which holds its key. It is a link reference of Markdown, of which a reader of
/// the stream sees nothing.
const KEY_LINE: &str = "[//]: # (casebridge ";

/// An entry of the stream.
pub(super) struct Entry {
    pub case_id: String,
    pub number: i64,
    /// The user who did it.
    pub author: Option<String>,
    pub created_at: DateTime<Utc>,
    /// What was written, if it is a post.
    pub post: Option<RemoteNote>,
    /// Whether it tells of a saved case.
    pub saved: bool,
}

impl EspoCrm {
    /// The posts of a case, oldest first.
    pub async fn notes(&self, case_id: &str) -> Result<Vec<RemoteNote>, CrmError> {
        let mut posts = Vec::new();
        let mut seen = HashSet::new();
        let mut offset = 0;
        loop {
            // Newest first; what is written meanwhile shows an entry twice and hides none.
            let params = json!({ "maxSize": PAGE_SIZE, "offset": offset }).to_string();
            let path = [cases::MODULE, case_id, "stream"];
            let page = records(self.api.get(&path, &[("searchParams", &params)]).await?)?;
            let full = page.len() >= PAGE_SIZE;
            for row in page {
                // The stream of a case also tells of what is related to it.
                let own = row.text("parentId").as_deref() == Some(case_id);
                if own && is_post(&row) && seen.insert(row.id.clone()) {
                    posts.push((number(&row)?, remote_note(&row)?));
                }
            }
            if !full {
                posts.sort_by_key(|(number, _)| *number);
                return Ok(posts.into_iter().map(|(_, post)| post).collect());
            }
            offset += PAGE_SIZE;
        }
    }

    /// Searches the key, and writes the post if no post has it.
    pub async fn create_note(&self, case_id: &str, note: &NewNote) -> Result<RemoteNote, CrmError> {
        let key = key_line(note.id);
        let filters = vec![
            is("parentType", cases::MODULE),
            is("parentId", case_id),
            compare("contains", "post", &key),
        ];
        let search = Search { module: MODULE, select: &COLUMNS, along: "number", filters };
        if let Some(found) = self.page(&search, None).await?.0.first() {
            return remote_note(found);
        }
        let body = json!({
            "type": POST,
            "parentType": cases::MODULE,
            "parentId": case_id,
            "post": post(note),
            "isInternal": note.internal,
        });
        remote_note(&record(self.api.send(Method::POST, &[MODULE], &body).await?)?)
    }

    /// Writes the text of a post anew, with the key that it has.
    pub async fn update_note(&self, id: &str, note: &NewNote) -> Result<(), CrmError> {
        let body = json!({ "post": post(note) });
        self.api.send(Method::PUT, &[MODULE, id], &body).await?;
        Ok(())
    }

    /// The entries about cases that follow a number, or that were made at or after a time, up to another time.
    pub(super) async fn log(
        &self,
        after: Option<i64>,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<Entry>, CrmError> {
        let recent = compare("greaterThanOrEquals", "createdAt", &written_time(from));
        let start = match after {
            Some(number) => any_of(&[json_number("greaterThan", number), recent]),
            None => recent,
        };
        let filters = vec![
            is("parentType", cases::MODULE),
            compare("lessThan", "createdAt", &written_time(until)),
            start,
        ];
        let search = Search { module: MODULE, select: &COLUMNS, along: "number", filters };
        self.list(&search).await?.iter().map(entry).collect()
    }
}

/// Title, text and key as one text.
fn post(note: &NewNote) -> String {
    let title = note.title.replace(['\r', '\n'], " ");
    format!("{title}\n\n{}\n\n{}", note.body, key_line(note.id))
}

fn json_number(how: &str, number: i64) -> Value {
    json!({ "type": how, "attribute": "number", "value": number })
}

fn entry(row: &Record) -> Result<Entry, CrmError> {
    let kind = row.text("type").unwrap_or_default();
    Ok(Entry {
        case_id: row.text("parentId").unwrap_or_default(),
        number: number(row)?,
        author: row.filled("createdById"),
        created_at: row.time("createdAt")?,
        post: is_post(row).then(|| remote_note(row)).transpose()?,
        saved: matches!(kind.as_str(), "Create" | "Update" | "Assign" | "Status"),
    })
}

fn is_post(row: &Record) -> bool {
    row.text("type").as_deref() == Some(POST)
}

fn number(row: &Record) -> Result<i64, CrmError> {
    let number = row.text("number").unwrap_or_default();
    let wrong = |_| CrmError::permanent(&format!("the number of {} is none: {number:?}", row.id));
    number.parse().map_err(wrong)
}

/// A post is one text; ours is title, text and key, with a blank line between them.
fn remote_note(row: &Record) -> Result<RemoteNote, CrmError> {
    let post = row.text("post").unwrap_or_default();
    let (title, body) = match without_key(&post) {
        Some(ours) => ours.split_once("\n\n").unwrap_or(("", ours)),
        None => ("", post.as_str()),
    };
    Ok(RemoteNote {
        id: row.id.clone(),
        title: title.to_owned(),
        body: normal(body),
        author: row.filled("createdById"),
        created_at: row.time("createdAt")?,
        contact_id: None,
    })
}

/// The text of a post as it is compared: EspoCRM keeps it as it is, and the line of the key hides where it ended.
pub(super) fn normal(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end().to_owned()
}

fn key_line(id: Uuid) -> String {
    format!("{KEY_LINE}{id})")
}

/// What a post of ours says, without the line that holds its key; `None` if somebody else wrote it.
fn without_key(post: &str) -> Option<&str> {
    let (text, rest) = post.rsplit_once(KEY_LINE)?;
    let last = rest.trim_end().strip_suffix(')')?;
    (!last.contains('\n')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(post: &str) -> (String, String) {
        let row = json!({ "id": "1", "post": post, "createdAt": "2026-01-02 03:04:05" });
        let note = remote_note(&record(row).unwrap()).unwrap();
        (note.title, note.body)
    }

    #[test]
    fn the_key_of_a_post_is_no_part_of_its_text() {
        let key = key_line(Uuid::nil());
        let of = |title: &str, body: &str| (title.to_owned(), body.to_owned());
        assert_eq!(read(&format!("Reply\n\nHello.\n\nAnn\n\n{key}")), of("Reply", "Hello.\n\nAnn"));
        assert_eq!(read(&format!("\n\nHello.\n\nAnn\n\n{key}\n")), of("", "Hello.\n\nAnn"));
        assert_eq!(read("Hello.\n\nAnn\r\n"), of("", "Hello.\n\nAnn"));
        let quoted = format!("> {key}\n\nWhat is this?");
        assert_eq!(read(&quoted), of("", &quoted));
    }
}
