//! How far desk and CRMs are from agreement.
use crate::crm::service::ConnectionState;
use crate::dashboard::page::Texts;
use crate::dashboard::page::figure::{Cell, Column, Figure, Row, Width, fill};
use crate::reports::{ConnectionHealth, MirrorHealth};

impl Texts {
    pub fn mirror(&self, health: &MirrorHealth) -> Figure {
        let total = health.total;
        let counts = [total.pending, total.parked, total.conflicts];
        let row = |connection: &ConnectionHealth| {
            let figures = connection.figures;
            let state = match connection.state {
                ConnectionState::Active => self.active,
                ConnectionState::Paused => self.paused,
            };
            let counts = [figures.pending, figures.parked, figures.conflicts];
            let mut cells = vec![Cell::text(state)];
            cells.extend(counts.map(|number| self.count_cell(number)));
            cells.push(self.duration_cell(Some(figures.lag_seconds)));
            Row { name: connection.name.clone(), cells }
        };
        Figure {
            id: "mirror",
            width: Width::Third,
            title: self.mirror_title,
            finding: fill(self.mirror_finding, counts.map(|number| self.count(number))),
            missing: health.connections.is_empty().then_some(self.no_connections),
            chart: None,
            rows_are: self.connection,
            columns: [self.state, self.pending, self.parked, self.conflicts, self.lag]
                .map(Column::told)
                .into(),
            rows: health.connections.iter().map(row).collect(),
            undrawn: Vec::new(),
        }
    }
}
