//! Tells waiting readers that something was published.
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Another replica's publishing is noticed after this time at the latest.
const POLL: Duration = Duration::from_secs(1);

/// The last published position, as far as this process knows.
#[derive(Clone, Debug)]
pub struct Feed {
    last: watch::Sender<i64>,
    closed: CancellationToken,
}

impl Feed {
    pub fn new() -> Self {
        Self { last: watch::Sender::new(0), closed: CancellationToken::new() }
    }

    /// Lets nobody wait any more: the process is about to end.
    pub fn close(&self) {
        self.closed.cancel();
    }

    pub fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// The last published position, as far as this process knows.
    pub fn last(&self) -> i64 {
        *self.last.borrow()
    }

    /// Wakes the readers when `position` is news.
    pub fn published(&self, position: i64) {
        self.last.send_if_modified(|last| {
            let news = position > *last;
            *last = position.max(*last);
            news
        });
    }

    /// Returns when this process knows of something behind `seen`, or the feed was closed.
    pub async fn news(&self, seen: i64) {
        let mut reader = self.last.subscribe();
        tokio::select! {
            _ = reader.wait_for(|last| *last > seen) => {}
            () = self.closed.cancelled() => {}
        }
    }

    /// Returns when this process has published something behind `seen` or the feed was closed, and after a second anyway.
    pub async fn beyond(&self, seen: i64) {
        _ = tokio::time::timeout(POLL, self.news(seen)).await;
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}
