//! The body of an operation on a ticket, as a part of another body: it is what the operation itself takes.
use garde::Validate;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::service::{Operation, TagChange};
use super::assign::{AssignTicket, TransferTicket};
use super::change::ChangeTicket;
use super::notes::AddNote;
use super::transitions::TransitionTicket;
use crate::http::read;
use crate::kernel::{Actor, AppError, text_enum};

text_enum! {
    /// What is done with a ticket, and so what `body` is: as for the operation of that name.
    OperationKind {
        /// `PATCH /v1/tickets/{id}`
        Patch = "patch",
        /// `POST /v1/tickets/{id}/transitions`
        Transition = "transition",
        /// `POST /v1/tickets/{id}/assignment`
        Assign = "assign",
        /// `POST /v1/tickets/{id}/transfer`
        Transfer = "transfer",
        /// `POST /v1/tickets/{id}/notes`
        Note = "note",
        /// `{"add": [...], "remove": [...]}`
        Tags = "tags",
        /// No body.
        Delete = "delete",
        /// No body.
        Restore = "restore",
    }
}

/// Tags to put on and to take off.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeTags {
    #[serde(default)]
    #[garde(length(max = 50))]
    add: Vec<String>,
    #[serde(default)]
    #[garde(length(max = 50))]
    remove: Vec<String>,
}

#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Reads the body of this operation; pointers of what is wrong are those inside it.
pub fn operation(kind: OperationKind, body: &Value, actor: &Actor) -> Result<Operation, AppError> {
    Ok(match kind {
        OperationKind::Patch => Operation::Change(read::<ChangeTicket>(body)?.into()),
        OperationKind::Transition => {
            Operation::Transition(read::<TransitionTicket>(body)?.wanted(actor))
        }
        OperationKind::Assign => Operation::Assign(read::<AssignTicket>(body)?.into()),
        OperationKind::Transfer => Operation::Transfer(read::<TransferTicket>(body)?.wanted(actor)),
        OperationKind::Note => Operation::Note(read::<AddNote>(body)?.by(actor)),
        OperationKind::Tags => {
            let ChangeTags { add, remove } = read(body)?;
            Operation::Tags(TagChange { add, remove })
        }
        OperationKind::Delete => {
            read::<Nothing>(body)?;
            Operation::Delete
        }
        OperationKind::Restore => {
            read::<Nothing>(body)?;
            Operation::Restore
        }
    })
}
