//! HTML as text: what is quoted gets `> ` before each line, as in a mail without HTML.
use mail_parser::decoders::html::add_html_token;

/// Deeper quotations look like this one.
const DEPTH: usize = 8;

/// Elements that begin a line.
const BLOCKS: [&str; 22] = [
    "address",
    "article",
    "blockquote",
    "center",
    "div",
    "dl",
    "dt",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "ol",
    "pre",
    "section",
    "tr",
    "ul",
];
/// Elements whose content is not for readers.
const HIDDEN: [&str; 5] = ["head", "script", "style", "template", "title"];

/// The text of an HTML document, however broken it is. Takes time and memory in proportion to its length.
pub fn to_text(html: &str) -> String {
    let mut text = Text { line_empty: true, ..Text::default() };
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            let Some(end) = comment.find("-->") else { return text.lines };
            rest = &comment[end + 3..];
            continue;
        }
        let is_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        if !is_tag {
            text.push("<");
            rest = &rest[1..];
            continue;
        }
        let Some(end) = rest.find('>') else { break };
        let (name, closes) = tag_name(&rest[1..end]);
        rest = &rest[end + 1..];
        if HIDDEN.contains(&name.as_str()) && !closes {
            let Some(end) = closing(rest, &name) else { return text.lines };
            rest = &rest[end..];
            continue;
        }
        text.tag(&name, closes);
    }
    text.push(rest);
    text.lines
}

fn tag_name(tag: &str) -> (String, bool) {
    let closes = tag.starts_with('/');
    let name = tag.trim_start_matches('/');
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    (name[..end.min(16)].to_ascii_lowercase(), closes)
}

/// Where the end tag of this element begins.
fn closing(html: &str, name: &str) -> Option<usize> {
    let tag = format!("</{name}");
    html.as_bytes().windows(tag.len()).position(|part| part.eq_ignore_ascii_case(tag.as_bytes()))
}

#[derive(Default)]
struct Text {
    lines: String,
    /// Nothing stands in the present line yet.
    line_empty: bool,
    /// White space came, which is written when something follows.
    space: bool,
    quoted: usize,
}

impl Text {
    fn push(&mut self, html: &str) {
        for (at, word) in html.split([' ', '\t', '\r', '\n']).enumerate() {
            self.space |= at > 0;
            if !word.is_empty() {
                self.begin_word();
                push_decoded(&mut self.lines, word);
            }
        }
    }

    fn begin_word(&mut self) {
        if self.line_empty {
            self.lines.push_str(&"> ".repeat(self.quoted.min(DEPTH)));
        } else if self.space {
            self.lines.push(' ');
        }
        (self.line_empty, self.space) = (false, false);
    }

    fn tag(&mut self, name: &str, closes: bool) {
        match name {
            "br" => self.end_line(true),
            "p" => {
                let spoke = !self.line_empty;
                self.end_line(false);
                if closes && spoke {
                    self.end_line(true);
                }
            }
            "td" | "th" => self.space = true,
            name if BLOCKS.contains(&name) => self.end_line(false),
            _ => return,
        }
        match (name, closes) {
            ("blockquote", false) => self.quoted += 1,
            ("blockquote", true) => self.quoted = self.quoted.saturating_sub(1),
            ("li", false) => self.push("- "),
            _ => {}
        }
    }

    fn end_line(&mut self, even_if_empty: bool) {
        if !self.line_empty {
            self.lines.push('\n');
        } else if even_if_empty {
            self.lines.push_str(">".repeat(self.quoted.min(DEPTH)).as_str());
            self.lines.push('\n');
        }
        (self.line_empty, self.space) = (true, false);
    }
}

/// With character references replaced.
fn push_decoded(text: &mut String, word: &str) {
    let mut rest = word;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(32).position(|byte| byte == b';');
        let Some(end) = end else {
            text.push('&');
            rest = &rest[1..];
            continue;
        };
        add_html_token(text, &rest.as_bytes()[..=end], false);
        rest = &rest[end + 1..];
    }
    text.push_str(rest);
}
