//! How a note is kept in case comments. Pure.
//!
//! A comment has a body of 4,000 bytes and no field of its own for us. So the last line of each says whose words they are, which note
//! they belong to, and, for a long note, which part they are:
//!
//! ```text
//! The words.
//!
//! -- Reply by Ann (2/3) [0190e0c4-2c1f-7aaa-8d0f-1f2e3d4c5b6a]
//! ```
use uuid::Uuid;

use super::cases::normal;

/// Bytes of a comment ("Object Reference: CaseComment").
const LIMIT: usize = 4000;
/// Bytes of a title; what is longer is cut, so that words have room.
const TITLE: usize = 300;

/// A comment that we wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub note: Uuid,
    pub title: String,
    pub text: String,
    /// From 1.
    pub number: usize,
    pub of: usize,
}

/// The bodies of the comments that make up a note.
pub(super) fn write(note: Uuid, title: &str, body: &str) -> Vec<String> {
    let title = normal(title).replace('\n', " ");
    let title = &title[..title.floor_char_boundary(TITLE)];
    let body = normal(body);
    let line = |part: &str| format!("\n\n-- {title}{part} [{note}]");
    let whole = line("");
    if body.len() + whole.len() <= LIMIT {
        return vec![body + &whole];
    }
    let texts = split(&body, LIMIT - line(" (9999/9999)").len());
    let of = texts.len();
    let part =
        |(at, text): (usize, &str)| format!("{text}{}", line(&format!(" ({}/{of})", at + 1)));
    texts.into_iter().enumerate().map(part).collect()
}

/// The comment as we wrote it; `None` if somebody else did.
pub(super) fn read(body: &str) -> Option<Part> {
    let body = normal(body);
    let (text, line) = body.rsplit_once('\n').unwrap_or(("", &body));
    let (title, note) = line.strip_prefix("--")?.strip_suffix(']')?.rsplit_once(" [")?;
    let note = Uuid::try_parse(note).ok()?;
    let (title, number, of) = part_of(title).unwrap_or((title, 1, 1));
    let text = text.strip_suffix('\n').unwrap_or(text).to_owned();
    Some(Part { note, title: title.trim().to_owned(), text, number, of })
}

/// ` Reply by Ann (2/3)`
fn part_of(title: &str) -> Option<(&str, usize, usize)> {
    let (title, part) = title.strip_suffix(')')?.rsplit_once(" (")?;
    let (number, of) = part.split_once('/')?;
    Some((title, number.parse().ok()?, of.parse().ok()?))
}

/// Pieces of at most so many bytes. None begins with white space, which Salesforce would take away.
fn split(text: &str, bytes: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > bytes {
        let longest = rest.floor_char_boundary(bytes);
        let starts_word = |at: &usize| {
            rest.is_char_boundary(*at) && !rest[*at..].starts_with(char::is_whitespace)
        };
        let at = (longest / 2..=longest).rev().find(starts_word).unwrap_or(longest);
        let (piece, following) = rest.split_at(at);
        pieces.push(piece);
        rest = following;
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What Salesforce keeps of a comment.
    fn kept(body: &str) -> String {
        assert!(body.len() <= LIMIT, "{}", body.len());
        body.trim().replace('\n', "\r\n")
    }

    fn round_trip(title: &str, body: &str) -> (String, String) {
        let id = Uuid::now_v7();
        let comments = write(id, title, body);
        let parts: Vec<Part> = comments.iter().map(|c| read(&kept(c)).unwrap()).collect();
        let numbers: Vec<_> = parts.iter().map(|part| (part.number, part.of)).collect();
        let expected: Vec<_> = (1..=parts.len()).map(|n| (n, parts.len())).collect();
        assert_eq!(numbers, expected);
        assert!(parts.iter().all(|part| part.note == id));
        (parts[0].title.clone(), parts.into_iter().map(|part| part.text).collect())
    }

    proptest! {
        #[test]
        fn any_note_comes_back_as_it_was(title in "[a-z ()\\[\\]/1-9-]{0,20}", body in r"([a-zé🙂] ?\n?|-- \[|\]){0,3000}") {
            let title = normal(&title);
            // A title that looks like the number of a part is one.
            prop_assume!(part_of(&format!(" {title}")).is_none());
            let (got, text) = round_trip(&title, &body);
            prop_assert_eq!(got, title.clone());
            prop_assert_eq!(text, normal(&body));
        }
    }

    #[test]
    fn a_short_note_is_one_comment_that_people_can_read() {
        let id = Uuid::now_v7();
        let comments = write(id, "Reply by Ann", "Hello.\n");
        assert_eq!(comments, [format!("Hello.\n\n-- Reply by Ann [{id}]")]);
    }

    #[test]
    fn a_note_of_64_kilobytes_loses_nothing() {
        let body = "é wörds\n".repeat(6500);
        let (title, text) = round_trip("Internal note by Ann", &body);
        assert_eq!((title.as_str(), text), ("Internal note by Ann", normal(&body)));
    }

    #[test]
    fn what_people_write_is_no_note_of_ours() {
        for body in ["", "Called them.", "See [1]", "a\n-- b [c]", "-- [0190e0c4]"] {
            assert_eq!(read(body), None);
        }
    }

    #[test]
    fn an_empty_body_and_an_empty_title_come_back() {
        assert_eq!(round_trip("", ""), (String::new(), String::new()));
    }
}
