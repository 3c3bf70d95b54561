//! What somebody searches for, and where a text has it.
use serde::Serialize;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use utoipa::ToSchema;

use crate::kernel::ContactId;

/// The longest search in characters.
pub const SEARCH_MAX: usize = 200;
/// The last word is taken for the beginning of one when it is as long as this: half the dictionary begins with `a`.
const PREFIX_MIN: usize = 3;
/// Characters around the first place where a text has a word.
const BEFORE: usize = 60;
const SNIPPET: usize = 240;

/// A search: words and "exact phrases", all of which a ticket must have; with `-` in front, must not have. The last word
/// may be the beginning of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// A tsquery; its words are still to be folded by the database.
    pub query: String,
    /// The phrases in it, each as its words with blanks between; also to be folded.
    pub phrases: Vec<String>,
    /// A tsquery of the words beside the phrases, if there are both.
    pub beside: Option<String>,
    /// The number that was searched for, if it may be one: CB-1042 or 1042.
    pub number: Option<i64>,
    /// The search as a whole when it is an e-mail address.
    pub email: Option<String>,
    /// Whose address it is: then their tickets are meant.
    pub contact: Option<ContactId>,
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    /// Folded; several are a phrase.
    words: Vec<String>,
    /// The last word is the beginning of one.
    prefix: bool,
    excluded: bool,
}

impl Words {
    /// Reads what was typed. `internal` tells whether internal notes are searched too. `None` when there is no word to
    /// search for.
    pub fn parse(typed: &str, internal: bool) -> Option<Self> {
        let mut terms = Vec::new();
        let (mut query, mut phrases, mut beside) = (Vec::new(), Vec::new(), Vec::new());
        let pieces = pieces(typed);
        let last = pieces.len().saturating_sub(1);
        for (at, piece) in pieces.iter().enumerate() {
            // Texts have the number of a ticket without its prefix.
            let digits = ticket_number(piece.text).map(|number| number.to_string());
            let text = digits.as_deref().unwrap_or(piece.text);
            let words: Vec<&str> = runs(text).map(|(_, word)| word).collect();
            let Some(end) = words.last() else { continue };
            let unfinished = at == last && !piece.quoted && typed.ends_with(end);
            let number = end.bytes().all(|byte| byte.is_ascii_digit());
            let prefix = unfinished && !number && end.chars().count() >= PREFIX_MIN;
            // An unfinished word is sought by itself, wherever it follows: only whole words have pairs.
            let whole = words.len() - usize::from(prefix && !piece.excluded);
            let (phrase, rest) = words.split_at(whole);
            for (words, prefix) in [(phrase, prefix && piece.excluded), (rest, prefix)] {
                if words.is_empty() {
                    continue;
                }
                query.push(tsquery(words, prefix, piece.excluded, internal));
                match words {
                    _ if piece.excluded => {}
                    [_] => beside.extend(query.last().cloned()),
                    phrase => phrases.push(phrase.join(" ")),
                }
                let words = words.iter().copied().map(fold).collect();
                terms.push(Term { words, prefix, excluded: piece.excluded });
            }
        }
        if !terms.iter().any(|term| !term.excluded) {
            return None;
        }
        let whole = typed.trim();
        let address = |text: &&str| text.contains('@') && !text.contains(char::is_whitespace);
        Some(Self {
            query: query.join(" & "),
            beside: (!phrases.is_empty() && !beside.is_empty()).then(|| beside.join(" & ")),
            phrases,
            number: ticket_number(whole),
            email: Some(whole).filter(address).map(str::to_owned),
            contact: None,
            terms,
        })
    }

    /// The first place where the text has a word that was searched for, with what is around it; `None` where it has none.
    pub fn highlight(&self, text: &str) -> Option<Vec<Piece>> {
        let words: Vec<(usize, &str)> = runs(text).collect();
        let folded: Vec<String> = words.iter().map(|(_, word)| fold(word)).collect();
        let mut hit = vec![false; words.len()];
        for term in self.terms.iter().filter(|term| !term.excluded) {
            for start in 0..words.len() {
                if term.is_at(&folded[start..]) {
                    hit[start..start + term.words.len()].fill(true);
                }
            }
        }
        let first = words[hit.iter().position(|hit| *hit)?].0;
        let (from, until) = snippet(text, first);
        let mut marks = Marks::new(text, from, until);
        for ((at, word), _) in words.iter().zip(hit).filter(|(_, hit)| *hit) {
            marks.mark(*at, at + word.len());
        }
        Some(marks.finish())
    }
}

impl Term {
    fn is_at(&self, words: &[String]) -> bool {
        let last = self.words.len() - 1;
        words.len() > last
            && self.words.iter().zip(words).enumerate().all(|(at, (sought, word))| {
                word == sought || at == last && self.prefix && word.starts_with(sought.as_str())
            })
    }
}

/// A part of a text: what was searched for, or what is between. It is plain text, to be escaped as any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Piece {
    #[schema(example = "export")]
    pub text: String,
    /// It was searched for.
    #[schema(example = true)]
    pub hit: bool,
}

struct Typed<'a> {
    text: &'a str,
    quoted: bool,
    excluded: bool,
}

/// What stands between blanks, or between quotation marks.
fn pieces(typed: &str) -> Vec<Typed<'_>> {
    let mut pieces = Vec::new();
    let mut rest = typed.trim_start();
    while !rest.is_empty() {
        let excluded = rest.starts_with('-');
        let behind = if excluded { &rest[1..] } else { rest };
        let (text, after) = match behind.strip_prefix('"') {
            Some(phrase) => phrase.split_once('"').unwrap_or((phrase, "")),
            None => behind.split_at(behind.find(char::is_whitespace).unwrap_or(behind.len())),
        };
        pieces.push(Typed { text, quoted: behind.starts_with('"'), excluded });
        rest = after.trim_start();
    }
    pieces
}

/// `'shop' <-> 'abc':*ABC`. Words are letters and digits, so nothing in them needs a quotation mark.
fn tsquery(words: &[&str], prefix: bool, excluded: bool, internal: bool) -> String {
    let weights = if internal { "" } else { "ABC" };
    let last = words.len() - 1;
    let word = |(at, word): (usize, &&str)| match (at == last && prefix, weights) {
        (false, "") => format!("'{word}'"),
        (beginning, _) => format!("'{word}':{}{weights}", if beginning { "*" } else { "" }),
    };
    let phrase = words.iter().enumerate().map(word).collect::<Vec<_>>().join(" <-> ");
    if excluded { format!("!({phrase})") } else { format!("({phrase})") }
}

/// With or without its prefix.
pub fn ticket_number(text: &str) -> Option<i64> {
    let digits = match text.get(..3) {
        Some(prefix) if prefix.eq_ignore_ascii_case("CB-") => &text[3..],
        _ => text,
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// The runs of letters and digits, each with where it begins.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || is_combining_mark(c);
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(is_part)?;
        let word = &rest[start..];
        let word = &word[..word.find(|c| !is_part(c)).unwrap_or(word.len())];
        let at = text.len() - rest.len() + start;
        rest = &rest[start + word.len()..];
        Some((at, word))
    })
}

/// Without case and accents, as `fold_text` of the database does it.
fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    let bare = word.nfd().filter(|c| !is_combining_mark(*c)).collect::<String>().to_lowercase();
    let bare = bare.replace('ß', "ss");
    bare.chars()
        .map(|c| match c {
            'ø' | 'œ' => 'o',
            'ł' => 'l',
            'đ' => 'd',
            'ı' => 'i',
            'æ' => 'a',
            c => c,
        })
        .collect()
}

/// From where to where to show a text whose first hit is at `first`.
fn snippet(text: &str, first: usize) -> (usize, usize) {
    let before = text[..first].char_indices().rev().take(BEFORE).last();
    let from = before.map_or(first, |(at, _)| at);
    let until = text[from..].char_indices().nth(SNIPPET).map_or(text.len(), |(at, _)| from + at);
    (from, until)
}

/// Cuts a snippet into pieces.
struct Marks<'a> {
    text: &'a str,
    at: usize,
    until: usize,
    pieces: Vec<Piece>,
}

impl<'a> Marks<'a> {
    fn new(text: &'a str, from: usize, until: usize) -> Self {
        Self { text, at: from, until, pieces: Vec::new() }
    }

    fn mark(&mut self, from: usize, until: usize) {
        if from < self.at || until > self.until {
            return;
        }
        self.push(from, false);
        self.push(until, true);
    }

    fn push(&mut self, until: usize, hit: bool) {
        if until > self.at {
            self.pieces.push(Piece { text: self.text[self.at..until].to_owned(), hit });
            self.at = until;
        }
    }

    fn finish(mut self) -> Vec<Piece> {
        self.push(self.until, false);
        self.pieces
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query(typed: &str) -> Option<String> {
        Words::parse(typed, true).map(|words| words.query)
    }

    #[test]
    fn words_phrases_exclusions_and_a_last_word_that_may_go_on() {
        assert_eq!(query("export sto").unwrap(), "('export') & ('sto':*)");
        assert_eq!(query("export sto ").unwrap(), "('export') & ('sto')");
        assert_eq!(query("st").unwrap(), "('st')");
        assert_eq!(query("\"the export\"").unwrap(), "('the' <-> 'export')");
        assert_eq!(query("CB-1042").unwrap(), "('1042')");
        assert_eq!(query("shop-7a").unwrap(), "('shop' <-> '7a')");
        assert_eq!(query("104").unwrap(), "('104')");
        assert_eq!(query("the-export-sto").unwrap(), "('the' <-> 'export') & ('sto':*)");
        let phrases = |typed| Words::parse(typed, true).unwrap().phrases;
        assert_eq!(phrases("\"the export\" of shop-7a-sto"), ["the export", "shop 7a"]);
        assert!(phrases("the -\"big export\" shop-abc").is_empty());
        let beside = |typed| Words::parse(typed, true).unwrap().beside;
        assert_eq!(beside("\"the export\" of -rows sto").unwrap(), "('of') & ('sto':*)");
        assert_eq!(beside("of sto -\"the export\""), None);
        assert_eq!(query("export -\"of rows\"").unwrap(), "('export') & !('of' <-> 'rows')");
        assert_eq!(query("a -the-sto").unwrap(), "('a') & !('the' <-> 'sto':*)");
        assert_eq!(query("sto-sto").unwrap(), "('sto') & ('sto':*)");
        for nothing in ["", " ", "\"", "-", "-export", "%&\"§\""] {
            assert_eq!(query(nothing), None, "{nothing}");
        }
        let customer = Words::parse("export sto", false).unwrap();
        assert_eq!(customer.query, "('export':ABC) & ('sto':*ABC)");
    }

    #[test]
    fn numbers_and_addresses_are_recognized() {
        let parsed = |typed| Words::parse(typed, true).unwrap();
        assert_eq!(parsed("CB-1042").number, Some(1042));
        assert_eq!(parsed(" cb-1042 ").number, Some(1042));
        assert_eq!(parsed("1042").number, Some(1042));
        assert_eq!(parsed("1042 rows").number, None);
        assert_eq!(parsed("99999999999999999999").number, None);
        assert_eq!(parsed("a@b.example").email.as_deref(), Some("a@b.example"));
        assert_eq!(parsed("mail a@b.example").email, None);
    }

    fn highlighted(typed: &str, text: &str) -> Option<String> {
        let pieces = Words::parse(typed, true).unwrap().highlight(text)?;
        let shown = |piece: Piece| if piece.hit { format!("[{}]", piece.text) } else { piece.text };
        Some(pieces.into_iter().map(shown).collect())
    }

    #[test]
    fn what_was_searched_for_is_marked_however_it_is_written() {
        let text = "Der Müller-Export <b>stoppt</b>, der Export!";
        for (typed, shown) in [
            ("export", "Der Müller-[Export] <b>stoppt</b>, der [Export]!"),
            ("MULLER", "Der [Müller]-Export <b>stoppt</b>, der Export!"),
            ("sto", "Der Müller-Export <b>[stoppt]</b>, der Export!"),
            ("\"der export\"", "Der Müller-Export <b>stoppt</b>, [der] [Export]!"),
        ] {
            assert_eq!(highlighted(typed, text).as_deref(), Some(shown), "{typed}");
        }
        assert_eq!(highlighted("import -export", text), None);
        let long = format!("{} export {}", "before ".repeat(100), "after ".repeat(100));
        let shown = highlighted("export", &long).unwrap();
        assert!(shown.contains("[export]") && shown.chars().count() <= SNIPPET + 2, "{shown}");
    }

    proptest! {
        /// Whatever is typed and written: it is read without failing, and a highlight is a part of the text.
        #[test]
        fn a_highlight_is_a_part_of_the_text(typed in ".{0,40}", text in ".{0,400}") {
            let Some(words) = Words::parse(&typed, true) else { return Ok(()) };
            prop_assert!(!words.query.contains('\\'));
            if let Some(pieces) = words.highlight(&text) {
                let whole: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
                prop_assert!(text.contains(&whole));
                prop_assert!(pieces.iter().any(|piece| piece.hit));
            }
        }
    }
}
