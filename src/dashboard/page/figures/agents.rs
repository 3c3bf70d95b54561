//! Who has how much to do, and what it took.
use std::cmp::Reverse;

use crate::dashboard::page::Texts;
use crate::dashboard::page::figure::{Chart, Column, Figure, Row, Unit, Width, fill};
use crate::reports::{Load, Minutes, Report, Work};

/// Agents that are drawn.
const DRAWN: usize = 15;

impl Texts {
    pub fn load(&self, report: &Report<Load, Work>) -> Figure {
        let total = report.series.total;
        let counts = [total.open, total.assigned, total.closed];
        let mut groups: Vec<_> = report.groups.iter().collect();
        groups.sort_by_key(|group| Reverse((group.series.total.open, group.series.total.closed)));
        let row = |name: Option<&str>, load: Load| Row {
            name: name.unwrap_or(self.nobody).to_owned(),
            cells: [load.open, load.closed, load.assigned]
                .map(|number| self.count_cell(number))
                .to_vec(),
        };
        let mut rows: Vec<Row> =
            groups.iter().map(|group| row(group.name.as_deref(), group.series.total)).collect();
        let others = report.others.as_ref();
        rows.extend(others.map(|others| row(Some(self.others), others.total)));
        let undrawn = rows.split_off(rows.len().min(DRAWN));
        Figure {
            id: "load",
            width: Width::Wide,
            title: self.load_title,
            finding: match undrawn.as_slice() {
                [] => fill(self.load_finding, counts.map(|number| self.count(number))),
                _ => fill(self.much_load_finding, counts.map(|number| self.count(number))),
            },
            missing: rows.is_empty().then_some(self.nothing),
            chart: Some(Chart::sideways(Unit::Count)),
            rows_are: self.agent,
            columns: vec![
                Column::bar(self.open_now),
                Column::bar(self.closed),
                Column::told(self.assigned),
            ],
            rows,
            undrawn,
        }
    }

    pub fn time(&self, report: &Report<Minutes, Minutes>) -> Figure {
        let total = report.series.total;
        let minutes = [total.charged_minutes, total.not_charged_minutes];
        let [charged, free] = minutes.map(|minutes| self.duration(minutes * 60));
        let finding = fill(self.time_finding, [charged, free, self.count(total.entries)]);
        let columns = vec![
            Column::bar(self.charged),
            Column::bar(self.not_charged),
            Column::told(self.entries),
        ];
        let cells = |spent: &Minutes| {
            let minutes = [spent.charged_minutes, spent.not_charged_minutes];
            let mut cells = minutes.map(|minutes| self.minutes_cell(minutes)).to_vec();
            cells.push(self.count_cell(spent.entries));
            cells
        };
        let words = ("time", self.time_title, finding);
        self.over_time(report, words, Unit::Minutes, columns, cells)
            .width(Width::Wide)
            .stacked()
            .missing_if(total.entries == 0, self.no_entries)
    }
}
