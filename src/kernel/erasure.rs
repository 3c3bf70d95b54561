//! Takes a secret out of a text, and out of what was copied from it.
use serde_json::{Map, Value};

use super::plain_html;

/// What stands where a secret was.
pub const MARK: &str = "[redacted]";

/// A fragment that is shorter than this is looked for in copies of the whole text only: "123" stands in many a number.
const FRAGMENT: usize = 4;

/// The fields of JSON documents that hold what people wrote; ids, codes and times are never touched.
const WRITTEN: [&str; 19] = [
    "subject",
    "description",
    "resolution",
    "body",
    "note",
    "reason",
    "override_reason",
    "reference",
    "tried",
    "lead",
    "job",
    "title",
    "desk",
    "crm",
    "base",
    "losing_value",
    "write",
    "name",
    "url",
];

/// A secret, and the text that it was taken out of. Not to be shown or logged.
#[derive(Clone)]
pub struct Erasure {
    old: String,
    new: String,
    secrets: Vec<String>,
}

impl Erasure {
    /// `new` is `old` without the secrets.
    pub fn new(old: &str, new: &str, mut secrets: Vec<String>) -> Self {
        secrets.retain(|secret| secret.chars().count() >= FRAGMENT);
        // A longer one first: it may contain a shorter one.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { old: old.trim().to_owned(), new: new.trim().to_owned(), secrets }
    }

    /// The text without the secret; `None` when it does not hold it.
    pub fn text(&self, text: &str) -> Option<String> {
        if text.trim() == self.old {
            return Some(self.new.clone());
        }
        let mut erased = text.to_owned();
        if self.old.chars().count() >= FRAGMENT {
            erased = erased.replace(&self.old, &self.new);
        }
        for secret in &self.secrets {
            erased = erased.replace(secret, MARK);
        }
        (erased != text).then_some(erased)
    }

    /// What a text holds that [`Erasure::text`] changes: to search for it.
    pub fn searched(&self) -> Vec<&str> {
        let old = (self.old.chars().count() >= FRAGMENT).then_some(self.old.as_str());
        self.secrets.iter().map(String::as_str).chain(old).collect()
    }

    /// Takes the secret out of what people wrote in a JSON document; true when it held it.
    pub fn json(&self, value: &mut Value) -> bool {
        self.walk(value, false)
    }

    /// The same, where people wrote all of it.
    pub fn written(&self, value: &mut Value) -> bool {
        self.walk(value, true)
    }

    fn walk(&self, value: &mut Value, written: bool) -> bool {
        match value {
            Value::String(text) if written => match self.text(text) {
                Some(erased) => {
                    *text = erased;
                    true
                }
                None => false,
            },
            Value::Array(items) => {
                items.iter_mut().fold(false, |any, item| self.walk(item, written) | any)
            }
            Value::Object(fields) => {
                let erased = fields.iter_mut().fold(false, |any, (name, value)| {
                    self.walk(value, written || WRITTEN.contains(&name.as_str())) | any
                });
                if erased {
                    show_plain(fields);
                }
                erased
            }
            _ => false,
        }
    }
}

/// Markup can stand within a secret and hide it: what was made of a text is made anew.
fn show_plain(fields: &mut Map<String, Value>) {
    let body = fields.get("body").and_then(Value::as_str).map(plain_html);
    if let (Some(html), Some(shown)) = (body, fields.get_mut("body_html")) {
        *shown = html.into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn erasure(old: &str, secret: &str) -> Erasure {
        Erasure::new(old, &old.replace(secret, MARK), vec![secret.to_owned()])
    }

    #[test]
    fn a_secret_is_taken_out_of_the_text_its_copies_and_its_quotations() {
        let erasure = erasure("My card is 4111 1111.\n", "4111 1111");
        let text = |text| erasure.text(text);
        assert_eq!(text("My card is 4111 1111.").unwrap(), "My card is [redacted].");
        let copy = "Subject\n\nMy card is 4111 1111.\n\nTicket: CB-1000";
        assert_eq!(text(copy).unwrap(), "Subject\n\nMy card is [redacted].\n\nTicket: CB-1000");
        assert_eq!(text("Did you say 4111 1111?").unwrap(), "Did you say [redacted]?");
        assert_eq!(text("My card is 4111."), None);
    }

    #[test]
    fn a_short_secret_is_taken_out_of_copies_of_the_whole_text_only() {
        let erasure = erasure("The code is 123", "123");
        assert_eq!(erasure.text("> The code is 123").unwrap(), "> The code is [redacted]");
        assert_eq!(erasure.text("Order 51234"), None);
        assert_eq!(Erasure::new("123", MARK, Vec::new()).text("Order 51234"), None);
    }

    #[test]
    fn what_was_made_of_a_text_loses_the_secret_however_markup_divides_it() {
        let erasure = erasure("It is a **b** & c", "a **b** & c");
        let mut note = json!({
            "body": "It is a **b** & c", "body_html": "<p>It is a <strong>b</strong> &amp; c</p>",
        });
        assert!(erasure.json(&mut note));
        assert_eq!(note["body_html"], "<p>It is [redacted]</p>");
    }

    #[test]
    fn in_a_document_only_what_people_wrote_is_touched() {
        let erasure = erasure("code 0199f0c2", "0199f0c2");
        let id = "0199f0c2-b1c9-7000-8000-000000000001";
        let mut event = json!({
            "note_id": id, "to": "lead", "lead": {"description": "code 0199f0c2", "phone": ""},
            "description": {"from": null, "to": "code 0199f0c2"}, "status": {"from": "0199f0c2", "to": "x"},
        });
        assert!(erasure.json(&mut event));
        assert_eq!(
            event,
            json!({
                "note_id": id, "to": "lead", "lead": {"description": "code [redacted]", "phone": ""},
                "description": {"from": null, "to": "code [redacted]"}, "status": {"from": "0199f0c2", "to": "x"},
            })
        );
        assert!(!erasure.json(&mut event));
    }
}
