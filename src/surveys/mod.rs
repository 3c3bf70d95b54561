//! How satisfied customers are: after a ticket was closed its contact is asked by mail, and answers on a page behind a signed
//! link, or in the portal. An answer changes no ticket.
mod http;
mod link;
mod page;
mod rules;
mod service;
mod store;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::config::{self, Config};
use crate::kernel::{AppError, SecretKey, SurveyId};

pub use http::{pages, routes};
pub use service::erase;

/// The surveys of the desk; cheap to clone.
#[derive(Clone)]
pub struct Surveys {
    key: Arc<SecretKey>,
    public_url: String,
    after: config::Surveys,
}

impl Surveys {
    pub fn new(key: Arc<SecretKey>, config: &Config) -> Self {
        Self { key, public_url: config.public_url.clone(), after: config.surveys }
    }

    /// Whether a ticket's contact is asked when it is closed; `asked`: somebody wants it with the closing.
    pub fn asks_after_closing(&self, asked: bool) -> bool {
        match self.after {
            config::Surveys::Always => true,
            config::Surveys::Asked => asked,
            config::Surveys::Never => false,
        }
    }

    /// Where the survey is answered.
    fn url(&self, id: SurveyId) -> String {
        format!("{}/s/{}", self.public_url, link::token(&self.key, id))
    }

    /// Reads the feed up to the next ticket that was moved, and asks its contact if that closed it; false at the feed's end, or
    /// while another process is at it. Once for each closing, from any number of processes.
    pub fn ask_next(&self, conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
        service::ask_next(conn, self, now)
    }
}
