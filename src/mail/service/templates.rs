//! The texts of mails, as an administrator sees and changes them.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Permission, TicketId};
use crate::mail::store::{self, OwnTemplate};
use crate::mail::templates::{self, Rendered, Source, TEMPLATES, Template};
use crate::tickets;

const NOT_FOUND: AppError = AppError::NotFound("the mail template");

/// The text that mails of a kind have in a language.
#[derive(Debug, Clone)]
pub struct TemplateText {
    pub key: &'static str,
    pub purpose: &'static str,
    pub language: String,
    pub source: Source,
    /// What an administrator wrote; the program's text has version 0.
    pub version: i32,
    pub updated: Option<(DateTime<Utc>, String)>,
}

impl TemplateText {
    fn own(template: &Template, own: OwnTemplate) -> Self {
        Self {
            key: template.key,
            purpose: template.purpose,
            language: own.language,
            source: Source { subject: own.subject, text: own.text_body, html: own.html_body },
            version: own.version,
            updated: Some((own.updated_at, own.updated_by_name)),
        }
    }

    fn default(template: &Template, language: &str) -> Option<Self> {
        Some(Self {
            key: template.key,
            purpose: template.purpose,
            language: language.to_owned(),
            source: template.source(language)?,
            version: 0,
            updated: None,
        })
    }
}

/// Every kind of mail in every language that it has, by key and language.
pub fn templates(conn: &mut PgConnection, actor: &Actor) -> Result<Vec<TemplateText>, AppError> {
    actor.require(Permission::WorkflowRead)?;
    let mut own = store::own_templates(conn)?;
    let mut all = Vec::new();
    for template in TEMPLATES {
        let (mine, rest): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|text| text.key == template.key);
        own = rest;
        let brought = template.languages().filter(|l| !mine.iter().any(|own| own.language == *l));
        all.extend(brought.filter_map(|language| TemplateText::default(template, language)));
        all.extend(mine.into_iter().map(|text| TemplateText::own(template, text)));
    }
    all.sort_by(|a, b| (a.key, &a.language).cmp(&(b.key, &b.language)));
    Ok(all)
}

/// One text.
pub fn template(
    conn: &mut PgConnection,
    actor: &Actor,
    key: &str,
    language: &str,
) -> Result<TemplateText, AppError> {
    actor.require(Permission::WorkflowRead)?;
    let template = Template::find(key)?;
    match store::find_template(conn, key, language)? {
        Some(own) => Ok(TemplateText::own(template, own)),
        None => TemplateText::default(template, language).ok_or(NOT_FOUND),
    }
}

/// Puts an administrator's text in the place of the one before; a language may be new. Fails with what is wrong with it.
pub fn put_template(
    conn: &mut PgConnection,
    actor: &Actor,
    (key, language): (&str, &str),
    seen: IfMatch,
    source: Source,
    now: DateTime<Utc>,
) -> Result<TemplateText, AppError> {
    actor.require(Permission::WorkflowWrite)?;
    let template = Template::find(key)?;
    let before = store::find_template(conn, key, language)?.map_or(0, |own| own.version);
    seen.check(before)?;
    templates::preview(&source, language, &template.sample())
        .map_err(|wrong| invalid("", wrong))?;
    let own = OwnTemplate {
        key: key.to_owned(),
        language: language.to_owned(),
        subject: source.subject,
        text_body: source.text,
        html_body: source.html,
        version: before + 1,
        updated_by: actor.id,
        updated_by_name: actor.name.clone(),
        updated_at: now,
    };
    if store::save_template(conn, &own)? == 0 {
        return Err(AppError::Stale { current: before + 1 });
    }
    Ok(TemplateText::own(template, own))
}

/// Goes back to the program's text; of a language that the program does not bring, to none.
pub fn reset_template(
    conn: &mut PgConnection,
    actor: &Actor,
    (key, language): (&str, &str),
    seen: IfMatch,
) -> Result<(), AppError> {
    actor.require(Permission::WorkflowWrite)?;
    Template::find(key)?;
    let own = store::find_template(conn, key, language)?.ok_or(NOT_FOUND)?;
    seen.check(own.version)?;
    store::delete_template(conn, key, language)?;
    Ok(())
}

/// Renders a text as a mail would have it: the one that is in use, or `draft`; with a ticket's own data if one is named. Nothing
/// is sent.
pub fn preview(
    conn: &mut PgConnection,
    actor: &Actor,
    (key, language): (&str, &str),
    draft: Option<Source>,
    ticket: Option<TicketId>,
) -> Result<Rendered, AppError> {
    let template = Template::find(key)?;
    let source = match draft {
        Some(source) => {
            actor.require(Permission::WorkflowRead)?;
            source
        }
        None => self::template(conn, actor, key, language)?.source,
    };
    let mut data = template.sample();
    if let (Some(id), Some(fields)) = (ticket, data["ticket"].as_object_mut()) {
        let ticket = tickets::service::get(conn, actor, id)?.row;
        let own: Value = json!({
            "number": format!("CB-{}", ticket.number), "subject": ticket.subject, "description": ticket.description,
        });
        fields.extend(own.as_object().cloned().unwrap_or_default());
    }
    templates::preview(&source, language, &data).map_err(|wrong| invalid("/draft", wrong))
}

fn invalid(within: &str, (part, detail): (&'static str, String)) -> AppError {
    AppError::field(format!("{within}/{part}"), detail)
}
