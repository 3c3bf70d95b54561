//! A successful answer, ready to be sent or to be kept for an idempotency key.
use actix_web::body::BoxBody;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::{Deserialize, Serialize};

use crate::kernel::{AppError, Page};

/// About as long as a resource is in JSON.
const ITEM_BYTES: usize = 1400;

/// Status, headers and JSON body of a success.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) body: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Headers {
    etag: Option<String>,
    location: Option<String>,
    #[serde(skip)]
    next: Option<String>,
    #[serde(skip)]
    prev: Option<String>,
    /// JSON when absent.
    content_type: Option<String>,
    #[serde(skip)]
    pub(super) replayed: bool,
}

impl Answer {
    /// 200 with `value` as its body.
    pub fn ok(value: &impl Serialize) -> Result<Self, AppError> {
        Self::sized(value, ITEM_BYTES)
    }

    /// With room for a body of this many bytes: a page that grows as it is written is copied again and again.
    fn sized(value: &impl Serialize, bytes: usize) -> Result<Self, AppError> {
        let mut body = Vec::with_capacity(bytes);
        serde_json::to_writer(&mut body, value).map_err(AppError::internal)?;
        let body = String::from_utf8(body).map_err(AppError::internal)?;
        Ok(Self { status: 200, headers: Headers::default(), body })
    }

    /// 201 with `value` as its body and where it is from now on.
    pub fn created(location: String, value: &impl Serialize) -> Result<Self, AppError> {
        let mut answer = Self::ok(value)?;
        answer.status = 201;
        answer.headers.location = Some(location);
        Ok(answer)
    }

    /// 200 with a page and its `Link` headers (RFC 8288).
    pub fn page<T: Serialize>(page: &Page<T>) -> Result<Self, AppError> {
        Ok(Self::sized(page, (page.items.len() + 1) * ITEM_BYTES)?.links(page))
    }

    /// The same with the `Link` headers of a page that the body holds beside other things.
    pub fn links<T>(mut self, page: &Page<T>) -> Self {
        (self.headers.next, self.headers.prev) = (page.next.clone(), page.prev.clone());
        self
    }

    /// 200 with a text of this media type.
    pub fn text(content_type: &str, body: String) -> Self {
        let headers = Headers { content_type: Some(content_type.to_owned()), ..Headers::default() };
        Self { status: 200, headers, body }
    }

    /// What an answer says, as it was or as it was kept.
    pub fn value<T: serde::de::DeserializeOwned>(&self) -> Result<T, AppError> {
        serde_json::from_str(&self.body).map_err(AppError::internal)
    }

    /// 204.
    pub fn no_content() -> Self {
        Self { status: 204, headers: Headers::default(), body: String::new() }
    }

    /// Adds the ETag of this version.
    pub fn version(mut self, version: i32) -> Self {
        self.headers.etag = Some(format!("\"v{version}\""));
        self
    }

    /// Another status of success, such as 202 or 207.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        if let Some(etag) = &self.headers.etag {
            response.insert_header((header::ETAG, etag.as_str()));
            if request.method().is_safe() && seen(request, etag) {
                return response.status(StatusCode::NOT_MODIFIED).finish();
            }
        }
        if let Some(location) = &self.headers.location {
            response.insert_header((header::LOCATION, location.as_str()));
        }
        if self.headers.replayed {
            response.insert_header(("Idempotency-Replayed", "true"));
        }
        for (rel, cursor) in [("next", &self.headers.next), ("prev", &self.headers.prev)] {
            if let Some(cursor) = cursor {
                response.append_header((header::LINK, link(request, rel, cursor)));
            }
        }
        if self.body.is_empty() {
            return response.finish();
        }
        let content_type = self.headers.content_type.as_deref().unwrap_or("application/json");
        response.content_type(content_type).body(self.body)
    }
}

/// True when `If-None-Match` names the version that would be sent. Compared weakly (RFC 9110, section 13.1.2): a proxy that
/// compresses weakens tags.
pub fn seen(request: &HttpRequest, etag: &str) -> bool {
    let tags = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|v| v.to_str().ok());
    let mut tags = tags.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == etag || tag == "*")
}

/// The same path and query with another cursor.
fn link(request: &HttpRequest, rel: &str, cursor: &str) -> String {
    let query = form_urlencoded::parse(request.query_string().as_bytes());
    let kept = query.filter(|(name, _)| name != "cursor");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .append_pair("cursor", cursor)
        .finish();
    format!("<{}?{query}>; rel=\"{rel}\"", request.path())
}
