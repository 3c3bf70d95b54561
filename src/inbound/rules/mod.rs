//! Pure decisions: what a mail says, who must not be answered, which conversation it belongs to.
mod bounce;
mod choice;
mod guard;
mod html;
mod incoming;
mod outcome;
mod quote;
mod thanks;

pub use bounce::Bounce;
pub use choice::{conversation, subject_number};
pub use incoming::{File, Incoming, NOTE_MAX, Sender, file_at};
pub use outcome::{Cause, MailState, Outcome, Release, UnknownSenders};
pub use thanks::is_thanks;
