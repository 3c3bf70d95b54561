//! Text as SuiteCRM treats it. Pure.
//!
//! On writing, SuiteCRM decodes every entity and then removes what looks like a tag; on reading
//! it answers with entities. So what would be taken for a tag or an entity is written with an
//! invisible character in it, which is taken out again on reading.

/// ZERO WIDTH SPACE: written behind a `<` or an `&` that SuiteCRM would otherwise act upon.
const MARKER: char = '\u{200B}';

/// The length of a `name` and of a stock custom text field, in stored characters.
const LINE_LIMIT: usize = 255;
/// The length of a `description`, in stored bytes.
const TEXT_LIMIT: usize = 65_535;

/// Which of SuiteCRM's two sorts of column a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A `varchar`: trimmed by SuiteCRM, `&` is left alone on reading.
    Line,
    /// A description: `&` comes back as an entity, too.
    Text,
}

/// The form in which texts are compared: line ends are `\n`, there are no control characters,
/// and white space around it does not count (for a description: behind it, as the first line
/// may be indented).
pub fn normal(kind: Kind, text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let keep = |c: &char| match c {
        '\n' | '\t' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        c => !c.is_control(),
    };
    let text: String = text.chars().filter(keep).collect();
    let trimmed = match kind {
        Kind::Line => text.trim(),
        Kind::Text => text.trim_end(),
    };
    trimmed.to_owned()
}

/// The text to send, so that [`decode`] gives its normal form back. What does not fit the column
/// is cut off here, at a whole character; SuiteCRM would cut it silently, inside an entity.
pub fn encode(kind: Kind, text: &str) -> String {
    let text = normal(kind, text);
    let mut sent = String::with_capacity(text.len());
    let mut stored = 0;
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let marked = (c == '<' && opens_tag(rest)) || (c == '&' && opens_entity(rest));
        let marker = marked.then_some(MARKER);
        stored += stored_length(kind, c) + marker.map_or(0, |c| stored_length(kind, c));
        if stored > limit(kind) {
            break;
        }
        sent.push(c);
        sent.extend(marker);
    }
    sent
}

/// The normal form of a text that SuiteCRM answered with.
pub fn decode(kind: Kind, answer: &str) -> String {
    let mut text = String::with_capacity(answer.len());
    let mut rest = answer;
    while let Some(c) = rest.chars().next() {
        let (c, length) = entity(kind, rest).unwrap_or((c, c.len_utf8()));
        rest = &rest[length..];
        text.push(c);
        if matches!(c, '<' | '&') {
            rest = rest.strip_prefix(MARKER).unwrap_or(rest);
        }
    }
    normal(kind, &text)
}

/// The form in which the database holds a text: with the entities of an answer.
pub fn stored(kind: Kind, text: &str) -> String {
    let mut stored = String::with_capacity(text.len());
    for c in text.chars() {
        match escape(kind, c) {
            Some(entity) => stored.push_str(entity),
            None => stored.push(c),
        }
    }
    stored
}

fn opens_tag(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_alphabetic() || matches!(c, '/' | '!' | '?' | MARKER))
}

/// Whether an HTML decoder may take `&` and this for an entity; it forgives a missing `;` after
/// a number and after the oldest names.
fn opens_entity(rest: &str) -> bool {
    if rest.starts_with(['#', MARKER]) {
        return true;
    }
    let name = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let closed = !name.is_empty() && rest[name.len()..].starts_with(';');
    closed || ["lt", "gt", "amp", "quot"].iter().any(|old| lower.starts_with(old))
}

fn limit(kind: Kind) -> usize {
    match kind {
        Kind::Line => LINE_LIMIT,
        Kind::Text => TEXT_LIMIT,
    }
}

fn stored_length(kind: Kind, c: char) -> usize {
    match (escape(kind, c), kind) {
        (Some(entity), _) => entity.len(),
        (None, Kind::Line) => 1,
        (None, Kind::Text) => c.len_utf8(),
    }
}

fn escape(kind: Kind, c: char) -> Option<&'static str> {
    match c {
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#039;"),
        '&' if kind == Kind::Text => Some("&amp;"),
        _ => None,
    }
}

/// The character that an answer's next entity stands for, and the entity's length.
fn entity(kind: Kind, rest: &str) -> Option<(char, usize)> {
    const ENTITIES: [(&str, char); 7] = [
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&quot;", '"'),
        ("&#039;", '\''),
        ("&#39;", '\''),
        ("&apos;", '\''),
        ("&amp;", '&'),
    ];
    let found = ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity));
    found.filter(|(_, c)| *c != '&' || kind == Kind::Text).map(|(entity, c)| (*c, entity.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// SuiteCRM in small: decode until nothing changes, remove tags, cut, answer with entities.
    fn suitecrm(kind: Kind, sent: &str) -> String {
        let mut text = sent.to_owned();
        loop {
            let mut decoded = text.clone();
            for (entity, c) in [
                ("&lt;", "<"),
                ("&gt;", ">"),
                ("&quot;", "\""),
                ("&#039;", "'"),
                ("&#60;", "<"),
                ("&amp;", "&"),
            ] {
                decoded = decoded.replace(entity, c);
            }
            if decoded == text {
                break;
            }
            text = decoded;
        }
        let mut kept = String::new();
        let mut rest = text.as_str();
        while let Some(c) = rest.chars().next() {
            let after = &rest[c.len_utf8()..];
            let tag =
                c == '<' && after.starts_with(|c: char| c.is_alphabetic() || "/!?".contains(c));
            match (tag, after.find('>')) {
                (true, Some(end)) => rest = &after[end + 1..],
                (true, None) => break,
                (false, _) => {
                    kept.push(c);
                    rest = after;
                }
            }
        }
        let column = stored(kind, if kind == Kind::Line { kept.trim() } else { &kept });
        match kind {
            Kind::Line => column.chars().take(LINE_LIMIT).collect(),
            Kind::Text => {
                String::from_utf8_lossy(&column.as_bytes()[..column.len().min(TEXT_LIMIT)])
                    .into_owned()
            }
        }
    }

    fn round_trip(kind: Kind, text: &str) -> String {
        decode(kind, &suitecrm(kind, &encode(kind, text)))
    }

    /// Text full of what SuiteCRM acts upon.
    fn nasty(longest: usize) -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            prop::sample::select(vec![
                "<", ">", "&", ";", "#", "\"", "'", "/", "!", "?", "a", "b", "lt", "LT", "gt",
                "amp", "quot", "&lt;", "&amp;", "&#60;", "&#039;", "<b>", "</b>", "<!--", " ",
                "\r\n", "\n", "\t", "\u{200B}", "é", "🙂", "\u{0}", "\u{85}",
            ])
            .prop_map(str::to_owned),
            any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..longest).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_short_text_comes_back_as_it_was(text in nasty(8)) {
            for kind in [Kind::Line, Kind::Text] {
                prop_assert_eq!(round_trip(kind, &text), normal(kind, &text));
            }
        }

        #[test]
        fn a_long_line_comes_back_as_its_beginning(text in nasty(400)) {
            let whole = normal(Kind::Line, &text);
            let back = round_trip(Kind::Line, &text);
            prop_assert!(whole.starts_with(&back), "{:?} is not the beginning of {:?}", back, whole);
        }

        #[test]
        fn the_normal_form_is_stable(text in nasty(20)) {
            for kind in [Kind::Line, Kind::Text] {
                let once = normal(kind, &text);
                prop_assert_eq!(normal(kind, &once), once);
            }
        }
    }

    #[test]
    fn without_encoding_the_model_loses_tags_as_suitecrm_does() {
        assert_eq!(suitecrm(Kind::Line, "email <bob@x>"), "email");
        assert_eq!(suitecrm(Kind::Line, "vec&lt;int&gt;"), "vec");
        assert_eq!(suitecrm(Kind::Line, "1 < 2, a<3"), "1 &lt; 2, a&lt;3");
    }

    #[test]
    fn harmless_text_is_sent_untouched() {
        for text in ["1 < 2, a<3", "AT&T", "Q & A", "fish & chips; peas", "it's \"fine\""] {
            assert_eq!(encode(Kind::Line, text), text);
        }
    }

    #[test]
    fn a_plain_field_keeps_a_literal_ampersand_entity_and_a_description_decodes_it() {
        assert_eq!(decode(Kind::Line, "a &amp; b"), "a &amp; b");
        assert_eq!(decode(Kind::Text, "a &amp;lt; b"), "a &lt; b");
    }

    #[test]
    fn a_description_is_cut_at_a_whole_character_before_the_column_ends() {
        let sent = encode(Kind::Text, &format!("x{}", "é".repeat(40_000)));
        assert_eq!(sent.len(), 65_535);
        assert_eq!(decode(Kind::Text, &suitecrm(Kind::Text, &sent)), sent);
    }

    #[test]
    fn a_name_of_quotes_is_cut_to_what_the_column_holds_with_entities() {
        let sent = encode(Kind::Line, &"'".repeat(300));
        assert_eq!(sent, "'".repeat(255 / 6));
        assert_eq!(round_trip(Kind::Line, &sent), sent);
    }
}
