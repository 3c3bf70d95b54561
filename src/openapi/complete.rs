//! What follows from an operation's shape: its refusals, and the headers of its answers.
use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{Components, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    ContentBuilder, HttpMethod, ObjectBuilder, OpenApi, PathItem, Ref, RefOr, Response,
    ResponseBuilder, Schema,
};

use super::examples::{add_examples, leave_empty};
use super::naming::name_types;
use crate::http::header_param;

/// Name, example and meaning of the headers that answers carry.
const HEADERS: [(&str, &str, &str); 9] = [
    ("X-Request-Id", "0199f0c2b1c97d5e8b1f5a3c7d9e2f10", "The id that you sent, or a new one."),
    ("ETag", "\"v17\"", "The version: for If-Match of a change, for If-None-Match of a read."),
    ("Location", "/v1/clients/0199f0c2-b1c9-7d5e-8b1f-5a3c7d9e2f10", "Where it is from now on."),
    ("Link", "</v1/clients?cursor=eyJk>; rel=\"next\"", "The pages beside this one (RFC 8288)."),
    ("Idempotency-Replayed", "true", "This is the first answer again; absent otherwise."),
    ("WWW-Authenticate", "Bearer error=\"invalid_token\"", "How to authenticate (RFC 6750)."),
    ("Retry-After", "1", "Seconds to wait before the next try."),
    ("RateLimit-Policy", "\"caller\";q=600;w=60", "How many requests in how many seconds."),
    ("RateLimit", "\"caller\";r=598;t=1", "How many are left, and when the next is given."),
];

/// Status, example code and meaning of the refusals that operations share.
const REFUSALS: [(u16, &str, &str); 14] = [
    (400, "malformed_request", "The request cannot be read: broken JSON, or a bad parameter"),
    (401, "unauthenticated", "The token is missing, expired or not valid here"),
    (403, "forbidden", "The caller lacks the permission that `required_permission` names"),
    (404, "not_found", "It is not there, or the caller may not know that it is"),
    (409, "already_exists", "The request contradicts the present state; `code` says how"),
    (412, "stale_version", "Somebody else changed it; read it again and retry"),
    (413, "payload_too_large", "The body is larger than the service takes"),
    (415, "unsupported_media_type", "The body is of another type than the operation takes"),
    (416, "range_not_satisfiable", "None of the bytes that `Range` asks for exist"),
    (422, "validation_failed", "Fields are bad, each named in `errors`, or a rule forbids it"),
    (428, "precondition_required", "A change needs the header If-Match"),
    (429, "too_many_requests", "More than the limit allows; wait as long as `Retry-After` says"),
    (500, "internal", "The service failed; quote the `request_id` when you report it"),
    (503, "unavailable", "The service is busy or its database cannot be reached; retry"),
];

/// Adds to every operation the refusals that it can answer with and the headers of its answers.
pub fn complete(openapi: &mut OpenApi) {
    let components = openapi.components.get_or_insert_default();
    for item in openapi.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            for status in refusals(&method, operation) {
                let shared = RefOr::Ref(Ref::from_response_name(name(status)));
                let responses = &mut operation.responses.responses;
                responses.entry(status.to_string()).or_insert(shared);
            }
            add_headers(&method, operation, &components.schemas);
            operation
                .parameters
                .iter_mut()
                .flatten()
                .for_each(|p| leave_empty(p, &components.schemas));
            add_bearer(operation.security.get_or_insert_default());
        }
    }
    for (header, example, meaning) in HEADERS {
        let text = ObjectBuilder::new().schema_type(Type::String).examples([example]);
        let header_object = HeaderBuilder::new().schema(Some(text)).description(Some(meaning));
        components.headers.insert(header.to_owned(), header_object.build().into());
    }
    add_refusals(components);
    name_types(&mut components.schemas);
    components.schemas.values_mut().for_each(add_examples);
}

/// What takes a token by client credentials takes any token of the service. An empty list says that an operation is public on purpose.
fn add_bearer(security: &mut Vec<SecurityRequirement>) {
    if !security.is_empty() {
        security.insert(0, SecurityRequirement::new::<_, _, &str>("bearer", []));
    }
}

fn operations(item: &mut PathItem) -> Vec<(HttpMethod, &mut Operation)> {
    let slots = [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Put, &mut item.put),
        (HttpMethod::Patch, &mut item.patch),
        (HttpMethod::Delete, &mut item.delete),
        (HttpMethod::Options, &mut item.options),
    ];
    slots.into_iter().filter_map(|(method, slot)| slot.as_mut().map(|op| (method, op))).collect()
}

fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> + Clone {
    operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}

fn refusals(method: &HttpMethod, operation: &Operation) -> Vec<u16> {
    let has = |place: ParameterIn| parameters(operation).any(|p| p.parameter_in == place);
    // Any request can be so broken that it is not HTTP.
    let mut statuses = vec![400, 500, 503];
    if operation.security.is_some() {
        statuses.extend([401, 403, 429]);
    }
    // What a parameter names may not be there.
    if has(ParameterIn::Path) || has(ParameterIn::Query) {
        statuses.push(404);
    }
    if operation.request_body.is_some() {
        statuses.extend([413, 415]);
    }
    if parameters(operation).any(|p| p.name == "Range") {
        statuses.push(416);
    }
    if !matches!(method, HttpMethod::Get | HttpMethod::Options) {
        statuses.extend([409, 422]);
    }
    if parameters(operation).any(|p| p.name == "If-Match") {
        statuses.extend([412, 428]);
    }
    statuses
}

/// The name under which the refusals with this status are shared.
fn name(status: u16) -> String {
    let words = StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason());
    words.unwrap_or("Refused").replace(' ', "")
}

fn add_refusals(components: &mut Components) {
    for (status, code, meaning) in REFUSALS {
        let problem = ContentBuilder::new()
            .schema(Some(RefOr::Ref(Ref::from_schema_name("Problem"))))
            .example(Some(problem(status, code, meaning)))
            .build();
        let mut response = ResponseBuilder::new()
            .description(meaning)
            .content("application/problem+json", problem)
            .build();
        add_header(&mut response, "X-Request-Id");
        match status {
            401 => add_header(&mut response, "WWW-Authenticate"),
            429 => {
                for name in ["Retry-After", "RateLimit-Policy", "RateLimit"] {
                    add_header(&mut response, name);
                }
            }
            503 => add_header(&mut response, "Retry-After"),
            _ => {}
        }
        components.responses.insert(name(status), response.into());
    }
}

fn problem(status: u16, code: &str, meaning: &str) -> Value {
    let title = StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason());
    let mut problem = json!({
        "type": format!("/problems/{code}"), "title": title, "status": status, "detail": meaning,
        "instance": "/v1/clients", "code": code, "request_id": "0199f0c2b1c97d5e8b1f5a3c7d9e2f10",
    });
    match status {
        403 => problem["required_permission"] = json!("clients:write"),
        412 => problem["current_version"] = json!(18),
        422 => {
            let error = json!({"detail": "length is lower than 1", "pointer": "/name"});
            problem["errors"] = json!([error]);
        }
        _ => {}
    }
    problem
}

pub(super) type Schemas = BTreeMap<String, RefOr<Schema>>;

/// A version makes an ETag, a page makes links, a creation has a location, a key is replayed.
fn add_headers(method: &HttpMethod, operation: &mut Operation, schemas: &Schemas) {
    let keyed = parameters(operation).any(|p| p.name == "Idempotency-Key");
    let limited = operation.security.as_ref().is_some_and(|schemes| !schemes.is_empty());
    let mut conditional = false;
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        add_header(response, "X-Request-Id");
        if !status.starts_with('2') {
            continue;
        }
        let has = |field| body(response).is_some_and(|schema| has_field(schema, field, schemas));
        let (versioned, paged) = (has("version"), has("items") && has("next"));
        let carries = [
            ("ETag", versioned),
            ("Link", paged),
            ("RateLimit-Policy", limited),
            ("RateLimit", limited),
            ("Location", status == "201"),
            ("Idempotency-Replayed", keyed),
        ];
        carries.iter().filter(|(_, yes)| *yes).for_each(|(name, _)| add_header(response, name));
        conditional |= versioned && matches!(method, HttpMethod::Get);
    }
    if conditional {
        let meaning = "The ETag that you have: when it is still the version, the answer is 304.";
        let header = header_param("If-None-Match", false, "\"v17\"", meaning);
        operation.parameters.get_or_insert_default().push(header.into());
        let mut unchanged = ResponseBuilder::new().description("You have this version").build();
        add_header(&mut unchanged, "X-Request-Id");
        add_header(&mut unchanged, "ETag");
        operation.responses.responses.insert("304".into(), unchanged.into());
    }
}

fn add_header(response: &mut Response, name: &str) {
    let shared = RefOr::Ref(Ref::new(format!("#/components/headers/{name}")));
    response.headers.entry(name.to_owned()).or_insert(shared);
}

fn body(response: &Response) -> Option<&RefOr<Schema>> {
    match response.content.get("application/json")? {
        RefOr::T(content) => content.schema.as_ref(),
        RefOr::Ref(_) => None,
    }
}

fn has_field(schema: &RefOr<Schema>, field: &str, schemas: &Schemas) -> bool {
    match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
            schemas.get(name).is_some_and(|schema| has_field(schema, field, schemas))
        }
        RefOr::T(Schema::Object(object)) => object.properties.contains_key(field),
        RefOr::T(Schema::AllOf(all)) => all.items.iter().any(|s| has_field(s, field, schemas)),
        RefOr::T(_) => false,
    }
}
