//! What work costs.
use casebridge::kernel::Role;
use serde_json::{Value, json};

use super::{log, totals};
use crate::support::{Client, TestApp, pointers};

async fn rate(admin: &Client, account: Option<&str>, per_hour: i64, from: &str) -> Value {
    let new =
        json!({"account_id": account, "per_hour": per_hour, "currency": "EUR", "valid_from": from});
    admin.post("/v1/hourly-rates", new).await.expect(201)
}

#[actix_web::test]
async fn an_entry_costs_what_is_in_force_on_its_day() {
    let app = TestApp::start().await;
    let (admin, coordinator) = (app.client(Role::Admin).await, app.agent("Coordinator").await);
    let ticket = app.open_ticket(json!({})).await;
    let account = ticket["account_id"].as_str().unwrap();
    let desk = rate(&admin, None, 6_000, "2026-01-01").await;
    rate(&admin, Some(account), 9_000, "2026-02-01").await;
    rate(&admin, Some(account), 10_000, "2026-03-01").await;
    // A later rate of the desk is not for an account that has its own.
    rate(&admin, None, 7_000, "2026-02-15").await;
    for (day, per_hour) in [
        ("2025-12-31", Value::Null),
        ("2026-01-01", json!(6_000)),
        ("2026-01-31", json!(6_000)),
        ("2026-02-01", json!(9_000)),
        ("2026-02-28", json!(9_000)),
        ("2026-03-01", json!(10_000)),
    ] {
        let entry = json!({"minutes": 20, "chargeable": true, "work_date": day});
        assert_eq!(log(&coordinator, &ticket, entry).await["per_hour"], per_hour, "{day}");
    }
    let free = log(&coordinator, &ticket, json!({"minutes": 20, "work_date": "2026-03-01"})).await;
    assert_eq!([&free["per_hour"], &free["amount"], &free["currency"]], [&Value::Null; 3]);
    let sum = totals(&coordinator, &ticket).await;
    // 2 x 2,000 + 2 x 3,000 + 3,333: each by itself.
    assert_eq!(sum["amounts"], json!([{"currency": "EUR", "amount": 13_333}]));
    assert_eq!(
        [&sum["minutes"], &sum["chargeable_minutes"], &sum["unpriced_minutes"]],
        [140, 120, 20]
    );
    let period = format!("/v1/accounts/{account}/time-totals?from=2026-02-01&to=2026-02-28");
    let of_account = coordinator.get(&period).await.expect(200);
    assert_eq!(of_account["amounts"], json!([{"currency": "EUR", "amount": 6_000}]));
    assert_eq!([&of_account["from"], &of_account["entries"]], [&json!("2026-02-01"), &json!(2)]);
    // Priced anew with what is put right.
    let at = format!("/v1/hourly-rates/{}", desk["id"].as_str().unwrap());
    admin.patch(&at, "\"v1\"", json!({"currency": "USD", "per_hour": 3_000})).await.expect(200);
    assert_eq!(
        totals(&coordinator, &ticket).await["amounts"],
        json!([{"currency": "EUR", "amount": 9_333}, {"currency": "USD", "amount": 2_000}])
    );
    admin.delete(&at, "\"v1\"").await.problem(412, "stale_version");
    admin.delete(&at, "\"v2\"").await.expect(204);
    assert_eq!(totals(&coordinator, &ticket).await["unpriced_minutes"], 60);
}

#[actix_web::test]
async fn a_rate_has_a_currency_and_a_day_of_its_own() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let account = app.id("accounts", "Northwind Services").await;
    for (field, value) in [
        ("currency", json!("XXX")),
        ("currency", json!("eur")),
        ("per_hour", json!(-1)),
        ("valid_from", json!("2026-13-01")),
        ("account_id", json!("0199f0c2-0000-7000-8000-000000000000")),
    ] {
        let mut new = json!({"per_hour": 1, "currency": "EUR", "valid_from": "2026-01-01"});
        new[field] = value;
        assert_eq!(pointers(admin.post("/v1/hourly-rates", new).await), [format!("/{field}")]);
    }
    for of in [None, Some(account.as_str())] {
        rate(&admin, of, 100, "2026-01-01").await;
        let twice =
            json!({"account_id": of, "per_hour": 1, "currency": "EUR", "valid_from": "2026-01-01"});
        admin.post("/v1/hourly-rates", twice).await.problem(409, "already_exists");
    }
    let listed = admin.get(&format!("/v1/hourly-rates?account={account}")).await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let contact = app.contact("Purchasing contact").await;
    contact.get("/v1/hourly-rates").await.problem(403, "forbidden");
}
