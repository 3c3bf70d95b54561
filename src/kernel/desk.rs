//! Words of the desk that several features share.
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::SmallInt;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::text_enum;

text_enum! {
    /// The level of support that owns a ticket.
    Level {
        L1 = "L1",
        L2 = "L2",
        /// The desk's own specialists behind L2.
        ThirdLine = "third_line",
        /// A team outside the desk.
        External = "external",
    }
}

/// How urgent a ticket is. The database keeps the rank, 1 to 4, so that it sorts.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
    AsExpression,
    FromSqlRow,
)]
#[diesel(sql_type = SmallInt)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Low,
    #[default]
    Normal,
    High,
    Critical,
}

impl Priority {
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];

    /// 1 for low to 4 for critical.
    pub fn rank(self) -> i16 {
        self as i16 + 1
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == text)
    }
}

impl ToSql<SmallInt, Pg> for Priority {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <i16 as ToSql<SmallInt, Pg>>::to_sql(&self.rank(), &mut out.reborrow())
    }
}

impl FromSql<SmallInt, Pg> for Priority {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let rank = <i16 as FromSql<SmallInt, Pg>>::from_sql(bytes)?;
        let found = Self::ALL.into_iter().find(|priority| priority.rank() == rank);
        found.ok_or_else(|| format!("{rank} is not the rank of a priority").into())
    }
}
