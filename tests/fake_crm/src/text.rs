//! What SuiteCRM does to text: decodes and strips it on the way in, escapes it on the way out.

/// What the database keeps of `text`: entities decoded, then everything that looks like a tag removed.
pub fn purify(text: &str) -> String {
    strip_tags(&decode(text))
}

/// Removes every `<` that is followed by a letter, `/`, `!` or `?`, with all up to the next `>` (or the end).
fn strip_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        kept.push_str(before);
        let opens_tag =
            tag[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        let end = if opens_tag { tag.find('>').map_or(tag.len(), |end| end + 1) } else { 1 };
        if !opens_tag {
            kept.push('<');
        }
        rest = &tag[end..];
    }
    kept + rest
}

/// Decodes the entities once: `&amp;lt;` becomes `&lt;`.
pub fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, entity) = rest.split_at(at);
        decoded.push_str(before);
        let known = entity.find(';').and_then(|end| Some((end, character(&entity[1..end])?)));
        let (end, c) = known.unwrap_or((0, '&'));
        decoded.push(c);
        rest = &entity[end + 1..];
    }
    decoded + rest
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

/// Escapes text for an answer; only long text has its ampersands escaped too.
pub fn encode(text: &str, ampersands: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => encoded.push_str("&lt;"),
            '>' => encoded.push_str("&gt;"),
            '"' => encoded.push_str("&quot;"),
            '\'' => encoded.push_str("&#039;"),
            '&' if ampersands => encoded.push_str("&amp;"),
            c => encoded.push(c),
        }
    }
    encoded
}

/// The longest beginning of `text` within `bytes` that splits no character.
pub fn cut_bytes(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// SQL `LIKE` without case: `%` any text, `_` any one character.
pub fn like(text: &str, pattern: &str) -> bool {
    fn matches(text: &[char], pattern: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => (0..=text.len()).any(|skipped| matches(&text[skipped..], rest)),
            [c, rest @ ..] => {
                text.first().is_some_and(|t| t == c || *c == '_') && matches(&text[1..], rest)
            }
        }
    }
    let chars = |s: &str| s.to_lowercase().chars().collect::<Vec<_>>();
    matches(&chars(text), &chars(pattern))
}
