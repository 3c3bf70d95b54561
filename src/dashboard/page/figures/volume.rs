//! What comes and goes, what is open, and how long it takes.
use crate::dashboard::page::Texts;
use crate::dashboard::page::figure::{Chart, Column, Figure, Row, Unit, Width, fill};
use crate::reports::{Backlog, Flow, Open, Reopens, Report, Times};

impl Texts {
    pub fn flow(&self, report: &Report<Flow, Flow>) -> Figure {
        let Flow { opened, reopened, closed, merged } = report.series.total;
        let finding =
            fill(self.flow_finding, [opened, closed, reopened].map(|number| self.count(number)));
        let columns = vec![
            Column::bar(self.opened),
            Column::bar(self.closed),
            Column::told(self.reopened),
            Column::told(self.merged),
        ];
        let cells = |flow: &Flow| {
            let all = [flow.opened, flow.closed, flow.reopened, flow.merged];
            all.map(|number| self.count_cell(number)).to_vec()
        };
        let words = ("volume", self.flow_title, finding);
        self.over_time(report, words, Unit::Count, columns, cells)
            .width(Width::Wide)
            .missing_if(opened + reopened + closed + merged == 0, self.nothing)
    }

    pub fn age(&self, report: &Report<Backlog, Open>) -> Figure {
        let ages = report.series.total;
        let classes = [
            (self.age_1, ages.under_1_day),
            (self.age_3, ages.under_3_days),
            (self.age_7, ages.under_7_days),
            (self.age_30, ages.under_30_days),
            (self.age_90, ages.under_90_days),
            (self.age_older, ages.older),
        ];
        let row = |(name, count): (&str, i64)| Row {
            name: name.to_owned(),
            cells: vec![self.count_cell(count)],
        };
        let old = ages.under_30_days + ages.under_90_days + ages.older;
        Figure {
            id: "age",
            width: Width::Third,
            title: self.age_title,
            finding: fill(self.age_finding, [old, ages.open].map(|number| self.count(number))),
            missing: (ages.open == 0).then_some(self.nothing_open),
            chart: Some(Chart::sideways(Unit::Count)),
            rows_are: self.age,
            columns: vec![Column::bar(self.open_now)],
            rows: classes.map(row).to_vec(),
            undrawn: Vec::new(),
        }
    }

    pub fn backlog(&self, report: &Report<Backlog, Open>) -> Figure {
        let finding = fill(self.backlog_finding, [self.count(report.series.total.open)]);
        let cells = |open: &Open| vec![self.some_count(open.open)];
        let words = ("backlog", self.backlog_title, finding);
        self.over_time(report, words, Unit::Count, vec![Column::line(self.open_then)], cells)
    }

    pub fn response(&self, report: &Report<Times, Times>) -> Figure {
        self.times(report, "response", self.response_title)
    }

    pub fn resolution_times(&self, report: &Report<Times, Times>) -> Figure {
        self.times(report, "resolution", self.resolution_title)
    }

    fn times(
        &self,
        report: &Report<Times, Times>,
        id: &'static str,
        title: &'static str,
    ) -> Figure {
        let total = report.series.total;
        let median = self.duration_cell(total.median_business_seconds).text;
        let p90 = self.duration_cell(total.p90_business_seconds).text;
        let finding = fill(self.times_finding, [median, p90, self.count(total.count)]);
        let columns = vec![
            Column::line(self.median),
            Column::line(self.p90),
            Column::told(self.median_clock),
            Column::told(self.p90_clock),
            Column::told(self.tickets),
        ];
        let cells = |times: &Times| {
            let durations = [
                times.median_business_seconds,
                times.p90_business_seconds,
                times.median_seconds,
                times.p90_seconds,
            ];
            let mut cells = durations.map(|seconds| self.duration_cell(seconds)).to_vec();
            cells.push(self.count_cell(times.count));
            cells
        };
        self.over_time(report, (id, title, finding), Unit::Seconds, columns, cells)
            .missing_if(total.count == 0, self.nothing)
    }

    pub fn reopens(&self, report: &Report<Reopens, Reopens>) -> Figure {
        let total = report.series.total;
        let rate = self.part_cell(total.rate).text;
        let counts = [total.reopened, total.closed].map(|number| self.count(number));
        let [reopened, closed] = counts;
        let finding = fill(self.reopens_finding, [rate, reopened, closed]);
        let columns = vec![
            Column::line(self.reopen_rate),
            Column::told(self.reopened),
            Column::told(self.closed),
        ];
        let cells = |reopens: &Reopens| {
            let Reopens { closed, reopened, rate } = *reopens;
            vec![self.part_cell(rate), self.count_cell(reopened), self.count_cell(closed)]
        };
        let words = ("reopens", self.reopens_title, finding);
        self.over_time(report, words, Unit::Part, columns, cells)
            .missing_if(total.closed == 0, self.nothing)
    }
}
