//! Leases: short, so that what a dead process held is free soon, and renewed while work goes on.
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{PgConnection, QueryResult};

use super::Db;

/// How long a lease lasts without a sign of life. The clocks of replicas must agree within it.
pub const LEASE: TimeDelta = TimeDelta::seconds(15);
/// How often a sign of life is given.
const BEAT: Duration = Duration::from_secs(4);

/// The time that counts on from `began`, when the clock was read.
pub fn later(now: DateTime<Utc>, began: Instant) -> DateTime<Utc> {
    now + TimeDelta::from_std(began.elapsed()).unwrap_or_default()
}

impl Db {
    /// Renews a lease until it is lost, or may be because the database could not be asked for too long. `renew` sets its
    /// new end; false when another has taken over.
    pub async fn lease_lost(
        &self,
        now: DateTime<Utc>,
        renew: impl Fn(&mut PgConnection, DateTime<Utc>) -> QueryResult<bool> + Clone + Send + 'static,
    ) {
        let began = Instant::now();
        let mut held_until = now + LEASE;
        loop {
            tokio::time::sleep(BEAT).await;
            let (renew, until) = (renew.clone(), later(now, began) + LEASE);
            match self.quiet_tx(move |conn| Ok(renew(conn, until)?)).await {
                Ok(true) => held_until = until,
                Ok(false) => return,
                Err(_) if later(now, began) >= held_until => return,
                Err(error) => tracing::warn!(?error, "a lease was not renewed; trying again"),
            }
        }
    }
}
