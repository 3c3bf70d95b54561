//! Find tickets: filters, orders, pages, and what they cost.
use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp, path};

async fn list(caller: &Client, query: &str) -> Value {
    caller.get(&format!("/v1/tickets?{query}")).await.expect(200)
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// Fills the desk with tickets; `columns` are SQL by the row's number `n`: created_at, priority, status, category, assignee.
async fn fill(app: &TestApp, how_many: u32, columns: [&str; 5]) {
    let [created_at, priority, status, category, assignee] = columns;
    let rows = app
        .sql(format!(
            "insert into tickets (id, workflow_id, status, category, subject, description, priority, account_id,
              product_id, department_id, level, assignee_id, source, opened_by, opened_by_role, created_at, updated_at)
             select gen_random_uuid(), d.workflow_id, {status}, {category}, 'Ticket ' || n, '', {priority},
              (array(select id from accounts order by name))[1 + n % 2], p.id, d.id, 'L1', {assignee}, 'api',
              gen_random_uuid(), 'integration', {created_at}, {created_at}
             from generate_series(1, {how_many}) n, departments d, products p
             where d.is_default and p.name = 'CoreTrac'"
        ))
        .await;
    assert_eq!(rows.unwrap(), how_many as usize);
    app.sql("analyze tickets").await.unwrap();
}

/// Every id from the first page to the last, and again from the last to the first.
async fn walk(caller: &Client, query: &str) -> (Vec<String>, Vec<String>) {
    let mut page = list(caller, query).await;
    let mut forward = ids(&page);
    while let Some(next) = page["next"].as_str() {
        page = list(caller, &format!("{query}&cursor={next}")).await;
        forward.extend(ids(&page));
    }
    let mut backward = ids(&page);
    while let Some(prev) = page["prev"].as_str() {
        page = list(caller, &format!("{query}&cursor={prev}")).await;
        backward.splice(..0, ids(&page));
    }
    (forward, backward)
}

#[actix_web::test]
async fn pages_neither_repeat_nor_skip_though_sort_values_are_equal() {
    let app = TestApp::start().await;
    let priority = "1 + n % 2";
    fill(&app, 250, ["'2026-01-02T03:04:05.123456Z'", priority, "'012'", "'new'", "null"]).await;
    let caller = app.agent("Coordinator").await;
    let mut orders = Vec::new();
    for sort in ["created_at", "updated_at", "priority"] {
        let (up, up_again) = walk(&caller, &format!("limit=30&sort={sort}")).await;
        let (down, down_again) = walk(&caller, &format!("limit=30&sort=-{sort}")).await;
        assert_eq!((up.len(), up.iter().collect::<HashSet<_>>().len()), (250, 250));
        assert_eq!((&up, &down), (&up_again, &down_again));
        assert_eq!(up, down.into_iter().rev().collect::<Vec<_>>());
        orders.push(up);
    }
    assert_eq!(orders[0], orders[1], "equal values are ordered by id");
    assert_ne!(orders[0], orders[2]);
    let default = ids(&list(&caller, "limit=100").await);
    assert_eq!(default, orders[0].iter().rev().take(100).cloned().collect::<Vec<_>>());
}

#[actix_web::test]
async fn a_page_has_a_bounded_size_and_a_cursor_belongs_to_its_filter() {
    let app = TestApp::start().await;
    fill(&app, 120, ["now() - n * interval '1 second'", "2", "'012'", "'new'", "null"]).await;
    let caller = app.agent("Coordinator").await;
    assert_eq!(ids(&list(&caller, "").await).len(), 50);
    assert_eq!(ids(&list(&caller, "limit=5000").await).len(), 100);
    for bad in [
        "limit=-1",
        "limit=0",
        "limit=x",
        "sort=subject",
        "cursor=x",
        "number=x",
        "priority=huge",
        "awaiting=x",
        "category=x",
        "assignee=x",
        "account=x",
        "colour=red",
    ] {
        let reply = caller.get(&format!("/v1/tickets?{bad}")).await;
        reply.problem(400, "malformed_request");
    }
    let first = caller.get("/v1/tickets?limit=10&priority=normal").await;
    let link = first.header("link").to_owned();
    let next = first.expect(200)["next"].as_str().unwrap().to_owned();
    assert_eq!(link, format!("</v1/tickets?limit=10&priority=normal&cursor={next}>; rel=\"next\""));
    let second = caller.get(link.split(['<', '>']).nth(1).unwrap()).await;
    let links = second.headers.get_all("link").iter().count();
    assert_eq!((links, ids(&second.expect(200)).len()), (2, 10));
    for other in ["priority=normal,high", "priority=normal&sort=created_at", "status=012"] {
        let reply = caller.get(&format!("/v1/tickets?limit=10&{other}&cursor={next}")).await;
        reply.problem(400, "malformed_request");
    }
    assert_eq!(list(&caller, "").await.get("total"), None);
    let counted = caller.request(Method::GET, "/v1/tickets?limit=1&priority=normal");
    let counted = Reply::of(counted.header("prefer", "return=total-count")).await.expect(200);
    assert_eq!(counted["total"], 120);
}

#[actix_web::test]
async fn every_filter_finds_its_tickets_and_no_others() {
    let app = TestApp::start().await;
    let caller = app.agent("Coordinator").await;
    let me = app.id("agents", "Coordinator").await;
    let plain = app.open_ticket(json!({})).await;
    let component = app.id("components", "Reporting").await;
    let category = app.id("categories", "General").await;
    let special = app
        .open_ticket(json!({
            "priority": "critical", "type": "incident", "component_id": component, "category_id": category,
            "product_id": null, "source": "email", "external_id": "mail-7", "tags": ["export", "slow"],
            "account_id": app.id("accounts", "Harbor Logistics").await,
            "contact_id": app.id("contacts", "Finance contact").await,
        }))
        .await;
    let special = app.advance_to(&special, "012").await;
    let ask = json!({"to": "013", "note": {"body": "Which one?"}});
    caller.post_on(&path(&special, "/transitions"), "*", ask).await.expect(200);
    let to = json!({"agent_id": me});
    caller.post_on(&path(&special, "/assignment"), "*", to).await.expect(200);
    let created = special["created_at"].as_str().unwrap();
    let text = |field: &str| special[field].as_str().unwrap();
    let number = text("number");
    for query in [
        format!("number={number}"),
        format!("number={}", &number[3..]),
        "status=013,099".into(),
        "category=pending".into(),
        "priority=high,critical".into(),
        "awaiting=customer,vendor".into(),
        "assignee=me".into(),
        format!("assignee={me}"),
        format!("account={}", text("account_id")),
        format!("contact={}", text("contact_id")),
        format!("department={}", text("department_id")),
        format!("category_id={category}"),
        format!("component={component}"),
        "level=external".into(),
        "type=incident".into(),
        "source=email".into(),
        "external_id=mail-7".into(),
        "tag=slow".into(),
        format!("created_from={created}"),
        format!("priority=critical&tag=export&created_from={created}"),
    ] {
        assert_eq!(ids(&list(&caller, &query).await), [special["id"].as_str().unwrap()], "{query}");
    }
    let product = plain["product_id"].as_str().unwrap();
    for query in [
        format!("product={product}"),
        format!("created_before={created}"),
        "status=012".into(),
        "category=new".into(),
    ] {
        assert_eq!(ids(&list(&caller, &query).await), [plain["id"].as_str().unwrap()], "{query}");
    }
    for none in [
        "assignee=none",
        "tag=exp",
        "priority=low",
        "status=050",
        "category=closed",
        "category=draft",
    ] {
        assert_eq!(ids(&list(&caller, none).await).len(), 0, "{none}");
    }
    for both in
        ["category=active", "category=new,pending", "", "priority=", "awaiting=desk,customer"]
    {
        assert_eq!(ids(&list(&caller, both).await).len(), 2, "{both}");
    }
    let contact = app.contact("Purchasing contact").await;
    contact.get("/v1/tickets?assignee=me").await.problem(400, "malformed_request");
    let integration = app.integration(&[casebridge::kernel::Permission::TicketsRead]).await;
    let integration = app.client_for(integration).await;
    integration.get("/v1/tickets?assignee=me").await.problem(400, "malformed_request");
}

#[actix_web::test]
async fn drafts_and_deleted_tickets_are_not_listed() {
    let app = TestApp::start().await;
    let (author, other) = (app.agent("Coordinator").await, app.agent("Administrator").await);
    let draft = app.open_ticket(json!({"draft": true})).await;
    let deleted = app.open_ticket(json!({})).await;
    assert_eq!(author.delete(&path(&deleted, ""), "*").await.status, 204);
    let kept = app.open_ticket(json!({})).await;
    assert_eq!(ids(&list(&other, "").await), [kept["id"].as_str().unwrap()]);
    assert_eq!(ids(&list(&other, "status=005").await).len(), 0);
    let own = ids(&list(&author, "category=draft").await);
    assert_eq!(own, [draft["id"].as_str().unwrap()], "the author finds their draft");
}

/// How often the table was read from end to end, and how many rows its indexes fetched, since the last call.
async fn cost(app: &TestApp, before: &mut (i64, i64)) -> (i64, i64) {
    // A session counts when it ends, at the latest.
    app.database.refuse_connections(false);
    let counter = |name: &str| {
        format!(
            "select {name}::bigint as number from pg_stat_user_tables where relname = 'tickets'"
        )
    };
    let now = (
        app.number(&counter("seq_scan")).await,
        app.number(&counter("coalesce(idx_tup_fetch, 0)")).await,
    );
    let spent = (now.0 - before.0, now.1 - before.1);
    *before = now;
    spent
}

#[actix_web::test]
async fn no_page_reads_the_whole_table() {
    let app = TestApp::start().await;
    let agents = "(array(select id from agents order by name))[1 + n % 8]";
    let status = "case when n % 100 = 0 then '099' when n % 4 = 0 then '030' else '050' end";
    let category =
        "case when n % 100 = 0 then 'on_hold' when n % 4 = 0 then 'open' else 'closed' end";
    fill_closed(&app, 20_000, status, category, agents).await;
    let caller = app.agent("Coordinator").await;
    let customer = app.contact("Purchasing contact").await;
    let agent = app.id("agents", "L2 agent A").await;
    let account = app.id("accounts", "Northwind Services").await;
    let mut counters = (0, 0);
    let mut deep = list(&caller, "limit=100").await;
    for _ in 0..150 {
        let next = deep["next"].as_str().unwrap().to_owned();
        deep = list(&caller, &format!("limit=100&cursor={next}")).await;
    }
    let deep = format!("limit=100&cursor={}", deep["next"].as_str().unwrap());
    cost(&app, &mut counters).await;
    for query in [
        "limit=100",
        deep.as_str(),
        "limit=100&sort=-updated_at",
        "limit=100&sort=priority",
        &format!("limit=100&assignee={agent}"),
        &format!("limit=100&account={account}"),
        "limit=100&status=099",
        "limit=100&status=030,099",
        "limit=100&category=active",
        "limit=100&assignee=me&category=active",
    ] {
        assert!(ids(&list(&caller, query).await).len() <= 100);
        let (scans, rows) = cost(&app, &mut counters).await;
        assert_eq!(scans, 0, "{query}");
        assert!(rows <= 1_000, "{query} fetched {rows} rows");
    }
    assert_eq!(ids(&list(&customer, "limit=100").await).len(), 100);
    let (scans, rows) = cost(&app, &mut counters).await;
    assert!(scans == 0 && rows <= 1_000, "{scans} scans, {rows} rows");
}

/// Like [`fill`], with times a second apart and closing times where they belong.
async fn fill_closed(app: &TestApp, how_many: u32, status: &str, category: &str, agents: &str) {
    app.sql("alter table tickets alter column closed_at set default now()").await.unwrap();
    let created_at = "now() - n * interval '1 second'";
    fill(app, how_many, [created_at, "1 + n % 4", status, category, agents]).await;
}
