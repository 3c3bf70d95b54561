//! The specification: generated from the handlers, completed in one place, served with Swagger UI.
use actix_web::http::StatusCode;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::security::{
    ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, HttpMethod, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};

use crate::http::Problem;
use crate::kernel::Permission;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Casebridge",
        description = "Support tickets over HTTP, mirrored both ways as cases in the customer's CRM.\n\n\
            Every refusal is a problem document (RFC 9457). Changes need `If-Match` with the ETag that you last saw. \
            A POST with an `Idempotency-Key` can be sent again safely. Lists are paged by opaque cursors.",
    ),
    components(schemas(Problem)),
    modifiers(&Security),
    tags(
        (name = "tickets", description = "Open, read, find and change tickets"),
        (name = "notes", description = "The conversation on a ticket"),
        (name = "workflow", description = "Statuses and transitions, as data"),
        (name = "assignment", description = "Who works on a ticket, and why"),
        (name = "routing", description = "Which level and team own a ticket"),
        (name = "people", description = "Accounts, contacts, agents, departments"),
        (name = "catalog", description = "Products, categories, components, ticket types"),
        (name = "crm", description = "The mirror: connections, maps, conflicts"),
        (name = "events", description = "The change feed"),
        (name = "auth", description = "Tokens and keys"),
        (name = "clients", description = "Integration clients and signing keys"),
        (name = "operations", description = "Health and metrics"),
    ),
)]
struct ApiDoc;

/// The document that the handlers' operations are added to.
pub fn base() -> OpenApi {
    ApiDoc::openapi()
}

struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let scopes = Permission::ALL.iter().map(|scope| (scope.as_str(), scope.as_str()));
        let flow = ClientCredentials::new("/oauth/token", Scopes::from_iter(scopes));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let flows = OAuth2::new([Flow::ClientCredentials(flow)]);
        components.add_security_scheme("client_credentials", SecurityScheme::OAuth2(flows));
    }
}

/// Adds to every operation what follows from its shape: the refusals that it can answer with.
pub fn complete(openapi: &mut OpenApi) {
    for item in openapi.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            for status in refusals(&method, operation) {
                add_refusal(operation, status);
            }
        }
    }
}

fn operations(item: &mut utoipa::openapi::PathItem) -> Vec<(HttpMethod, &mut Operation)> {
    let slots = [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Put, &mut item.put),
        (HttpMethod::Patch, &mut item.patch),
        (HttpMethod::Delete, &mut item.delete),
    ];
    slots.into_iter().filter_map(|(method, slot)| slot.as_mut().map(|op| (method, op))).collect()
}

fn refusals(method: &HttpMethod, operation: &Operation) -> Vec<u16> {
    let mut statuses = vec![500, 503];
    let parameters =
        operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        });
    let has = |place: ParameterIn| parameters.clone().any(|p| p.parameter_in == place);
    if operation.security.is_some() {
        statuses.extend([401, 403]);
    }
    if has(ParameterIn::Path) {
        statuses.push(404);
    }
    if has(ParameterIn::Query) || has(ParameterIn::Header) || operation.request_body.is_some() {
        statuses.push(400);
    }
    if operation.request_body.is_some() {
        statuses.extend([413, 415, 422]);
    }
    if !matches!(method, HttpMethod::Get) {
        statuses.push(409);
    }
    if parameters.clone().any(|p| p.name == "If-Match") {
        statuses.extend([412, 428]);
    }
    statuses
}

fn add_refusal(operation: &mut Operation, status: u16) {
    let description = StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason());
    let problem =
        ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name("Problem")))).build();
    let response = ResponseBuilder::new()
        .description(description.unwrap_or("Refused"))
        .content("application/problem+json", problem)
        .build();
    let responses = &mut operation.responses.responses;
    responses.entry(status.to_string()).or_insert(RefOr::T(response));
}
