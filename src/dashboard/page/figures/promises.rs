//! What customers were promised, and what they say.
use crate::dashboard::page::Texts;
use crate::dashboard::page::figure::{Cell, Chart, Column, Figure, Row, Unit, Width, fill};
use crate::reports::{Attainment, Kept, Report, Satisfaction};

impl Texts {
    pub fn attainment(&self, report: &Report<Attainment, Attainment>) -> Figure {
        let total = report.series.total;
        let kept = [total.first_response, total.next_response, total.resolution];
        let finding =
            fill(self.attainment_finding, kept.map(|kept| self.part_cell(kept.attainment).text));
        let columns = vec![
            Column::line(self.first_response),
            Column::line(self.next_response),
            Column::line(self.resolution),
            Column::told(self.first_response_kept),
            Column::told(self.next_response_kept),
            Column::told(self.resolution_kept),
        ];
        let cells = |all: &Attainment| {
            let kept = [all.first_response, all.next_response, all.resolution];
            let parts = kept.iter().map(|kept| self.part_cell(kept.attainment));
            parts.chain(kept.iter().map(|kept| self.kept_cell(kept))).collect()
        };
        let decided = kept.iter().map(|kept| kept.fulfilled + kept.breached).sum::<i64>();
        let words = ("sla", self.attainment_title, finding);
        self.over_time(report, words, Unit::Part, columns, cells)
            .missing_if(decided == 0, self.no_promises)
    }

    /// `90 of 96`
    fn kept_cell(&self, kept: &Kept) -> Cell {
        let all = kept.fulfilled + kept.breached;
        if all == 0 {
            return Cell::none();
        }
        let text = fill(self.of, [kept.fulfilled, all].map(|number| self.count(number)));
        Cell { text, ..self.count_cell(kept.fulfilled) }
    }

    pub fn satisfaction(&self, report: &Report<Satisfaction, Satisfaction>) -> Figure {
        let columns =
            vec![Column::line(self.mean), Column::told(self.answered), Column::told(self.asked)];
        let cells = |said: &Satisfaction| {
            let counts = [said.answered, said.asked].map(|number| self.count_cell(number));
            [vec![self.score_cell(said.mean)], counts.to_vec()].concat()
        };
        let total = report.series.total;
        let mean = self.score_cell(total.mean).text;
        let [answered, asked] = [total.answered, total.asked].map(|number| self.count(number));
        let finding = fill(self.satisfaction_finding, [mean, answered, asked]);
        let words = ("csat", self.satisfaction_title, finding);
        self.over_time(report, words, Unit::Score, columns, cells)
            .missing_if(total.answered == 0, self.no_surveys)
    }

    pub fn ratings(&self, report: &Report<Satisfaction, Satisfaction>) -> Figure {
        let total = report.series.total;
        let ratings = [total.rated_1, total.rated_2, total.rated_3, total.rated_4, total.rated_5];
        let row = |(name, count): (&&str, i64)| Row {
            name: (*name).to_owned(),
            cells: vec![self.count_cell(count)],
        };
        let names = [self.rated_1, self.rated_2, self.rated_3, self.rated_4, self.rated_5];
        Figure {
            id: "ratings",
            width: Width::Third,
            title: self.ratings_title,
            finding: fill(self.ratings_finding, [self.part_cell(total.response_rate).text]),
            missing: (total.answered == 0).then_some(self.no_surveys),
            chart: Some(Chart::sideways(Unit::Count)),
            rows_are: self.rating,
            columns: vec![Column::bar(self.answers)],
            rows: names.iter().zip(ratings).map(row).collect(),
            undrawn: Vec::new(),
        }
    }
}
