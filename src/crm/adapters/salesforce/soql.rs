//! The parts of a query in SOQL, from text that may be anything. Pure.
use chrono::{DateTime, SecondsFormat, Utc};

use crate::crm::CrmError;

/// A text as a literal: the quote and the backslash are escaped, and so is every control character ("SOQL and SOSL Reference:
/// Quoted String Escape Sequences").
pub(super) fn quote(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for c in text.chars() {
        match c {
            '\'' | '\\' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c if c.is_control() => literal.push_str(&format!("\\u{:04x}", c as u32)),
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

/// The right side of an `IN`.
pub(super) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(quote).collect();
    format!("({})", quoted.join(","))
}

/// A `dateTime` literal, which has no quotes; milliseconds are as fine as stamps are.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The id, if it can be one: 15 letters and digits, or 18. Anything else makes Salesforce refuse the whole query.
pub(super) fn id(text: &str) -> Result<&str, CrmError> {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_id = plain && matches!(text.len(), 15 | 18);
    is_id.then_some(text).ok_or_else(|| CrmError::not_found("this is no id of Salesforce"))
}

/// What is the same in both forms of an id: the 3 characters that make 18 of 15 only repeat which letters are capitals.
pub(super) fn stem(id: &str) -> &str {
    id.get(..15).unwrap_or(id)
}

/// Whether this can be the API name of a field.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What Salesforce reads from a literal, and what follows behind it.
    fn read(literal: &str) -> Option<(String, &str)> {
        let mut text = String::new();
        let mut rest = literal.strip_prefix('\'')?.chars();
        loop {
            match rest.next()? {
                '\'' => return Some((text, rest.as_str())),
                '\\' => match rest.next()? {
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    c @ ('\'' | '\\') => text.push(c),
                    'u' => {
                        let code: String = rest.by_ref().take(4).collect();
                        text.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
                    }
                    _ => return None,
                },
                c => text.push(c),
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_it_was_and_ends_where_its_literal_ends(text in any::<String>()) {
            let literal = quote(&text);
            prop_assert_eq!(read(&literal), Some((text, "")));
        }

        #[test]
        fn text_made_of_quotes_and_backslashes_cannot_leave_its_literal(text in r"['\\ nOR=]{0,12}") {
            let literal = quote(&text);
            prop_assert_eq!(read(&literal), Some((text, "")));
        }
    }

    #[test]
    fn a_name_that_is_a_query_stays_a_name() {
        assert_eq!(quote("x' OR Name LIKE '%"), r"'x\' OR Name LIKE \'%'");
        assert_eq!(quote(r"x\' OR Id != '"), r"'x\\\' OR Id != \''");
        assert_eq!(list(["a", "b'"]), r"('a','b\'')");
    }

    #[test]
    fn ids_have_15_or_18_letters_and_digits() {
        assert!(id("500D0000003MaCX").is_ok() && id("500D0000003MaCXIA0").is_ok());
        for none in ["", "500", "500D0000003MaC'", "0190e0c4-1111-7000-8000-000000000000"] {
            assert_eq!(id(none).unwrap_err().class(), "not_found");
        }
        assert_eq!(stem("500D0000003MaCXIA0"), "500D0000003MaCX");
    }

    #[test]
    fn a_field_name_holds_no_query() {
        assert!(is_name("Casebridge_Key__c") && is_name("OwnerId"));
        assert!(!is_name("Id FROM Account") && !is_name("") && !is_name("1a") && !is_name("a.b"));
    }
}
