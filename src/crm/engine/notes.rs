//! What belongs to a case: the contact and the conversation.
use serde_json::json;
use uuid::Uuid;

use super::pass::{Pass, Snapshot, Stop};
use crate::crm::CrmError;
use crate::crm::case::{Altered, NewNote, RemoteNote};
use crate::crm::settings::CrmNotes;
use crate::crm::store::{self, DeskNote, LinkKind, NoteDirection, RemoteLink};
use crate::events::{self, EventType, NewEvent, Subject};
use crate::kernel::AppError;
use crate::notes::{Channel, NewNote as DeskNewNote, NoteVisibility};
use crate::tickets::service as tickets;

/// Notes read at a time.
pub(super) const PAGE: i64 = 50;

impl Pass {
    /// Relates the ticket's contact to the case, once, and takes away the relation to the contact before; with
    /// `check`, also when somebody removed the relation. Other contacts of the case are the CRM's own.
    pub async fn contact(&mut self, seen: &Snapshot, check: bool) -> Result<(), Stop> {
        let wanted = seen.ticket.contact.as_ref().map(|(id, ..)| id.0);
        let before = self.mirror.contact_synced;
        if wanted == before && !(check && wanted.is_some()) {
            return Ok(());
        }
        let case = self.mirror.remote_id.clone().unwrap_or_default();
        if let Some((id, name, email)) = &seen.ticket.contact {
            let remote = match &seen.contact {
                Some(linked) => linked.clone(),
                None => self.contact_for(id.0, name, email).await?,
            };
            self.relate(&case, &remote, name, check).await?;
        }
        if let Some(gone) = before.filter(|before| Some(*before) != wanted) {
            self.unrelate(&case, gone).await?;
        }
        self.held(move |_, working| {
            working.mirror.contact_synced = wanted;
            Ok(())
        })
        .await
    }

    async fn relate(&self, case: &str, remote: &str, name: &str, check: bool) -> Result<(), Stop> {
        let crm = &self.crm.adapter;
        if check && crm.related_contacts(case).await?.iter().any(|related| related == remote) {
            return Ok(());
        }
        crm.relate_contact(case, remote).await.map_err(|error| match error {
            // The case was there a moment ago.
            CrmError::NotFound { detail } => Stop::Park {
                class: "permanent",
                reason: format!("the contact {name} cannot be related: {detail}"),
            },
            error => error.into(),
        })
    }

    /// Taking a relation away twice is an error in SuiteCRM, so it is looked for first.
    async fn unrelate(&self, case: &str, contact: Uuid) -> Result<(), Stop> {
        let Some(remote) = self.linked_contact(contact).await? else { return Ok(()) };
        let crm = &self.crm.adapter;
        if crm.related_contacts(case).await?.contains(&remote) {
            crm.unrelate_contact(case, &remote).await?;
        }
        Ok(())
    }

    /// Writes the notes that the CRM does not have, in order. A note that fails is where the next attempt goes on.
    pub async fn notes_out(&mut self, seen: &Snapshot) -> Result<(), Stop> {
        while self.mirror.notes_synced_up_to < seen.ticket.note_count {
            let (ticket, connection) = (self.mirror.ticket_id, self.connection.id);
            let after = self.mirror.notes_synced_up_to;
            let notes =
                self.engine.0.db.read(move |conn| {
                    Ok(store::desk_notes(conn, ticket, connection, after, PAGE)?)
                });
            let notes = notes.await?;
            if notes.is_empty() {
                return Ok(());
            }
            for note in notes {
                self.note_out(seen, note).await?;
            }
        }
        Ok(())
    }

    async fn note_out(&mut self, seen: &Snapshot, note: DeskNote) -> Result<(), Stop> {
        let remote = match &note.remote_id {
            Some(_) => None,
            None => Some(self.write_note(seen, &note).await?),
        };
        self.held(move |conn, working| {
            let (ticket, connection) = (working.mirror.ticket_id, working.mirror.connection_id);
            if let Some(remote) = remote {
                let out = NoteDirection::Out;
                store::link_note(conn, connection, ticket, note.id, &remote, out)
                    .map_err(AppError::from)?;
            }
            working.mirror.notes_synced_up_to = note.seq;
            Ok(())
        })
        .await
    }

    /// Returns the CRM's note, with what it did not keep of the text.
    async fn write_note(&self, seen: &Snapshot, note: &DeskNote) -> Result<RemoteLink, Stop> {
        let id = self.stable_id("note", note.id.0);
        let author = seen.ticket.contact.as_ref().filter(|contact| contact.0.0 == note.author_id);
        let contact_id = match author {
            Some(_) => seen.contact.clone(),
            None if note.author_role == "contact" => self.linked_contact(note.author_id).await?,
            None => None,
        };
        let title = title(&note.visibility, &note.author_role, &note.author_name);
        let internal = note.visibility == "internal";
        let new = NewNote { id, title, body: note.body.clone(), contact_id, internal };
        let case = self.mirror.remote_id.clone().unwrap_or_default();
        match self.crm.adapter.create_note(&case, &new).await {
            Ok(written) => self.as_kept(&new, written),
            // Written once and deleted there: it stays deleted.
            Err(CrmError::Gone) => {
                let gone_at = Some(self.now());
                Ok(RemoteLink { id: id.to_string(), altered: None, gone_at })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn as_kept(&self, new: &NewNote, written: RemoteNote) -> Result<RemoteLink, Stop> {
        let (sent, got) = (self.crm.adapter.normal_text(&new.body), written.body);
        let altered = (sent != got).then_some(Altered { sent, got });
        let altered = altered.map(serde_json::to_value).transpose().map_err(AppError::internal)?;
        Ok(RemoteLink { id: written.id, altered, gone_at: None })
    }

    async fn linked_contact(&self, contact: Uuid) -> Result<Option<String>, Stop> {
        let connection = self.connection.id;
        let link =
            self.engine.0.db.read(move |conn| {
                Ok(store::remote_id(conn, connection, LinkKind::Contact, contact)?)
            });
        Ok(link.await?)
    }

    /// Brings back the notes that were written in the CRM, and tells of those that were deleted there: they stay deleted.
    pub async fn notes_in(&mut self) -> Result<(), Stop> {
        let case = self.mirror.remote_id.clone().unwrap_or_default();
        let there = self.crm.adapter.notes(&case).await?;
        let ids: Vec<String> = there.iter().map(|note| note.id.clone()).collect();
        let connection = self.connection.id;
        let known =
            self.engine.0.db.read(move |conn| Ok(store::known_notes(conn, connection, &ids)?));
        let known = known.await?;
        let present: Vec<String> = there.iter().map(|note| note.id.clone()).collect();
        for note in there.into_iter().filter(|note| !known.contains(&note.id)) {
            self.note_in(note).await?;
        }
        self.notes_gone(present).await
    }

    async fn notes_gone(&mut self, present: Vec<String>) -> Result<(), Stop> {
        let (actor, now) = (self.actor(None).await?, self.now());
        self.held(move |conn, working| {
            let (ticket, connection) = (working.mirror.ticket_id, working.mirror.connection_id);
            let gone = store::mark_gone_notes(conn, connection, ticket, &present, now);
            for (note, remote) in gone.map_err(AppError::from)? {
                let event = NewEvent {
                    kind: EventType::MirrorNoteGone,
                    subject: Subject::Resource(format!("note/{note}")),
                    public: false,
                    changes: events::Changes::new(),
                    data: json!({
                        "ticket_id": ticket, "connection_id": connection, "remote_id": remote,
                    }),
                    occurred_at: now,
                };
                events::append(conn, &actor, event)?;
            }
            Ok(())
        })
        .await
    }

    async fn note_in(&mut self, note: RemoteNote) -> Result<(), Stop> {
        let Some(body) = text(&note) else { return Ok(()) };
        let actor = self.actor(note.author.as_deref()).await?;
        let visibility = match self.crm.settings.crm_notes {
            CrmNotes::Internal => NoteVisibility::Internal,
            CrmNotes::Public => NoteVisibility::Public,
        };
        let new = DeskNewNote { visibility, ..DeskNewNote::internal(Channel::Crm, body) };
        let now = self.now();
        self.held(move |conn, working| {
            let (ticket, connection) = (working.mirror.ticket_id, working.mirror.connection_id);
            let added = tickets::add_note(conn, &actor, ticket, new, now);
            let (added, _) = added.map_err(|error| match error.status() {
                ..500 => Stop::Park {
                    class: "refused",
                    reason: format!("a note of the CRM cannot be added: {error}"),
                },
                _ => error.into(),
            })?;
            let link = RemoteLink { id: note.id, ..RemoteLink::default() };
            store::link_note(conn, connection, ticket, added.id, &link, NoteDirection::In)
                .map_err(AppError::from)?;
            Ok(())
        })
        .await
    }
}

/// What a note of the desk is called in the CRM.
pub(super) fn title(visibility: &str, author_role: &str, author: &str) -> String {
    let kind = match (visibility, author_role) {
        ("internal", _) => "Internal note by",
        (_, "contact") => "Reply from",
        _ => "Reply by",
    };
    format!("{kind} {author}")
}

/// Title and text of a note as one; `None` if it has neither.
pub(super) fn text(note: &RemoteNote) -> Option<String> {
    let (title, body) = (note.title.trim(), note.body.trim());
    match (title.is_empty(), body.is_empty()) {
        (true, true) => None,
        (false, true) => Some(title.to_owned()),
        (true, false) => Some(body.to_owned()),
        (false, false) if body.starts_with(title) => Some(body.to_owned()),
        (false, false) => Some(format!("{title}\n\n{body}")),
    }
}
