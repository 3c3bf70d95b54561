//! The figures that are looked at first.
use serde::Serialize;

use super::Texts;
use super::figure::fill;
use super::format::NONE;
use crate::dashboard::service::Documents;
use crate::reports::{Report, Times};

#[derive(Debug, Serialize)]
pub struct Tile {
    name: &'static str,
    value: String,
    more: String,
}

impl Tile {
    /// `told`: the figure, and what else there is to say about it; `None` when the report is missing.
    fn new(name: &'static str, told: Option<(String, String)>) -> Self {
        let (value, more) = told.unwrap_or_else(|| (NONE.to_owned(), String::new()));
        Self { name, value, more }
    }
}

impl Texts {
    pub fn tiles(&self, all: &Documents) -> Vec<Tile> {
        let flow = all.volume.as_ref().map(|report| report.series.total);
        let count = |number| self.count(number);
        let open = all.backlog.as_ref().map(|report| {
            let ages = report.series.total;
            let old = ages.under_30_days + ages.under_90_days + ages.older;
            (count(ages.open), fill(self.old_tile, [count(old)]))
        });
        let opened =
            flow.map(|flow| (count(flow.opened), fill(self.reopened_tile, [count(flow.reopened)])));
        let closed =
            flow.map(|flow| (count(flow.closed), fill(self.merged_tile, [count(flow.merged)])));
        let kept = all.sla.as_ref().map(|report| {
            let total = report.series.total;
            let response = self.part_cell(total.first_response.attainment).text;
            let resolution = self.part_cell(total.resolution.attainment).text;
            (response, fill(self.attainment_more, [resolution]))
        });
        let reopened = all.reopens.as_ref().map(|report| {
            let total = report.series.total;
            let counts = [total.reopened, total.closed].map(count);
            (self.part_cell(total.rate).text, fill(self.of, counts))
        });
        let satisfied = all.csat.as_ref().map(|report| {
            let total = report.series.total;
            let counts = [total.answered, total.asked].map(count);
            (self.score_cell(total.mean).text, fill(self.answers_tile, counts))
        });
        let spent = all.time.as_ref().map(|report| {
            let total = report.series.total;
            let all = (total.charged_minutes + total.not_charged_minutes) * 60;
            let charged = self.brief_duration(Some(total.charged_minutes * 60));
            (charged, fill(self.time_tile, [self.brief_duration(Some(all))]))
        });
        vec![
            Tile::new(self.open_now, open),
            Tile::new(self.opened, opened),
            Tile::new(self.closed, closed),
            Tile::new(self.response_tile, self.times_tile(&all.response)),
            Tile::new(self.resolution_tile, self.times_tile(&all.resolution)),
            Tile::new(self.attainment_tile, kept),
            Tile::new(self.reopen_rate, reopened),
            Tile::new(self.satisfaction_title, satisfied),
            Tile::new(self.charged, spent),
        ]
    }

    fn times_tile(&self, report: &Option<Report<Times, Times>>) -> Option<(String, String)> {
        let times = report.as_ref()?.series.total;
        let p90 = self.brief_duration(times.p90_business_seconds);
        Some((self.brief_duration(times.median_business_seconds), fill(self.p90_tile, [p90])))
    }
}
