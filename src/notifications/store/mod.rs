//! Queries of notifications.
mod cursor;
mod feed;
mod people;
mod preferences;
mod tickets;
mod waiting;

pub use cursor::{hold_back, lock_cursor, move_cursor, share_cursor};
pub use feed::{
    FeedRow, forget, insert_all, list, mark_read, mark_read_until, position_of, unread,
};
pub use people::{AgentRow, ContactRow, agents, contacts};
pub use preferences::{
    Mailbox, StoredPreferences, find_mailbox, lock_preferences, mailboxes, save_mailbox,
    save_preferences, zone_and_kind,
};
pub use tickets::{followers, labels, tickets};
pub use waiting::{Notification, put_off, reschedule, take_due, waiting_of, written};
