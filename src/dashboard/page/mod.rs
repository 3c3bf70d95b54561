//! The HTML of the page. It works without scripts, asks no other host for anything, and shows names as text.
mod figure;
mod figures;
mod format;
mod texts;
mod tiles;

use chrono::{DateTime, TimeDelta, Utc};
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};

use self::figure::Figure;
pub use self::figure::fill;
pub use self::texts::{Texts, Words, texts};
use crate::dashboard::form::Form;
use crate::dashboard::service::Documents;
use crate::kernel::{Actor, AppError};

/// Where the browser is, for addresses that hold behind any proxy.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// At `/dashboard`.
    Page,
    /// At something below it.
    Below,
}

/// Why the sign-in is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Nobody signed in yet.
    None,
    /// Nobody did, as far as is seen: browsers send no cookie with what another site leads to.
    FromElsewhere,
    Over,
    Wrong,
    TooOften {
        seconds: u64,
    },
}

fn render(source: &'static str, data: Value) -> Result<String, AppError> {
    let mut pages = Environment::new();
    // A name that the page does not know is a fault of ours, not an empty text.
    pages.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    pages.render_named_str("page.html", source, data).map_err(AppError::internal)
}

/// A whole page around its content.
fn page(
    place: Place,
    texts: &'static Texts,
    title: &str,
    scripts: bool,
    (source, data): (&'static str, Value),
) -> Result<String, AppError> {
    let here = Value::from_safe_string(match place {
        Place::Page => "dashboard/".to_owned(),
        Place::Below => String::new(),
    });
    let t = Value::from(Serde(texts));
    let content = render(source, context! { t => t.clone(), here => here.clone(), ..data })?;
    let content = Value::from_safe_string(content);
    let assets = Value::from_pairs(
        super::http::addresses().map(|(name, address)| (name, Value::from_safe_string(address))),
    );
    let title = format!("{title} – {}", texts.dashboard);
    render(include_str!("layout.html"), context! { t, here, title, scripts, assets, content })
}

/// The form with which people sign in; `query` are the filters that were asked for before.
pub fn sign_in(
    place: Place,
    texts: &'static Texts,
    notice: Notice,
    query: &str,
) -> Result<String, AppError> {
    let told = match notice {
        Notice::None | Notice::FromElsewhere => None,
        Notice::Over => Some(texts.sign_in_over),
        Notice::Wrong => Some(texts.sign_in_wrong),
        Notice::TooOften { .. } => Some(texts.sign_in_too_often),
    };
    let title = match notice {
        Notice::Wrong | Notice::TooOften { .. } => format!("{}: {}", texts.error, texts.sign_in),
        _ => texts.sign_in.to_owned(),
    };
    let from_elsewhere = notice == Notice::FromElsewhere;
    let form = context! { notice => told, query, from_elsewhere };
    page(place, texts, &title, false, (include_str!("sign_in.html"), form))
}

/// A page that says why there is no other.
pub fn apology(
    place: Place,
    texts: &'static Texts,
    words: &'static Words,
    signed_in: bool,
) -> Result<String, AppError> {
    let data = context! { words => Serde(words), signed_in };
    page(place, texts, words.title, false, (include_str!("trouble.html"), data))
}

/// The filters, and the figures unless something is wrong with the filters.
pub fn dashboard(
    texts: &'static Texts,
    viewer: &Actor,
    form: &Form,
    documents: Option<&Documents>,
) -> Result<String, AppError> {
    let wrong = documents.is_none();
    let title = match wrong {
        true => format!("{}: {}", texts.error, texts.filters),
        false => texts.figures_title.to_owned(),
    };
    let data = context! {
        viewer => viewer.name.as_str(),
        period => documents.and_then(|all| texts.period_told(all)).unwrap_or_default(),
        fields => Serde(&form.fields),
        shown => form.shown.as_str(),
        wrong,
        tiles => Serde(documents.map(|all| texts.tiles(all)).unwrap_or_default()),
        figures => Serde(documents.map(|all| texts.figures(all)).unwrap_or_default()),
    };
    page(Place::Page, texts, &title, true, (include_str!("dashboard.html"), data))
}

impl Texts {
    /// `1 Nov 2026 to 30 Nov 2026, Europe/Vienna. As of 30 Nov 2026, 14:05.`
    fn period_told(&self, all: &Documents) -> Option<String> {
        let about = all.about()?;
        let local = |at: DateTime<Utc>| at.with_timezone(&about.time_zone.0);
        let day = |at| local(at).format(self.date).to_string();
        let (from, to) = (day(about.from), day(about.to - TimeDelta::seconds(1)));
        let zone = about.time_zone.0.name().to_owned();
        let as_of = local(about.as_of).format(self.time).to_string();
        Some(match from == to {
            true => fill(self.day_line, [from, zone, as_of]),
            false => fill(self.period_line, [from, to, zone, as_of]),
        })
    }

    /// In the order of the questions: how much comes, how fast is it done, are customers content, who does it.
    fn figures(&self, all: &Documents) -> Vec<Figure> {
        let too_large = |id, title| Figure::missing(id, title, self.too_large);
        macro_rules! figure {
            ($id:literal, $title:ident, $report:ident, $make:ident) => {
                match &all.$report {
                    Some(report) => self.$make(report),
                    None => too_large($id, self.$title),
                }
            };
        }
        let mut figures = vec![
            figure!("volume", flow_title, volume, flow),
            figure!("backlog", backlog_title, backlog, backlog),
            figure!("age", age_title, backlog, age),
            figure!("response", response_title, response, response),
            figure!("resolution", resolution_title, resolution, resolution_times),
            figure!("sla", attainment_title, sla, attainment),
            figure!("reopens", reopens_title, reopens, reopens),
            figure!("csat", satisfaction_title, csat, satisfaction),
            figure!("ratings", ratings_title, csat, ratings),
            figure!("time", time_title, time, time),
            figure!("load", load_title, load, load),
        ];
        figures.extend(all.mirror.as_ref().map(|health| self.mirror(health)));
        figures
    }
}

#[cfg(test)]
mod tests;
