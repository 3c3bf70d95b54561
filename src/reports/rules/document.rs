//! What a report says.
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::figures::Mirrored;
use super::period::BucketSize;
use crate::crm::service::ConnectionState;
use crate::kernel::{ConnectionId, TimeZone, rfc3339, text_enum};

/// Groups that are told one by one; all others are told together.
pub const GROUPS_MAX: usize = 50;

text_enum! {
    /// By what the figures are told apart: by what the tickets are now, wherever they were then.
    GroupBy {
        Department = "department",
        /// Who has the ticket.
        Agent = "agent",
        Account = "account",
        Product = "product",
        Component = "component",
    }
}

/// What a report is about, and how current it is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct About {
    #[serde(serialize_with = "rfc3339::serialize")]
    pub from: DateTime<Utc>,
    /// Not included.
    #[serde(serialize_with = "rfc3339::serialize")]
    pub to: DateTime<Utc>,
    /// Whose clock and calendar the buckets follow.
    pub time_zone: TimeZone,
    pub bucket: BucketSize,
    pub group_by: Option<GroupBy>,
    /// Whatever happened before this time is in the figures.
    #[serde(serialize_with = "rfc3339::serialize")]
    pub as_of: DateTime<Utc>,
}

/// Figures `F` of a part of the period; it contains its beginning and not its end.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Bucket<F> {
    #[serde(serialize_with = "rfc3339::serialize")]
    pub from: DateTime<Utc>,
    #[serde(serialize_with = "rfc3339::serialize")]
    pub to: DateTime<Utc>,
    pub figures: F,
}

/// Figures of the whole period `W`, and of each of its buckets `F`, one without anything too.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Series<W, F> {
    pub total: W,
    pub buckets: Vec<Bucket<F>>,
}

/// The figures of one department, agent, account, product or component.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Group<W, F> {
    /// Null: of the tickets that have none.
    pub id: Option<Uuid>,
    #[schema(example = "Support")]
    pub name: Option<String>,
    #[serde(flatten)]
    pub series: Series<W, F>,
}

/// A report: figures of everything that was asked for, and of each group.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = PeriodReport)]
pub struct Report<W, F> {
    #[serde(flatten)]
    pub about: About,
    #[serde(flatten)]
    pub series: Series<W, F>,
    /// The 50 with the most to tell, these first; empty without `group_by`.
    pub groups: Vec<Group<W, F>>,
    /// All other groups together; null when there are no others.
    pub others: Option<Series<W, F>>,
}

/// What is to be done between the desk and one CRM.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ConnectionHealth {
    pub id: ConnectionId,
    #[schema(example = "SuiteCRM")]
    pub name: String,
    pub state: ConnectionState,
    #[serde(flatten)]
    pub figures: Mirrored,
}

/// How far desk and CRMs are from agreement: sums over all connections, and the longest lag.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MirrorHealth {
    #[serde(serialize_with = "rfc3339::serialize")]
    pub as_of: DateTime<Utc>,
    pub total: Mirrored,
    /// By name.
    pub connections: Vec<ConnectionHealth>,
}
