//! Texts with placeholders. They are minijinja templates without loops, assignments, functions or access to anything but the
//! names below, so that whoever may write one can do no harm with it.
use std::collections::BTreeSet;
use std::io;

use minijinja::value::Serde;
use minijinja::{Environment, Error, UndefinedBehavior, filters};

/// What a ticket fills in; empty where it has no such thing.
pub const NAMES: [&str; 15] = [
    "ticket.number",
    "ticket.subject",
    "ticket.status",
    "ticket.priority",
    "ticket.type",
    "ticket.url",
    "ticket.resolution",
    "contact.name",
    "contact.email",
    "account.name",
    "account.manager_name",
    "account.manager_email",
    "product.name",
    "department.name",
    "agent.name",
];

/// What whoever uses the text fills in: `input.<name>`.
const INPUT: &str = "input.";

/// Steps of a text's evaluation: enough for the longest.
const FUEL: u64 = 10_000;
/// Bytes that a text may become.
const LONGEST: usize = 200_000;

fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("default", filters::default);
    environment.add_filter("upper", filters::upper);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("title", filters::title);
    environment.add_filter("trim", filters::trim);
    environment
}

/// Says what is wrong with a text: its syntax, or a placeholder that nothing fills in. `input.<name>` is one only where
/// somebody can be asked.
pub fn check(text: &str, asks: bool) -> Result<(), String> {
    refuse_beyond_placeholders(text)?;
    let mut unknown = used(text)?;
    unknown.retain(|name| {
        let asked = asks && name.strip_prefix(INPUT).is_some_and(is_word);
        !NAMES.contains(&name.as_str()) && !asked
    });
    match unknown.first() {
        Some(name) => {
            let and = if asks { " and input.<name>" } else { "" };
            Err(format!("there is no placeholder {name}; there are {}{and}", NAMES.join(", ")))
        }
        None => Ok(()),
    }
}

/// The names behind `input.` that a text asks for.
pub fn inputs(text: &str) -> BTreeSet<String> {
    let used = used(text).unwrap_or_default();
    used.iter().filter_map(|name| Some(name.strip_prefix(INPUT)?.to_owned())).collect()
}

fn used(text: &str) -> Result<BTreeSet<String>, String> {
    let environment = environment();
    let template = environment.template_from_str(text).map_err(|error| told(&error))?;
    Ok(template.undeclared_variables(true).into_iter().collect())
}

fn is_word(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Only `if` is a statement: without loops and assignments, a text grows with its own length alone. And nothing is repeated
/// by `*`.
fn refuse_beyond_placeholders(text: &str) -> Result<(), String> {
    let statements = text.split("{%").skip(1).map(|rest| {
        let rest = rest.trim_start_matches(['-', '+']).trim_start();
        rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
    });
    for statement in statements {
        if !["if", "elif", "else", "endif"].contains(&statement) {
            return Err(format!("{{% {statement} %}} is not for texts; there is if"));
        }
    }
    for (at, _) in text.match_indices("{{").chain(text.match_indices("{%")) {
        if multiplies(&text[at + 2..]) {
            return Err("* is not for placeholders".into());
        }
    }
    Ok(())
}

/// Whether there is a `*` before the tag ends, beside those in quotes.
fn multiplies(tag: &str) -> bool {
    let (mut quote, mut escaped, mut last) = (None, false, ' ');
    for c in tag.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == '*' => return true,
            None if c == '}' && (last == '}' || last == '%') => return false,
            None => {}
        }
        last = c;
    }
    false
}

/// The text with its placeholders filled in from `values`. Says why that cannot be done.
pub fn render(text: &str, values: &serde_json::Value) -> Result<String, String> {
    let environment = environment();
    let template = environment.template_from_str(text).map_err(|error| told(&error))?;
    let mut rendered = Bounded(Vec::new());
    template.render_captured_to(Serde(values), &mut rendered).map_err(|error| told(&error))?;
    String::from_utf8(rendered.0).map_err(|error| error.to_string())
}

/// minijinja's words, with the line.
fn told(error: &Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.line() {
        Some(line) => format!("line {line}: {what}"),
        None => what,
    }
}

/// Takes as many bytes as a text may have.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.0.len() + part.len() > LONGEST {
            return Err(io::Error::other("the text becomes too long"));
        }
        self.0.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn values() -> serde_json::Value {
        json!({
            "ticket": {"number": "CB-1", "subject": "{{ contact.name }}", "url": ""},
            "contact": {"name": "Purchasing contact"}, "input": {"days": "3"},
        })
    }

    #[test]
    fn a_ticket_fills_in_what_a_text_leaves_open() {
        let text = "Dear {{ contact.name | default('customer', true) }}, {{ticket.number}} takes {{ input.days }} days.\
            {% if ticket.url %} See {{ ticket.url }}.{% endif %}";
        assert_eq!(check(text, true), Ok(()));
        let rendered = render(text, &values()).unwrap();
        assert_eq!(rendered, "Dear Purchasing contact, CB-1 takes 3 days.");
        assert_eq!(inputs(text).into_iter().collect::<Vec<_>>(), ["days"]);
        // What is filled in is no text with placeholders of its own.
        assert_eq!(render("{{ ticket.subject }}", &values()).unwrap(), "{{ contact.name }}");
        assert_eq!(render("1 * 2 **bold** {x}", &values()).unwrap(), "1 * 2 **bold** {x}");
    }

    #[test]
    fn a_name_that_nothing_fills_in_is_refused() {
        for text in [
            "{{ ticket.nummer }}",
            "{{ ticket }}",
            "{{ ticket['num' ~ 'ber'] }}",
            "{{ ticket.number.x }}",
            "{{ x }}",
            "{{ input.Days }}",
            "{% if secret %}x{% endif %}",
            "{{ ticket.number | default(config) }}",
        ] {
            assert!(check(text, true).unwrap_err().contains("no placeholder"), "{text}");
        }
        assert!(check("{{ input.days }}", false).unwrap_err().contains("input.days"));
    }

    #[test]
    fn what_could_grow_or_reach_further_is_refused() {
        for text in [
            "{% for x in [1, 2] %}x{% endfor %}",
            "{%- set a = 'x' %}",
            "{% raw %}{{ x }}{% endraw %}",
            "{% include 'x' %}",
            "{{ 'x' * 100000000 }}",
            "{{ '}}' * 100000000 }}",
            "{{ \"\\\"}}\" * 9 }}",
            "{% if 'x' * 9 %}{% endif %}",
            "{{ range(1000000) }}",
            "{{ ticket.number",
            "{{ ticket.number }",
            "{% if ticket.number %}",
        ] {
            assert!(check(text, true).is_err(), "{text}");
        }
        assert!(render("{{ ticket.number | shell }}", &values()).is_err());
        let long = "{{ contact.name }}".repeat(8_000);
        assert_eq!(check(&long, true), Ok(()));
        assert!(render(&long, &values()).is_err(), "out of fuel");
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_service(text in "(\\{\\{|\\}\\}|\\{%|%\\}|if |endif|ticket.number|input.a|'|\\*|~|\\||default| |x){0,30}") {
            let _ = inputs(&text);
            if check(&text, true).is_ok() && let Ok(rendered) = render(&text, &values()) {
                prop_assert!(rendered.len() <= LONGEST);
            }
        }
    }
}
