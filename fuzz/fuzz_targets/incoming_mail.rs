//! Whatever bytes come in as a mail: no panic, and what is read stays within its bounds.
//!
//! With `-O` the debug assertions are off, of which the library has one that damaged mails reach (`Incoming::read` outlives it):
//! `cargo +nightly fuzz run -O incoming_mail fuzz/corpus tests/corpus/mail -- -max_len=65536 -rss_limit_mb=512`
#![no_main]

use casebridge::inbound::{Incoming, is_thanks, subject_number};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &[u8]| {
    let Some(mail) = Incoming::read(raw, Some("desk.example")) else { return };
    assert!(mail.subject.chars().count() <= 255);
    assert!(mail.files.len() <= 100 && mail.references.len() <= 100 && mail.bounces.len() <= 100);
    assert!(!mail.note().trim().is_empty());
    is_thanks(&mail.reply);
    subject_number(&mail.subject);
});
