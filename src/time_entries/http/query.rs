//! Which time entries a client asks for.
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::PageQuery;
use crate::kernel::{AccountId, AgentId, AppError, PageRequest, TicketId};
use crate::time_entries::store::Filter;

/// The filters of entries.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EntryQuery {
    /// Of this agent.
    pub agent: Option<AgentId>,
    /// On tickets of this account.
    pub account: Option<AccountId>,
    /// On this ticket and those that were merged into it.
    pub ticket: Option<TicketId>,
    pub chargeable: Option<bool>,
    /// Worked on this day or later.
    #[param(example = "2026-11-01")]
    pub from: Option<NaiveDate>,
    /// Worked on this day or earlier.
    #[param(example = "2026-11-30")]
    pub to: Option<NaiveDate>,
}

impl EntryQuery {
    pub fn filter(&self) -> Filter {
        Filter {
            tickets: None,
            agent: self.agent,
            account: self.account,
            chargeable: self.chargeable,
            from: self.from,
            to: self.to,
        }
    }
}

/// The same, a page at a time.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    agent: Option<AgentId>,
    /// On tickets of this account.
    account: Option<AccountId>,
    /// On this ticket and those that were merged into it.
    pub ticket: Option<TicketId>,
    chargeable: Option<bool>,
    /// Worked on this day or later.
    #[param(example = "2026-11-01")]
    from: Option<NaiveDate>,
    /// Worked on this day or earlier.
    #[param(example = "2026-11-30")]
    to: Option<NaiveDate>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page; only with the same filter.
    cursor: Option<String>,
}

impl ListQuery {
    pub fn filter(&self) -> Filter {
        Filter {
            tickets: None,
            agent: self.agent,
            account: self.account,
            chargeable: self.chargeable,
            from: self.from,
            to: self.to,
        }
    }

    pub fn page(&self) -> Result<PageRequest, AppError> {
        let binding = format!("time entries {:?} {:?}", self.ticket, self.filter());
        let Self { limit, cursor, .. } = self;
        PageQuery { limit: *limit, cursor: cursor.clone() }.request(&binding)
    }
}

/// A period of days.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PeriodQuery {
    /// The first day; everything before `to` when absent.
    #[param(example = "2026-11-01")]
    pub from: Option<NaiveDate>,
    /// The last day; everything since `from` when absent.
    #[param(example = "2026-11-30")]
    pub to: Option<NaiveDate>,
}

impl PeriodQuery {
    pub fn filter(&self) -> Filter {
        Filter { from: self.from, to: self.to, ..Filter::default() }
    }
}
