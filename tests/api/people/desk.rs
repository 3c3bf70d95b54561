//! Departments, and what a new desk starts with.
use casebridge::kernel::Role;
use casebridge::seed;
use chrono::Utc;
use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use super::{events, id, named};
use crate::support::TestApp;

#[actix_web::test]
async fn the_default_moves_from_one_department_to_another() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let support = named(&admin, "/v1/departments", "Support").await;
    let it = named(&admin, "/v1/departments", "Internal IT").await;
    assert_eq!((&support["is_default"], &it["is_default"]), (&json!(true), &json!(false)));
    let path = |department: &Value| format!("/v1/departments/{}", id(department));
    for change in [json!({"is_default": false}), json!({"active": false})] {
        admin.patch(&path(&support), "*", change).await.problem(422, "default_department");
    }
    admin.patch(&path(&it), "\"v1\"", json!({"is_default": true})).await.expect(200);
    let support = admin.get(&path(&support)).await.expect(200);
    assert_eq!((&support["is_default"], &support["version"]), (&json!(false), &json!(3)));
    let told = events(&app, &format!("department/{}", id(&support))).await;
    let last = json!({"is_default": {"from": true, "to": false}});
    assert_eq!(told.last().unwrap()["changes"], last);
}

#[actix_web::test]
async fn of_departments_that_become_the_default_at_once_one_is_it() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let page = admin.get("/v1/departments").await.expect(200);
    let departments = page["items"].as_array().unwrap();
    let changes = departments.iter().map(|department| {
        let (admin, path) = (admin.clone(), format!("/v1/departments/{}", id(department)));
        async move { admin.patch(&path, "*", json!({"is_default": true})).await.expect(200) }
    });
    futures_util::future::join_all(changes).await;
    let page = admin.get("/v1/departments").await.expect(200);
    let is_default = |department: &&Value| department["is_default"] == true;
    assert_eq!(page["items"].as_array().unwrap().iter().filter(is_default).count(), 1);
}

#[actix_web::test]
async fn seeding_again_changes_nothing() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let before = admin.get("/v1/agents").await.expect(200);
    let seed = || app.service.db.tx(|conn| seed::load(conn, Utc::now()));
    let (first, second) = tokio::join!(seed(), seed());
    first.and(second).unwrap();
    assert_eq!(admin.get("/v1/agents").await.expect(200), before);
}

#[actix_web::test]
async fn replicas_that_seed_at_once_seed_once() {
    let app = TestApp::start().await;
    let empty = |conn: &mut diesel::PgConnection| {
        let tables = "workflows, departments, accounts, contacts, agents, products, categories, processes, calendars";
        // The ticket types can refer to workflows, and are not of the seed.
        Ok(conn.batch_execute(&format!(
            "create temp table kept on commit drop as table ticket_types;
             truncate {tables} cascade; insert into ticket_types table kept"
        ))?)
    };
    app.service.db.tx(empty).await.unwrap();
    let seed = || app.service.db.tx(|conn| seed::load(conn, Utc::now()));
    let (first, second) = tokio::join!(seed(), seed());
    first.and(second).unwrap();
    let admin = app.client(Role::Admin).await;
    assert_eq!(named(&admin, "/v1/agents", "L1 agent A").await["version"], 1);
}
