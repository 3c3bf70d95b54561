//! What people are told of, over what, and what they want of it by default.
mod due;
mod preferences;
mod told;

pub use self::due::{digest_due, mail_due};
pub use self::preferences::{Digest, Preferences, QuietHours};
pub use self::told::{Facts, Follower, Occurrence, Person, Staff, for_department, recipients};

use crate::kernel::text_enum;

text_enum! {
    /// Why somebody is told of something.
    NotificationKind {
        /// A ticket was given to you.
        Assigned = "assigned",
        /// A note mentions you.
        Mentioned = "mentioned",
        /// A customer wrote on a ticket that you have.
        CustomerReplied = "customer_replied",
        /// A ticket was elevated to your department and your level.
        Elevated = "elevated",
        /// A ticket of your department and your level waits for somebody.
        Queued = "queued",
        /// A start or a deadline of yours was missed; or of your department, for who coordinates it.
        Delayed = "delayed",
        /// Somebody else made, moved or cancelled an appointment of yours, or it begins soon.
        Appointment = "appointment",
        /// Something else happened to a ticket that you have.
        OwnChanged = "own_changed",
        /// Something happened to a ticket that you watch.
        Watched = "watched",
        /// We have your ticket.
        Opened = "opened",
        /// We wrote on your ticket.
        Replied = "replied",
        /// Your ticket or your appointment takes longer than you were told.
        DelayNotice = "delay_notice",
        /// Your ticket has got another status.
        StatusChanged = "status_changed",
    }
}

text_enum! {
    /// Over what somebody is told.
    NotificationChannel {
        /// A mail, at once or in a digest.
        Mail = "mail",
        /// The list under `/v1/notifications`.
        Feed = "feed",
        /// An event `notification.created` in the change feed, for integrations that tell people in their own way.
        Webhook = "webhook",
    }
}

/// Who is told: somebody of the desk, or a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Desk,
    Customer,
}

impl NotificationKind {
    /// Whether such a thing is ever told to them.
    pub fn concerns(self, audience: Audience) -> bool {
        use NotificationKind::*;
        match self {
            Watched => true,
            Opened | Replied | DelayNotice | StatusChanged => audience == Audience::Customer,
            _ => audience == Audience::Desk,
        }
    }

    /// Over what it is told to somebody who never said anything.
    pub fn default_channels(self) -> &'static [NotificationChannel] {
        use NotificationChannel::{Feed, Mail};
        match self {
            // There are many of these, and nobody has to act on them at once.
            Self::Queued | Self::OwnChanged => &[Feed],
            _ => &[Mail, Feed],
        }
    }
}
