//! The documents that the page shows.
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::kernel::{Actor, AppError, Permission};
use crate::reports::service::{self, Query};
use crate::reports::{
    About, Asking, Attainment, Backlog, Flow, Load, Minutes, MirrorHealth, Open, Reopens, Report,
    Reports, Satisfaction, Times, Work,
};

/// What each report says; `None` for one that would take too long.
pub struct Documents {
    pub volume: Option<Report<Flow, Flow>>,
    pub backlog: Option<Report<Backlog, Open>>,
    pub response: Option<Report<Times, Times>>,
    pub resolution: Option<Report<Times, Times>>,
    pub sla: Option<Report<Attainment, Attainment>>,
    pub reopens: Option<Report<Reopens, Reopens>>,
    pub csat: Option<Report<Satisfaction, Satisfaction>>,
    pub time: Option<Report<Minutes, Minutes>>,
    pub load: Option<Report<Load, Work>>,
    /// `None` also for those who may not see the connections.
    pub mirror: Option<MirrorHealth>,
}

impl Documents {
    /// What all of them are about.
    pub fn about(&self) -> Option<&About> {
        let volume = self.volume.as_ref().map(|report| &report.about);
        volume.or_else(|| self.backlog.as_ref().map(|report| &report.about))
    }
}

struct Reader<'a> {
    reports: &'a Reports,
    viewer: Arc<Actor>,
    asking: Asking,
}

/// One after the other, so that a page takes one of the turns that reports have.
pub async fn documents(
    reports: &Reports,
    viewer: Arc<Actor>,
    asking: Asking,
    now: DateTime<Utc>,
) -> Result<Documents, AppError> {
    let reader = Reader { reports, viewer, asking };
    Ok(Documents {
        volume: reader.read(service::volume).await?,
        backlog: reader.read(service::backlog).await?,
        response: reader.read(service::response_times).await?,
        resolution: reader.read(service::resolution_times).await?,
        sla: reader.read(service::sla).await?,
        reopens: reader.read(service::reopens).await?,
        csat: reader.read(service::csat).await?,
        time: reader.read(service::time).await?,
        load: reader.read(service::agent_load).await?,
        mirror: reader.mirror(now).await?,
    })
}

type Make<W, F> = fn(&mut PgConnection, &Actor, &Query) -> Result<Report<W, F>, AppError>;

impl Reader<'_> {
    async fn read<W: Send + 'static, F: Send + 'static>(
        &self,
        make: Make<W, F>,
    ) -> Result<Option<Report<W, F>>, AppError> {
        let (viewer, asking) = (Arc::clone(&self.viewer), self.asking.clone());
        let read = self.reports.read(move |conn| {
            let query = asking.query(conn, &viewer)?;
            make(conn, &viewer, &query)
        });
        or_too_large(read.await)
    }

    async fn mirror(&self, now: DateTime<Utc>) -> Result<Option<MirrorHealth>, AppError> {
        if !self.viewer.may(Permission::CrmRead) {
            return Ok(None);
        }
        let viewer = Arc::clone(&self.viewer);
        let read = self.reports.read(move |conn| service::mirror_health(conn, &viewer, now));
        or_too_large(read.await)
    }
}

fn or_too_large<T>(read: Result<T, AppError>) -> Result<Option<T>, AppError> {
    match read {
        Ok(document) => Ok(Some(document)),
        Err(AppError::Rule { code: "report_too_large", .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
