//! The HTTP server: the API with its faults, its delays and its journal, and the controls under `/_control`.
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use tokio::time::sleep;

use crate::answer::{Answer, Refusal};
use crate::api::{self, Request};
use crate::control::Control;
use crate::control_http;
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
    // Like PHP, actix goes on with the work when the caller leaves.
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
        Some(Fault::ServerError) => Some(Refusal::Crash("Something went wrong".into()).into()),
        Some(Fault::TooManyRequests { retry_after }) => Some(Answer::retry_later(429, retry_after)),
        Some(Fault::Unavailable { retry_after }) => Some(Answer::retry_later(503, retry_after)),
        Some(Fault::AccessDenied) => Some(Answer::access_denied("Access token has been revoked")),
        Some(Fault::DropBefore) => None,
        Some(Fault::DropAfter) => {
            api::serve(control, request).await;
            None
        }
        Some(Fault::Hang { milliseconds }) => {
            sleep(Duration::from_millis(milliseconds)).await;
            Some(api::serve(control, request).await)
        }
        None => Some(api::serve(control, request).await),
    };
    control.ended(number, answer.as_ref().map(|answer| answer.status));
    answer
}

fn read_request(http: &HttpRequest, body: &Bytes) -> Request {
    let header = |headers: &HeaderMap, name| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let content_type = header(http.headers(), CONTENT_TYPE);
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let is_json = media_type == "application/json" || media_type.ends_with("+json");
    Request {
        method: http.method().to_string(),
        path: http.path().to_owned(),
        query: http.query_string().to_owned(),
        json: if is_json { serde_json::from_slice(body).ok() } else { None },
        text: String::from_utf8_lossy(body).into_owned(),
        token: header(http.headers(), AUTHORIZATION).strip_prefix("Bearer ").map(str::to_owned),
    }
}

fn describe(request: &Request) -> Call {
    let query =
        if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    let in_path = request.path.split('/').nth(4).filter(|module| !module.is_empty());
    let in_body = request.json.as_ref().and_then(|body| body["data"]["type"].as_str());
    let secret = request.path.ends_with("/access_token");
    Call {
        method: request.method.clone(),
        path: format!("{}{query}", request.path),
        module: in_path.or(in_body).unwrap_or_default().to_owned(),
        body: if secret { String::new() } else { request.text.clone() },
        status: None,
    }
}

fn render(answer: &Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if let Some(seconds) = answer.retry_after {
        response.insert_header((RETRY_AFTER, seconds));
    }
    response.content_type("application/vnd.api+json").body(answer.body.to_string())
}
