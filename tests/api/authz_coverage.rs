//! Nobody gets in without the right: for every operation of the specification, whoever adds it.
use casebridge::kernel::{Permission, Role};
use serde_json::{Value, json};

use crate::support::{Client, Operation, Reply, Spec, TestApp};

/// Calls the operation as its specification says.
async fn call(spec: &Spec, operation: &Operation<'_>, caller: &Client) -> Reply {
    Reply::of(operation.request(spec, caller)).await
}

/// Every operation that needs a token, with the scopes that it needs.
fn secured(spec: &Spec) -> Vec<(Operation<'_>, Vec<Permission>)> {
    let with_scopes = spec.operations().into_iter().filter_map(|operation| {
        let scopes = operation.scopes()?.into_iter().map(|s| Permission::parse(s).unwrap());
        let scopes = scopes.collect();
        Some((operation, scopes))
    });
    with_scopes.collect()
}

/// Says what is wrong unless the caller was refused for want of a permission, or is told that there is nothing.
fn refused(reply: &Reply, needed: &[Permission]) -> Option<String> {
    let lacks = reply.body["required_permission"].as_str().and_then(Permission::parse);
    match reply.status {
        403 if lacks.is_some_and(|lacks| needed.contains(&lacks)) => None,
        404 if reply.body["code"] == "not_found" => None,
        status => Some(format!("{status} {}", reply.body)),
    }
}

fn report(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[actix_web::test]
async fn without_a_valid_token_every_operation_answers_401() {
    let (app, spec) = (TestApp::start().await, Spec::read());
    let forged = Client::new(&app.url, Some("eyJhbGciOiJub25lIn0.e30.".into()));
    let mut wrong = Vec::new();
    for (operation, _) in secured(&spec) {
        for caller in [&app.anonymous(), &forged] {
            let reply = call(&spec, &operation, caller).await;
            let told = reply.header("www-authenticate").starts_with("Bearer");
            if reply.status != 401 || !told || reply.body["code"] != "unauthenticated" {
                wrong.push(format!("{}: {} {}", operation.id, reply.status, reply.body));
            }
        }
    }
    report(wrong);
}

#[actix_web::test]
async fn a_client_with_every_other_scope_is_refused() {
    let (app, spec) = (TestApp::start().await, Spec::read());
    let client = app.integration(Permission::ALL).await;
    let mut wrong = Vec::new();
    for (operation, needed) in secured(&spec) {
        // What every caller may do has no scope to withhold.
        if needed.is_empty() {
            continue;
        }
        let others = Permission::ALL.iter().filter(|scope| !needed.contains(scope));
        let caller = app.client_with(client, others.copied()).await;
        let reply = call(&spec, &operation, &caller).await;
        wrong.extend(refused(&reply, &needed).map(|what| format!("{}: {what}", operation.id)));
    }
    report(wrong);
}

#[actix_web::test]
async fn the_scopes_of_the_specification_are_enough_and_nothing_breaks() {
    let (app, spec) = (TestApp::start().await, Spec::read());
    let client = app.integration(Permission::ALL).await;
    let mut wrong = Vec::new();
    for (operation, needed) in secured(&spec) {
        let caller = app.client_with(client, needed.iter().copied()).await;
        let reply = call(&spec, &operation, &caller).await;
        if [401, 403, 415].contains(&reply.status) || reply.status >= 500 {
            wrong.push(format!("{}: {} {}", operation.id, reply.status, reply.body));
        }
    }
    report(wrong);
}

#[actix_web::test]
async fn a_role_cannot_do_what_it_has_no_permission_for() {
    let (app, spec) = (TestApp::start().await, Spec::read());
    let mut wrong = Vec::new();
    for role in [Role::Contact, Role::Agent, Role::Coordinator] {
        let caller = app.client(role).await;
        for (operation, needed) in secured(&spec) {
            let reply = call(&spec, &operation, &caller).await;
            let may = needed.iter().all(|permission| role.permissions().contains(permission));
            let what = match may {
                false => refused(&reply, &needed),
                true => (reply.status >= 500).then(|| reply.body.to_string()),
            };
            wrong.extend(what.map(|what| format!("{} as {role}: {what}", operation.id)));
        }
    }
    report(wrong);
}

/// The check above is worth something only if it fails for an operation that is open.
#[test]
fn an_operation_that_answers_is_not_taken_for_refused() {
    let reply = |status, body| Reply { status, headers: Default::default(), body };
    let needed = [Permission::CrmRead];
    assert!(refused(&reply(200, json!({})), &needed).is_some());
    assert!(refused(&reply(422, json!({"code": "validation_failed"})), &needed).is_some());
    assert!(refused(&reply(403, json!({"required_permission": "crm:write"})), &needed).is_some());
    assert!(refused(&reply(403, json!({"required_permission": "crm:read"})), &needed).is_none());
    assert!(refused(&reply(404, Value::Null), &needed).is_some());
}
