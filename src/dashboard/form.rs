//! The filters of the page: what is asked for, what is wrong with it, and how the form shows it.
use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use diesel::PgConnection;
use serde::Serialize;

use crate::dashboard::choices::{Choice, Choices, Kind, Missed};
use crate::dashboard::page::{Texts, fill};
use crate::dashboard::rules::{self, Period, Span, Wrong};
use crate::kernel::{Actor, AppError};
use crate::people;

/// A filter as the form shows it.
#[derive(Debug, Serialize)]
pub struct Field {
    id: &'static str,
    label: &'static str,
    kind: &'static str,
    value: String,
    /// What can be chosen; empty: it is written.
    options: Vec<Choosable>,
    /// Proposals of what to write.
    known: Vec<String>,
    /// What is wrong with it.
    why: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Choosable {
    id: String,
    name: String,
}

/// The query of the page.
#[derive(Debug, Default)]
pub struct Asked {
    days: rules::Asked,
    zone: String,
    choices: [String; Kind::ALL.len()],
}

/// The form, and what it asks for.
pub struct Form {
    pub fields: Vec<Field>,
    /// Which period the form shows.
    pub shown: Period,
    /// The query of the reports; `None` when something is wrong.
    pub query: Option<String>,
}

impl Asked {
    /// What it does not know, it passes over.
    pub fn parse(query: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim().to_owned();
            match name.as_ref() {
                "period" => asked.days.period = value,
                "shown" => asked.days.shown = value,
                "from" => asked.days.from = value,
                "to" => asked.days.to = value,
                "tz" => asked.zone = value,
                name => {
                    if let Some(at) = Kind::ALL.iter().position(|kind| kind.field() == name) {
                        asked.choices[at] = value;
                    }
                }
            }
        }
        asked
    }

    pub fn form(
        &self,
        conn: &mut PgConnection,
        viewer: &Actor,
        texts: &Texts,
        now: DateTime<Utc>,
    ) -> Result<Form, AppError> {
        let zone = self.zone(conn, viewer)?;
        let today = now.with_timezone(&zone.unwrap_or(Tz::UTC)).date_naive();
        let span = self.days.span(today);
        let mut query = form_urlencoded::Serializer::new(String::new());
        let mut fields = self.days_fields(texts, span);
        fields.push(self.zone_field(texts, zone));
        for (kind, text) in Kind::ALL.into_iter().zip(&self.choices) {
            // What somebody may not see cannot be asked for either.
            if kind.open_to(viewer) {
                let (field, chosen) = choice(conn, kind, text, texts)?;
                fields.push(field);
                if let Some(choice) = chosen {
                    query.append_pair(kind.filter(), &choice.id.to_string());
                }
            }
        }
        let right = fields.iter().all(|field| field.why.is_none());
        let ask = |(span, zone): (Span, Tz)| {
            let end = span.to + Days::new(1);
            query.append_pair("from", &span.from.to_string()).append_pair("to", &end.to_string());
            query.append_pair("time_zone", zone.name());
            query.append_pair("bucket", bucket(span)).finish()
        };
        let shown = span.map_or(Period::Custom, |span| span.period);
        Ok(Form { fields, shown, query: span.ok().zip(zone).filter(|_| right).map(ask) })
    }

    /// `None` when there is no such zone. The viewer's own when nothing is asked for.
    fn zone(&self, conn: &mut PgConnection, viewer: &Actor) -> Result<Option<Tz>, AppError> {
        Ok(match (self.zone.as_str(), viewer.agent_id()) {
            ("", Some(agent)) => Some(people::get_agent(conn, agent)?.time_zone.0),
            ("", None) => Some(Tz::UTC),
            (name, _) => name.parse().ok(),
        })
    }

    fn days_fields(&self, texts: &Texts, span: Result<Span, Wrong>) -> Vec<Field> {
        let wrong = span.err();
        let custom = span.map_or(true, |span| span.period == Period::Custom);
        let period = span.map_or(Period::Custom, |span| span.period);
        let option = |period: &Period| Choosable {
            id: period.as_str().to_owned(),
            name: period_name(*period, texts).to_owned(),
        };
        let day = |text: &str| if custom { text.to_owned() } else { String::new() };
        let why = |of: &[(Wrong, &str)]| {
            let text = of.iter().find(|(one, _)| Some(*one) == wrong);
            text.map(|(_, text)| (*text).to_owned())
        };
        let field = |id, label, kind, value, why| Field {
            id,
            label,
            kind,
            value,
            options: Vec::new(),
            known: Vec::new(),
            why,
        };
        let no_period = why(&[(Wrong::Period, texts.wrong_period)]);
        let no_from = why(&[(Wrong::From, texts.wrong_day)]);
        let no_to = why(&[
            (Wrong::To, texts.wrong_day),
            (Wrong::Order, texts.wrong_order),
            (Wrong::TooLong, texts.wrong_length),
        ]);
        vec![
            Field {
                options: Period::ALL.iter().map(option).collect(),
                ..field("period", texts.period, "", period.as_str().to_owned(), no_period)
            },
            field("from", texts.from, "date", day(&self.days.from), no_from),
            field("to", texts.to, "date", day(&self.days.to), no_to),
        ]
    }

    fn zone_field(&self, texts: &Texts, zone: Option<Tz>) -> Field {
        // The regions that people live in; other names are old ones or offsets.
        let regions = ["Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Pacific"];
        let names = TZ_VARIANTS.iter().map(|zone| zone.name());
        let known = names.filter(|name| {
            name.split_once('/').is_some_and(|(region, _)| regions.contains(&region))
        });
        Field {
            id: "tz",
            label: texts.time_zone,
            kind: "text",
            value: zone.map_or_else(|| self.zone.clone(), |zone| zone.name().to_owned()),
            options: Vec::new(),
            known: ["UTC"].into_iter().chain(known).map(str::to_owned).collect(),
            why: zone.is_none().then(|| texts.wrong_zone.to_owned()),
        }
    }
}

fn period_name(period: Period, texts: &Texts) -> &'static str {
    match period {
        Period::Today => texts.today,
        Period::Days7 => texts.days_7,
        Period::Days30 => texts.days_30,
        Period::Days90 => texts.days_90,
        Period::ThisMonth => texts.this_month,
        Period::LastMonth => texts.last_month,
        Period::Months12 => texts.months_12,
        Period::Custom => texts.custom,
    }
}

/// Parts of a period that a chart shows well.
fn bucket(span: Span) -> &'static str {
    let days = |from: NaiveDate, to: NaiveDate| (to - from).num_days() + 1;
    match days(span.from, span.to) {
        ..=1 => "hour",
        2..=92 => "day",
        93..=400 => "week",
        _ => "month",
    }
}

/// A list to choose from, or a text where a list would be too long.
fn choice(
    conn: &mut PgConnection,
    kind: Kind,
    text: &str,
    texts: &Texts,
) -> Result<(Field, Option<Choice>), AppError> {
    let Choices { first, more } = kind.choices(conn, None)?;
    let found = if text.is_empty() { None } else { Some(kind.find(conn, text)?) };
    let (chosen, why) = match found {
        None => (None, None),
        Some(Ok(choice)) => (Some(choice), None),
        Some(Err(Missed::Nothing)) => (None, Some(texts.unknown_name.to_owned())),
        Some(Err(Missed::Several(names))) => {
            (None, Some(fill(texts.several_names, [names.join(", ")])))
        }
    };
    let id = chosen.as_ref().map_or_else(String::new, |choice| choice.id.to_string());
    let name = chosen.as_ref().map_or_else(|| text.to_owned(), |choice| choice.name.clone());
    let options = first
        .iter()
        .map(|choice| Choosable { id: choice.id.to_string(), name: choice.name.clone() });
    let all = Choosable { id: String::new(), name: texts.all.to_owned() };
    // What cannot be chosen from the list can be corrected in a text alone.
    let list = !more && why.is_none();
    let field = Field {
        id: kind.field(),
        label: match kind {
            Kind::Department => texts.department,
            Kind::Agent => texts.agent,
            Kind::Account => texts.account,
            Kind::Product => texts.product,
            Kind::Component => texts.component,
        },
        kind: "text",
        value: if list { id } else { name },
        options: if list { [all].into_iter().chain(options).collect() } else { Vec::new() },
        known: if list { Vec::new() } else { first.iter().map(|one| one.name.clone()).collect() },
        why,
    };
    Ok((field, chosen))
}
