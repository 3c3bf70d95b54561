//! A mail as it came in: any bytes give one, or none when they are no mail at all.
use std::collections::HashSet;

use mail_parser::{
    Address, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders as _, PartType,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bounce::{Bounce, bounces, returned};
use super::guard::{Headers, sign_of_loop};
use super::html::to_text;
use super::outcome::Cause;
use super::quote::{is_forward, without_quotes};

/// Bytes of a header at the most: mail servers take less.
const HEADER_MAX: usize = 256 << 10;
/// Lines at the most. What is sent as lines of base64 has fewer within any size that is taken.
const LINES_MAX: usize = 600_000;
/// How often the type of a mail within a mail may be named: each can be nested in the one before.
const NESTED_MAX: usize = 1_000;

/// Characters of a note or a description at the most, as the API takes them.
pub const NOTE_MAX: usize = 60_000;
/// Bytes of text that are looked at.
const TEXT_MAX: usize = 1 << 20;
const SUBJECT_MAX: usize = 255;
const ADDRESS_MAX: usize = 254;
const NAME_MAX: usize = 200;
/// A longer Message-ID is as good as none.
const ID_MAX: usize = 500;
/// The newest references that are looked at.
const REFERENCES: usize = 100;
/// Files that are listed.
const FILES: usize = 100;

/// Who a mail says that it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    pub name: Option<String>,
    pub email: String,
}

/// A file in a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct File {
    /// Which part of the mail it is.
    #[schema(example = 3)]
    pub part: usize,
    #[schema(example = "screenshot.png")]
    pub name: String,
    /// As the sender calls it; it proves nothing.
    #[schema(example = "image/png")]
    pub content_type: String,
    #[schema(example = 48_213)]
    pub bytes: usize,
    /// True when the text shows it.
    pub inline: bool,
    /// By which the text names it.
    #[schema(example = "image001.png@01D0")]
    pub content_id: Option<String>,
}

/// A mail that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Without angle brackets.
    pub message_id: Option<String>,
    /// None when it is from nobody, or from several.
    pub sender: Option<Sender>,
    pub subject: String,
    /// The message ids that it answers, oldest first.
    pub in_reply_to: Vec<String>,
    pub references: Vec<String>,
    /// The whole text.
    pub text: String,
    /// What the sender wrote, without what they quote.
    pub reply: String,
    pub files: Vec<File>,
    /// Why nobody may be answered.
    pub automatic: Option<Cause>,
    /// Whom a mail of ours did not reach.
    pub bounces: Vec<Bounce>,
    /// What a report returns of that mail.
    pub returned: String,
    /// True when only its header was read: the rest is made to cost more than it is worth.
    pub header_only: bool,
}

/// What the library makes of it. Whoever writes a mail decides on each of its bytes: should one make the library panic, that mail is
/// unreadable, and the others are not kept waiting.
fn parse(raw: &[u8]) -> Option<Message<'_>> {
    std::panic::catch_unwind(|| MessageParser::default().parse(raw)).ok().flatten()
}

impl Incoming {
    /// Reads a mail (RFC 5322, MIME). `own_domain` is the domain of our own message ids.
    pub fn read(raw: &[u8], own_domain: Option<&str>) -> Option<Self> {
        let header_only = is_excessive(raw);
        let message = if header_only {
            MessageParser::default().parse_headers(&raw[..raw.len().min(HEADER_MAX)])?
        } else {
            parse(raw)?
        };
        let headers = Headers::of(&message);
        let sender = sender(&message, &headers);
        let subject = subject(&message, &headers);
        let text = text(&message);
        let reply =
            if is_forward(&subject) { text.trim().to_owned() } else { without_quotes(&text) };
        let from = sender.as_ref().map(|sender| sender.email.as_str());
        let automatic = sign_of_loop(&message, &headers, from, own_domain);
        let bounces = if automatic.is_some() { bounces(&message, &headers) } else { Vec::new() };
        let returned = if bounces.is_empty() { String::new() } else { returned(&message) };
        Some(Self {
            message_id: message.message_id().and_then(message_id),
            sender,
            subject,
            in_reply_to: ids(message.in_reply_to()),
            references: ids(message.references()),
            text,
            reply,
            files: files(&message),
            automatic,
            bounces,
            returned,
            header_only,
        })
    }

    /// The reply as a note's text, which is never empty.
    pub fn note(&self) -> String {
        self.bounded(&self.reply)
    }

    /// The whole text as a ticket's description, which is never empty.
    pub fn description(&self) -> String {
        self.bounded(self.text.trim())
    }

    fn bounded(&self, text: &str) -> String {
        if text.trim().is_empty() {
            let names: Vec<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
            let without = format!("(no text) {}", names.join(", "));
            return without.trim_end().chars().take(NOTE_MAX).collect();
        }
        match text.char_indices().nth(NOTE_MAX) {
            None => text.to_owned(),
            Some(_) => text.chars().take(NOTE_MAX - 1).chain(['…']).collect(),
        }
    }
}

/// Whether reading the whole of it would take too much memory or, mail in mail in mail, too much of the stack.
fn is_excessive(raw: &[u8]) -> bool {
    let ends = |at: &usize| raw[*at..].starts_with(b"\n\n") || raw[*at..].starts_with(b"\n\r\n");
    let header = (0..raw.len().min(HEADER_MAX + 1)).find(ends);
    let lines = raw.iter().filter(|byte| **byte == b'\n').count();
    let long_header = raw.len() > HEADER_MAX && header.is_none();
    let names = [&b"rfc822"[..], b"global", b"digest"];
    let named =
        |name: &&[u8]| raw.windows(name.len()).filter(|at| at.eq_ignore_ascii_case(name)).count();
    long_header || lines > LINES_MAX || names.iter().map(named).sum::<usize>() > NESTED_MAX
}

/// As it was meant: old mail programs write it in their own character set, which is mostly Latin.
fn subject(message: &Message<'_>, headers: &Headers) -> String {
    let decoded = message.subject().unwrap_or_default();
    let raw = headers.all("subject").next().filter(|_| decoded.contains('\u{fffd}'));
    line(raw.unwrap_or(decoded), SUBJECT_MAX)
}

/// The one address that the mail is from. A second `From` is an attempt to be somebody else to somebody.
fn sender(message: &Message<'_>, headers: &Headers) -> Option<Sender> {
    if headers.all("from").count() != 1 {
        return None;
    }
    let Some(Address::List(list)) = message.from() else { return None };
    let [only] = list.as_slice() else { return None };
    let email = only.address.as_deref()?.trim();
    let name = only.name.as_deref().map(|name| line(name, NAME_MAX)).filter(|n| !n.is_empty());
    is_address(email).then(|| Sender { name, email: email.to_owned() })
}

fn is_address(text: &str) -> bool {
    let bad = |c: char| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c);
    let parts = text.split_once('@');
    let whole = parts.is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    whole && text.len() <= ADDRESS_MAX && !text.contains(bad)
}

fn message_id(text: &str) -> Option<String> {
    let id = text.trim().trim_matches(['<', '>']);
    let plain = !id.contains(|c: char| c.is_whitespace() || c.is_control());
    (!id.is_empty() && id.len() <= ID_MAX && plain).then(|| id.to_owned())
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    let all: Vec<&str> = match value {
        HeaderValue::Text(one) => vec![one],
        HeaderValue::TextList(list) => list.iter().map(AsRef::as_ref).collect(),
        _ => Vec::new(),
    };
    let newest = &all[all.len().saturating_sub(REFERENCES)..];
    newest.iter().filter_map(|id| message_id(id)).collect()
}

/// On one line, without characters that nobody sees, cut to a length.
fn line(text: &str, max: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().take(max).collect()
}

fn text(message: &Message<'_>) -> String {
    let mut text = String::new();
    for part in message.text_body.iter().filter_map(|id| message.parts.get(*id as usize)) {
        let room = TEXT_MAX.saturating_sub(text.len());
        if room == 0 {
            break;
        }
        match &part.body {
            PartType::Text(body) => text.push_str(&plain(part, front(body, room))),
            PartType::Html(body) => text.push_str(&to_text(front(body, room))),
            _ => continue,
        }
        text.push('\n');
    }
    tidy(&text)
}

/// The beginning of a text, of so many bytes at the most.
fn front(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

/// Line ends of one kind, and no character that a database or a reader stumbles over.
fn tidy(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let seen = |c: &char| *c == '\n' || *c == '\t' || !c.is_control() && *c != '\u{feff}';
    text.chars().filter(seen).map(|c| if c == '\u{a0}' { ' ' } else { c }).collect()
}

/// A text whose lines flow (RFC 3676) has a blank where a line goes on.
fn plain(part: &MessagePart<'_>, body: &str) -> String {
    let format = part.content_type().and_then(|kind| kind.attribute("format"));
    if !format.is_some_and(|format| format.eq_ignore_ascii_case("flowed")) {
        return body.to_owned();
    }
    let depth = |line: &str| line.bytes().take_while(|byte| *byte == b'>').count();
    let mut text = String::with_capacity(body.len());
    let mut flows_at = None;
    for line in body.lines() {
        let (quoted, line_depth) = (line.trim_end_matches('\r'), depth(line));
        let content = quoted[line_depth..].strip_prefix(' ').unwrap_or(&quoted[line_depth..]);
        match flows_at {
            Some(before) if before == line_depth => text.push_str(content),
            Some(_) => text.extend(["\n", quoted]),
            None => text.push_str(quoted),
        }
        let flows = content.ends_with(' ') && content != "-- ";
        flows_at = flows.then_some(line_depth);
        if !flows {
            text.push('\n');
        }
    }
    text
}

/// One of the files of a mail, by its place in [`Incoming::files`], with its bytes.
pub fn file_at(raw: &[u8], number: usize) -> Option<(File, Vec<u8>)> {
    if is_excessive(raw) {
        return None;
    }
    let message = parse(raw)?;
    let file = files(&message).into_iter().nth(number)?;
    let bytes = message.parts.get(file.part)?.contents().to_vec();
    Some((file, bytes))
}

fn files(message: &Message<'_>) -> Vec<File> {
    // A set: a mail can have as many parts as lines.
    let shown: HashSet<usize> =
        message.text_body.iter().chain(&message.html_body).map(|id| *id as usize).collect();
    let parts = message.parts.iter().enumerate();
    let files = parts.filter(|(id, part)| match &part.body {
        PartType::Multipart(_) => false,
        PartType::Text(_) | PartType::Html(_) => {
            !shown.contains(id) || part.attachment_name().is_some()
        }
        PartType::Binary(_) | PartType::InlineBinary(_) | PartType::Message(_) => true,
    });
    files.take(FILES).map(|(id, part)| file(id, part)).collect()
}

fn file(id: usize, part: &MessagePart<'_>) -> File {
    let kind = part.content_type();
    let content_type = kind.map_or_else(
        || "application/octet-stream".to_owned(),
        |kind| match kind.subtype() {
            Some(subtype) => line(&format!("{}/{subtype}", kind.ctype()), 100).to_lowercase(),
            None => line(kind.ctype(), 100).to_lowercase(),
        },
    );
    let content_id = part.content_id().and_then(message_id);
    let disposition = part.content_disposition();
    let inline = disposition.map_or(content_id.is_some(), |kind| kind.is_inline());
    // The last part of a path, whatever the sender's system takes for one.
    let name = part.attachment_name().unwrap_or_default();
    let name = line(name.rsplit(['/', '\\']).next().unwrap_or_default(), 150);
    let name = if name.trim_matches('.').is_empty() { format!("part-{id}") } else { name };
    File { part: id, name, content_type, bytes: part.contents().len(), inline, content_id }
}
