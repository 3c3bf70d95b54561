//! The page of a survey: HTML that works without scripts, asks no other host for anything, and shows what was written as text.
mod texts;

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use minijinja::{Environment, Value, context};

use super::rules::COMMENT_MAX;
use super::service::Shown;
use crate::kernel::{AppError, FieldError};
use texts::Texts;

const STYLE: &str = include_str!("survey.css");

/// What the form holds when the page is shown.
#[derive(Debug, Default)]
pub struct Form {
    pub rating: Option<i16>,
    pub comment: String,
}

/// Why a page shows no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apology {
    Unknown,
    Over,
    Failed,
}

/// What a browser may do with a page: show it with its own style, and send its form back.
pub fn content_security_policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
    });
    &POLICY
}

fn render(page: Value) -> Result<String, AppError> {
    static PAGES: LazyLock<Environment<'static>> = LazyLock::new(Environment::new);
    let source = include_str!("survey.html");
    PAGES.render_named_str("survey.html", source, page).map_err(AppError::internal)
}

fn in_style(texts: &Texts, page: Value) -> Value {
    let style = Value::from_safe_string(STYLE.to_owned());
    context! { t => texts.context(), style, comment_max => COMMENT_MAX, ..page }
}

/// The form, with what was sent or what was answered before, and what is wrong with it.
pub fn form(
    shown: &Shown,
    form: &Form,
    saved: bool,
    errors: &[FieldError],
) -> Result<String, AppError> {
    let texts = texts::of(&shown.contact.language);
    let local = |at: DateTime<Utc>| at.with_timezone(&shown.contact.time_zone.0).format(texts.date);
    let wrong = |pointer: &str| errors.iter().any(|error| error.pointer == pointer);
    let page = context! {
        number => format!("CB-{}", shown.ticket.number),
        subject => shown.ticket.subject.as_str(),
        closed_on => local(shown.survey.closed_at).to_string(),
        until => local(shown.survey.expires_at).to_string(),
        rating => form.rating,
        comment => form.comment.as_str(),
        answered => shown.survey.rating.is_some(),
        // A link of the mail may have chosen another one.
        is_answer => shown.survey.rating.is_some() && form.rating == shown.survey.rating,
        saved,
        rating_is_wrong => wrong("/rating"),
        comment_is_wrong => wrong("/comment"),
    };
    render(in_style(texts, page))
}

/// A page without a form. `language` is what the browser asks for, or the contact's.
pub fn apology(why: Apology, language: &str) -> Result<String, AppError> {
    let texts = texts::of(language);
    let words = match why {
        Apology::Unknown => &texts.unknown,
        Apology::Over => &texts.over,
        Apology::Failed => &texts.failed,
    };
    render(in_style(texts, context! { apology => words.context() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_speaks_the_language_that_is_asked_for_or_english() {
        for (language, word) in
            [("de-AT", "Umfrage"), ("de", "Umfrage"), ("fr", "survey"), ("", "survey")]
        {
            let page = apology(Apology::Over, language).unwrap();
            assert!(page.contains(word), "{language}: {page}");
        }
    }

    #[test]
    fn the_policy_allows_the_style_as_it_stands_in_the_page() {
        let page = apology(Apology::Unknown, "en").unwrap();
        assert!(page.contains(&format!("<style>{STYLE}</style>")));
        for forbidden in ["<script", "http://", "https://", "url(", "@import", "style=", "onclick"]
        {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }
}
