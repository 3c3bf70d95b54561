//! `Idempotency-Key`: a POST that is sent again has its effect once, and gets the first answer again
//! (draft-ietf-httpapi-idempotency-key-header).
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use uuid::Uuid;

use super::Answer;
use super::params::header_param;
use crate::db::schema::idempotency_keys as keys;
use crate::kernel::{AppError, Erasure};

const KEY_MAX: usize = 255;

/// The key of this request, if the client sent one.
#[derive(Debug, Clone)]
pub struct Idempotency(Option<String>);

impl IntoParams for Idempotency {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "Your own id of this request, at most 255 characters: sent again within a day it has no second \
            effect and gets the first answer again.";
        vec![header_param("Idempotency-Key", false, "order-4711", description)]
    }
}

impl FromRequest for Idempotency {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(value) = request.headers().get("idempotency-key") else {
            return ready(Ok(Self(None)));
        };
        let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= KEY_MAX);
        let refusal =
            || AppError::Malformed(format!("Idempotency-Key must have 1 to {KEY_MAX} characters"));
        ready(key.map(|key| Self(Some(key.to_owned()))).ok_or_else(refusal))
    }
}

define_sql_function! {
    /// Takes the lock until the transaction ends, or tells that another holds it.
    fn pg_try_advisory_xact_lock(key: BigInt) -> diesel::sql_types::Bool;
}
define_sql_function! { fn hashtextextended(text: Text, seed: BigInt) -> BigInt; }

impl Idempotency {
    /// The key of a part of the request that is done by itself. No header can hold the character between.
    pub fn part(&self, number: usize) -> Self {
        Self(self.0.as_ref().map(|key| format!("{key}\u{1f}{number}")))
    }

    /// Runs `work` once for this caller and key, in the caller's transaction: the answer is kept with the effect
    /// itself. Fails with 409 while the first request still runs, and with 422 when the key stands for another request.
    pub fn once(
        self,
        conn: &mut PgConnection,
        caller: Uuid,
        fingerprint: &[u8],
        work: impl FnOnce(&mut PgConnection) -> Result<Answer, AppError>,
    ) -> Result<Answer, AppError> {
        let Some(key) = self.0 else { return work(conn) };
        if let Some(answer) = replay(conn, caller, &key, fingerprint)? {
            return Ok(answer);
        }
        let answer = work(conn)?;
        let headers = serde_json::to_value(&answer.headers).map_err(AppError::internal)?;
        diesel::insert_into(keys::table)
            .values((
                keys::caller_id.eq(caller),
                keys::key.eq(key),
                keys::fingerprint.eq(fingerprint),
                keys::status.eq(i16::try_from(answer.status).unwrap_or(200)),
                keys::headers.eq(headers),
                keys::body.eq(&answer.body),
            ))
            .execute(conn)?;
        Ok(answer)
    }
}

/// The answer that was given before; `None` when this request is the first, which then holds the lock.
fn replay(
    conn: &mut PgConnection,
    caller: Uuid,
    key: &str,
    fingerprint: &[u8],
) -> Result<Option<Answer>, AppError> {
    let lock = hashtextextended(format!("{caller} {key}"), 0);
    if !diesel::select(pg_try_advisory_xact_lock(lock)).get_result::<bool>(conn)? {
        let detail = "a request with this Idempotency-Key is still running";
        return Err(AppError::conflict("idempotency_key_in_use", detail));
    }
    let kept = keys::table
        .find((caller, key))
        .select((keys::fingerprint, keys::status, keys::headers, keys::body))
        .first::<(Vec<u8>, i16, serde_json::Value, String)>(conn)
        .optional()?;
    let Some((first, status, headers, body)) = kept else { return Ok(None) };
    if first != fingerprint {
        let detail = "this Idempotency-Key was used for another request";
        return Err(AppError::rule("idempotency_key_reused", detail));
    }
    let mut headers: super::answer::Headers =
        serde_json::from_value(headers).map_err(AppError::internal)?;
    headers.replayed = true;
    Ok(Some(Answer { status: u16::try_from(status).unwrap_or(200), headers, body }))
}

/// Forgets the keys made before `before`; returns how many.
pub fn sweep(conn: &mut PgConnection, before: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(keys::table.filter(keys::created_at.lt(before))).execute(conn)
}

define_sql_function! { fn strpos(text: Text, part: Text) -> diesel::sql_types::Integer; }

/// Takes a secret out of the kept answers that name this id. They are few, kept for a day, and searched from end to end.
pub fn erase(conn: &mut PgConnection, about: Uuid, erasure: &Erasure) -> Result<(), AppError> {
    let naming = keys::table.filter(strpos(keys::body, about.to_string()).gt(0));
    let kept: Vec<(Uuid, String, String)> =
        naming.select((keys::caller_id, keys::key, keys::body)).load(conn)?;
    for (caller, key, body) in kept {
        let Ok(mut answer) = serde_json::from_str(&body) else { continue };
        if erasure.json(&mut answer) {
            let row = keys::table.find((caller, key));
            diesel::update(row).set(keys::body.eq(answer.to_string())).execute(conn)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn taken(key: &[u8]) -> Result<Option<String>, u16> {
        let request = TestRequest::default().insert_header(("idempotency-key", key));
        let read = Idempotency::from_request(&request.to_http_request(), &mut Payload::None);
        read.into_inner().map(|key| key.0).map_err(|error| error.status())
    }

    #[test]
    fn a_key_has_1_to_255_printable_characters() {
        assert_eq!(taken(b"order-4711"), Ok(Some("order-4711".into())));
        assert_eq!(taken(&[b'a'; 255]), Ok(Some("a".repeat(255))));
        assert_eq!(taken(&[b'a'; 256]), Err(400));
        assert_eq!(taken(b""), Err(400));
        assert_eq!(taken(b"\xff"), Err(400));
    }
}
