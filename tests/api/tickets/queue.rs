//! What waits, in which order, and how soon it is taken.
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Client, Database, Process, TestApp, path};

const LEVEL_1: &[&str] = &["L1 agent A", "L1 agent B"];

#[actix_web::test]
async fn the_queue_shows_what_waits_in_order_since_when_and_why() {
    let app = TestApp::start().await;
    app.set_away(&["L1 agent A"], true).await;
    app.sql("update agents set capacity = 0 where name = 'L1 agent B'").await.unwrap();
    let mut opened = Vec::new();
    for priority in ["low", "critical", "normal", "critical", "high"] {
        opened.push(app.open_ticket(json!({"priority": priority})).await);
    }
    let external = app.id("components", "Reporting").await;
    let outside = app.open_ticket(json!({"component_id": external})).await;
    let coordinator = app.agent("Coordinator").await;
    let support = app.id("departments", "Support").await;
    let at = format!("/v1/assignment/queue?department={support}&limit=2");
    let mut seen = Vec::new();
    let mut page = coordinator.get(&at).await.expect(200);
    loop {
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        page = coordinator.get(&format!("{at}&cursor={next}")).await.expect(200);
    }
    let order: Vec<&Value> = seen.iter().map(|waiting| &waiting["ticket"]["id"]).collect();
    assert_eq!(order, [1, 3, 4, 2, 0].map(|n: usize| &opened[n]["id"]));
    let back = format!("{at}&cursor={}", page["prev"].as_str().unwrap());
    let before = coordinator.get(&back).await.expect(200);
    assert_eq!(before["items"][1]["ticket"]["id"], order[3].clone());
    assert_eq!(before["items"][0]["ticket"]["id"], order[2].clone());
    let why =
        json!([{"verdict": "unavailable", "agents": 1}, {"verdict": "at_capacity", "agents": 1}]);
    assert_eq!(seen[0]["why"], why);
    assert_eq!(seen[0]["waiting_since"], opened[1]["created_at"]);

    let ids = async |caller: &Client, query: &str| -> Vec<Value> {
        let page = caller.get(&format!("/v1/assignment/queue{query}")).await.expect(200);
        page["items"].as_array().unwrap().iter().map(|w| w["ticket"]["id"].clone()).collect()
    };
    let assigned_outside = outside["assignee_id"].is_string();
    assert_eq!(ids(&coordinator, "").await.len(), if assigned_outside { 5 } else { 6 });
    assert_eq!(ids(&coordinator, "?level=L2").await, Vec::<Value>::new());
    let stranger = app.agent("Account manager A").await;
    assert_eq!(ids(&stranger, "").await, Vec::<Value>::new(), "another department's");
    let contact = app.contact("Purchasing contact").await;
    contact.get("/v1/assignment/queue").await.problem(403, "forbidden");
}

#[actix_web::test]
async fn among_a_hundred_thousand_that_nobody_may_take_the_next_is_found_at_once() {
    let app = TestApp::start().await;
    app.set_away(LEVEL_1, true).await;
    let stuck = app.open_ticket(json!({"type": "incident", "priority": "critical"})).await;
    let plain = app.open_ticket(json!({"priority": "low"})).await;
    app.sql(format!(
        "insert into tickets (id, workflow_id, status, category, subject, description, priority, type_key, account_id,
           product_id, department_id, level, source, opened_by, opened_by_role, created_at, updated_at)
         select gen_random_uuid(), workflow_id, status, category, subject, description, priority, type_key, account_id,
           product_id, department_id, level, source, opened_by, opened_by_role, created_at + n * interval '1 second', updated_at
           from tickets, generate_series(1, 100000) n where id = '{}'",
        stuck["id"].as_str().unwrap()
    ))
    .await
    .unwrap();
    app.sql("analyze tickets").await.unwrap();
    app.sql("update agents set type_keys = '{question}' where name = 'L1 agent A'").await.unwrap();
    app.set_away(&["L1 agent A"], false).await;
    let started = Instant::now();
    app.assign_waiting().await;
    let took = started.elapsed();
    assert!(app.read(&plain).await["assignee_id"].is_string());
    assert!(app.read(&stuck).await["assignee_id"].is_null());
    // Both steps, that which gave it out and that which found nothing more.
    assert!(took < Duration::from_millis(500), "{took:?}");
    // The figures of a connection are published a while later.
    let used = "select count(*) as number from pg_stat_user_indexes
        where indexrelname = 'tickets_waiting_kinds' and idx_scan > 0";
    while app.number(used).await == 0 {
        assert!(started.elapsed() < Duration::from_secs(30), "it looked at every ticket");
        tokio::time::sleep(Duration::from_millis(300)).await;
        app.assign_waiting().await;
    }
    let page =
        app.agent("Coordinator").await.get("/v1/assignment/queue?limit=100").await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 100);
    // Twenty of them fit: drained one after another, the oldest first.
    app.sql("update agents set type_keys = null where name = 'L1 agent A'").await.unwrap();
    app.assign_waiting().await;
    assert_eq!(app.load("L1 agent A").await, 20);
    assert!(app.read(&stuck).await["assignee_id"].is_string(), "the oldest");
    app.loads_are_true().await;
}

#[actix_web::test]
async fn somebody_would_get_what_is_not_opened_yet() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    app.set_away(&["L1 agent A"], true).await;
    let about = json!({
        "account_id": app.id("accounts", "Northwind Services").await,
        "product_id": app.id("products", "CoreTrac").await,
        "component_id": app.id("components", "Report Writer").await,
        "type": "incident",
    });
    let preview = coordinator.post("/v1/assignment/preview", about.clone()).await.expect(200);
    let ticket = app.open_ticket(about.clone()).await;
    assert_eq!(preview["level"], ticket["level"]);
    assert_eq!(preview["department_id"], ticket["department_id"]);
    let candidates = preview["assignment"]["candidates"].as_array().unwrap();
    assert!(candidates.iter().any(|c| c["verdict"] == "chosen"), "{preview}");
    let mut wrong = about.clone();
    wrong["product_id"] = json!(uuid::Uuid::nil());
    coordinator.post("/v1/assignment/preview", wrong).await.problem(422, "validation_failed");
    let l1 = coordinator.post("/v1/assignment/preview", json!({})).await.expect(200);
    assert_eq!(l1["assignment"]["agent_id"], app.id("agents", "L1 agent B").await);
    assert_eq!(app.number("select count(*) as number from tickets").await, 1);
    app.contact("Purchasing contact")
        .await
        .post("/v1/assignment/preview", about)
        .await
        .problem(403, "forbidden");
}

/// How long until somebody has the ticket; asked every few milliseconds.
async fn taken_after(caller: &Client, ticket: &Value) -> Duration {
    let started = Instant::now();
    while caller.get(&path(ticket, "")).await.expect(200)["assignee_id"].is_null() {
        assert!(started.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    started.elapsed()
}

/// The fastest of some attempts, for the machine may be busy: a poll would take a second on average.
#[actix_web::test]
async fn a_waiting_ticket_is_taken_as_soon_as_somebody_comes_or_closes_one() {
    let database = Database::create().await;
    let process = Process::serve(&database, &[]).await;
    let (admin, contact) = (process.client("admin"), process.client("contact"));
    let agents = admin.get("/v1/agents?limit=100").await.expect(200)["items"].clone();
    let set_away = async |away: bool| {
        for agent in agents.as_array().unwrap() {
            let at = format!("/v1/agents/{}/availability", agent["id"].as_str().unwrap());
            admin.put(&at, json!({"away": away})).await.expect(200);
        }
    };
    let product = admin.get("/v1/products").await.expect(200)["items"][0]["id"].clone();
    let new = json!({"subject": "Login", "description": "It fails.", "product_id": product});
    let mut fastest = Duration::MAX;
    for _ in 0..4 {
        set_away(true).await;
        let ticket = contact.post("/v1/tickets", new.clone()).await.expect(201);
        let waiting = admin.get(&path(&ticket, "")).await.expect(200);
        assert!(waiting["assignee_id"].is_null());
        set_away(false).await;
        fastest = fastest.min(taken_after(&admin, &ticket).await);
    }
    assert!(fastest < Duration::from_millis(300), "somebody came: {fastest:?}");

    // Nobody has room for more than they have now.
    for agent in admin.get("/v1/agents?limit=100").await.expect(200)["items"].as_array().unwrap() {
        let at = format!("/v1/agents/{}", agent["id"].as_str().unwrap());
        let full = json!({"capacity": agent["open_tickets"]});
        admin.patch(&at, "*", full).await.expect(200);
    }
    let held = admin.get("/v1/tickets?category=active").await.expect(200)["items"].clone();
    let mut fastest = Duration::MAX;
    for old in held.as_array().unwrap() {
        while admin.get(&path(old, "")).await.expect(200)["status"]["code"] != "012" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let ticket = contact.post("/v1/tickets", new.clone()).await.expect(201);
        let close = json!({"to": "050", "resolution": "Done"});
        admin.post_on(&path(old, "/transitions"), "*", close).await.expect(200);
        fastest = fastest.min(taken_after(&admin, &ticket).await);
    }
    assert!(fastest < Duration::from_millis(300), "somebody closed one: {fastest:?}");
}
