//! Where mails come in, whoever brings them.
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::service::{self, Delivery, Desk};
use super::store::Mail;
use crate::db::Db;
use crate::kernel::AppError;

/// Mails that a process has in memory at a time; others wait.
const AT_ONCE: usize = 2;

/// Takes mails in; cheap to clone.
#[derive(Clone)]
pub struct Intake(Arc<Inner>);

struct Inner {
    db: Db,
    desk: Desk,
    bytes_max: usize,
    room: Semaphore,
}

impl Intake {
    /// `bytes_max` is the size of the largest mail that is taken.
    pub fn new(db: Db, desk: Desk, bytes_max: usize) -> Self {
        Self(Arc::new(Inner { db, desk, bytes_max, room: Semaphore::new(AT_ONCE) }))
    }

    pub fn bytes_max(&self) -> usize {
        self.0.bytes_max
    }

    pub(super) fn db(&self) -> &Db {
        &self.0.db
    }

    pub(super) fn desk(&self) -> &Desk {
        &self.0.desk
    }

    /// Waits until there is room for one more mail in memory, and keeps it as long as the permit lives.
    pub async fn room(&self) -> Result<SemaphorePermit<'_>, AppError> {
        self.0.room.acquire().await.map_err(AppError::unavailable)
    }

    /// Takes a mail once; false when it came in before. One that the service fails at is set aside, so that it blocks no
    /// other. Fails when the database cannot be reached.
    pub async fn take(
        &self,
        delivery: Delivery,
        now: DateTime<Utc>,
    ) -> Result<(Mail, bool), AppError> {
        self.take_and(delivery, now, |_| Ok(())).await
    }

    /// The same, with `and` in the same transaction.
    pub(super) async fn take_and(
        &self,
        delivery: Delivery,
        now: DateTime<Utc>,
        and: impl Fn(&mut diesel::PgConnection) -> Result<(), AppError> + Clone + Send + 'static,
    ) -> Result<(Mail, bool), AppError> {
        let (desk, delivery) = (self.0.desk.clone(), Arc::new(delivery));
        let (brought, then) = (Arc::clone(&delivery), and.clone());
        let taken = self.0.db.tx(move |conn| {
            let taken = service::take(conn, &desk, &brought, now)?;
            then(conn)?;
            Ok(taken)
        });
        match taken.await {
            Err(AppError::Internal(fault)) => {
                tracing::error!(?fault, "a mail could not be taken and is set aside");
                let set_aside = self.0.db.tx(move |conn| {
                    let text = "the service failed at it; its log says how";
                    let mail = service::set_aside(conn, &delivery, text, now)?;
                    and(conn)?;
                    Ok((mail, true))
                });
                set_aside.await
            }
            taken => taken,
        }
    }
}
