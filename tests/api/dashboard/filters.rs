//! What the page is asked for, and what it says when that cannot be shown.
use serde_json::json;

use super::show;
use crate::reports::follow;
use crate::support::TestApp;

fn opened(page: &str) -> &str {
    let (_, rest) = page.split_once("<dt>Opened</dt><dd class=\"value\">").unwrap();
    rest.split('<').next().unwrap()
}

#[actix_web::test]
async fn filters_narrow_the_figures_by_id_and_by_name() {
    let app = TestApp::start().await;
    for _ in 0..2 {
        app.open_ticket(json!({})).await;
    }
    follow(&app).await;
    let product = app.id("products", "CoreTrac").await;
    for (query, count) in [
        (String::new(), "2"),
        (format!("?product={product}"), "2"),
        ("?product=coretrac&period=90d".into(), "2"),
        ("?account=northwind".into(), "2"),
        ("?account=northwind&from=2020-01-01&to=2020-12-31".into(), "0"),
        ("?agent=Coordinator".into(), "0"),
        ("?period=today&unknown=1".into(), "2"),
    ] {
        let (status, page) = show(&app, &query).await;
        assert_eq!((status, opened(&page)), (200, count), "{query}");
    }
    let (_, page) = show(
        &app,
        &format!("?product={product}&period=custom&from=2026-01-05&to=2026-01-06&tz=Asia/Tokyo"),
    )
    .await;
    assert!(page.contains(&format!("<option value=\"{product}\" selected>CoreTrac")));
    assert!(page.contains("<option value=\"custom\" selected>"));
    assert!(
        page.contains("name=\"from\" value=\"2026-01-05\"")
            && page.contains("name=\"to\" value=\"2026-01-06\"")
    );
    assert!(page.contains("5 Jan 2026 to 6 Jan 2026, Asia&#x2f;Tokyo."), "{page}");
}

#[actix_web::test]
async fn what_is_wrong_with_a_filter_is_said_at_its_field() {
    let app = TestApp::start().await;
    let nobody = uuid::Uuid::now_v7();
    for (query, field, text) in [
        ("?period=decade", "period", "Please choose one of the periods."),
        ("?from=31.12.2026", "from", "Please enter a day"),
        ("?from=2026-01-02&to=x", "to", "Please enter a day"),
        ("?from=2026-01-02&to=2026-01-01", "to", "must not be before the first"),
        ("?from=2010-01-02&to=2026-01-01", "to", "eight years at the most"),
        ("?tz=Vienna", "tz", "There is no such time zone."),
        ("?account=nobody", "account", "There is nothing of this name."),
        (&format!("?agent={nobody}"), "agent", "There is nothing of this name."),
        ("?agent=agent", "agent", "Several have this in their names: "),
    ] {
        let (status, page) = show(&app, query).await;
        assert_eq!(status, 422, "{query}");
        assert!(
            page.contains("role=\"alert\"") && page.contains("<title>Error: Filters"),
            "{query}"
        );
        let why = format!("<p class=\"why\" id=\"{field}-why\">");
        let (_, told) = page.split_once(&why).unwrap_or_else(|| panic!("{query}: {page}"));
        assert!(told.split_once("</p>").unwrap().0.contains(text), "{query}: {told}");
        assert!(page.contains(&format!("aria-describedby=\"{field}-why\"")), "{query}");
        assert!(page.contains(&format!("<a href=\"#{field}\">")), "{query}");
        assert!(!page.contains("<figure"), "{query}");
    }
}

#[actix_web::test]
async fn long_periods_have_parts_that_a_chart_can_show() {
    let app = TestApp::start().await;
    for (query, rows_are) in [
        ("?period=today", "Hour"),
        ("?period=90d", "Day"),
        ("?period=12m", "Week from"),
        ("?from=2022-01-01&to=2026-01-01", "Month"),
    ] {
        let (status, page) = show(&app, query).await;
        assert_eq!(status, 200, "{query}");
        let (_, backlog) = page.split_once("<figure id=\"backlog\"").unwrap();
        let (_, head) = backlog.split_once("<th scope=\"col\">").unwrap();
        assert!(head.starts_with(rows_are), "{query}: {head}");
    }
}
