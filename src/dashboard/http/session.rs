//! Who looks at the page: a cookie that holds an access token of theirs. The server keeps nothing about it, and the API takes no
//! cookies.
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};

use super::{answer, apologize, html, texts};
use crate::auth::{Authenticator, Limits, client_token};
use crate::config::Config;
use crate::dashboard::page::{self, Notice, Place, Texts};
use crate::db::Db;
use crate::http::now;
use crate::kernel::{Actor, AppError, ClientId, Secret};

/// Bytes of a form at the most.
const FORM_MAX: usize = 16 << 10;
/// Browsers keep no larger cookies (RFC 6265, section 6.1), and our tokens have a few hundred bytes.
const TOKEN_MAX: usize = 3_500;
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The prefix binds the cookie to this host and to TLS (RFC 6265bis, section 4.1.3); without TLS no cookie may have it.
fn cookie(config: &Config, token: &str, end: bool) -> String {
    let (name, more) = match config.public_url.starts_with("https:") {
        true => ("__Host-casebridge", "; Path=/; Secure"),
        false => ("casebridge", "; Path=/dashboard"),
    };
    // It goes with the browser; before that, the token expires by itself.
    let end = if end { "; Max-Age=0" } else { "" };
    format!("{name}={token}{more}; HttpOnly; SameSite=Strict{end}")
}

fn token(request: &HttpRequest, config: &Config) -> Option<String> {
    let name = cookie(config, "", false);
    let name = name.split(';').next()?;
    let headers = request.headers().get_all(header::COOKIE);
    let mut pairs = headers.filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)).map(str::to_owned)
}

/// Whose cookie comes with the request; `None` without one. Fails with 401 once its token is not valid any more.
pub async fn viewer(
    request: &HttpRequest,
    config: &Config,
    authenticator: &Authenticator,
) -> Result<Option<Arc<Actor>>, AppError> {
    match token(request, config) {
        Some(token) => authenticator.actor(&token, now()).await.map(Some),
        None => Ok(None),
    }
}

/// What the form says.
#[derive(Default)]
struct Form {
    access_token: Option<Secret>,
    client_id: String,
    client_secret: Option<Secret>,
    /// The filters that were asked for before.
    query: String,
}

/// Checks an access token, or a client's id and secret, and keeps a token for them in a cookie.
pub async fn sign_in(
    db: web::Data<Db>,
    config: web::Data<Config>,
    authenticator: web::Data<Authenticator>,
    limits: web::Data<Limits>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let texts = texts(&request);
    let seconds = config.token_seconds;
    let desk = Desk { db: &db, authenticator: &authenticator, limits: &limits, seconds };
    let checked = async {
        let form = read_form(&request, &config, payload).await?;
        let query = form.query.clone();
        Ok((desk.check(&request, form).await?, query))
    };
    match checked.await {
        Ok((Checked::Token(token), query)) => {
            let location = match query.as_str() {
                "" => "../dashboard".to_owned(),
                query => format!("../dashboard?{query}"),
            };
            answer(StatusCode::SEE_OTHER)
                .insert_header((header::SET_COOKIE, cookie(&config, token.expose(), false)))
                .insert_header((header::LOCATION, location))
                .finish()
        }
        Ok((Checked::Refused(notice), query)) => sign_in_page(Place::Below, texts, notice, &query),
        Err(error) => apologize(&error, Place::Below, texts, false),
    }
}

/// The page with the form.
pub fn sign_in_page(
    place: Place,
    texts: &'static Texts,
    notice: Notice,
    query: &str,
) -> HttpResponse {
    let mut response = match notice {
        Notice::TooOften { .. } => answer(StatusCode::TOO_MANY_REQUESTS),
        _ => answer(StatusCode::UNAUTHORIZED),
    };
    response.insert_header(match notice {
        Notice::TooOften { seconds } => (header::RETRY_AFTER, seconds.to_string()),
        // Demanded by RFC 9110, section 15.5.2; browsers do not ask by themselves for this one.
        _ => (header::WWW_AUTHENTICATE, "Bearer".to_owned()),
    });
    html(response, page::sign_in(place, texts, notice, query))
}

/// Ends the session in this browser; the token in it stays valid until it expires.
pub async fn sign_out(config: web::Data<Config>, request: HttpRequest) -> HttpResponse {
    if !from_here(&request, &config) {
        return apologize(&ELSEWHERE(), Place::Below, texts(&request), true);
    }
    answer(StatusCode::SEE_OTHER)
        .insert_header((header::SET_COOKIE, cookie(&config, "", true)))
        .insert_header((header::LOCATION, "../dashboard"))
        .finish()
}

enum Checked {
    Token(Secret),
    Refused(Notice),
}

struct Desk<'a> {
    db: &'a Db,
    authenticator: &'a Authenticator,
    limits: &'a Limits,
    /// How long a client's session lasts.
    seconds: i64,
}

impl Desk<'_> {
    async fn check(&self, request: &HttpRequest, form: Form) -> Result<Checked, AppError> {
        if let Some(token) = form.access_token {
            return self.check_token(request, token).await;
        }
        let (Ok(id), Some(secret)) = (form.client_id.parse(), form.client_secret) else {
            return Ok(Checked::Refused(Notice::Wrong));
        };
        let id = ClientId(id);
        // Counted first: to compare a secret takes time on purpose.
        if let Err(AppError::TooManyRequests { seconds }) = self.limits.count_try(request, Some(id))
        {
            return Ok(Checked::Refused(Notice::TooOften { seconds }));
        }
        let token = client_token(self.db, self.authenticator, id, secret, self.seconds).await?;
        let checked = token.map(|token| Checked::Token(Secret::new(token)));
        Ok(checked.unwrap_or(Checked::Refused(Notice::Wrong)))
    }

    /// Counted when it is wrong: who has a token is never locked out by those who have none.
    async fn check_token(&self, request: &HttpRequest, token: Secret) -> Result<Checked, AppError> {
        let fits = token.expose().len() <= TOKEN_MAX;
        match self.authenticator.actor(token.expose(), now()).await {
            Ok(_) if fits => Ok(Checked::Token(token)),
            Ok(_) | Err(AppError::Unauthenticated(_)) => {
                Ok(Checked::Refused(match self.limits.count_try(request, None) {
                    Err(AppError::TooManyRequests { seconds }) => Notice::TooOften { seconds },
                    _ => Notice::Wrong,
                }))
            }
            Err(error) => Err(error),
        }
    }
}

/// `application/x-www-form-urlencoded`, as browsers send it.
async fn read_form(
    request: &HttpRequest,
    config: &Config,
    payload: web::Payload,
) -> Result<Form, AppError> {
    if !from_here(request, config) {
        return Err(ELSEWHERE());
    }
    let bytes = payload.to_bytes_limited(FORM_MAX).await;
    let bytes = bytes.map_err(|_| AppError::TooLarge(FORM_MAX))?;
    let bytes = bytes.map_err(|error| AppError::Malformed(error.to_string()))?;
    let mut form = Form::default();
    for (name, value) in form_urlencoded::parse(&bytes) {
        let value = value.trim();
        let secret = (!value.is_empty()).then(|| Secret::new(value));
        match name.as_ref() {
            "access_token" => form.access_token = secret,
            "client_id" => form.client_id = value.to_owned(),
            "client_secret" => form.client_secret = secret,
            "query" => form.query = query(value),
            _ => {}
        }
    }
    Ok(form)
}

/// A query written anew, so that it can be nothing else.
pub fn query(text: &str) -> String {
    let pairs = form_urlencoded::parse(text.as_bytes()).filter(|(_, value)| !value.is_empty());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

const ELSEWHERE: fn() -> AppError = || AppError::Malformed("the form is of another site".into());

/// Whether a form was sent from a page of ours: browsers say so (Fetch Metadata), and without TLS they name the origin. Who
/// says nothing is no browser, and has no cookies that somebody else could use.
fn from_here(request: &HttpRequest, config: &Config) -> bool {
    let header = |name: HeaderName| {
        request.headers().get(name).map(|value| value.to_str().unwrap_or_default())
    };
    if let Some(site) = header(FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = header(header::ORIGIN) else { return true };
    let of_host =
        origin.split_once("://").is_some_and(|(_, host)| Some(host) == header(header::HOST));
    let of_url = config.public_url.strip_prefix(origin);
    of_host || of_url.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether the browser was led here by a page of another site, and so sent no cookie.
pub fn led_from_elsewhere(request: &HttpRequest) -> bool {
    let site = request.headers().get(FETCH_SITE);
    site.is_some_and(|site| site == "cross-site" || site == "same-site")
}
