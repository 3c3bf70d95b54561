//! Which conversation a mail belongs to.
use super::incoming::Incoming;
use crate::kernel::SecretKey;
use crate::mail::Thread;

/// The conversation that a mail answers, by a token that was signed here: in what it replies to, newest first, else in its
/// text, where it is for mail programs that keep no references.
pub fn conversation(key: &SecretKey, mail: &Incoming) -> Option<Thread> {
    let newest_first = mail.in_reply_to.iter().rev().chain(mail.references.iter().rev());
    let answered = newest_first.filter_map(|id| Thread::find(key, id)).next();
    answered.or_else(|| Thread::find(key, &mail.text)).or_else(|| Thread::find(key, &mail.returned))
}

/// The number of a ticket in a subject: `CB-1042`. Anybody can write that, so it counts for participants of the ticket only.
pub fn subject_number(subject: &str) -> Option<i64> {
    let subject = subject.to_ascii_uppercase();
    subject.match_indices("CB-").find_map(|(at, start)| {
        let within = subject[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        let rest = &subject[at + start.len()..];
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok().filter(|_| !within)
    })
}
