//! Reports as tables.
use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use crate::http::Answer;
use crate::kernel::{AppError, TimeZone};
use crate::reports::rules::{Figures, Report, Series};

pub const CSV: &str = "text/csv; charset=utf-8";

/// A line for the whole and for each bucket, of everything and of each group.
pub fn table<W: Figures, F: Figures>(report: &Report<W, F>) -> Result<Answer, AppError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let own = W::COLUMNS.iter().chain(F::COLUMNS.iter().filter(|name| !W::COLUMNS.contains(name)));
    let columns: Vec<&str> = own.copied().collect();
    let head = ["part", "group_id", "group", "from", "to"];
    let mut write = |line: Vec<String>| writer.write_record(line).map_err(AppError::internal);
    write(head.iter().chain(&columns).map(|name| (*name).to_owned()).collect())?;
    let about = &report.about;
    let time = |at: DateTime<Utc>| local(at, about.time_zone);
    let mut lines = |group: [String; 2], series: &Series<W, F>| {
        let line = |part: &str, from, to, names: &[&str], cells: Vec<Option<f64>>| {
            let named = |column: &&str| names.iter().position(|name| name == column);
            let cell = |column| named(column).and_then(|place| cells.get(place).copied().flatten());
            let figures = columns
                .iter()
                .map(|column| cell(column).map_or_else(String::new, |number| number.to_string()));
            let [id, name] = group.clone();
            [part.to_owned(), id, name, time(from), time(to)].into_iter().chain(figures).collect()
        };
        write(line("total", about.from, about.to, W::COLUMNS, series.total.cells()))?;
        series.buckets.iter().try_for_each(|bucket| {
            write(line("bucket", bucket.from, bucket.to, F::COLUMNS, bucket.figures.cells()))
        })
    };
    lines(["".into(), "".into()], &report.series)?;
    for group in &report.groups {
        let id = group.id.as_ref().map_or_else(|| "none".into(), Uuid::to_string);
        lines([id, harmless(group.name.as_deref().unwrap_or_default())], &group.series)?;
    }
    if let Some(others) = &report.others {
        lines(["others".into(), "".into()], others)?;
    }
    answer(writer)
}

pub fn answer(writer: csv::Writer<Vec<u8>>) -> Result<Answer, AppError> {
    let bytes = writer.into_inner().map_err(|error| AppError::internal(error.into_error()))?;
    Ok(Answer::text(CSV, String::from_utf8(bytes).map_err(AppError::internal)?))
}

/// A time as the viewer's clock shows it, with how far that is ahead of UTC.
pub fn local(at: DateTime<Utc>, time_zone: TimeZone) -> String {
    at.with_timezone(&time_zone.0).to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

/// A text that no spreadsheet takes for a formula (OWASP, "CSV Injection").
pub fn harmless(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula && text.parse::<f64>().is_err() { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_taken_for_a_formula_and_numbers_stay_numbers() {
        for (text, cell) in [
            ("Support", "Support"),
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("+43 1 234", "'+43 1 234"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("-12.5", "-12.5"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(harmless(text), cell);
        }
    }
}
