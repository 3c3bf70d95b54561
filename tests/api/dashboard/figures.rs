//! The page says what the reports say.
use serde_json::{Value, json};

use super::show;
use crate::reports::{follow, report};
use crate::support::{TestApp, path};

/// The values of a figure's table, row by row: what is drawn, and what is not.
fn values(page: &str, id: &str) -> Vec<Vec<Option<f64>>> {
    let (_, figure) = page.split_once(&format!("<figure id=\"{id}\"")).unwrap();
    let figure = figure.split_once("</figure>").unwrap().0;
    let value = |cell: &str| Some(cell.split_once("<data value=\"")?.1.split('"').next()?.parse());
    let rows = figure.split("<tr>").skip(2);
    rows.map(|row| row.split("<td>").skip(1).map(|cell| value(cell).map(Result::unwrap)).collect())
        .collect()
}

/// The named numbers of each bucket of a report.
fn numbers(report: &Value, names: &[&str]) -> Vec<Vec<Option<f64>>> {
    let buckets = report["buckets"].as_array().unwrap().iter();
    buckets
        .map(|bucket| {
            names.iter().map(|name| bucket["figures"].pointer(name).unwrap().as_f64()).collect()
        })
        .collect()
}

/// A desk on a day on which everything happened.
async fn busy() -> TestApp {
    let app = TestApp::start().await;
    let desk = app.agent("Coordinator").await;
    for status in ["012", "013", "020", "050", "050"] {
        let ticket = app.open_ticket(json!({})).await;
        app.advance_to(&ticket, status).await;
        let entry = json!({"minutes": 25, "chargeable": status == "050"});
        desk.post(&path(&ticket, "/time-entries"), entry).await.expect(201);
    }
    let again = app.open_ticket(json!({})).await;
    app.advance_to(&again, "017").await;
    crate::surveys::ask(&app).await;
    app.sql("update surveys set rating = 4, answered_at = now(), changed_at = now()")
        .await
        .unwrap();
    follow(&app).await;
    app
}

#[actix_web::test]
async fn every_table_has_the_figures_of_its_report() {
    let app = busy().await;
    let desk = app.agent("Coordinator").await;
    let (status, page) = show(&app, "?period=7d").await;
    assert_eq!(status, 200);
    let to = chrono::Utc::now().date_naive() + chrono::Days::new(1);
    let period = format!("from={}&to={to}", to - chrono::Days::new(7));
    for (id, name, columns) in [
        ("volume", "volume", &["/opened", "/closed", "/reopened", "/merged"][..]),
        ("backlog", "backlog", &["/open"]),
        (
            "response",
            "response-times",
            &[
                "/median_business_seconds",
                "/p90_business_seconds",
                "/median_seconds",
                "/p90_seconds",
                "/count",
            ],
        ),
        (
            "resolution",
            "resolution-times",
            &[
                "/median_business_seconds",
                "/p90_business_seconds",
                "/median_seconds",
                "/p90_seconds",
                "/count",
            ],
        ),
        ("reopens", "reopens", &["/rate", "/reopened", "/closed"]),
        ("csat", "csat", &["/mean", "/answered", "/asked"]),
        ("time", "time", &["/charged_minutes", "/not_charged_minutes", "/entries"]),
    ] {
        let document = report(&desk, &format!("{name}?{period}")).await;
        let (shown, told) = (values(&page, id), numbers(&document, columns));
        assert_eq!(shown, told, "{id}");
        let something = told.iter().flatten().flatten().any(|number| *number > 0.0);
        assert!(something || id == "response" || id == "resolution", "{id} is about nothing");
    }
    let ages = report(&desk, &format!("backlog?{period}")).await["total"].clone();
    let classes =
        ["under_1_day", "under_3_days", "under_7_days", "under_30_days", "under_90_days", "older"];
    let told: Vec<_> = classes.iter().map(|class| vec![ages[class].as_f64()]).collect();
    assert_eq!(values(&page, "age"), told);
    let load = report(&desk, &format!("agent-load?{period}")).await;
    let mut told: Vec<Vec<Option<f64>>> = Vec::new();
    for group in load["groups"].as_array().unwrap() {
        let total = &group["total"];
        told.push([&total["open"], &total["closed"], &total["assigned"]].map(Value::as_f64).into());
    }
    let mut shown = values(&page, "load");
    shown.sort_by(|a, b| a.partial_cmp(b).unwrap());
    told.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(shown, told);
    assert!(load["total"]["open"].as_i64().unwrap() > 0);
}

#[actix_web::test]
async fn service_levels_are_shown_as_they_are_reported() {
    let app = busy().await;
    let desk = app.agent("Coordinator").await;
    app.sql("update sla_clocks set fulfilled_at = started_at where metric = 'first_response'")
        .await
        .ok();
    let (_, page) = show(&app, "?period=today&tz=UTC").await;
    let document = report(&desk, "sla?bucket=hour&from=2026-01-01&to=2026-01-02").await;
    assert!(document["buckets"][0]["figures"]["first_response"]["attainment"].is_null());
    let today = chrono::Utc::now().date_naive();
    let period = format!("bucket=hour&from={today}&to={}", today + chrono::Days::new(1));
    let document = report(&desk, &format!("sla?{period}")).await;
    let metrics = ["first_response", "next_response", "resolution"];
    let parts = metrics.map(|metric| format!("/{metric}/attainment"));
    let told = numbers(&document, &parts.each_ref().map(String::as_str));
    let shown = values(&page, "sla");
    let decided = document["total"].as_object().unwrap().values();
    let decided: i64 = decided
        .map(|kept| kept["fulfilled"].as_i64().unwrap() + kept["breached"].as_i64().unwrap())
        .sum();
    assert!(decided > 0, "{document}");
    let shown: Vec<_> = shown.iter().map(|row| row[..3].to_vec()).collect();
    assert_eq!(shown, told);
}

#[actix_web::test]
async fn names_are_shown_as_text() {
    let app = TestApp::start().await;
    let evil = "</script><img src=x onerror=alert(1)>";
    for table in ["agents", "accounts", "products", "departments", "components"] {
        app.sql(format!(
            "update {table} set name = '{evil}' || left(id::text, 13) || right(id::text, 4)"
        ))
        .await
        .unwrap();
    }
    let admin = app.client(casebridge::kernel::Role::Admin).await;
    let me = admin.get("/v1/me").await.expect(200)["id"].as_str().unwrap().parse().unwrap();
    let token = super::token_for(&app, me, 600).await;
    for query in ["", "?account=%3Cimg", "?tz=%3Cscript%3E&from=%22%3E%3Cscript%3E&agent=%3Cb%3E"] {
        let (_, page) = super::read(super::open(&app, &token, query)).await;
        assert!(page.contains("&lt;img src=x"), "{query}");
        assert!(!page.contains("<img") && !page.contains("<script>") && !page.contains("<b>"));
    }
}
