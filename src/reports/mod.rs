//! Reports: figures about tickets, by time and by group. They are read from facts that a loop derives from the histories of tickets,
//! from a replica of the database if there is one, a few at a time and none for longer than it may take.
mod asking;
mod http;
mod rules;
pub mod service;
mod store;

use std::sync::Arc;
use std::time::Duration;

use diesel::PgConnection;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::db::{self, Db};
use crate::kernel::AppError;

pub use asking::Asking;
pub use http::routes;
pub use rules::*;

/// Where reports are read; cheap to clone.
#[derive(Clone)]
pub struct Reports {
    db: Db,
    turns: Arc<Semaphore>,
    seconds: u32,
}

impl Reports {
    /// Reads from the replica of the configuration, or else from `db`. The replica may be down: then reports are refused, and
    /// nothing else.
    pub fn new(config: &Config, db: &Db) -> anyhow::Result<Self> {
        let db = match &config.database_replica_url {
            Some(url) => Db::connect_lazily(url, config.reports_at_once)?,
            None => db.clone(),
        };
        let turns = usize::try_from(config.reports_at_once)?;
        Ok(Self { db, turns: Arc::new(Semaphore::new(turns)), seconds: config.report_seconds })
    }

    /// Runs `work` on one state of the database, in which it cannot write. Fails with [`AppError::Unavailable`] when too many reports
    /// are at work for too long, and with `report_too_large` when it takes too long.
    pub async fn read<T, F>(&self, work: F) -> Result<T, AppError>
    where
        F: FnOnce(&mut PgConnection) -> Result<T, AppError> + Send + 'static,
        T: Send + 'static,
    {
        let patience = Duration::from_secs(self.seconds.into());
        let turn = tokio::time::timeout(patience, self.turns.acquire()).await;
        let _turn = turn.map_err(AppError::unavailable)?.map_err(AppError::unavailable)?;
        let seconds = self.seconds;
        let read = self.db.quiet_tx(move |conn| {
            db::only_look(conn, seconds)?;
            work(conn)
        });
        read.await.map_err(too_large)
    }
}

/// 57014: the statement was cancelled, for which diesel has no kind.
fn too_large(error: AppError) -> AppError {
    let cancelled = |error: &anyhow::Error| {
        let database = error.downcast_ref::<diesel::result::Error>();
        database.is_some_and(|error| error.to_string().contains("statement timeout"))
    };
    match error {
        AppError::Internal(cause) if cancelled(&cause) => {
            let detail = "this takes too long: ask for a shorter period, or for fewer tickets";
            AppError::rule("report_too_large", detail)
        }
        other => other,
    }
}
