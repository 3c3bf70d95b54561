//! What a note is.
use crate::kernel::{AttachmentId, text_enum};

text_enum! {
    /// Who reads a note.
    NoteVisibility {
        /// A reply: the customer and the desk.
        Public = "public",
        /// The desk only.
        Internal = "internal",
    }
}

text_enum! {
    /// How a note came in.
    Channel {
        Portal = "portal",
        Api = "api",
        Email = "email",
        Phone = "phone",
        Crm = "crm",
    }
}

/// A note to be added.
#[derive(Debug, Clone)]
pub struct NewNote {
    pub visibility: NoteVisibility,
    pub channel: Channel,
    pub body: String,
    /// Of its ticket, in the order in which they are shown.
    pub attachments: Vec<AttachmentId>,
}

impl NewNote {
    /// A note without attachments.
    pub fn public(channel: Channel, body: String) -> Self {
        Self { visibility: NoteVisibility::Public, channel, body, attachments: Vec::new() }
    }

    /// A note without attachments, for the desk alone.
    pub fn internal(channel: Channel, body: String) -> Self {
        Self { visibility: NoteVisibility::Internal, ..Self::public(channel, body) }
    }
}
