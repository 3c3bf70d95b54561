//! A figure: a table, and how it is drawn. The chart is drawn from the table, so that both say the same.
use chrono::{DateTime, Datelike as _, Utc};
use serde::Serialize;

use super::Texts;
use super::format::NONE;
use crate::reports::{About, Bucket, BucketSize, Report};

#[derive(Debug, Serialize)]
pub struct Figure {
    pub id: &'static str,
    pub width: Width,
    pub title: &'static str,
    /// What it comes to, in a sentence.
    pub finding: String,
    /// Why there is neither chart nor table.
    pub missing: Option<&'static str>,
    pub chart: Option<Chart>,
    /// What the rows are, as `Day`.
    pub rows_are: &'static str,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// Rows that are in the table alone.
    pub undrawn: Vec<Row>,
}

/// How much of the page's width a figure takes.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Width {
    Third,
    Wide,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub struct Chart {
    pub unit: Unit,
    /// Bars stand on each other.
    pub stacked: bool,
    /// Bars go to the right: for names.
    pub sideways: bool,
}

/// What the values of a chart are.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Count,
    /// From 0 to 1.
    Part,
    /// From 1 to 5.
    Score,
    Minutes,
    Seconds,
}

impl Chart {
    /// Lines, or bars beside each other.
    pub fn upright(unit: Unit) -> Self {
        Self { unit, stacked: false, sideways: false }
    }

    /// A bar to the right for each name.
    pub fn sideways(unit: Unit) -> Self {
        Self { unit, stacked: false, sideways: true }
    }
}

#[derive(Debug, Serialize)]
pub struct Column {
    pub name: &'static str,
    /// How it is drawn; `None`: only in the table.
    pub series: Option<&'static str>,
}

impl Column {
    pub fn bar(name: &'static str) -> Self {
        Self { name, series: Some("bar") }
    }

    pub fn line(name: &'static str) -> Self {
        Self { name, series: Some("line") }
    }

    pub fn told(name: &'static str) -> Self {
        Self { name, series: None }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub name: String,
    pub cells: Vec<Cell>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Cell {
    pub text: String,
    /// In the unit of the chart; `None` where there is no figure.
    pub value: Option<f64>,
}

impl Texts {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn count_cell(&self, count: i64) -> Cell {
        Cell { text: self.count(count), value: Some(count as f64) }
    }

    pub fn some_count(&self, count: Option<i64>) -> Cell {
        count.map_or(Cell::none(), |count| self.count_cell(count))
    }

    pub fn part_cell(&self, part: Option<f64>) -> Cell {
        part.map_or(Cell::none(), |part| Cell { text: self.percent(part), value: Some(part) })
    }

    pub fn score_cell(&self, score: Option<f64>) -> Cell {
        let cell = |score| Cell { text: self.decimal(score, 2), value: Some(score) };
        score.map_or(Cell::none(), cell)
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^53")]
    pub fn duration_cell(&self, seconds: Option<i64>) -> Cell {
        let cell = |seconds| Cell { text: self.duration(seconds), value: Some(seconds as f64) };
        seconds.map_or(Cell::none(), cell)
    }

    #[expect(clippy::cast_precision_loss, reason = "minutes are far below 2^53")]
    pub fn minutes_cell(&self, minutes: i64) -> Cell {
        Cell { text: self.duration(minutes * 60), value: Some(minutes as f64) }
    }

    /// What the buckets are.
    pub fn bucket_name(&self, size: BucketSize) -> &'static str {
        match size {
            BucketSize::Hour => self.hour,
            BucketSize::Day => self.day,
            BucketSize::Week => self.week,
            BucketSize::Month => self.month,
        }
    }

    /// A row for each bucket.
    pub fn by_time<F>(
        &self,
        about: &About,
        buckets: &[Bucket<F>],
        cells: impl Fn(&F) -> Vec<Cell>,
    ) -> Vec<Row> {
        let local = |at: DateTime<Utc>| at.with_timezone(&about.time_zone.0);
        let one_year = local(about.from).year() == local(about.to).year();
        let form = match about.bucket {
            BucketSize::Hour => "%H:%M",
            BucketSize::Month => self.month_of_year,
            BucketSize::Day | BucketSize::Week if one_year => self.day_of_month,
            BucketSize::Day | BucketSize::Week => self.date,
        };
        let name = |at| local(at).format(form).to_string();
        buckets
            .iter()
            .map(|bucket| Row { name: name(bucket.from), cells: cells(&bucket.figures) })
            .collect()
    }

    /// A figure over time. `missing` says why there is nothing to see.
    pub fn over_time<W, F>(
        &self,
        report: &Report<W, F>,
        (id, title, finding): (&'static str, &'static str, String),
        unit: Unit,
        columns: Vec<Column>,
        cells: impl Fn(&F) -> Vec<Cell>,
    ) -> Figure {
        Figure {
            id,
            width: Width::Third,
            title,
            finding,
            missing: None,
            chart: Some(Chart::upright(unit)),
            rows_are: self.bucket_name(report.about.bucket),
            columns,
            rows: self.by_time(&report.about, &report.series.buckets, cells),
            undrawn: Vec::new(),
        }
    }
}

impl Cell {
    pub fn none() -> Self {
        Self::text(NONE)
    }

    pub fn text(text: &str) -> Self {
        Self { text: text.to_owned(), value: None }
    }
}

impl Figure {
    /// One that there is none of.
    pub fn missing(id: &'static str, title: &'static str, why: &'static str) -> Self {
        Self {
            id,
            width: Width::Third,
            title,
            finding: String::new(),
            missing: Some(why),
            chart: None,
            rows_are: "",
            columns: Vec::new(),
            rows: Vec::new(),
            undrawn: Vec::new(),
        }
    }

    pub fn width(self, width: Width) -> Self {
        Self { width, ..self }
    }

    /// With the bars on each other.
    pub fn stacked(self) -> Self {
        Self { chart: self.chart.map(|chart| Chart { stacked: true, ..chart }), ..self }
    }

    /// Says so instead of drawing nothing.
    pub fn missing_if(self, nothing: bool, why: &'static str) -> Self {
        Self { missing: nothing.then_some(why), ..self }
    }
}

/// A text with each `{}` replaced by the next value.
pub fn fill<const N: usize>(text: &str, values: [String; N]) -> String {
    let mut values = values.into_iter();
    let mut parts = text.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        filled.push_str(&values.next().unwrap_or_default());
        filled.push_str(part);
    }
    filled
}
