//! The flat table.
use casebridge::kernel::Role;
use reqwest::Method;
use serde_json::json;

use crate::support::{Reply, TestApp, path};

#[actix_web::test]
async fn the_table_has_a_row_for_each_ticket_and_no_formula() {
    let app = TestApp::start().await;
    let (admin, coordinator) = (app.client(Role::Admin).await, app.agent("Coordinator").await);
    let one = app
        .open_ticket(json!({"subject": "=1+1", "description": "a \"quoted\",\nlong text"}))
        .await;
    let two = app.open_ticket(json!({})).await;
    coordinator.post(&path(&one, "/time-entries"), json!({"minutes": 45})).await.expect(201);
    coordinator.delete(&path(&two, ""), "*").await.expect(204);
    app.publish().await;
    let reply = admin.get("/v1/export/tickets?format=csv").await;
    assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"tickets.csv\"");
    let table = reply.expect(200).as_str().unwrap().to_owned();
    let rows: Vec<&str> = table.split_terminator("\r\n").collect();
    let columns = rows[0].split(',').count();
    assert_eq!((rows.len(), columns), (3, 49), "{table}");
    let number = one["number"].as_str().unwrap();
    let of_one = rows.iter().find(|row| row.contains(number)).unwrap();
    assert!(of_one.contains(",'=1+1,\"a \"\"quoted\"\",\nlong text\","), "{of_one}");
    let minutes = rows[0].split(',').position(|name| name == "minutes").unwrap();
    // The description has a comma of its own.
    assert_eq!(of_one.split(',').nth(minutes + 1), Some("45"));
    let of_two = rows.iter().find(|row| row.contains(two["number"].as_str().unwrap())).unwrap();
    assert_eq!(of_two.split(',').count(), columns);
    assert!(!of_two.contains("The export stops"), "{of_two}");
    let cursor = rows[1].split(',').next().unwrap();
    let accepted = admin
        .request(Method::GET, &format!("/v1/export/tickets?after={cursor}"))
        .header("accept", "text/csv");
    let rest = Reply::of(accepted).await.expect(200);
    let rest = rest.as_str().unwrap();
    assert_eq!(rest.split_terminator("\r\n").nth(1), Some(rows[2]));
}
