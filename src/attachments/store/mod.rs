//! Queries of attachments, and of the files and objects behind them.
mod attachments;
mod files;

pub use attachments::{
    Attached, Attachment, CaseLine, case_lines, erase, find, insert, page, usage, visible_in,
};
pub use files::{
    Commit, File, Part, claim, commit, discard, due_parts, forget_expired, forget_parts,
    insert_file, lock_owner, own, parts, reserve, take_over, unattached,
};
