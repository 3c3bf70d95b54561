//! Queries of the tickets, what they became, what they go through, and how they belong together.
mod conversions;
mod drafts;
mod elevations;
mod filter;
mod find;
mod links;
mod list;
mod merges;
mod processes;
mod redactions;
mod reply_drafts;
mod row;
mod search;
mod sql;
mod tags;
mod triage;
mod waiting;
mod watchers;
mod write;

pub use conversions::{Conversion, conversion, conversions, insert_conversion};
pub use drafts::{count_drafts, delete_abandoned, delete_draft, drafts, lock_author};
pub use elevations::{Elevation, elevations, insert_elevation};
pub use filter::{Due, Filter, Range, Selection, SlaFilter};
pub use find::{
    Watched, find, in_status, lock, lock_any, lock_automatic_due, lock_in_status, lock_pair,
    lock_silence_due, of_participant, take_deadlines, visible,
};
pub use links::{
    Link, LinkFilter, delete_link, insert_link, is_ancestor, links, lock_hierarchy, set_told,
    summaries_of_any, untold_child,
};
pub use list::{Sort, count, counts, ids, list, summaries};
pub use merges::{
    Merge, delete_merge, follow_merges, insert_merge, is_deleted, merge, merged, number,
};
pub use processes::{Attached, Step, attach, attached, detach, mark};
pub use redactions::{Redaction, allow_redaction, erase_records, insert_redaction, redactions};
pub use reply_drafts::{
    ReplyDraft, delete_old_reply_drafts, delete_reply_draft, erase_reply_drafts, reply_draft,
    save_reply_draft,
};
pub use row::{Located, Outlook, Silence, Summary, Ticket};
pub use search::{Ranked, descriptions, ranked};
pub use tags::newest_tags;
pub use triage::{differing, differing_count, manual_count, untriaged, untriaged_counts};
pub use waiting::{Kind, QueueFilter, Urgency, lock_first, queue, waiting_kinds};
pub use watchers::{NewWatcher, Watcher, count_watchers, delete_watcher, insert_watcher, watchers};
pub use write::{insert, save};
