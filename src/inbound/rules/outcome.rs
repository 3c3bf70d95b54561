//! What became of a mail, and why.
use crate::kernel::{NoteId, SideConversationId, TicketId, text_enum};

text_enum! {
    /// What became of a mail.
    #[schema(as = InboundMailState)]
    MailState {
        /// It is a note, a ticket, or a message in a side conversation.
        Taken = "taken",
        /// Somebody has to look at it.
        Quarantined = "quarantined",
        /// It is recorded and nothing else: nobody is answered, nothing is reopened.
        Ignored = "ignored",
    }
}

text_enum! {
    /// Why a mail was not taken.
    #[schema(as = QuarantineCause)]
    Cause {
        /// `Auto-Submitted` is something else than `no` (RFC 3834).
        AutoSubmitted = "auto_submitted",
        /// `Precedence` or `X-Precedence` is bulk, list, junk or auto_reply.
        Precedence = "precedence",
        /// `X-Auto-Response-Suppress` (MS-OXCMAIL).
        ResponseSuppress = "auto_response_suppress",
        /// `X-Autoreply`, `X-Autorespond` or `X-Autoresponder`.
        Autoresponder = "autoresponder",
        /// `X-Loop`.
        Loop = "loop",
        /// `List-Id` or `List-Unsubscribe`.
        MailingList = "mailing_list",
        /// `Return-Path: <>`.
        EmptyReturnPath = "empty_return_path",
        /// A report about the delivery or the reading of a mail (RFC 3462).
        Report = "report",
        /// `X-Failed-Recipients`.
        FailedRecipients = "failed_recipients",
        /// It is from mailer-daemon or postmaster.
        MailSystem = "mail_system",
        /// Its `Message-ID` is one of ours.
        OwnMail = "own_mail",
        /// Somebody looked at it and threw it away.
        Discarded = "discarded",
        /// It is from nobody, or from several.
        NoSender = "no_sender",
        /// The address is neither a contact's nor an agent's.
        UnknownSender = "unknown_sender",
        /// The contact may not see the ticket that it belongs to.
        NotParticipant = "not_participant",
        /// It says that it is from an agent, and answers no mail that was sent to that agent.
        UnprovenAgent = "unproven_agent",
        /// It answers a side conversation that its sender takes no part in, or that is there no more.
        SideConversation = "side_conversation",
        /// For a new ticket: the contact has no account, or several.
        NoAccount = "no_account",
        /// For a new ticket: neither product nor category can be told.
        NoProduct = "no_product",
        /// The desk's rules refused it; the detail says which.
        Refused = "refused",
        /// It is larger than the service takes; only its header was fetched.
        TooLarge = "too_large",
        /// Only its header was read: it is built to cost more than mails do.
        Excessive = "excessive",
        /// It cannot be read as a mail.
        Unreadable = "unreadable",
    }
}

text_enum! {
    /// What becomes of mails of senders whom nobody knows.
    UnknownSenders {
        /// Somebody looks at them first.
        Quarantine = "quarantine",
        /// They open tickets of a configured account. Nobody is answered: the address is not verified.
        Open = "open",
    }
}

text_enum! {
    /// What a quarantined mail is released as.
    Release {
        /// A note on the ticket `ticket_id`.
        Note = "note",
        /// A new ticket.
        Ticket = "ticket",
        /// Nothing.
        Discard = "discard",
    }
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub state: MailState,
    pub cause: Option<Cause>,
    /// For people: what the cause does not say.
    pub detail: Option<String>,
    /// The ticket that it is on, or that it would belong to.
    pub ticket_id: Option<TicketId>,
    pub note_id: Option<NoteId>,
    /// The side conversation of that ticket that it is part of.
    pub side_conversation_id: Option<SideConversationId>,
}

impl Outcome {
    /// A note on a ticket; without a note, the ticket itself.
    pub fn taken(ticket: TicketId, note: Option<NoteId>) -> Self {
        Self {
            state: MailState::Taken,
            cause: None,
            detail: None,
            ticket_id: Some(ticket),
            note_id: note,
            side_conversation_id: None,
        }
    }

    /// A message in a side conversation of a ticket.
    pub fn taken_aside(ticket: TicketId, side: SideConversationId) -> Self {
        Self { side_conversation_id: Some(side), ..Self::taken(ticket, None) }
    }

    pub fn quarantined(cause: Cause) -> Self {
        Self::left(MailState::Quarantined, cause)
    }

    pub fn ignored(cause: Cause) -> Self {
        Self::left(MailState::Ignored, cause)
    }

    fn left(state: MailState, cause: Cause) -> Self {
        Self {
            state,
            cause: Some(cause),
            detail: None,
            ticket_id: None,
            note_id: None,
            side_conversation_id: None,
        }
    }

    /// The same with the ticket that it belongs to, if that is known.
    pub fn about(self, ticket_id: Option<TicketId>) -> Self {
        Self { ticket_id, ..self }
    }

    /// The same with more to say.
    pub fn because(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}
