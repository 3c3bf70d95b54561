//! Attach what came with a mail.
use chrono::{DateTime, Utc};
use diesel::{Connection as _, PgConnection};

use super::super::store::{self, Unfiled};
use super::decide::{known_person, service};
use crate::attachments::StoredFile;
use crate::kernel::AppError;
use crate::notes::{self, NoteVisibility};
use crate::tickets::service as tickets;

/// Attaches the next file of a mail, or tells why it is not. Does nothing when another process was faster: what it stored is swept
/// away.
pub fn file(
    conn: &mut PgConnection,
    due: &Unfiled,
    name: &str,
    stored: Result<StoredFile, String>,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    if !store::filed(conn, due, now)? {
        return Ok(());
    }
    let attached = match stored {
        // A savepoint: what is refused leaves only its reason.
        Ok(file) => conn.transaction(|conn| attach(conn, due, file, now)),
        Err(reason) => return tell(conn, due, name, &reason),
    };
    match attached {
        Err(error) if error.status() < 500 => tell(conn, due, name, &error.to_string()),
        attached => attached,
    }
}

fn tell(conn: &mut PgConnection, due: &Unfiled, name: &str, reason: &str) -> Result<(), AppError> {
    store::add_detail(conn, due.id, &format!("{name} is not attached: {reason}"))?;
    Ok(())
}

/// As who sent the mail, and for those who see its note. What comes from a stranger is for the desk to look at first, and what is
/// said in a side conversation is not the customer's.
fn attach(
    conn: &mut PgConnection,
    due: &Unfiled,
    file: StoredFile,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let person = match &due.from_email {
        Some(email) => known_person(conn, email)?,
        None => None,
    };
    let note = match due.note_id {
        Some(note) => notes::find(conn, &[due.ticket_id], note, false)?,
        None => None,
    };
    let visibility = match (&person, note) {
        _ if due.side_conversation_id.is_some() => NoteVisibility::Internal,
        (None, _) => NoteVisibility::Internal,
        (Some(_), Some(note)) => note.visibility,
        (Some(_), None) => NoteVisibility::Public,
    };
    // An internal note of a contact's mail was written by the desk.
    let person = person.filter(|_| visibility == NoteVisibility::Public);
    let actor = person.unwrap_or_else(service);
    tickets::attach_file(conn, &actor, due.ticket_id, visibility, file, now)?;
    Ok(())
}
