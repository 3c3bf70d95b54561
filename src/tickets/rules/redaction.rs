//! Which span of a text is taken out.
use crate::kernel::{FieldError, MARK, text_enum};

text_enum! {
    /// Where a secret stands.
    RedactedField {
        Subject = "subject",
        Description = "description",
        Resolution = "resolution",
        Note = "note",
    }
}

/// What is to be taken out of a text.
#[derive(Clone)]
pub enum Span {
    /// So many characters (Unicode scalar values) from this one on; the first is 0.
    At { start: usize, length: usize },
    /// This text, wherever it stands.
    Text(String),
}

/// A text without a span.
pub struct Cut {
    pub text: String,
    /// What was taken out.
    pub secret: String,
    /// In characters of the text as it was; the first of several spans.
    pub start: usize,
    pub length: usize,
    pub spans: usize,
}

/// Takes the span out and puts the mark in its place.
pub fn cut(text: &str, span: &Span) -> Result<Cut, FieldError> {
    let cut = match span {
        Span::At { start, length } => cut_at(text, *start, *length)?,
        Span::Text(secret) => cut_text(text, secret)?,
    };
    if cut.secret.trim().is_empty() {
        return Err(FieldError::new("/length", "there is nothing but white space"));
    }
    if cut.secret == MARK {
        return Err(FieldError::new("/start", "this was taken out before"));
    }
    Ok(cut)
}

fn cut_at(text: &str, start: usize, length: usize) -> Result<Cut, FieldError> {
    let characters = text.chars().count();
    if start >= characters {
        return Err(FieldError::new("/start", format!("the text has {characters} characters")));
    }
    if length > characters - start {
        let rest = characters - start;
        return Err(FieldError::new("/length", format!("{rest} characters follow the start")));
    }
    let place = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(place, _)| place);
    let (from, to) = (place(start), place(start + length));
    Ok(Cut {
        text: format!("{}{MARK}{}", &text[..from], &text[to..]),
        secret: text[from..to].to_owned(),
        start,
        length,
        spans: 1,
    })
}

fn cut_text(text: &str, secret: &str) -> Result<Cut, FieldError> {
    let first = text.find(secret).filter(|_| !secret.is_empty());
    let missing = || FieldError::new("/text", "this is not in the text");
    Ok(Cut {
        start: text[..first.ok_or_else(missing)?].chars().count(),
        text: text.replace(secret, MARK),
        length: secret.chars().count(),
        spans: text.matches(secret).count(),
        secret: secret.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_span_is_taken_out_wherever_it_is_and_the_rest_stays(
            before in "[ä-ü a-z]{0,8}", secret in "[A-Zß€]{1,6}", after in "[ä-ü a-z]{0,8}",
        ) {
            let text = format!("{before}{secret}{after}");
            let (start, length) = (before.chars().count(), secret.chars().count());
            let expected = format!("{before}{MARK}{after}");
            for span in [Span::At { start, length }, Span::Text(secret.clone())] {
                let cut = cut(&text, &span).unwrap();
                prop_assert_eq!((&cut.text, &cut.secret), (&expected, &secret));
                prop_assert_eq!((cut.start, cut.length, cut.spans), (start, length, 1));
            }
        }

        #[test]
        fn no_span_breaks_it(text in ".{0,12}", start in 0_usize..16, length in 0_usize..16) {
            if let Ok(cut) = cut(&text, &Span::At { start, length }) {
                prop_assert_eq!(cut.secret.chars().count(), length);
            }
        }
    }

    #[test]
    fn a_text_is_taken_out_wherever_it_stands_and_nothing_is_no_span() {
        let all = cut("key abcd, again abcd", &Span::Text("abcd".into())).unwrap();
        assert_eq!(
            (all.text.as_str(), all.spans, all.start),
            ("key [redacted], again [redacted]", 2, 4)
        );
        let wrong = |text, span| cut(text, &span).err().unwrap().pointer;
        assert_eq!(wrong("abc", Span::Text("x".into())), "/text");
        assert_eq!(wrong("abc", Span::Text(String::new())), "/text");
        assert_eq!(wrong("abc", Span::At { start: 3, length: 1 }), "/start");
        assert_eq!(wrong("abc", Span::At { start: 2, length: 2 }), "/length");
        assert_eq!(wrong("a c", Span::At { start: 1, length: 1 }), "/length");
        assert_eq!(wrong("[redacted]", Span::At { start: 0, length: 10 }), "/start");
    }
}
