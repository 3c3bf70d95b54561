//! The feed as it happens, for many listeners: they wait for one bell, and who would read the same reads it once.
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use moka::sync::Cache;
use tokio::sync::{OnceCell, Semaphore};

use super::feed::Feed;
use super::service;
use super::store::{Event, Filter};
use crate::db::Db;
use crate::kernel::{Actor, AppError};

/// How long what somebody read is kept for others who would read the same.
const KEPT: Duration = Duration::from_secs(2);
/// How many such pages are kept at the most.
const PAGES: u64 = 200;
/// Listeners have so many of the database's connections among them, one of this many: they never keep requests waiting.
const SHARE: u32 = 4;

/// What a listener is sent next.
#[derive(Debug)]
pub struct LivePage {
    /// Written as the stream shows it.
    pub text: Bytes,
    /// Up to where there is nothing else for this listener.
    pub until: i64,
}

type Shared = Arc<OnceCell<Arc<LivePage>>>;

/// The feed for listeners; cheap to clone.
#[derive(Clone)]
pub struct Live {
    db: Db,
    feed: Feed,
    pages: Cache<String, Shared>,
    turns: Arc<Semaphore>,
}

impl Live {
    /// `connections`: how many the database has.
    pub fn new(db: Db, feed: Feed, connections: u32) -> Self {
        let pages = Cache::builder().max_capacity(PAGES).time_to_live(KEPT).build();
        let turns = usize::try_from((connections / SHARE).max(1)).unwrap_or(1);
        Self { db, feed, pages, turns: Arc::new(Semaphore::new(turns)) }
    }

    /// The last position, as the database has it.
    pub async fn end(&self) -> Result<i64, AppError> {
        self.db.read(service::last_position).await
    }

    /// Whether anything behind `seen` was published, as far as this process knows.
    pub fn has_news(&self, seen: i64) -> bool {
        self.feed.last() > seen
    }

    /// Returns when something behind `seen` was published; false when the process is about to end.
    pub async fn news(&self, seen: i64) -> bool {
        self.feed.news(seen).await;
        !self.feed.is_closed()
    }

    /// What was published behind `filter.after`, as far as this listener may see it, written by `write`; `None` when nothing was.
    /// The feed's own query decides what that is.
    pub async fn page(
        &self,
        listener: &Actor,
        mut filter: Filter,
        write: fn(Vec<Event>) -> Result<Bytes, AppError>,
    ) -> Result<Option<Arc<LivePage>>, AppError> {
        let published = self.feed.last();
        if published <= filter.after {
            return Ok(None);
        }
        filter.until = Some(published);
        let key = format!("{} {:?} {filter:?}", listener.id, listener.visibility());
        let page = self.pages.get_with(key, Shared::default);
        let read = async {
            let _turn = self.turns.acquire().await.map_err(AppError::internal)?;
            let listener = listener.clone();
            let read = move |conn: &mut _| service::feed(conn, &filter, &listener);
            let (events, until) = self.db.read(read).await?;
            Ok::<_, AppError>(Arc::new(LivePage { text: write(events)?, until }))
        };
        Ok(Some(Arc::clone(page.get_or_try_init(|| read).await?)))
    }

    /// Learns what other processes published. One for all who listen here.
    pub async fn look(&self) -> Result<(), AppError> {
        self.feed.published(self.end().await?);
        Ok(())
    }
}
