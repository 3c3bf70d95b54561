//! A JSON request body: read whole, parsed strictly, validated; every bad field is named.
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest, web};
use aws_lc_rs::digest::{Context, SHA256};
use garde::Validate;
use serde::de::DeserializeOwned;

use crate::kernel::{AppError, FieldError};

/// The largest body in bytes.
pub const BODY_MAX: usize = 1 << 20;

/// A body that was parsed and is valid.
#[derive(Debug)]
pub struct Body<T> {
    value: T,
    /// SHA-256 over method, path and body: what an idempotency key stands for.
    pub fingerprint: Vec<u8>,
}

impl<T> Body<T> {
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Body<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> FromRequest for Body<T>
where
    T: DeserializeOwned + Validate<Context = ()> + 'static,
{
    type Error = AppError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AppError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, bytes) = (request.clone(), web::Payload::from_request(request, payload));
        Box::pin(async move {
            require_json(&request)?;
            let payload = bytes.await.map_err(|e| AppError::Malformed(e.to_string()))?;
            let bytes = payload.to_bytes_limited(BODY_MAX).await;
            let bytes = bytes.map_err(|_| AppError::TooLarge(BODY_MAX))?;
            let bytes = bytes.map_err(|e| AppError::Malformed(e.to_string()))?;
            let value = parse(&bytes)?;
            Ok(Self { value, fingerprint: fingerprint(&request, &bytes) })
        })
    }
}

fn require_json(request: &HttpRequest) -> Result<(), AppError> {
    let given = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    let essence = given.split(';').next().unwrap_or("").trim();
    let json = ["application/json", "application/merge-patch+json"];
    if json.iter().any(|accepted| essence.eq_ignore_ascii_case(accepted)) {
        return Ok(());
    }
    Err(AppError::UnsupportedMediaType("application/json"))
}

/// A value inside a body, read as strictly as a body of its own.
pub fn read<T>(value: &serde_json::Value) -> Result<T, AppError>
where
    T: DeserializeOwned + Validate<Context = ()>,
{
    parse(value.to_string().as_bytes())
}

/// Broken JSON is 400; JSON that does not fit, and values that are not valid, are 422 with pointers.
pub(super) fn parse<T>(bytes: &[u8]) -> Result<T, AppError>
where
    T: DeserializeOwned + Validate<Context = ()>,
{
    // serde would take the values of a struct's fields in order, without their names.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(AppError::field("", "the body must be a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer(&error);
        let inner = error.into_inner();
        match inner.classify() {
            serde_json::error::Category::Data => AppError::field(pointer, without_position(&inner)),
            _ => AppError::Malformed(format!("the body is not JSON: {inner}")),
        }
    })?;
    // Whatever follows the value is not white space: the body is not one JSON value.
    deserializer.end().map_err(|e| AppError::Malformed(format!("the body is not JSON: {e}")))?;
    value.validate().map_err(|report| {
        let errors = report
            .iter()
            .map(|(path, error)| FieldError::new(pointer_of(&path.to_string()), error.message()));
        AppError::Invalid(errors.collect())
    })?;
    Ok(value)
}

/// The path of the error as a JSON Pointer. A missing or unknown field is named by its own pointer,
/// which serde tells in the message only.
fn pointer(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let path = error.path().to_string();
    let parent = if path == "." { String::new() } else { pointer_of(&path) };
    let message = error.inner().to_string();
    let named = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    match named {
        Some(field) => format!("{parent}/{field}"),
        None => parent,
    }
}

/// `lines[0].name` -> `/lines/0/name`. Field names here hold no dot and no bracket.
fn pointer_of(path: &str) -> String {
    let segments = path.split(['.', '[', ']']).filter(|segment| !segment.is_empty());
    segments.fold(String::new(), |pointer, segment| format!("{pointer}/{segment}"))
}

/// serde_json's message without its line and column, which say nothing to a caller that has a pointer.
fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rsplit_once(" at line ").map_or(message.clone(), |(text, _)| text.to_owned())
}

/// SHA-256 over method, path and body.
pub fn fingerprint(request: &HttpRequest, body: &[u8]) -> Vec<u8> {
    let mut hash = Context::new(&SHA256);
    for part in [request.method().as_str().as_bytes(), request.path().as_bytes(), body] {
        hash.update(&part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finish().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[garde(length(chars, min = 1))]
        name: String,
        #[serde(default)]
        #[garde(dive)]
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize, Validate)]
    struct Line {
        #[garde(range(min = 1))]
        count: i32,
    }

    fn pointers(body: &str) -> Vec<String> {
        match parse::<Sample>(body.as_bytes()).unwrap_err() {
            AppError::Invalid(errors) => errors.into_iter().map(|e| e.pointer).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_bad_field_is_named_by_its_pointer() {
        assert_eq!(pointers(r#"{"name": "a", "lines": [{"count": "x"}]}"#), ["/lines/0/count"]);
        assert_eq!(
            pointers(r#"{"name": "", "lines": [{"count": 0}]}"#),
            ["/lines/0/count", "/name"]
        );
        assert_eq!(pointers("{}"), ["/name"]);
        assert_eq!(pointers(r#"{"name": "a", "colour": 1}"#), ["/colour"]);
        assert_eq!(pointers(r#"{"name": "a", "lines": [{}]}"#), ["/lines/0/count"]);
        assert_eq!(pointers(r#" ["a", []]"#), [""]);
    }

    #[test]
    fn what_is_not_one_json_value_is_malformed() {
        for body in ["", "{", r#"{"name": "a"} x"#] {
            assert!(
                matches!(parse::<Sample>(body.as_bytes()), Err(AppError::Malformed(_))),
                "{body}"
            );
        }
    }
}
