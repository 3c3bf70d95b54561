//! The relay: gives committed events their positions and tells everybody who must know.
use diesel::PgConnection;

use super::feed::Feed;
use super::store::{self, Event};
use crate::db::Db;
use crate::kernel::AppError;

/// Called with each batch of events in the transaction that publishes them: to mark, to queue, never to call outside.
pub type Consumer = fn(&mut PgConnection, &[Event]) -> Result<(), AppError>;

const BATCH: i64 = 500;

/// Publishes one batch; returns the last position, or `None` when there was nothing to do or another
/// replica is at it.
fn publish(conn: &mut PgConnection, consumers: &[Consumer]) -> Result<Option<i64>, AppError> {
    let Some(last) = store::lock_feed(conn)? else { return Ok(None) };
    let Some(until) = store::give_positions(conn, last, BATCH)?.into_iter().max() else {
        return Ok(None);
    };
    store::set_last_position(conn, until)?;
    let published = store::between(conn, last, until)?;
    for consumer in consumers {
        consumer(conn, &published)?;
    }
    Ok(Some(until))
}

/// Publishes one batch and wakes the readers; true when there was something to publish.
pub async fn publish_next(db: &Db, feed: &Feed, consumers: &[Consumer]) -> Result<bool, AppError> {
    let consumers = consumers.to_vec();
    let position = db.tx_unheard(move |conn| publish(conn, &consumers)).await?;
    position.into_iter().for_each(|position| feed.published(position));
    Ok(position.is_some())
}
