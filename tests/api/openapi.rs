//! The specification: it is committed as it is served, and says what a client needs to know.
use std::collections::{BTreeMap, BTreeSet, HashSet};

use casebridge::app;
use casebridge::kernel::{Permission, Role};
use serde_json::{Value, json};

use crate::architecture::sources::{identifier, sources};
use crate::support::{Operation, PUBLIC, Spec, TestApp, path};

/// Creating operations that take no idempotency key, because the kept answer would hold a secret, or because
/// doing it twice does no harm.
const WITHOUT_KEY: &[&str] = &[
    "create_client",
    "rotate_signing_key",
    "create_calendar_feed",
    "create_upload",
    "create_webhook",
];
/// Changing operations that need no version: they set what does not depend on what was there.
const WITHOUT_VERSION: &[&str] = &[
    "set_agent_availability",
    "set_my_availability",
    "change_crm_map",
    "link_crm_case",
    "set_my_leaves",
    "delete_calendar_feed",
    "delete_calendar_feed_of_agent",
    "tag_ticket",
    "untag_ticket",
    "watch_ticket",
    "unwatch_ticket",
    "lift_mail_suppression",
    "save_reply_draft",
    "discard_reply_draft",
    "discard_timer",
    "append_to_upload",
    "delete_upload",
];

/// Asserts that `check` finds nothing wrong with any operation.
fn for_every_operation(check: impl Fn(&Spec, &Operation<'_>) -> Vec<String>) {
    let spec = Spec::read();
    let operations = spec.operations();
    assert!(!operations.is_empty());
    let wrong = operations.iter().flat_map(|operation| {
        check(&spec, operation).into_iter().map(move |what| format!("{}: {what}", operation.id))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// One sentence when `wrong`, none otherwise.
fn complain(wrong: bool, what: &str) -> Vec<String> {
    if wrong { vec![what.to_owned()] } else { Vec::new() }
}

#[test]
fn the_committed_specification_is_the_served_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
    let served = app::openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &served).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == served, "openapi/openapi.json is stale: run `make openapi` and commit it");
}

#[test]
fn the_specification_has_the_version_of_the_program() {
    let spec = Spec::read();
    assert_eq!(spec.0["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(spec.0["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[test]
fn every_permission_is_a_scope_and_every_text_enum_has_its_texts() {
    let spec = Spec::read();
    let all: BTreeSet<&str> = Permission::ALL.iter().map(|p| p.as_str()).collect();
    let flow = "/components/securitySchemes/client_credentials/flows/clientCredentials/scopes";
    let scopes = spec.0.pointer(flow).unwrap().as_object().unwrap();
    assert_eq!(scopes.keys().map(String::as_str).collect::<BTreeSet<_>>(), all);
    let values = spec.0["components"]["schemas"]["Permission"]["enum"].as_array().unwrap();
    assert_eq!(values.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>(), all);
}

/// The names under which the types of a source are in the specification.
fn schema_names(code: &str) -> Vec<String> {
    let declared = |from: &str| {
        let (attributes, rest) = ["struct ", "enum "]
            .iter()
            .filter_map(|kind| from.split_once(kind))
            .min_by_key(|(before, _)| before.len())?;
        let renamed = attributes.split_once("as = ").map(|(_, name)| name);
        Some(identifier(renamed.unwrap_or(rest)))
    };
    let derived = code
        .split("#[derive(")
        .skip(1)
        .filter(|rest| rest.split(")]").next().is_some_and(|derives| derives.contains("ToSchema")));
    // The name stands before the brace, behind what is said about it.
    let text_enums = code.split("text_enum! {").skip(1).filter_map(|rest| {
        let head = rest.split_once(" {")?.0;
        let renamed = head.split_once("as = ").map(|(_, name)| name);
        Some(identifier(renamed.or(head.split_whitespace().last())?))
    });
    derived.filter_map(declared).chain(text_enums).filter(|name| !name.is_empty()).collect()
}

/// Of two types under one name, the specification silently has the last.
#[test]
fn no_two_types_have_the_same_name_in_the_specification() {
    let example = "#[derive(ToSchema)]\n#[serde(x)]\npub struct One<T> {}\n#[derive(Debug)]\nenum Not {}
        #[derive(Clone, ToSchema)]\n#[schema(as = Two)]\nstruct Another;\ntext_enum! {\n    Three {\n A = \"a\" } }
        text_enum! {\n    #[schema(as = Four)]\n    Other { B = \"b\" } }";
    assert_eq!(schema_names(example), ["One", "Two", "Three", "Four"]);

    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        for name in schema_names(&source.code) {
            places.entry(name).or_default().push(source.path.clone());
        }
    }
    assert!(places.len() > 200, "{}", places.len());
    places.retain(|_, places| places.len() > 1);
    assert!(
        places.is_empty(),
        "give one of them another name with #[schema(as = ...)]: {places:#?}"
    );
}

#[test]
fn every_operation_has_an_id_of_its_own() {
    let spec = Spec::read();
    let mut seen = HashSet::new();
    let twice: Vec<_> =
        spec.operations().iter().map(|o| o.id).filter(|id| !seen.insert(*id)).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn every_operation_says_what_it_does_under_a_declared_tag() {
    let declared = Spec::read();
    let tags = declared.0["tags"].as_array().unwrap().iter();
    let tags: HashSet<&str> = tags.filter_map(|tag| tag["name"].as_str()).collect();
    for_every_operation(|_, operation| {
        let summary = operation.object["summary"].as_str().unwrap_or_default();
        let used: Vec<&str> =
            operation.object["tags"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let mut wrong = complain(summary.len() < 8, "no summary");
        wrong.extend(complain(summary.ends_with('.'), "a summary ends without a full stop"));
        wrong.extend(complain(summary.len() > 80, "a summary is one short line"));
        wrong.extend(complain(
            used.len() != 1 || !tags.contains(used[0]),
            "it needs one tag that src/openapi declares",
        ));
        wrong
    });
}

#[test]
fn every_operation_is_secured_with_known_scopes_or_known_to_be_public() {
    for_every_operation(|_, operation| {
        let Some(scopes) = operation.scopes() else {
            return complain(!PUBLIC.contains(&operation.id), "it has no security");
        };
        let mut wrong =
            complain(PUBLIC.contains(&operation.id), "it has security, but PUBLIC lists it");
        let unknown = scopes.iter().filter(|scope| Permission::parse(scope).is_none());
        wrong.extend(unknown.map(|scope| format!("there is no scope {scope}")));
        let schemes = operation.object["security"].as_array().unwrap().iter();
        let schemes: Vec<&String> =
            schemes.flat_map(|scheme| scheme.as_object().unwrap().keys()).collect();
        wrong.extend(complain(
            schemes != ["bearer", "client_credentials"],
            "its security must name bearer and client_credentials",
        ));
        wrong
    });
}

#[test]
fn every_body_has_an_example() {
    for_every_operation(|spec, operation| {
        let mut bodies: Vec<(String, &Value)> = Vec::new();
        bodies.extend(operation.body(spec).map(|(_, content)| ("request".to_owned(), content)));
        for (status, response) in operation.responses(spec) {
            let contents = response["content"].as_object().into_iter().flatten();
            bodies.extend(contents.map(|(_, content)| (status.to_string(), content)));
        }
        let mut unexplained = Vec::new();
        for (body, content) in bodies {
            if content.get("example").is_none() && content.get("examples").is_none() {
                spec.unexplained(&content["schema"], &body, &mut unexplained);
            }
        }
        unexplained.into_iter().map(|place| format!("no example for {place}")).collect()
    });
}

#[test]
fn every_refusal_is_a_problem_document() {
    for_every_operation(|spec, operation| {
        let answers = operation.responses(spec);
        let mut wrong =
            complain(!answers.keys().any(|s| (200..300).contains(s)), "it never succeeds");
        for (status, answer) in answers.iter().filter(|(status, _)| **status >= 400) {
            let schema = &answer["content"]["application/problem+json"]["schema"]["$ref"];
            wrong.extend(complain(
                schema != "#/components/schemas/Problem",
                &format!("{status} is not a problem document"),
            ));
        }
        let secured = operation.scopes().is_some();
        wrong.extend(complain(secured && !answers.contains_key(&401), "401 is missing"));
        wrong
    });
}

#[test]
fn every_answer_tells_its_headers() {
    for_every_operation(|spec, operation| {
        let mut wrong = Vec::new();
        for (status, answer) in operation.responses(spec) {
            let has = |name: &str| answer["headers"].get(name).is_some();
            wrong.extend(complain(!has("X-Request-Id"), &format!("{status}: no X-Request-Id")));
            wrong.extend(complain(status == 201 && !has("Location"), "201 without Location"));
            wrong.extend(complain(status == 401 && !has("WWW-Authenticate"), "401 says not how"));
        }
        wrong
    });
}

#[test]
fn what_creates_takes_an_idempotency_key_and_what_changes_needs_the_version() {
    for_every_operation(|spec, operation| {
        let creates = operation.method == "POST" && operation.responses(spec).contains_key(&201);
        let changes = ["PATCH", "PUT", "DELETE"].contains(&operation.method.as_str());
        let exempt = |list: &[&str]| list.contains(&operation.id);
        let has = |header| operation.has_header(spec, header);
        let mut wrong = complain(
            creates && has("Idempotency-Key") == exempt(WITHOUT_KEY),
            "params(Idempotency) is missing, or WITHOUT_KEY lists it for nothing",
        );
        wrong.extend(complain(
            changes && has("If-Match") == exempt(WITHOUT_VERSION),
            "params(IfMatch) is missing, or WITHOUT_VERSION lists it for nothing",
        ));
        wrong
    });
}

#[test]
fn every_path_parameter_is_documented_and_every_parameter_has_a_type() {
    for_every_operation(|spec, operation| {
        let inside = operation.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        let missing = inside.filter(|name| {
            !operation.parameters(spec).any(|p| p["in"] == "path" && p["name"] == *name)
        });
        let mut wrong: Vec<String> =
            missing.map(|name| format!("the path parameter {name} is not documented")).collect();
        let untyped = operation.parameters(spec).filter(|p| p.get("schema").is_none());
        wrong.extend(untyped.map(|p| format!("{} has no type", p["name"])));
        wrong
    });
}

/// What a person can create in Swagger UI with what it fills in, on the desk of the seed data.
#[actix_web::test]
async fn the_examples_of_what_is_created_create_it() {
    let spec = Spec::read();
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    // A timer that runs, to be stopped.
    let ticket = app.open_ticket(json!({})).await;
    admin.post(&path(&ticket, "/timer"), json!({})).await.expect(201);
    let mut refused = Vec::new();
    for operation in spec.operations() {
        let creates = operation.method == "POST" && operation.responses(&spec).contains_key(&201);
        let Some(body) = operation.example_body(&spec).filter(|_| creates) else { continue };
        if operation.path.contains('{') {
            continue;
        }
        // The CRM of the example is nowhere.
        let unchecked = if operation.id == "create_crm_connection" { "?check=false" } else { "" };
        let path = format!("{}{unchecked}", operation.path);
        let reply = admin.post(&path, body).await;
        if reply.status != 201 {
            refused.push(format!("{}: {}", operation.id, reply.body));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}
