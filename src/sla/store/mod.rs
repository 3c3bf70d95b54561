//! Queries of service levels.
mod calendars;
mod clocks;
mod hours;
mod policies;

pub use calendars::*;
pub use clocks::*;
pub use hours::*;
pub use policies::*;

/// Texts of JSON as a column.
macro_rules! kept_as_json {
    ($($name:ident),*) => {$(
        impl diesel::serialize::ToSql<diesel::sql_types::Jsonb, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                let json = serde_json::to_value(self)?;
                <serde_json::Value as diesel::serialize::ToSql<diesel::sql_types::Jsonb, diesel::pg::Pg>>::to_sql(
                    &json, &mut out.reborrow(),
                )
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::Jsonb, diesel::pg::Pg> for $name {
            fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                let json = <serde_json::Value as diesel::deserialize::FromSql<
                    diesel::sql_types::Jsonb, diesel::pg::Pg,
                >>::from_sql(bytes)?;
                Ok(serde_json::from_value(json)?)
            }
        }
    )*};
}
use kept_as_json;
