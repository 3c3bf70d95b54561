//! Mails that could not be delivered: reports (RFC 3464), and the header that Exim and Gmail write instead.
use mail_parser::{Message, MessagePart, MimeHeaders as _};

use super::guard::Headers;

/// Recipients of one report at the most.
const RECIPIENTS: usize = 100;
/// Bytes of a part that are looked at.
const LOOKED_AT: usize = 64 << 10;

/// A recipient whom a mail of ours did not reach, and will not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounce {
    pub address: String,
    /// Why, in the words of the other side.
    pub reason: String,
}

/// The recipients that a report says are gone for good. What is only late is none.
pub fn bounces(message: &Message<'_>, headers: &Headers) -> Vec<Bounce> {
    let reports = message.parts.iter().filter(|p| p.is_content_type("message", "delivery-status"));
    let mut found: Vec<Bounce> = reports.flat_map(|part| failed(&text_of(part))).collect();
    if found.is_empty() {
        let listed = headers.all("x-failed-recipients").flat_map(|value| value.split(','));
        let addresses = listed.map(str::trim).filter(|address| address.contains('@'));
        found = addresses
            .map(|address| Bounce { address: address.to_owned(), reason: "not delivered".into() })
            .collect();
    }
    found.truncate(RECIPIENTS);
    found
}

/// What a report returns of the mail that it is about: there stands which it was.
pub fn returned(message: &Message<'_>) -> String {
    let returned = message.parts.iter().filter(|part| {
        part.is_content_type("message", "rfc822") || part.is_content_type("text", "rfc822-headers")
    });
    returned.map(text_of).collect::<Vec<_>>().join("\n")
}

fn text_of(part: &MessagePart<'_>) -> String {
    let bytes = part.contents();
    String::from_utf8_lossy(&bytes[..bytes.len().min(LOOKED_AT)]).replace('\r', "")
}

/// The recipients of a delivery status: groups of fields, separated by blank lines.
fn failed(status: &str) -> Vec<Bounce> {
    let groups = status.split("\n\n").take(RECIPIENTS + 1);
    groups.filter_map(|group| failed_recipient(group.trim())).collect()
}

fn failed_recipient(group: &str) -> Option<Bounce> {
    let field = |name: &str| {
        let named = |line: &str| {
            let (own, value) = line.split_once(':')?;
            own.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        };
        group.lines().find_map(named)
    };
    let failed = field("action")?.eq_ignore_ascii_case("failed");
    // 5.x.x: permanent (RFC 3463).
    let status = field("status")?;
    let recipient = field("original-recipient").or_else(|| field("final-recipient"))?;
    let address = recipient.rsplit(';').next()?.trim().trim_matches(['<', '>']).to_owned();
    let reason = field("diagnostic-code").unwrap_or_else(|| status.clone());
    let reason = reason.chars().take(500).collect();
    (failed && status.starts_with('5') && address.contains('@'))
        .then_some(Bounce { address, reason })
}
