//! Connections, and what their operator does.
use casebridge::crm::service::{NewConnection, create_connection, new_connection};
use casebridge::crm::settings::Settings;
use casebridge::kernel::{Actor, Secret};
use chrono::Utc;
use serde_json::json;

use crate::support::mirror::{Mirrored, text};

#[actix_web::test]
async fn a_connection_never_shows_its_secret_and_has_a_name_of_its_own() {
    let desk = Mirrored::start().await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    let shown = desk.admin.get(&path).await.expect(200);
    assert!(!shown.to_string().contains(desk.crm.client_secret()), "{shown}");
    let again = json!({
        "name": "SuiteCRM", "base_url": desk.crm.url(), "client_id": "x", "client_secret": "y",
    });
    desk.admin.post("/v1/crm/connections?check=false", again).await.problem(409, "name_taken");
}

#[actix_web::test]
async fn settings_that_cannot_work_are_refused_by_their_pointer() {
    let desk = Mirrored::start().await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    let refused = |settings| {
        let change = json!({ "settings": settings });
        async { desk.admin.patch(&path, "*", change).await.problem(422, "validation_failed") }
    };
    let problem = refused(json!({"policies": {"subject": "crm"}})).await;
    assert_eq!(problem["errors"][0]["pointer"], "/settings/policies/subject");
    let problem = refused(json!({"poll_seconds": 1})).await;
    assert_eq!(problem["errors"][0]["pointer"], "/settings/poll_seconds");
}

#[actix_web::test]
async fn a_new_connection_mirrors_the_tickets_that_were_there_before() {
    let desk = Mirrored::start().await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    desk.admin.delete(&path, "*").await.expect(204);
    let ticket = desk.open("Before").await;
    desk.converge().await;
    let new = json!({
        "name": "Second", "base_url": desk.crm.url(), "client_id": desk.crm.client_id(),
        "client_secret": desk.crm.client_secret(),
    });
    let made = desk.admin.post("/v1/crm/connections", new).await.expect(201);
    desk.converge().await;
    assert_eq!(desk.mirror(&ticket).await["connection_id"], made["id"]);
    assert!(desk.case(&ticket).await.value("description").contains("Ticket: CB-"));
}

#[actix_web::test]
async fn people_found_by_their_address_are_remembered_and_shown_in_the_maps() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Remembered").await;
    desk.converge().await;
    let assignee = text(&desk.ticket(&ticket).await["assignee_id"]);
    let path = format!("/v1/crm/connections/{}/maps/agent", desk.connection);
    let map = desk.admin.get(&path).await.expect(200);
    assert_eq!(map["items"][0]["local_id"], assignee);
    let taken = json!({"items": [{
        "local_id": desk.id("Coordinator"), "remote_id": map["items"][0]["remote_id"],
    }]});
    desk.admin.put(&path, taken).await.problem(409, "already_linked");
    let gone = json!({"items": [{ "local_id": assignee, "remote_id": null }]});
    assert_eq!(desk.admin.put(&path, gone).await.expect(200)["items"], json!([]));
}

#[actix_web::test]
async fn nothing_is_sent_while_a_connection_is_paused() {
    let desk = Mirrored::start().await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    desk.admin.post(&format!("{path}/pause"), json!({})).await.expect(200);
    let ticket = desk.open("Later").await;
    desk.converge().await;
    assert!(desk.crm.calls().is_empty());
    assert_eq!(desk.health().await["backlog"], 1);
    desk.admin.post(&format!("{path}/resume"), json!({})).await.expect(200);
    desk.converge().await;
    let page = format!("/v1/crm/mirrors?connection={}&state=linked", desk.connection);
    assert_eq!(desk.admin.get(&page).await.expect(200)["items"][0]["ticket_id"], ticket);
}

#[actix_web::test]
async fn a_reconcile_makes_the_mirrors_that_are_missing() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Missing").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.app.sql("delete from crm_mirrors").await.unwrap();
    desk.reconcile(json!({"mode": "repair"})).await;
    desk.converge().await;
    assert_eq!(desk.case(&ticket).await.id, case);
    assert_eq!(desk.crm.records("Cases").len(), 1);
}

#[actix_web::test]
async fn a_ticket_that_is_opened_while_a_crm_is_being_connected_is_mirrored_too() {
    let desk = Mirrored::start().await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    desk.admin.delete(&path, "*").await.expect(204);
    let new = NewConnection {
        kind: "suitecrm".into(),
        name: "Second".into(),
        base_url: desk.crm.url(),
        client_id: desk.crm.client_id().into(),
        client_secret: Secret::new(desk.crm.client_secret()),
        settings: Settings::default(),
    };
    let (made, is_made) = std::sync::mpsc::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let mirror = desk.app.service.mirror.clone();
    let connecting = desk.app.service.db.tx(move |conn| {
        let row = new_connection(mirror.secret(), new, Utc::now())?;
        let created = create_connection(conn, &Actor::system(), &row, Utc::now())?;
        made.send(()).unwrap();
        may_go_on.recv().unwrap();
        Ok(created.id)
    });
    let meanwhile = async {
        tokio::task::spawn_blocking(move || is_made.recv().unwrap()).await.unwrap();
        let ticket = desk.open("Meanwhile").await;
        desk.app.publish().await;
        go_on.send(()).unwrap();
        ticket
    };
    let (connection, ticket) = tokio::join!(connecting, meanwhile);
    desk.converge().await;
    assert_eq!(desk.mirror(&ticket).await["connection_id"], json!(connection.unwrap()));
    assert!(desk.case(&ticket).await.value("description").contains("Ticket: CB-"));
}

#[actix_web::test]
async fn a_ticket_that_is_deleted_while_it_is_mirrored_ends_detached() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Deleted meanwhile").await;
    desk.app.publish().await;
    desk.crm.set_latency(std::time::Duration::from_millis(400));
    let deleted = async {
        while desk.crm.count("POST", "Cases") == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        desk.admin.delete(&format!("/v1/tickets/{ticket}"), "*").await.expect(204);
        desk.app.publish().await;
    };
    let (worked, ()) = tokio::join!(desk.app.service.mirror.converge_due(Utc::now()), deleted);
    assert!(worked.unwrap());
    assert_eq!(desk.mirror(&ticket).await["state"], "detached");
}

#[actix_web::test]
async fn a_record_that_is_linked_twice_in_one_request_is_named() {
    let desk = Mirrored::start().await;
    let path = format!("/v1/crm/connections/{}/maps/account", desk.connection);
    let link =
        |remote: &str| json!({"local_id": desk.id("Northwind Services"), "remote_id": remote});
    let refused = desk.admin.put(&path, json!({"items": [link("a"), link("b")]})).await;
    let problem = refused.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/items/1/local_id");
}
