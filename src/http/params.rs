//! Query strings, path ids and preferences, with refusals that name what is wrong.
use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, schema::Type};

use crate::kernel::{AppError, PageRequest};

/// The query string as `T`; fails with 400 and the name of the parameter.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T> Deref for Params<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Params<T> {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = request.query_string().as_bytes();
        let parser = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query));
        let parsed = serde_path_to_error::deserialize(parser).map_err(|error| {
            let name = error.path().to_string();
            let name = if name == "." {
                "the query".to_owned()
            } else {
                format!("query parameter {name}")
            };
            AppError::Malformed(format!("{name}: {}", error.into_inner()))
        });
        ready(parsed.map(Self))
    }
}

/// The `{id}` of the path. What is not an id names nothing: 404, as for an unknown id.
#[derive(Debug, Clone, Copy)]
pub struct PathId<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for PathId<T> {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").unwrap_or_default();
        let id = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(id);
        ready(
            T::deserialize(id).map(Self).map_err(|_| AppError::NotFound("a resource with this id")),
        )
    }
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    pub limit: Option<i64>,
    /// `next` or `prev` of another page.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// Fails for a cursor of another list: `binding` tells lists apart.
    pub fn request(&self, binding: &str) -> Result<PageRequest, AppError> {
        PageRequest::new(self.limit, self.cursor.as_deref(), binding)
    }
}

/// True when the client sent `Prefer: return=total-count`: counting is work that nobody pays for unasked.
#[derive(Debug, Clone, Copy)]
pub struct WantsTotal(pub bool);

impl IntoParams for WantsTotal {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "`return=total-count` for `total` in the answer.";
        vec![header_param("Prefer", false, "return=total-count", description)]
    }
}

impl FromRequest for WantsTotal {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let preferences =
            request.headers().get_all("prefer").filter_map(|value| value.to_str().ok());
        let mut preferences = preferences.flat_map(|value| value.split(','));
        ready(Ok(Self(preferences.any(|p| p.trim() == "return=total-count"))))
    }
}

/// How a header that an extractor reads is documented. Swagger UI fills in the example of a required one.
pub fn header_param(name: &str, required: bool, example: &str, description: &str) -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).examples([example]).build();
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(if required { Required::True } else { Required::False })
        .description(Some(description))
        .schema(Some(text))
        .example(required.then(|| example.into()))
        .build()
}
