//! What a note says, as HTML that is safe to show. What people write at the desk and in the portal is Markdown (CommonMark
//! 0.31, with tables and strikethrough); what comes by mail or from a CRM is plain text.
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, LazyLock};

use ammonia::{Builder, UrlRelative};
use aws_lc_rs::digest::{SHA256, digest};
use moka::sync::Cache;
use pulldown_cmark::{
    CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd, html::write_html_fmt,
};

use super::rules::Channel;
use crate::kernel::{AgentId, plain_html};

/// What a note with this body, which came by this channel, says as HTML.
pub fn body_html(channel: Channel, body: &str) -> Arc<str> {
    match channel {
        Channel::Portal | Channel::Api => rendered(body),
        Channel::Email | Channel::Phone | Channel::Crm => plain_html(body).into(),
    }
}

/// Bytes of HTML that are remembered. Conversations are read again and again, and cleaning is what reading costs most.
const REMEMBERED: u64 = 16 << 20;

/// By the hash of the source, so that a text that was redacted is another one.
static RENDERED: LazyLock<Cache<[u8; 32], Arc<str>>> = LazyLock::new(|| {
    let size = |_: &[u8; 32], html: &Arc<str>| u32::try_from(html.len() + 64).unwrap_or(u32::MAX);
    Cache::builder().max_capacity(REMEMBERED).weigher(size).build()
});

fn rendered(source: &str) -> Arc<str> {
    let hash = digest(&SHA256, source.as_bytes());
    match <[u8; 32]>::try_from(hash.as_ref()) {
        Ok(key) => RENDERED.get_with(key, || markdown_html(source).into()),
        Err(_) => markdown_html(source).into(),
    }
}

/// Markdown as safe HTML. Its cost is bounded by the length of the source.
///
/// HTML in it is text, and shown as such. Images are links: nobody is made to load anything by reading. A link leads to
/// `http`, `https`, `mailto` or `tel`, or nowhere, and is `nofollow noopener noreferrer`. Line breaks are kept.
pub fn markdown_html(source: &str) -> String {
    if too_deep(source) {
        return plain_html(source);
    }
    let mut shape = Shape::default();
    let events = Parser::new_ext(source, OPTIONS).filter_map(|event| shape.take(event));
    let mut html = Bounded::new(source.len() * GROWTH + 200);
    let shown = match write_html_fmt(&mut html, events) {
        Ok(()) => CLEANER.clean(html.text.trim_end()).to_string(),
        Err(fmt::Error) => String::new(),
    };
    // A note that says nothing in Markdown, such as the definition of a link, says what is written.
    if shown.is_empty() { plain_html(source) } else { shown }
}

/// Agents that a note mentions at the most; further ones are not told.
const MENTIONS: usize = 20;

/// The agents that a text mentions, each once: `@[L1 agent A](agent:0199f0c2-b1c9-7000-8000-000000000003)`.
pub fn mentions(body: &str) -> Vec<AgentId> {
    let mut found = Vec::new();
    // Parsing is for the few that have one: code that shows a mention is none.
    if !body.contains("](agent:") || too_deep(body) {
        return found;
    }
    let mut after_at = false;
    for event in Parser::new_ext(body, OPTIONS) {
        if let Event::Start(tag) = &event
            && after_at
            && let Some(agent) = mentioned(tag)
            && found.len() < MENTIONS
            && !found.contains(&agent)
        {
            found.push(agent);
        }
        after_at = ends_with_at(&event);
    }
    found
}

fn ends_with_at(event: &Event<'_>) -> bool {
    matches!(event, Event::Text(text) if text.ends_with('@'))
}

/// The agent whom a link behind an @ mentions.
fn mentioned(tag: &Tag<'_>) -> Option<AgentId> {
    let Tag::Link { dest_url, .. } = tag else { return None };
    dest_url.strip_prefix("agent:")?.parse().ok().map(AgentId)
}

const OPTIONS: Options = Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH);
/// Elements within one another; what lies deeper is shown without them.
const DEEPEST: usize = 24;
/// Times the length of the source; only what is made to grow is longer.
const GROWTH: usize = 10;

/// Quotes and lists within one another at the beginning of a line: more than anybody writes.
const NESTED: usize = 100;

/// Whether a line begins with more of them. The parser asks each line for each, so many of both would take long.
fn too_deep(source: &str) -> bool {
    let begins = |line: &str| {
        let bytes = line.as_bytes();
        let marks = bytes.iter().take_while(|byte| b" \t>-+*.)0123456789".contains(byte));
        let opens = marks.enumerate().filter(|(at, byte)| match byte {
            b'>' => true,
            b'-' | b'+' | b'*' | b'.' | b')' => {
                bytes.get(at + 1).is_none_or(u8::is_ascii_whitespace)
            }
            _ => false,
        });
        opens.count()
    };
    source.lines().any(|line| begins(line) > NESTED)
}

/// What is on its way to be closed.
enum Close {
    Tag(TagEnd),
    Mention,
    /// It was not opened.
    Nothing,
}

/// Gives a document the shape in which it is shown, event by event.
#[derive(Default)]
struct Shape {
    open: Vec<Close>,
    in_link: bool,
    after_at: bool,
}

impl Shape {
    fn take<'a>(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        let at = ends_with_at(&event);
        let after_at = std::mem::replace(&mut self.after_at, at);
        match event {
            Event::Start(tag) => {
                let (close, shown) = self.open(tag, after_at);
                self.open.push(close);
                shown
            }
            Event::End(_) => match self.open.pop() {
                Some(Close::Tag(end)) => {
                    self.in_link &= end != TagEnd::Link;
                    Some(Event::End(end))
                }
                Some(Close::Mention) => Some(Event::InlineHtml("</span>".into())),
                Some(Close::Nothing) | None => None,
            },
            Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
            Event::SoftBreak => Some(Event::HardBreak),
            event => Some(event),
        }
    }

    fn open<'a>(&mut self, tag: Tag<'a>, after_at: bool) -> (Close, Option<Event<'a>>) {
        if self.open.len() >= DEEPEST {
            return (Close::Nothing, None);
        }
        if let Some(agent) = mentioned(&tag).filter(|_| after_at && !self.in_link) {
            let span = format!("<span class=\"mention\" data-agent=\"{agent}\">");
            return (Close::Mention, Some(Event::InlineHtml(span.into())));
        }
        let tag = match tag {
            Tag::Link { .. } | Tag::Image { .. } if self.in_link => return (Close::Nothing, None),
            Tag::Image { dest_url, title, id, .. } => {
                self.in_link = true;
                Tag::Link { link_type: LinkType::Inline, dest_url, title, id }
            }
            Tag::Link { .. } => {
                self.in_link = true;
                tag
            }
            Tag::HtmlBlock => Tag::CodeBlock(CodeBlockKind::Indented),
            tag => tag,
        };
        (Close::Tag(tag.to_end()), Some(Event::Start(tag)))
    }
}

/// A text that refuses to become longer than it may.
struct Bounded {
    text: String,
    longest: usize,
}

impl Bounded {
    fn new(longest: usize) -> Self {
        Self { text: String::with_capacity(longest / 4), longest }
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.text.len() + part.len() > self.longest {
            return Err(fmt::Error);
        }
        self.text.push_str(part);
        Ok(())
    }
}

/// What of the HTML may be shown, whatever wrote it.
static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let set = |words: &'static str| words.split(' ').collect::<HashSet<_>>();
    let mut cleaner = Builder::default();
    cleaner
        .tags(set("p br hr h1 h2 h3 h4 h5 h6 strong em del code pre blockquote ul ol li a span \
                   table thead tbody tr th td"))
        .generic_attributes(HashSet::new())
        .tag_attributes(HashMap::from([
            ("a", set("href")),
            ("ol", set("start")),
            ("span", set("data-agent")),
        ]))
        .allowed_classes(HashMap::from([("span", set("mention"))]))
        .url_schemes(set("http https mailto tel"))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("nofollow noopener noreferrer"));
    cleaner
});

#[cfg(test)]
mod tests;
