//! Health, pausing, and replay with a preview.
use std::time::Duration;

use chrono::Utc;
use fake_crm::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::support::mirror::{Mirrored, crm_id};

#[actix_web::test]
async fn nothing_more_is_begun_once_a_connection_is_paused() {
    let desk = Mirrored::start_with(json!({"concurrency": 2})).await;
    for n in 0..10 {
        desk.open(&format!("Ticket {n}")).await;
    }
    desk.app.publish().await;
    desk.crm.set_latency(Duration::from_millis(200));
    let path = format!("/v1/crm/connections/{}", desk.connection);
    let pause = async {
        while desk.crm.count("POST", "Cases") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        desk.admin.post(&format!("{path}/pause"), json!({})).await.expect(200);
    };
    let (worked, ()) = tokio::join!(desk.app.service.mirror.converge_due(Utc::now()), pause);
    assert!(worked.unwrap());
    assert_eq!(desk.crm.records("Cases").len(), 2, "what was under way ended, and no more");
    assert_eq!(desk.health().await["backlog"], 8);
    desk.crm.set_latency(Duration::ZERO);
    desk.admin.post(&format!("{path}/resume"), json!({})).await.expect(200);
    desk.converge().await;
    assert_eq!(desk.crm.records("Cases").len(), 10);
}

#[actix_web::test]
async fn health_tells_lag_throughput_and_failures_of_all_processes() {
    let desk = Mirrored::start().await;
    for n in 0..4 {
        desk.open(&format!("Ticket {n}")).await;
    }
    desk.app.publish().await;
    desk.crm.set_latency(Duration::from_millis(20));
    desk.crm.fail(FaultRule::next(Fault::ServerError).method("POST").module("Cases"));
    // Whoever asks learns what another process did.
    desk.another_engine().converge_due(Utc::now()).await.unwrap();
    let health = desk.health().await;
    let recent = &health["recent"];
    assert_eq!((&recent["minutes"], &recent["converged"]), (&json!(15), &json!(3)), "{health}");
    assert_eq!(recent["per_minute"], 0.2);
    assert_eq!(recent["errors"], json!([{"error_class": "transient", "count": 1}]));
    let (p50, p99) =
        (recent["lag_p50_ms"].as_i64().unwrap(), recent["lag_p99_ms"].as_i64().unwrap());
    assert!(40 <= p50 && p50 <= p99 && p99 < 60_000, "{recent}");
    assert_eq!((&health["breaker"], &health["backlog"]), (&json!("closed"), &json!(1)));
}

#[actix_web::test]
async fn everything_up_to_the_oldest_waiting_change_is_in_the_crm() {
    let desk = Mirrored::start().await;
    let time = |health: &Value| health["synced_until"].as_str().unwrap().parse().unwrap();
    desk.converge().await;
    let before: chrono::DateTime<Utc> = Utc::now();
    desk.open("Waits").await;
    let change = Utc::now();
    // Neither while it waits for the relay nor while it waits for the CRM.
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let health = desk.health().await;
        let until: chrono::DateTime<Utc> = time(&health);
        assert!(until >= before && until <= change, "{health}");
        assert!(health["lag_seconds"].as_i64().unwrap() >= 1, "{health}");
        desk.app.publish().await;
    }
    desk.converge().await;
    let health = desk.health().await;
    assert!(time(&health) > change && health["lag_seconds"] == 0, "{health}");
}

#[actix_web::test]
async fn the_figures_show_each_connection() {
    let desk = Mirrored::start().await;
    let name = format!("CRM {}", uuid::Uuid::now_v7());
    let path = format!("/v1/crm/connections/{}", desk.connection);
    desk.admin.patch(&path, "*", json!({ "name": name })).await.expect(200);
    desk.open("Counted").await;
    desk.converge().await;
    desk.open("Waits").await;
    desk.app.publish().await;
    desk.app.service.mirror.tell_figures(Utc::now()).await.unwrap();
    let figures = desk.app.anonymous().get("/metrics").await.expect(200);
    let figures = figures.as_str().unwrap();
    for line in [
        format!("mirror_backlog{{connection=\"{name}\"}} 1"),
        format!("mirror_parked{{connection=\"{name}\"}} 0"),
        format!("mirror_outage{{connection=\"{name}\"}} 0"),
        format!("mirror_lag_seconds_count{{connection=\"{name}\"}} 1"),
    ] {
        assert!(figures.contains(&line), "{line} is not in {figures}");
    }
}

/// The tickets of a preview.
fn tickets(preview: &Value) -> Vec<&str> {
    let items = preview["items"].as_array().unwrap().iter();
    let mut tickets: Vec<&str> = items.map(|item| item["ticket_id"].as_str().unwrap()).collect();
    tickets.sort_unstable();
    tickets
}

#[actix_web::test]
async fn a_preview_tells_exactly_what_the_retry_then_does() {
    let desk = Mirrored::start().await;
    desk.crm.delete("Accounts", &crm_id("Northwind Services")).unwrap();
    let mut unmapped = vec![desk.open("One").await, desk.open("Two").await];
    unmapped.sort_unstable();
    desk.converge().await;
    desk.crm.create("Accounts", json!({"name": "Northwind Services"})).unwrap();
    let path = format!("/v1/crm/connections/{}/parked/retry", desk.connection);
    let preview = async |mut body: Value| {
        body["preview"] = json!(true);
        desk.admin.post(&path, body).await.expect(200)
    };

    let by_reason = json!({"reason": "NORTHWIND", "error_class": "unmapped"});
    let seen = preview(by_reason.clone()).await;
    assert_eq!((&seen["count"], &seen["causes"][0]["count"]), (&json!(2), &json!(2)));
    assert_eq!(tickets(&seen), unmapped);
    assert!(seen["items"][0]["reason"].as_str().unwrap().contains("Northwind"), "{seen}");
    for nothing in [
        json!({"reason": "Contoso"}),
        json!({"error_class": "permanent"}),
        json!({"since": Utc::now() + chrono::TimeDelta::minutes(1)}),
        json!({"deleted": true}),
        json!({"ticket_id": uuid::Uuid::now_v7()}),
    ] {
        assert_eq!(preview(nothing.clone()).await["count"], 0, "{nothing}");
        let retried = desk.admin.post(&path, nothing.clone()).await.expect(202);
        assert_eq!(retried["marked"], 0, "{nothing}");
    }
    assert_eq!(desk.mirror(&unmapped[0]).await["state"], "parked", "a preview changes nothing");

    let one =
        json!({"ticket_id": unmapped[0], "since": Utc::now() - chrono::TimeDelta::minutes(5)});
    assert_eq!(tickets(&preview(one.clone()).await), [&unmapped[0]]);
    assert_eq!(desk.admin.post(&path, one).await.expect(202)["marked"], 1);
    assert_eq!(desk.mirror(&unmapped[0]).await["attempts"], 0);
    let left = preview(by_reason.clone()).await;
    assert_eq!(desk.admin.post(&path, by_reason).await.expect(202)["marked"], left["count"]);
    desk.converge().await;
    for ticket in &unmapped {
        assert_eq!(desk.mirror(ticket).await["state"], "linked");
    }
}
