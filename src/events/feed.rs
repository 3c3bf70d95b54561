//! Tells waiting readers that something was published.
use std::time::Duration;

use tokio::sync::watch;

/// Another replica's publishing is noticed after this time at the latest.
const POLL: Duration = Duration::from_secs(1);

/// The last published position, as far as this process knows.
#[derive(Clone, Debug)]
pub struct Feed(watch::Sender<i64>);

impl Feed {
    pub fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Wakes the readers when `position` is news.
    pub fn published(&self, position: i64) {
        self.0.send_if_modified(|last| {
            let news = position > *last;
            *last = position.max(*last);
            news
        });
    }

    /// Returns when something was published in this process, and after a second anyway.
    pub async fn changed(&self) {
        let mut reader = self.0.subscribe();
        let _ = tokio::time::timeout(POLL, reader.changed()).await;
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}
