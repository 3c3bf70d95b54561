//! Reports as tables.
use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use crate::http::Answer;
use crate::kernel::{TimeZone, csv_line, csv_text};
use crate::reports::rules::{Bucket, Figures, MirrorHealth, Mirrored, Report, Series};

const CSV: &str = "text/csv; charset=utf-8";

/// A line for the whole and for each bucket, of everything and of each group.
pub fn table<W: Figures, F: Figures>(report: &Report<W, F>) -> Answer {
    let own = W::COLUMNS.iter().chain(F::COLUMNS.iter().filter(|name| !W::COLUMNS.contains(name)));
    let columns: Vec<&str> = own.copied().collect();
    let head = ["part", "group_id", "group", "from", "to"];
    let mut text = csv_line(head.iter().chain(&columns).copied());
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
            let about = [part.to_owned(), id, name, time(from), time(to)];
            let cells: Vec<String> = about.into_iter().chain(figures).collect();
            csv_line(cells.iter().map(String::as_str))
        };
        text += &line("total", about.from, about.to, W::COLUMNS, series.total.cells());
        for Bucket { from, to, figures } in &series.buckets {
            text += &line("bucket", *from, *to, F::COLUMNS, figures.cells());
        }
    };
    lines(["".into(), "".into()], &report.series);
    for group in &report.groups {
        let id = group.id.as_ref().map_or_else(|| "none".into(), Uuid::to_string);
        lines([id, csv_text(group.name.as_deref().unwrap_or_default())], &group.series);
    }
    if let Some(others) = &report.others {
        lines(["others".into(), "".into()], others);
    }
    Answer::text(CSV, text)
}

/// A line for all connections and for each.
pub fn mirror_table(health: &MirrorHealth) -> Answer {
    let head = ["part", "connection_id", "connection", "state"];
    let mut text = csv_line(head.iter().chain(Mirrored::COLUMNS).copied());
    let mut line = |names: [String; 4], figures: &Mirrored| {
        let figures = figures.cells().into_iter().flatten().map(|number| number.to_string());
        let cells: Vec<String> = names.into_iter().chain(figures).collect();
        text += &csv_line(cells.iter().map(String::as_str));
    };
    line(["total".into(), "".into(), "".into(), "".into()], &health.total);
    for one in &health.connections {
        let names = [one.id.to_string(), csv_text(&one.name), one.state.to_string()];
        let [id, name, state] = names;
        line(["connection".into(), id, name, state], &one.figures);
    }
    Answer::text(CSV, text)
}

/// A time as the viewer's clock shows it, with how far that is ahead of UTC.
fn local(at: DateTime<Utc>, time_zone: TimeZone) -> String {
    at.with_timezone(&time_zone.0).to_rfc3339_opts(SecondsFormat::AutoSi, false)
}
