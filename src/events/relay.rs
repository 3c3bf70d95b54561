//! The relay: gives committed events their positions and tells everybody who must know.
use diesel::{Connection as _, PgConnection};

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
    hand_out(conn, last, None, consumers)
}

/// Gives the next positions to what waits, of this subject or of any, and tells the consumers.
fn hand_out(
    conn: &mut PgConnection,
    last: i64,
    subject: Option<&str>,
    consumers: &[Consumer],
) -> Result<Option<i64>, AppError> {
    let given = store::give_positions(conn, last, subject, BATCH)?;
    let Some(until) = given.into_iter().max() else { return Ok(None) };
    store::set_last_position(conn, until)?;
    let published = store::between(conn, last, until)?;
    for consumer in consumers {
        consumer(conn, &published)?;
    }
    Ok(Some(until))
}

/// Publishes the events of each subject apart from those of the others: one that no consumer can take holds up its own
/// ticket, and nothing else.
fn publish_apart(conn: &mut PgConnection, consumers: &[Consumer]) -> Result<Option<i64>, AppError> {
    let Some(first) = store::lock_feed(conn)? else { return Ok(None) };
    let mut last = first;
    for subject in store::waiting_subjects(conn, BATCH)? {
        match conn.transaction(|conn| hand_out(conn, last, Some(&subject), consumers)) {
            Ok(until) => last = until.unwrap_or(last),
            Err(error) => tracing::error!(subject, ?error, "its events cannot be published"),
        }
    }
    Ok((last > first).then_some(last))
}

/// Publishes one batch and wakes the readers; true when there was something to publish.
pub async fn publish_next(db: &Db, feed: &Feed, consumers: &[Consumer]) -> Result<bool, AppError> {
    let told = consumers.to_vec();
    let position = match db.quiet_tx(move |conn| publish(conn, &told)).await {
        Err(error @ AppError::Unavailable(_)) => return Err(error),
        Err(error) => {
            tracing::error!(?error, "a batch cannot be published; going on subject by subject");
            let told = consumers.to_vec();
            db.quiet_tx(move |conn| publish_apart(conn, &told)).await?
        }
        Ok(position) => position,
    };
    position.into_iter().for_each(|position| feed.published(position));
    Ok(position.is_some())
}
