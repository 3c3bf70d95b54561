//! What can be asked, and what is refused.
use casebridge::kernel::{Permission, Role};
use reqwest::Method;
use serde_json::json;

use super::{follow, report};
use crate::support::{Reply, TestApp, path, pointers};

#[actix_web::test]
async fn what_is_open_agrees_with_the_list_of_tickets_whatever_the_filter() {
    let app = TestApp::start().await;
    let desk = app.agent("Coordinator").await;
    for priority in ["low", "high", "high"] {
        app.open_ticket(json!({"priority": priority})).await;
    }
    let closed = app.open_ticket(json!({"priority": "high"})).await;
    app.advance_to(&closed, "050").await;
    follow(&app).await;
    for filter in ["", "&priority=high", "&priority=low,normal", "&category=closed", "&q=export"] {
        let list = format!("/v1/tickets?category=active{filter}");
        let list = if filter.contains("category") { "/v1/tickets?q=nothing".into() } else { list };
        let list = desk.request(Method::GET, &list).header("prefer", "return=total-count");
        let listed = Reply::of(list).await.expect(200)["total"].clone();
        let backlog = report(&desk, &format!("backlog?{}", filter.trim_start_matches('&'))).await;
        assert_eq!(backlog["total"]["open"], listed, "{filter}: {backlog}");
        assert_eq!(backlog["total"]["under_1_day"], listed, "{filter}");
        assert_eq!(backlog["buckets"][29]["figures"]["open"], listed, "{filter}");
        assert_eq!(backlog["buckets"][0]["figures"]["open"], 0, "{filter}");
    }
}

#[actix_web::test]
async fn groups_are_named_and_those_without_one_are_a_group_too() {
    let app = TestApp::start().await;
    let desk = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    app.open_ticket(json!({})).await;
    app.advance_to(&ticket, "050").await;
    follow(&app).await;
    let volume = report(&desk, "volume?group_by=product").await;
    assert_eq!(volume["total"], json!({"opened": 2, "reopened": 0, "closed": 1, "merged": 0}));
    let groups = volume["groups"].as_array().unwrap();
    assert_eq!((groups.len(), &groups[0]["name"]), (1, &json!("CoreTrac")), "{volume}");
    assert_eq!(groups[0]["total"], volume["total"]);
    assert_eq!(volume["others"], json!(null));
    let volume = report(&desk, "volume?group_by=component").await;
    let none = &volume["groups"][0];
    assert_eq!((&none["id"], &none["name"]), (&json!(null), &json!(null)));
    assert_eq!(none["total"], volume["total"]);
}

#[actix_web::test]
async fn a_report_is_a_table_when_a_table_is_asked_for() {
    let app = TestApp::start().await;
    let desk = app.agent("Coordinator").await;
    app.open_ticket(json!({})).await;
    app.sql("update products set name = '=cmd|x' where name = 'CoreTrac'").await.unwrap();
    follow(&app).await;
    let at = "/v1/reports/volume?from=2026-03-29&to=2026-03-30&bucket=day&time_zone=Europe/Vienna";
    let table = desk.get(&format!("{at}&format=csv")).await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    let expected = "part,group_id,group,from,to,opened,reopened,closed,merged\r\n\
        total,,,2026-03-29T00:00:00+01:00,2026-03-30T00:00:00+02:00,0,0,0,0\r\n\
        bucket,,,2026-03-29T00:00:00+01:00,2026-03-30T00:00:00+02:00,0,0,0,0\r\n";
    assert_eq!(table.body, expected);
    let accepting = |kind: &'static str| desk.request(Method::GET, at).header("accept", kind);
    assert_eq!(Reply::of(accepting("text/csv")).await.body, expected);
    assert!(Reply::of(accepting("application/json")).await.body.is_object());
    let grouped = desk.get("/v1/reports/volume?format=csv&group_by=product").await.expect(200);
    assert!(grouped.as_str().unwrap().contains(",'=cmd|x,"), "{grouped}");
}

#[actix_web::test]
async fn what_cannot_be_reported_is_refused_by_its_name() {
    let app = TestApp::start().await;
    let desk = app.agent("Coordinator").await;
    let too_many = desk.get("/v1/reports/volume?bucket=hour&from=2026-01-01&to=2026-03-01").await;
    assert_eq!(pointers(too_many), ["/bucket"]);
    let grouped = "/v1/reports/volume?from=2026-01-01&to=2026-06-01&group_by=agent";
    assert_eq!(pointers(desk.get(grouped).await), ["/bucket"]);
    let backwards = desk.get("/v1/reports/volume?from=2026-02-01&to=2026-01-01").await;
    assert_eq!(pointers(backwards), ["/to"]);
    for wrong in [
        "from=yesterday",
        "time_zone=Mars/Olympus",
        "bucket=year",
        "group_by=mood",
        "limit=5",
        "sort=number",
        "colour=red",
        "priority=blue",
        "format=pdf",
    ] {
        let refused = desk.get(&format!("/v1/reports/volume?{wrong}")).await;
        refused.problem(400, "malformed_request");
    }
}

#[actix_web::test]
async fn reports_are_for_coordinators_and_administrators_and_count_what_the_caller_sees() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    app.move_elsewhere(&ticket).await;
    follow(&app).await;
    for role in [Role::Contact, Role::Agent] {
        let refused = app.client(role).await.get("/v1/reports/volume").await;
        assert_eq!(refused.problem(403, "forbidden")["required_permission"], "reports:read");
    }
    let scopes = [Permission::ReportsRead, Permission::TicketsRead];
    let program = app.client_for(app.integration(&scopes).await).await;
    assert_eq!(report(&program, "volume").await["total"]["opened"], 1);
    // An agent who was granted it sees figures of their departments.
    app.sql("update agents set permissions = '{reports:read}' where name = 'L1 agent A'")
        .await
        .unwrap();
    let agent = app.agent("L1 agent A").await;
    assert_eq!(report(&agent, "volume").await["total"]["opened"], 0);
    assert_eq!(report(&agent, "backlog").await["total"]["open"], 0);
    app.agent("Coordinator").await.get(&path(&ticket, "")).await.expect(200);
}
