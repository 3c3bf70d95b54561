//! The page, its sign-in and its files. For people: no part of the API, so the specification says nothing of it.
mod assets;
mod session;
mod show;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};

pub use assets::addresses;

use super::page::{self, Place, Texts, Words};
use crate::kernel::AppError;

pub fn pages(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/dashboard").get(show::show_dashboard))
        .service(
            web::resource("/dashboard/session").get(show::lead_to_dashboard).post(session::sign_in),
        )
        .service(
            web::resource("/dashboard/sign-out")
                .get(show::lead_to_dashboard)
                .post(session::sign_out),
        )
        .service(web::resource("/dashboard/assets/{sum}/{name}").get(assets::get_asset));
}

/// In which language the browser wants to be answered.
fn texts(request: &HttpRequest) -> &'static Texts {
    let language = request.headers().get(header::ACCEPT_LANGUAGE);
    page::texts(language.and_then(|value| value.to_str().ok()).unwrap_or_default())
}

/// Kept by nobody, found by nobody, shown in no other page. Forms are sent with their origin: `no-referrer` would hide it.
fn answer(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "same-origin"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((HeaderName::from_static("x-robots-tag"), "noindex, nofollow"));
    response
}

fn html(mut response: HttpResponseBuilder, html: Result<String, AppError>) -> HttpResponse {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'";
    match html {
        Ok(html) => response
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
            .content_type("text/html; charset=utf-8")
            .body(html),
        Err(error) => {
            tracing::error!(?error, "the dashboard could not be shown");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// A page that says why there is no other. Whoever is signed in can leave.
fn apologize(
    error: &AppError,
    place: Place,
    texts: &'static Texts,
    signed_in: bool,
) -> HttpResponse {
    let words: &'static Words = match error {
        AppError::Forbidden(_) => &texts.forbidden,
        AppError::TooLarge(_) | AppError::Malformed(_) => &texts.malformed,
        error => {
            tracing::error!(?error, "the dashboard failed");
            &texts.failed
        }
    };
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    html(answer(status), page::apology(place, texts, words, signed_in))
}
