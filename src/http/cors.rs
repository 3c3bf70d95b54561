//! Calls from pages of other origins (CORS, the Fetch standard).
use actix_cors::Cors;
use actix_web::http::header;
use actix_web::middleware::Condition;

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/// Beside those that a browser always allows.
const REQUEST_HEADERS: [&str; 13] = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "Prefer",
    "Range",
    "Tus-Resumable",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "X-Request-Id",
];
/// What a page may read of an answer, beside the body.
const ANSWER_HEADERS: [header::HeaderName; 14] = [
    header::CONTENT_DISPOSITION,
    header::CONTENT_RANGE,
    header::ETAG,
    header::LINK,
    header::LOCATION,
    header::RETRY_AFTER,
    header::HeaderName::from_static("idempotency-replayed"),
    header::HeaderName::from_static("ratelimit"),
    header::HeaderName::from_static("ratelimit-policy"),
    header::HeaderName::from_static("tus-resumable"),
    header::HeaderName::from_static("upload-expires"),
    header::HeaderName::from_static("upload-length"),
    header::HeaderName::from_static("upload-offset"),
    header::HeaderName::from_static("x-request-id"),
];
/// Seconds that a browser remembers what it may send.
const REMEMBERED: usize = 3600;

/// Middleware: lets pages of these origins call; without any it does nothing.
pub fn cors(origins: &[String]) -> Condition<Cors> {
    let cors = Cors::default()
        .allowed_methods(METHODS)
        .allowed_headers(REQUEST_HEADERS)
        .expose_headers(ANSWER_HEADERS)
        .max_age(REMEMBERED);
    let cors = origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin));
    Condition::new(!origins.is_empty(), cors)
}
