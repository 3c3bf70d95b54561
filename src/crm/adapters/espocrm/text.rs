//! Text as EspoCRM takes it. Pure.
//!
//! A text comes back exactly as it was sent, but a name with one of `<`, `>` and `=` is refused, and so is one that is too
//! long. In names these three are written as their full-width forms with an invisible character behind each, and read back.

/// ZERO WIDTH SPACE: makes a full-width form stand for the ASCII character.
const STANDS_FOR: char = '\u{200B}';
/// ZERO WIDTH NON-JOINER: makes a full-width form before an invisible character stand for itself.
const ITSELF: char = '\u{200C}';
/// The longest name, in characters.
const NAME_LIMIT: usize = 255;

/// What a name cannot hold, and what is written for it.
const FORMS: [(char, char); 3] = [('<', '\u{FF1C}'), ('>', '\u{FF1E}'), ('=', '\u{FF1D}')];

/// A value of one line as EspoCRM keeps it: without white space around it.
pub fn line(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\u{B}', '\0'])
}

/// The name to send, so that [`decode`] gives it back. What does not fit is cut off here, at a whole character; EspoCRM
/// would refuse it.
pub fn encode(name: &str) -> String {
    let mut sent = String::with_capacity(name.len());
    let mut length = 0;
    let mut rest = line(name).chars();
    while let Some(c) = rest.next() {
        let ascii = FORMS.iter().find(|(ascii, _)| *ascii == c);
        let next = rest.as_str().chars().next();
        let (form, marker) = match ascii {
            Some((_, form)) => (*form, Some(STANDS_FOR)),
            None if is_form(c) && matches!(next, Some(STANDS_FOR | ITSELF)) => (c, Some(ITSELF)),
            None => (c, None),
        };
        length += 1 + usize::from(marker.is_some());
        if length > NAME_LIMIT {
            break;
        }
        sent.push(form);
        sent.extend(marker);
    }
    sent
}

/// The name that EspoCRM answered with, as it is meant.
pub fn decode(answer: &str) -> String {
    let mut name = String::with_capacity(answer.len());
    let mut rest = answer.chars();
    while let Some(c) = rest.next() {
        let form = FORMS.iter().find(|(_, form)| *form == c);
        let mut after = rest.clone();
        let c = match (form, after.next()) {
            (Some((ascii, _)), Some(STANDS_FOR)) => {
                rest = after;
                *ascii
            }
            (Some(_), Some(ITSELF)) => {
                rest = after;
                c
            }
            _ => c,
        };
        name.push(c);
    }
    name
}

fn is_form(c: char) -> bool {
    FORMS.iter().any(|(_, form)| *form == c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nasty(longest: usize) -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            prop::sample::select(vec![
                "<", ">", "=", "\u{FF1C}", "\u{FF1E}", "\u{FF1D}", "\u{200B}", "\u{200C}", "a",
                " ", "&lt;", "<b>", "é", "🙂",
            ])
            .prop_map(str::to_owned),
            any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..longest).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_short_name_is_accepted_and_comes_back_as_it_was(name in nasty(30)) {
            let sent = encode(&name);
            prop_assert!(!sent.contains(['<', '>', '=']), "{}", sent);
            prop_assert_eq!(decode(&sent), line(&name));
        }

        #[test]
        fn a_long_name_fits_and_comes_back_as_its_beginning(name in nasty(600)) {
            let sent = encode(&name);
            prop_assert!(sent.chars().count() <= NAME_LIMIT);
            prop_assert!(line(&name).starts_with(&decode(&sent)));
        }
    }

    #[test]
    fn harmless_names_are_sent_untouched() {
        for name in ["AT&T", "it's \"fine\" & \u{FF1C}wide\u{FF1E}", "🙂"] {
            assert_eq!(encode(name), name);
        }
        assert_eq!(encode("a<b"), "a\u{FF1C}\u{200B}b");
    }
}
