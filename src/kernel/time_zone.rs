//! A time zone of the IANA database, by its name.
use chrono_tz::Tz;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The name of a time zone of the IANA database.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = Text)]
#[serde(transparent)]
#[schema(value_type = String, example = "Europe/Vienna")]
pub struct TimeZone(pub Tz);

impl TimeZone {
    pub const UTC: Self = Self(Tz::UTC);
}

impl ToSql<Text, Pg> for TimeZone {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <str as ToSql<Text, Pg>>::to_sql(self.0.name(), out)
    }
}

impl FromSql<Text, Pg> for TimeZone {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(std::str::from_utf8(bytes.as_bytes())?.parse()?))
    }
}
