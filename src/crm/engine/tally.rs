//! What the attempts of this process came to, counted in memory and told every few seconds.
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::Engine;
use super::pass::Stop;
use crate::crm::rules::{self, lag_class};
use crate::crm::store::{self, Connection, Mirror, Outcome};
use crate::kernel::{AppError, ConnectionId};

/// How long counts are kept.
const KEPT: TimeDelta = TimeDelta::hours(1);

/// A success is told once in this time, unless something failed since.
const SUCCESS: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Mutex<BTreeMap<Outcome, i64>>,
    /// When a success of the connection was told last.
    told: Mutex<HashMap<ConnectionId, Instant>>,
}

impl Tally {
    /// Counts how an attempt ended.
    pub fn count(
        &self,
        connection: &Connection,
        mirror: &Mirror,
        done: &Result<(), Stop>,
        now: DateTime<Utc>,
    ) {
        let name = || connection.name.clone();
        let (outcome, lag_class) = match done {
            Ok(()) => {
                let lag = now - mirror.dirty_since.unwrap_or(now);
                let seconds = lag.to_std().unwrap_or_default().as_secs_f64();
                metrics::histogram!("mirror_lag_seconds", "connection" => name()).record(seconds);
                ("converged", lag_class(lag))
            }
            Err(stop) => {
                let Some(class) = stop.class() else { return };
                let labels = [("connection", name()), ("class", class.to_owned())];
                metrics::counter!("mirror_failures_total", &labels).increment(1);
                self.told.lock().unwrap_or_else(PoisonError::into_inner).remove(&connection.id);
                (class, 0)
            }
        };
        let of = Outcome { connection: connection.id, outcome, lag_class };
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(of).or_default() += 1;
    }

    /// Whether the connection's row is to be told that the CRM answered.
    pub fn is_news(&self, connection: &Connection) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let known = told.get(&connection.id).is_some_and(|at| at.elapsed() < SUCCESS);
        if known && connection.failures == 0 {
            return false;
        }
        told.insert(connection.id, Instant::now());
        true
    }

    fn take(&self) -> Vec<(Outcome, i64)> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *counts).into_iter().collect()
    }
}

impl Engine {
    /// Adds what was counted to what every process counts together, and forgets what is too old to be of use.
    pub async fn tell_outcomes(&self, now: DateTime<Utc>) -> Result<(), AppError> {
        let counts = self.0.tally.take();
        if counts.is_empty() {
            return Ok(());
        }
        let told = self.0.db.quiet_tx(move |conn| {
            store::add_outcomes(conn, &counts, now)?;
            store::forget_outcomes(conn, now - KEPT)?;
            Ok(())
        });
        told.await
    }

    /// Sets the gauges of every connection.
    pub async fn tell_figures(&self, now: DateTime<Utc>) -> Result<(), AppError> {
        let figures = self.0.db.read(|conn| Ok(store::figures(conn)?)).await?;
        for connection in figures {
            let name = || connection.name.clone();
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
            let (backlog, parked) = (connection.backlog as f64, connection.parked as f64);
            let oldest = connection.oldest.unwrap_or(now);
            let behind = (now - oldest).to_std().unwrap_or_default().as_secs_f64();
            metrics::gauge!("mirror_backlog", "connection" => name()).set(backlog);
            metrics::gauge!("mirror_parked", "connection" => name()).set(parked);
            metrics::gauge!("mirror_behind_seconds", "connection" => name()).set(behind);
            let open = f64::from(u8::from(rules::is_outage(connection.failures)));
            metrics::gauge!("mirror_outage", "connection" => name()).set(open);
        }
        Ok(())
    }
}
