//! The HTTP server: the API with its faults, its delays and its journal, and the controls under `/_control`.
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::time::sleep;

use super::answer::Answer;
use super::api::{self, Request};
use super::control::Control;
use super::control_http;
use crate::faults::Fault;
use crate::journal::Call;
use crate::lab::Lab;
use crate::lab_http;
use crate::server::{break_connection, keep_socket};

pub fn server(listener: TcpListener, control: Control) -> std::io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(control.clone()))
            .app_data(Data::new(Lab::clone(&control)))
            .app_data(web::PayloadConfig::new(16 << 20))
            .service(
                web::scope("/_control").configure(lab_http::routes).configure(control_http::routes),
            )
            .default_service(web::to(call))
    });
    Ok(server.workers(1).disable_signals().on_connect(keep_socket).listen(listener)?.run())
}

async fn call(http: HttpRequest, body: Bytes, control: Data<Control>) -> HttpResponse {
    let request = read_request(&http, &body);
    match answer(&control, &request).await {
        Some(answer) => render(&answer),
        None => break_connection(&http),
    }
}

/// The answer to a call, or `None` to break the connection.
async fn answer(control: &Control, request: &Request) -> Option<Answer> {
    let call = describe(request);
    let (number, fault, latency) = control.arrived(call);
    sleep(latency).await;
    let answer = match fault {
        Some(Fault::ServerError) => Answer::server_error(),
        Some(Fault::TooManyRequests { retry_after }) => Answer::retry_later(429, retry_after),
        Some(Fault::Unavailable { retry_after }) => Answer::retry_later(503, retry_after),
        Some(Fault::AccessDenied) => Answer::unauthorized(),
        Some(Fault::DropBefore) => return None,
        Some(Fault::DropAfter) => {
            api::serve(control, request);
            return None;
        }
        Some(Fault::Hang { milliseconds }) => {
            sleep(Duration::from_millis(milliseconds)).await;
            api::serve(control, request)
        }
        None => api::serve(control, request),
    };
    control.ended(number, Some(answer.status));
    Some(answer)
}

fn read_request(http: &HttpRequest, body: &Bytes) -> Request {
    let header = |name: &str| {
        http.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let basic = header("authorization").and_then(|value| {
        let decoded = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (name, password) = text.split_once(':')?;
        Some((name.to_owned(), password.to_owned()))
    });
    Request {
        method: http.method().to_string(),
        path: http.path().to_owned(),
        query: http.query_string().to_owned(),
        body: String::from_utf8_lossy(body).into_owned(),
        api_key: header("x-api-key"),
        basic,
        version: header("x-version-number").and_then(|version| version.parse().ok()),
        skip_duplicate_check: header("x-skip-duplicate-check").as_deref() == Some("true"),
    }
}

fn describe(request: &Request) -> Call {
    let query =
        if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    Call {
        method: request.method.clone(),
        path: format!("{}{query}", request.path),
        module: request.path.split('/').nth(3).unwrap_or_default().to_owned(),
        body: request.body.clone(),
        status: None,
    }
}

fn render(answer: &Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    // A header holds no more than ASCII here; EspoCRM, too, replaces what does not fit.
    let reason = answer.reason.as_ref().map(|reason| reason.replace(|c: char| !c.is_ascii(), " "));
    if let Some(Ok(reason)) = reason.map(|reason| HeaderValue::from_str(&reason)) {
        response.insert_header(("x-status-reason", reason));
    }
    if let Some(seconds) = answer.retry_after {
        response.insert_header((RETRY_AFTER, seconds));
    }
    if answer.body.is_null() { response.finish() } else { response.json(&answer.body) }
}
