//! The page itself.
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::session::{self, sign_in_page, viewer};
use super::{answer, apologize, html, texts};
use crate::auth::Authenticator;
use crate::config::Config;
use crate::dashboard::form::Asked;
use crate::dashboard::page::{self, Notice, Place, Texts};
use crate::dashboard::service;
use crate::db::Db;
use crate::http::now;
use crate::kernel::{Actor, AppError, Permission};
use crate::reports::{Asking, Reports};

/// Shows the figures to whoever is signed in and may read reports, and the sign-in to everybody else.
pub async fn show_dashboard(
    db: web::Data<Db>,
    reports: web::Data<Reports>,
    config: web::Data<Config>,
    authenticator: web::Data<Authenticator>,
    request: HttpRequest,
) -> HttpResponse {
    let texts = texts(&request);
    let notice = match viewer(&request, &config, &authenticator).await {
        Ok(Some(viewer)) => {
            return match figures(&db, &reports, viewer, request.query_string(), texts).await {
                Ok((status, page)) => html(answer(status), Ok(page)),
                Err(error) => apologize(&error, Place::Page, texts, true),
            };
        }
        Ok(None) if session::led_from_elsewhere(&request) => Notice::FromElsewhere,
        Ok(None) => Notice::None,
        Err(AppError::Unauthenticated(_)) => Notice::Over,
        Err(error) => return apologize(&error, Place::Page, texts, false),
    };
    sign_in_page(Place::Page, texts, notice, &session::query(request.query_string()))
}

/// The page, and 422 for filters with which there are no figures.
async fn figures(
    db: &Db,
    reports: &Reports,
    viewer: Arc<Actor>,
    query: &str,
    texts: &'static Texts,
) -> Result<(StatusCode, String), AppError> {
    viewer.require(Permission::TicketsRead)?;
    viewer.require(Permission::ReportsRead)?;
    let asked = Asked::parse(query);
    let looking = Arc::clone(&viewer);
    let form = db.read(move |conn| asked.form(conn, &looking, texts, now())).await?;
    let Some(query) = &form.query else {
        let page = page::dashboard(texts, &viewer, &form, None)?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page));
    };
    let documents =
        service::documents(reports, Arc::clone(&viewer), Asking::parse(query)?, now()).await?;
    Ok((StatusCode::OK, page::dashboard(texts, &viewer, &form, Some(&documents))?))
}

/// Somebody opened the address that a form is sent to.
pub async fn lead_to_dashboard() -> HttpResponse {
    answer(StatusCode::SEE_OTHER).insert_header((header::LOCATION, "../dashboard")).finish()
}
