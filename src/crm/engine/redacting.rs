//! What was taken out of a ticket is taken out of its case and its notes in the CRM.
use super::notes::title;
use super::pass::{Pass, Stop};
use crate::crm::CrmError;
use crate::crm::case::NewNote;
use crate::crm::store::{self, DueNote, NoteDirection};
use crate::kernel::AppError;

impl Pass {
    /// Writes the notes anew that have lost a secret, and records it; the case has been written already.
    pub(super) async fn redactions(&mut self) -> Result<(), Stop> {
        if !self.mirror.redacting {
            return Ok(());
        }
        let (ticket, connection) = (self.mirror.ticket_id, self.connection.id);
        let due =
            self.engine.0.db.read(move |conn| Ok(store::due_notes(conn, ticket, connection)?));
        for note in due.await? {
            self.rewrite(note).await?;
        }
        let now = self.now();
        self.held(move |conn, working| {
            store::redaction_told(conn, (ticket, connection), None, None, now)
                .map_err(AppError::from)?;
            working.mirror.redacting = false;
            Ok(())
        })
        .await
    }

    async fn rewrite(&mut self, note: DueNote) -> Result<(), Stop> {
        let internal = note.visibility == "internal";
        let title = match note.direction {
            // The desk keeps title and text of the CRM's own notes as one, and so cannot tell where the secret was.
            NoteDirection::In => "Note".to_owned(),
            NoteDirection::Out => title(&note.visibility, &note.author_role, &note.author_name),
        };
        let id = self.stable_id("note", note.note_id.0);
        let new = NewNote { id, title, body: note.body, contact_id: None, internal };
        let refused = match self.crm.adapter.update_note(&note.remote_id, &new).await {
            Ok(()) => None,
            Err(
                error @ (CrmError::Permanent { .. } | CrmError::NotFound { .. } | CrmError::Gone),
            ) => Some(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        let (now, ticket, connection) = (self.now(), self.mirror.ticket_id, self.connection.id);
        self.held(move |conn, _| {
            let refused = refused.as_deref();
            store::redaction_told(conn, (ticket, connection), Some(note.note_id), refused, now)
                .map_err(AppError::from)?;
            Ok(())
        })
        .await
    }
}
