//! The HTTP server and the specification of exactly what it serves.
use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, LazyLock};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ResourceDef, Server, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::ALLOW;
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, web};
use utoipa::openapi::{OpenApi, PathItem};
use utoipa_actix_web::AppExt as _;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::{Config as SwaggerConfig, SwaggerUi};

use super::{Service, health};
use crate::kernel::AppError;
use crate::{
    attachments, auth, bulk, canned_replies, catalog, crm, dashboard, events, export, http,
    inbound, jobs, macros, mail, notifications, people, reports, routing, schedule,
    side_conversations, sla, surveys, telemetry, tickets, time_entries, views, webhooks, workflow,
};

/// Everything under `/v1`. Paths are tried in this order: the tickets come first because they are called most.
fn v1(cfg: &mut ServiceConfig) {
    cfg.configure(tickets::routes)
        .configure(views::routes)
        .configure(mail::routes)
        .configure(side_conversations::routes)
        .configure(canned_replies::routes)
        .configure(macros::routes)
        .configure(auth::routes)
        .configure(events::routes)
        .configure(people::routes)
        .configure(catalog::routes)
        .configure(workflow::routes)
        .configure(routing::routes)
        .configure(crm::routes)
        .configure(inbound::routes)
        .configure(sla::routes)
        .configure(schedule::routes)
        .configure(surveys::routes)
        .configure(time_entries::routes)
        .configure(notifications::routes)
        .configure(jobs::routes)
        .configure(attachments::routes)
        .configure(bulk::routes)
        .configure(webhooks::routes)
        .configure(export::routes)
        .configure(reports::routes);
}

fn routes(cfg: &mut ServiceConfig) {
    cfg.service(utoipa_actix_web::scope("/v1").configure(v1))
        .configure(auth::public_routes)
        .configure(health::routes);
}

/// The specification of exactly the routes that are served.
pub fn openapi() -> &'static OpenApi {
    static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(|| {
        let app = App::new().into_utoipa_app().openapi(crate::openapi::base());
        let (_, mut document) = app.configure(routes).split_for_parts();
        crate::openapi::complete(&mut document);
        document
    });
    &DOCUMENT
}

/// Serves on `listener` until it is stopped through its handle.
pub fn server(listener: TcpListener, service: &Service) -> std::io::Result<Server> {
    let parts = service.clone();
    let known = Arc::new(KnownPaths::new(openapi()));
    let server = HttpServer::new(move || {
        let swagger = SwaggerConfig::new(["/openapi.json"])
            .use_base_layout()
            // Its own validator would send the address of a public service to its makers.
            .validator_url("none")
            .default_models_expand_depth(0)
            .try_it_out_enabled(true)
            .persist_authorization(true)
            .display_request_duration(true)
            .filter(true)
            .deep_linking(true);
        App::new()
            .wrap(from_fn(refuse_methods))
            .wrap(from_fn(http::head_as_get))
            .wrap(http::cors(&parts.config.allowed_origins))
            .wrap(from_fn(auth::tell_limits))
            .wrap(from_fn(http::complete_problems))
            .wrap(from_fn(telemetry::observe))
            .app_data(web::Data::new(parts.db.clone()))
            .app_data(web::Data::new(parts.feed.clone()))
            .app_data(web::Data::new(parts.live.clone()))
            .app_data(web::Data::new(parts.authenticator.clone()))
            .app_data(web::Data::from(Arc::clone(&parts.limits)))
            .app_data(web::Data::new(parts.metrics.clone()))
            .app_data(web::Data::new(parts.files.clone()))
            .app_data(web::Data::new(parts.mirror.clone()))
            .app_data(web::Data::new(parts.inbox.clone()))
            .app_data(web::Data::new(parts.intake.clone()))
            .app_data(web::Data::new(parts.mailbox.clone()))
            .app_data(web::Data::new(parts.surveys.clone()))
            .app_data(web::Data::new(parts.webhooks.clone()))
            .app_data(web::Data::new(parts.exports.clone()))
            .app_data(web::Data::new(parts.reports.clone()))
            .app_data(web::Data::from(Arc::clone(&parts.config)))
            .app_data(web::Data::from(Arc::clone(&known)))
            .into_utoipa_app()
            .configure(routes)
            .into_app()
            .configure(surveys::pages)
            .configure(dashboard::pages)
            .service(
                SwaggerUi::new("/docs/{_:.*}")
                    .config(swagger)
                    .url("/openapi.json", openapi().clone()),
            )
            .service(web::redirect("/docs", "/docs/"))
            .default_service(web::to(refuse))
    });
    let server = server
        .workers(service.config.http_workers)
        .shutdown_timeout(service.config.shutdown_seconds)
        .disable_signals() // `run` owns shutdown: server first, then workers, then the database
        .listen(listener)?
        .run();
    Ok(server)
}

/// The documented paths and their methods: a known path with another method is 405, not 404.
struct KnownPaths {
    patterns: Vec<(ResourceDef, String)>,
    /// Those without parameters.
    literal: HashMap<String, String>,
}

impl KnownPaths {
    fn new(openapi: &OpenApi) -> Self {
        let known = openapi.paths.paths.iter().map(|(path, item)| (path, methods(item)));
        let patterns =
            known.clone().map(|(path, allowed)| (ResourceDef::new(path.as_str()), allowed));
        let literal = known.filter(|(path, _)| !path.contains('{'));
        Self {
            patterns: patterns.collect(),
            literal: literal.map(|(path, allowed)| (path.clone(), allowed)).collect(),
        }
    }
}

fn methods(item: &PathItem) -> String {
    let methods = [
        ("GET, HEAD", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    let allowed: Vec<&str> = methods
        .iter()
        .filter(|(_, operation)| operation.is_some())
        .map(|(name, _)| *name)
        .chain(["OPTIONS"])
        .collect();
    allowed.join(", ")
}

/// Middleware: `PATCH /v1/views/counts` asks for no view that is called counts.
async fn refuse_methods<B: MessageBody>(
    known: web::Data<KnownPaths>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let method = request.method();
    match known.literal.get(request.path()) {
        Some(allowed) if !allowed.split(", ").any(|allowed| allowed == method.as_str()) => {
            let method = method.to_string();
            let refusal = AppError::MethodNotAllowed { method, allowed: allowed.clone() };
            Ok(request.error_response(refusal).map_into_right_body())
        }
        _ => Ok(next.call(request).await?.map_into_left_body()),
    }
}

async fn refuse(
    request: HttpRequest,
    known: web::Data<KnownPaths>,
) -> Result<HttpResponse, AppError> {
    let found = known.patterns.iter().find(|(path, _)| path.is_match(request.path()));
    let Some((_, allowed)) = found else { return Err(AppError::NotFound("this path")) };
    if request.method() == Method::OPTIONS {
        return Ok(HttpResponse::NoContent().insert_header((ALLOW, allowed.as_str())).finish());
    }
    let method = request.method().to_string();
    Err(AppError::MethodNotAllowed { method, allowed: allowed.clone() })
}
