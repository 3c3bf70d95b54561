//! The part of SOQL that is `SELECT fields FROM object WHERE conditions ORDER BY fields LIMIT number`.
use std::cmp::Ordering;

use chrono::DateTime;
use serde_json::Value;

use super::objects::{Kind, Object};
use super::org::{Record, stamp};
use super::refusal::Refusal;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Symbol(String),
}

#[derive(Debug)]
pub struct Query {
    pub fields: Vec<String>,
    pub object: String,
    condition: Option<Condition>,
    order: Vec<String>,
    pub limit: Option<usize>,
}

#[derive(Debug)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Compare { field: String, operator: String, values: Vec<Value> },
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

fn malformed(what: impl std::fmt::Display) -> Refusal {
    Refusal::bad("MALFORMED_QUERY", format!("unexpected token: {what}"))
}

fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            c if c.is_whitespace() => {}
            '\'' => tokens.push(Token::Text(literal(&mut rest)?)),
            '(' | ')' | ',' | '=' => tokens.push(Token::Symbol(c.into())),
            '<' | '>' | '!' => {
                let equal = rest.next_if_eq(&'=').is_some();
                tokens.push(Token::Symbol(if equal { format!("{c}=") } else { c.into() }));
            }
            c if c.is_ascii_alphanumeric() => {
                let mut word = String::from(c);
                while let Some(c) =
                    rest.next_if(|c| c.is_ascii_alphanumeric() || "_.:-+".contains(*c))
                {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
            c => return Err(malformed(c)),
        }
    }
    Ok(tokens)
}

fn literal(rest: &mut impl Iterator<Item = char>) -> Result<String, Refusal> {
    let mut text = String::new();
    loop {
        match rest.next() {
            None => return Err(malformed("<EOF>")),
            Some('\'') => return Ok(text),
            Some('\\') => match rest.next() {
                Some('n' | 'N') => text.push('\n'),
                Some('r' | 'R') => text.push('\r'),
                Some('t' | 'T') => text.push('\t'),
                Some(c @ ('\'' | '\\' | '"')) => text.push(c),
                Some('u') => {
                    let code: String = rest.by_ref().take(4).collect();
                    let c = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                    text.push(c.ok_or_else(|| malformed(code))?);
                }
                _ => return Err(Refusal::bad("MALFORMED_QUERY", "Illegal escape sequence")),
            },
            Some('\n' | '\r') => return Err(malformed("line break")),
            Some(c) => text.push(c),
        }
    }
}

impl Parser {
    fn word(&mut self) -> Result<String, Refusal> {
        match self.tokens.next() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(malformed(format!("{other:?}"))),
        }
    }

    fn is_keyword(&mut self, keyword: &str) -> bool {
        let is = |token: &Token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(keyword));
        self.tokens.next_if(is).is_some()
    }

    fn is_symbol(&mut self, symbol: &str) -> bool {
        self.tokens.next_if(|t| matches!(t, Token::Symbol(s) if s == symbol)).is_some()
    }

    fn expect(&mut self, found: bool) -> Result<(), Refusal> {
        let next = self.tokens.peek();
        if found { Ok(()) } else { Err(malformed(format!("{next:?}"))) }
    }

    fn names(&mut self) -> Result<Vec<String>, Refusal> {
        let mut names = vec![self.word()?];
        while self.is_symbol(",") {
            names.push(self.word()?);
        }
        Ok(names)
    }

    fn condition(&mut self) -> Result<Condition, Refusal> {
        let first = self.comparison()?;
        let mut parts = vec![first];
        if self.is_keyword("AND") {
            parts.push(self.comparison()?);
            while self.is_keyword("AND") {
                parts.push(self.comparison()?);
            }
            return Ok(Condition::All(parts));
        }
        while self.is_keyword("OR") {
            parts.push(self.comparison()?);
        }
        Ok(Condition::Any(parts))
    }

    fn comparison(&mut self) -> Result<Condition, Refusal> {
        if self.is_symbol("(") {
            let inner = self.condition()?;
            let closed = self.is_symbol(")");
            self.expect(closed)?;
            return Ok(inner);
        }
        let field = self.word()?;
        if self.is_keyword("IN") {
            let open = self.is_symbol("(");
            self.expect(open)?;
            let mut values = vec![self.value()?];
            while self.is_symbol(",") {
                values.push(self.value()?);
            }
            let closed = self.is_symbol(")");
            self.expect(closed)?;
            return Ok(Condition::Compare { field, operator: "=".into(), values });
        }
        let operator = match self.tokens.next() {
            Some(Token::Symbol(operator)) => operator,
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("LIKE") => "LIKE".into(),
            other => return Err(malformed(format!("{other:?}"))),
        };
        Ok(Condition::Compare { field, operator, values: vec![self.value()?] })
    }

    fn value(&mut self) -> Result<Value, Refusal> {
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(text.into()),
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "true" => Ok(true.into()),
                "false" => Ok(false.into()),
                "null" => Ok(Value::Null),
                _ => DateTime::parse_from_rfc3339(&word)
                    .map(|time| stamp(time.to_utc()).into())
                    .map_err(|_| malformed(word)),
            },
            other => Err(malformed(format!("{other:?}"))),
        }
    }
}

impl Query {
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable() };
        let select = parser.is_keyword("SELECT");
        parser.expect(select)?;
        let fields = parser.names()?;
        let from = parser.is_keyword("FROM");
        parser.expect(from)?;
        let object = parser.word()?;
        let condition = if parser.is_keyword("WHERE") { Some(parser.condition()?) } else { None };
        let mut order = Vec::new();
        if parser.is_keyword("ORDER") {
            let by = parser.is_keyword("BY");
            parser.expect(by)?;
            order = parser.names()?;
        }
        let limit = match parser.is_keyword("LIMIT") {
            true => Some(parser.word()?.parse().map_err(malformed)?),
            false => None,
        };
        match parser.tokens.next() {
            None => Ok(Self { fields, object, condition, order, limit }),
            Some(more) => Err(malformed(format!("{more:?}"))),
        }
    }

    /// Fails for a field that there is not, one selected twice, and one that cannot be filtered by.
    pub fn check(&self, object: &Object) -> Result<(), Refusal> {
        let known = |name: &String| {
            object.field(name).ok_or_else(|| {
                let message = format!("No such column '{name}' on entity '{}'.", object.name);
                Refusal::bad("INVALID_FIELD", message)
            })
        };
        let mut seen = Vec::new();
        for name in &self.fields {
            let name = known(name)?.name.as_str();
            if seen.contains(&name) {
                return Err(Refusal::bad(
                    "INVALID_FIELD",
                    format!("duplicate field selected: {name}"),
                ));
            }
            seen.push(name);
        }
        for name in &self.order {
            known(name)?;
        }
        let mut filtered = Vec::new();
        if let Some(condition) = &self.condition {
            condition.fields(&mut filtered);
        }
        for name in filtered {
            if matches!(known(name)?.kind, Kind::TextArea(_)) {
                let message = format!("field '{name}' can not be filtered in a query call");
                return Err(Refusal::bad("INVALID_FIELD", message));
            }
        }
        Ok(())
    }

    pub fn matches(&self, record: &Record) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.holds(record))
    }

    pub fn sort(&self, records: &mut [&Record]) {
        records.sort_by(|a, b| {
            let orders = self.order.iter().map(|field| compare(&read(a, field), &read(b, field)));
            orders.fold(Ordering::Equal, Ordering::then)
        });
    }
}

impl Condition {
    fn fields<'a>(&'a self, found: &mut Vec<&'a String>) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.fields(found)),
            Self::Compare { field, .. } => found.push(field),
        }
    }

    fn holds(&self, record: &Record) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(record)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(record)),
            Self::Compare { field, operator, values } => {
                let own = read(record, field);
                values.iter().any(|value| match (operator.as_str(), compare(&own, value)) {
                    ("LIKE", _) => {
                        let texts = own.as_str().zip(value.as_str());
                        texts.is_some_and(|(text, pattern)| crate::text::like(text, pattern))
                    }
                    ("=", order) => order.is_eq(),
                    ("!=", order) => order.is_ne(),
                    ("<", order) => order.is_lt(),
                    ("<=", order) => order.is_le(),
                    (">", order) => order.is_gt(),
                    (">=", order) => order.is_ge(),
                    _ => false,
                })
            }
        }
    }
}

/// The value of a field, whatever the capitals of its name.
pub fn read(record: &Record, field: &str) -> Value {
    match field.to_ascii_lowercase().as_str() {
        "id" => record.id.clone().into(),
        "isdeleted" => record.deleted.into(),
        _ => {
            let mut values = record.values.iter();
            let found = values.find(|(name, _)| name.eq_ignore_ascii_case(field));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        }
    }
}

/// Texts compare whatever their capitals, ids in either of their forms; null comes first.
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(long), Value::String(id)) if is_short_id(id) && long.starts_with(id) => {
            Ordering::Equal
        }
        (Value::String(a), Value::String(b)) => a.to_lowercase().cmp(&b.to_lowercase()),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => a.as_str().cmp(&b.as_str()),
    }
}

fn is_short_id(text: &str) -> bool {
    text.len() == 15 && text.bytes().all(|b| b.is_ascii_alphanumeric())
}
