//! The texts of mails: Jinja templates in several languages. Each key has the texts that the program brings, in English at least;
//! an administrator may put others in their place.
//!
//! A text in `<key>.<language>.txt` begins with `Subject: ` and the subject; `<key>.<language>.html` is what stands in the
//! layout. Both see the same data: a JSON object. What is named `html` in it is HTML already, and must be safe; everything
//! else is escaped where it stands in HTML, be it the desk's or a stranger's.
mod engine;
mod registry;

use std::collections::HashMap;

use diesel::PgConnection;
use serde_json::Value;

use self::engine::Engine;
pub use self::registry::{DEFAULT_LANGUAGE, TEMPLATES, Template};
use super::store;
use crate::kernel::AppError;

/// What a mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// The texts of a template in one language, not rendered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Renders the template of this key in the language that is the nearest to the wanted one (BCP 47): `pt` for `pt-BR`, and
/// English in the end. Data that a template asks for and does not get is left out. A text of an administrator that cannot be
/// rendered gives way to the program's. Fails for a key that nobody registered.
pub fn render(
    conn: &mut PgConnection,
    key: &str,
    language: Option<&str>,
    data: &Value,
) -> Result<Rendered, AppError> {
    let own = store::template_sources(conn, key, &fallbacks(language))?;
    render_nearest(&Engine::lenient(), key, language, &own, data)
}

/// The texts of some templates, read at once: for whoever writes many mails.
pub struct Texts {
    own: HashMap<String, Vec<(String, Source)>>,
    engine: Engine,
}

impl Texts {
    pub fn load(conn: &mut PgConnection, keys: &[&str]) -> Result<Self, AppError> {
        let mut own: HashMap<String, Vec<(String, Source)>> = HashMap::new();
        for (key, language, source) in store::sources_of(conn, keys)? {
            own.entry(key).or_default().push((language, source));
        }
        Ok(Self { own, engine: Engine::lenient() })
    }

    /// As [`render`], for a key that was loaded.
    pub fn render(
        &self,
        key: &str,
        language: Option<&str>,
        data: &Value,
    ) -> Result<Rendered, AppError> {
        let own = self.own.get(key).map_or(&[][..], Vec::as_slice);
        render_nearest(&self.engine, key, language, own, data)
    }
}

/// `own` are the administrator's texts.
fn render_nearest(
    engine: &Engine,
    key: &str,
    language: Option<&str>,
    own: &[(String, Source)],
    data: &Value,
) -> Result<Rendered, AppError> {
    let template = Template::find(key)?;
    for language in &fallbacks(language) {
        if let Some((_, source)) = own.iter().find(|(of, _)| of == language) {
            match engine.render(source, language, data) {
                Ok(rendered) => return Ok(rendered),
                Err(error) => {
                    tracing::warn!(key, language, %error, "a mail template cannot be rendered");
                }
            }
        }
        if let Some(source) = template.source(language) {
            return engine.render(&source, language, data).map_err(AppError::internal);
        }
    }
    Err(AppError::internal(anyhow::anyhow!("the mail template {key} has no English text")))
}

/// Renders what an administrator writes. Fails with the part and with what is wrong there, data that there is none of included.
pub fn preview(
    source: &Source,
    language: &str,
    data: &Value,
) -> Result<Rendered, (&'static str, String)> {
    if source.html.contains("autoescape") {
        return Err(("html", "data are always escaped".to_owned()));
    }
    Engine::strict().render(source, language, data).map_err(|error| {
        let part = match error.name() {
            Some("subject.txt") => "subject",
            Some("body.html") => "html",
            _ => "text",
        };
        (part, error.to_string())
    })
}

/// The language, its main language, and English: what is asked for first.
fn fallbacks(language: Option<&str>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let wanted = language.unwrap_or(DEFAULT_LANGUAGE);
    let main = wanted.split('-').next().unwrap_or(wanted);
    for one in [wanted, main, DEFAULT_LANGUAGE] {
        if !all.iter().any(|known| known == one) {
            all.push(one.to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests;
