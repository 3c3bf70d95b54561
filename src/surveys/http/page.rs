//! The page on which a customer answers. The link is all that it takes: it is signed, it expires, and a page of somebody else
//! does not know it, so a form that is sent with it was sent by whom it was given to.
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use crate::db::Db;
use crate::http::now;
use crate::kernel::{AppError, SurveyId};
use crate::surveys::page::{self, Apology, Form};
use crate::surveys::rules::Opinion;
use crate::surveys::service::{self, Shown};
use crate::surveys::{Surveys, link};

/// Bytes of a form at the most: a comment of the longest characters, each written as `%F0%9F%98%80`, has room.
const FORM_MAX: usize = 32 << 10;

#[derive(Debug, Default, Deserialize)]
pub struct PageQuery {
    /// Chosen in the mail already; anything else than a rating is passed over.
    rating: Option<String>,
    /// The answer was saved a moment ago.
    saved: Option<String>,
}

/// Shows the survey and records nothing: programs that look into mails follow links.
pub async fn show_survey(
    db: web::Data<Db>,
    surveys: web::Data<Surveys>,
    request: HttpRequest,
    token: web::Path<String>,
) -> HttpResponse {
    let query = web::Query::<PageQuery>::from_query(request.query_string());
    let query = query.map(web::Query::into_inner).unwrap_or_default();
    let shown = async {
        let shown = load(&db, surveys.id_of(&token)?).await?;
        let answered = shown.survey.rating;
        let chosen = query.rating.and_then(|rating| rating.parse().ok());
        let form = Form {
            rating: chosen.or(answered),
            comment: shown.survey.comment.clone().unwrap_or_default(),
        };
        let saved = query.saved.is_some() && answered.is_some();
        Ok((StatusCode::OK, page::form(&shown, &form, saved, &[])?))
    };
    match shown.await {
        Ok((status, html)) => html_page(status, html),
        Err(error) => apologize(&request, &error),
    }
}

/// Records the answer, and leads back to the page, so that loading it again sends nothing again.
pub async fn answer_survey(
    db: web::Data<Db>,
    surveys: web::Data<Surveys>,
    request: HttpRequest,
    token: web::Path<String>,
    payload: web::Payload,
) -> HttpResponse {
    match answer(&db, &surveys, &token, payload).await {
        Ok(None) => bare(StatusCode::SEE_OTHER)
            // Relative, so that it holds behind any proxy.
            .insert_header((header::LOCATION, "?saved=1"))
            .finish(),
        Ok(Some(html)) => html_page(StatusCode::UNPROCESSABLE_ENTITY, html),
        Err(error) => apologize(&request, &error),
    }
}

/// Returns the page anew if something is wrong with what was sent.
async fn answer(
    db: &Db,
    surveys: &Surveys,
    token: &str,
    payload: web::Payload,
) -> Result<Option<String>, AppError> {
    let id = surveys.id_of(token)?;
    let form = read_form(payload).await?;
    let opinion = match Opinion::new(form.rating, &form.comment) {
        Ok(opinion) => opinion,
        Err(AppError::Invalid(errors)) => {
            return page::form(&load(db, id).await?, &form, false, &errors).map(Some);
        }
        Err(error) => return Err(error),
    };
    db.tx(move |conn| service::answer_on_page(conn, id, opinion, now())).await?;
    Ok(None)
}

impl Surveys {
    fn id_of(&self, token: &str) -> Result<SurveyId, AppError> {
        link::parse(&self.key, token).ok_or(AppError::NotFound("the survey"))
    }
}

async fn load(db: &Db, id: SurveyId) -> Result<Shown, AppError> {
    let shown = db.read(move |conn| service::show(conn, id, now())).await?;
    if shown.over {
        return Err(AppError::conflict("survey_over", "the time to answer this survey is over"));
    }
    Ok(shown)
}

/// `application/x-www-form-urlencoded`, as browsers send it. A field that comes twice counts as it came last.
async fn read_form(payload: web::Payload) -> Result<Form, AppError> {
    let bytes = payload.to_bytes_limited(FORM_MAX).await;
    let bytes = bytes.map_err(|_| AppError::TooLarge(FORM_MAX))?;
    let bytes = bytes.map_err(|error| AppError::Malformed(error.to_string()))?;
    let mut form = Form::default();
    for (name, value) in form_urlencoded::parse(&bytes) {
        match name.as_ref() {
            "rating" => form.rating = value.parse().ok(),
            "comment" => form.comment = value.into_owned(),
            _ => {}
        }
    }
    Ok(form)
}

/// A page that says why there is no form.
fn apologize(request: &HttpRequest, error: &AppError) -> HttpResponse {
    let (why, status) = match error {
        AppError::NotFound(_) => (Apology::Unknown, StatusCode::NOT_FOUND),
        AppError::Conflict { .. } => (Apology::Over, StatusCode::GONE),
        error => {
            tracing::error!(?error, "a survey failed");
            let status = StatusCode::from_u16(error.status());
            (Apology::Failed, status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        }
    };
    let language = request.headers().get(header::ACCEPT_LANGUAGE);
    let language = language.and_then(|value| value.to_str().ok()).unwrap_or_default();
    match page::apology(why, language) {
        Ok(html) => html_page(status, html),
        Err(_) => bare(StatusCode::INTERNAL_SERVER_ERROR).finish(),
    }
}

fn html_page(status: StatusCode, html: String) -> HttpResponse {
    let mut response = bare(status);
    response.insert_header((header::CONTENT_SECURITY_POLICY, page::content_security_policy()));
    response.content_type("text/html; charset=utf-8").body(html)
}

/// Kept by nobody, found by nobody, and the link goes to no other page.
fn bare(status: StatusCode) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((HeaderName::from_static("x-robots-tag"), "noindex, nofollow"));
    response
}
