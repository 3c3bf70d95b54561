//! Renders texts. Templates are data of the desk: they cannot reach files, other templates or the network, and end in bounded
//! time.
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, UndefinedBehavior, Value as Jinja, context};
use serde_json::Value;

use super::{Rendered, Source};
use crate::kernel::plain_lines;
use crate::mail::rules::line;

const LAYOUT: &str = include_str!("layout.html");

/// Steps that a text may take.
const FUEL: u64 = 100_000;

pub struct Engine(Environment<'static>);

impl Engine {
    /// Leaves out what there is no data for.
    pub fn lenient() -> Self {
        Self::new(UndefinedBehavior::Chainable)
    }

    /// Fails where a text names data that there is none of; it may ask whether there is.
    pub fn strict() -> Self {
        Self::new(UndefinedBehavior::SemiStrict)
    }

    fn new(undefined: UndefinedBehavior) -> Self {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(undefined);
        engine.set_fuel(Some(FUEL));
        // Lines that hold a block alone leave no empty lines. The standard delimiters cannot be wrong.
        if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
            engine.set_syntax(syntax);
        }
        // What is safe is decided where the data come from.
        engine.remove_filter("safe");
        engine.add_filter("lines", lines);
        Self(engine)
    }

    pub fn render(&self, source: &Source, language: &str, data: &Value) -> Result<Rendered, Error> {
        let data = jinja(data, false);
        let subject = line(&self.0.render_named_str("subject.txt", &source.subject, &data)?);
        let text = self.0.render_named_str("text.txt", &source.text, &data)?;
        let content = self.0.render_named_str("body.html", &source.html, &data)?;
        let content = Jinja::from_safe_string(content.trim().to_owned());
        let page = context! { content, subject => subject.as_str(), language };
        let html = self.0.render_named_str("layout.html", LAYOUT, page)?;
        Ok(Rendered { subject, text: format!("{}\n", text.trim()), html })
    }
}

/// Plain text in HTML: line breaks stay.
fn lines(text: &Jinja) -> Jinja {
    Jinja::from_safe_string(plain_lines(text.as_str().unwrap_or_default()))
}

/// The data as a template sees them; what is named `html` is not escaped.
fn jinja(data: &Value, safe: bool) -> Jinja {
    match data {
        Value::String(text) if safe => Jinja::from_safe_string(text.clone()),
        Value::Array(items) => items.iter().map(|item| jinja(item, false)).collect(),
        Value::Object(fields) => {
            let field =
                |(name, value): (&String, &Value)| (name.clone(), jinja(value, name == "html"));
            Jinja::from_pairs(fields.iter().map(field))
        }
        Value::String(text) => text.as_str().into(),
        Value::Bool(yes) => (*yes).into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().unwrap_or_default().into(),
        },
        Value::Null => ().into(),
    }
}
