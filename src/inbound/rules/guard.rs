//! The loop guard: mail that a program sent must never be answered by a program (RFC 3834).
use mail_parser::Message;

use super::outcome::Cause;

/// Headers that are looked at, and bytes of each: a mail can be one huge header.
const HEADERS: usize = 2_000;
const VALUE: usize = 16 << 10;

/// The headers of a mail, each with its value as it stands there; names in small letters.
pub struct Headers(Vec<(String, String)>);

impl Headers {
    pub fn of(message: &Message<'_>) -> Self {
        let headers = message.headers().iter().take(HEADERS).map(|header| {
            let from = header.offset_start() as usize;
            let to = (header.offset_end() as usize).min(from.saturating_add(VALUE));
            let value = message.raw_message.get(from..to).unwrap_or_default();
            (header.name().to_ascii_lowercase(), text(value).trim().to_owned())
        });
        Self(headers.collect())
    }

    /// Every value of this header: a second one does not hide behind the first.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.all(name).next().is_some())
    }

    /// Whether one of these headers has one of these words among its values, which are separated by commas, semicolons or blanks.
    fn says(&self, names: &[&str], words: &[&str]) -> bool {
        let tokens = |value: &str| {
            let mut tokens = value.split(|c: char| c.is_whitespace() || ",;\"()".contains(c));
            tokens.any(|token| words.iter().any(|word| token.eq_ignore_ascii_case(word)))
        };
        names.iter().any(|name| self.all(name).any(tokens))
    }
}

/// Bytes that are not UTF-8 are taken for ISO 8859-1, in which each is a character.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Why nobody may be answered; `None` for what a person sent. `sender` is the address that it is from, `own_domain` that of
/// our own message ids, whose other half begins with `cb-`.
pub fn sign_of_loop(
    message: &Message<'_>,
    headers: &Headers,
    sender: Option<&str>,
    own_domain: Option<&str>,
) -> Option<Cause> {
    let system = |address: &str| {
        let local = address.split('@').next().unwrap_or_default();
        ["mailer-daemon", "postmaster"].iter().any(|name| local.eq_ignore_ascii_case(name))
    };
    let human = |value: &str| {
        let keyword = value.split([';', '(', ' ', '\t']).next().unwrap_or_default();
        keyword.eq_ignore_ascii_case("no")
    };
    // The people of the desk may write from the same domain; their mail programs do not begin ids so.
    let ours = |domain: &str| {
        let ids = headers.all("message-id").map(|id| id.trim_matches(['<', '>', ' ']));
        let mut parts = ids.filter_map(|id| id.rsplit_once('@'));
        parts.any(|(id, of)| {
            let begins = id.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("cb-"));
            begins && of.eq_ignore_ascii_case(domain)
        })
    };
    let signs = [
        (Cause::FailedRecipients, headers.has(&["x-failed-recipients"])),
        (Cause::Report, is_report(message)),
        (Cause::OwnMail, own_domain.is_some_and(ours)),
        (Cause::AutoSubmitted, !headers.all("auto-submitted").all(human)),
        (
            Cause::Precedence,
            headers.says(&["precedence", "x-precedence"], &["bulk", "list", "junk", "auto_reply"]),
        ),
        (
            Cause::ResponseSuppress,
            headers.says(
                &["x-auto-response-suppress"],
                &["all", "autoreply", "oof", "dr", "ndr", "rn", "nrn"],
            ),
        ),
        (Cause::Autoresponder, headers.has(&["x-autoreply", "x-autorespond", "x-autoresponder"])),
        (Cause::Loop, headers.has(&["x-loop"])),
        (Cause::MailingList, headers.has(&["list-id", "list-unsubscribe"])),
        (Cause::EmptyReturnPath, headers.all("return-path").any(|path| path == "<>")),
        (Cause::MailSystem, sender.is_some_and(system)),
    ];
    signs.into_iter().find(|(_, there)| *there).map(|(cause, _)| cause)
}

fn is_report(message: &Message<'_>) -> bool {
    use mail_parser::MimeHeaders as _;
    message.parts.iter().any(|part| {
        part.is_content_type("multipart", "report")
            || part.is_content_type("message", "delivery-status")
    })
}
