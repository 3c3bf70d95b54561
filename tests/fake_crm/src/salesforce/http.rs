//! The HTTP server: the API with its faults, its delays and its journal, and the controls under `/_control`.
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HOST, RETRY_AFTER};
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::Value;
use tokio::time::sleep;

use super::control::Control;
use super::control_http;
use super::refusal::Refusal;
use super::rest::{self, Answer, Request};
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
        Some(Fault::ServerError) => Refusal::new(
            500,
            "UNKNOWN_EXCEPTION",
            "An unexpected error occurred. Please include this ErrorId if you contact support.",
        )
        .into(),
        Some(Fault::TooManyRequests { retry_after }) => {
            let message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded.";
            paused(Refusal::new(403, "REQUEST_LIMIT_EXCEEDED", message), retry_after)
        }
        Some(Fault::Unavailable { retry_after }) => {
            paused(Refusal::new(503, "SERVER_UNAVAILABLE", "Server is unavailable"), retry_after)
        }
        Some(Fault::AccessDenied) => Refusal::session().into(),
        Some(Fault::DropBefore) => return None,
        Some(Fault::DropAfter) => {
            rest::serve(control, request);
            return None;
        }
        Some(Fault::Hang { milliseconds }) => {
            sleep(Duration::from_millis(milliseconds)).await;
            rest::serve(control, request)
        }
        None => rest::serve(control, request),
    };
    control.ended(number, Some(answer.status));
    Some(answer)
}

fn paused(refusal: Refusal, retry_after: u32) -> Answer {
    Answer { retry_after: Some(retry_after), ..refusal.into() }
}

fn read_request(http: &HttpRequest, body: &Bytes) -> Request {
    let header = |name: &str| {
        http.headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    Request {
        method: http.method().to_string(),
        path: http.path().to_owned(),
        query: http.query_string().to_owned(),
        text: String::from_utf8_lossy(body).into_owned(),
        token: header(AUTHORIZATION.as_str()).strip_prefix("Bearer ").map(str::to_owned),
        auto_assign: !header("sforce-auto-assign").eq_ignore_ascii_case("false"),
        host: header(HOST.as_str()),
    }
}

fn describe(request: &Request) -> Call {
    let query =
        if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    let resource = request.resource();
    let secret = resource.is_none();
    Call {
        method: request.method.clone(),
        path: format!("{}{query}", request.path),
        module: object(request, resource.as_deref().unwrap_or_default()),
        body: if secret { String::new() } else { request.text.clone() },
        status: None,
    }
}

/// The object that the path, the query or the first record names.
fn object(request: &Request, resource: &[&str]) -> String {
    match resource {
        ["sobjects", object, ..] | ["composite", "sobjects", object, ..] => (*object).to_owned(),
        ["query" | "queryAll"] => {
            let soql = request.parameter("q").unwrap_or_default();
            let mut words = soql.split_whitespace().skip_while(|word| *word != "FROM");
            words.nth(1).unwrap_or_default().to_owned()
        }
        _ => {
            let body: Value = serde_json::from_str(&request.text).unwrap_or_default();
            let object = body["records"][0]["attributes"]["type"].as_str();
            object.unwrap_or_default().to_owned()
        }
    }
}

fn render(answer: &Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if let Some(seconds) = answer.retry_after {
        response.insert_header((RETRY_AFTER, seconds));
    }
    if let Some(usage) = &answer.usage {
        response.insert_header(("Sforce-Limit-Info", usage.as_str()));
    }
    if answer.body.is_null() { response.finish() } else { response.json(&answer.body) }
}
