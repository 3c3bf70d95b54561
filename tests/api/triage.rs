//! How urgent a ticket is, and what waits to be looked at.
use casebridge::kernel::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::mirror::Mirrored;
use crate::support::{Client, Reply, TestApp, path, pointers};

const MATRIX: &str = "/v1/triage/matrix";
const QUEUE: &str = "/v1/triage/queue";

async fn triage(caller: &Client, ticket: &Value, body: Value) -> Reply {
    caller.post_on(&path(ticket, "/triage"), "*", body).await
}

/// Severity and impact, the worst ones, are critical; the least, low.
fn worst() -> Value {
    json!({"severity": 1, "impact": 1})
}

fn least() -> Value {
    json!({"severity": 4, "impact": 4})
}

/// The same priority in every cell.
fn all(priority: &str) -> Value {
    json!({"priorities": vec![vec![priority; 4]; 4]})
}

async fn last_event(app: &TestApp, ticket: &Value) -> Value {
    let at = path(ticket, "/history?limit=100");
    let page = app.agent("Coordinator").await.get(&at).await.expect(200);
    page["items"].as_array().unwrap().last().unwrap().clone()
}

#[actix_web::test]
async fn every_severity_and_impact_gives_the_priority_of_its_cell() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let matrix = coordinator.get(MATRIX).await.expect(200);
    let ticket = app.open_ticket(json!({})).await;
    for severity in 1..=4 {
        for impact in 1..=4 {
            let found = json!({"severity": severity, "impact": impact});
            let triaged = triage(&coordinator, &ticket, found).await.expect(200);
            assert_eq!(triaged["priority"], matrix["priorities"][severity - 1][impact - 1]);
            assert_eq!(
                (&triaged["severity"], &triaged["impact"], &triaged["priority_manual"]),
                (&json!(severity), &json!(impact), &json!(false))
            );
        }
    }
    for bad in [
        json!({"severity": 0, "impact": 1}),
        json!({"severity": 5, "impact": 1}),
        json!({"severity": "bad", "impact": 1}),
    ] {
        assert_eq!(pointers(triage(&coordinator, &ticket, bad).await), ["/severity"]);
    }
    let missing = triage(&coordinator, &ticket, json!({"severity": 1})).await;
    assert_eq!(pointers(missing), ["/impact"]);
}

#[actix_web::test]
async fn a_triage_is_one_version_with_one_event_and_once_more_is_none() {
    let app = TestApp::start().await;
    let agent = app.agent("L1 agent A").await;
    let ticket = app.open_ticket(json!({})).await;
    let body = json!({"severity": 1, "impact": 2, "note": {"body": "All users", "visibility": "internal"}});
    let triaged = triage(&agent, &ticket, body).await.expect(200);
    assert_eq!((&triaged["version"], &triaged["note_count"]), (&json!(2), &json!(1)));
    let event = last_event(&app, &ticket).await;
    assert_eq!(event["type"], "ticket.triaged");
    assert_eq!(event["changes"]["priority"], json!({"from": "normal", "to": "critical"}));
    assert_eq!(event["changes"]["severity"], json!({"from": null, "to": 1}));
    let again = triage(&agent, &ticket, json!({"severity": 1, "impact": 2})).await.expect(200);
    assert_eq!(again["version"], 2);
    // The customer learns how urgent it is now, and nothing else.
    let contact = app.contact("Purchasing contact").await;
    let seen = contact.get(&path(&ticket, "/history?limit=100")).await.expect(200);
    let told = seen["items"].as_array().unwrap().last().unwrap();
    assert_eq!(told["changes"], json!({"priority": {"from": "normal", "to": "critical"}}));
    let ticket = contact.get(&path(&ticket, "")).await.expect(200);
    assert!(ticket.get("severity").is_none() && ticket.get("priority_manual").is_none());
}

#[actix_web::test]
async fn a_priority_by_hand_is_kept_until_it_is_given_back() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let shown = |ticket: &Value| (ticket["priority"].clone(), ticket["priority_manual"].clone());
    let ticket = app.open_ticket(json!({})).await;
    let high = json!({"priority": "high"});
    let changed = coordinator.patch(&path(&ticket, ""), "*", high).await.expect(200);
    assert_eq!(shown(&changed), (json!("high"), json!(true)));
    let kept = triage(&coordinator, &ticket, least()).await.expect(200);
    assert_eq!(shown(&kept), (json!("high"), json!(true)));
    let back = json!({"priority": null});
    let back = coordinator.patch(&path(&ticket, ""), "*", back).await.expect(200);
    assert_eq!(shown(&back), (json!("low"), json!(false)));
    let by_hand = json!({"severity": 4, "impact": 4, "priority": "critical"});
    let by_hand = triage(&coordinator, &ticket, by_hand).await.expect(200);
    assert_eq!(shown(&by_hand), (json!("critical"), json!(true)));
    let matrix = json!({"severity": 4, "impact": 4, "priority": null});
    let matrix = triage(&coordinator, &ticket, matrix).await.expect(200);
    assert_eq!(shown(&matrix), (json!("low"), json!(false)));
}

#[actix_web::test]
async fn what_a_customer_asks_for_is_a_wish_and_what_the_desk_chooses_is_kept() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let product = app.id("products", "CoreTrac").await;
    let contact = app.contact("Purchasing contact").await;
    let wish = json!({"subject": "Now!", "description": "At once.", "product_id": product,
        "priority": "critical"});
    let wish = contact.post("/v1/tickets", wish).await.expect(201);
    let triaged = triage(&coordinator, &wish, least()).await.expect(200);
    assert_eq!(triaged["priority"], "low");
    let desks = app.open_ticket(json!({"priority": "critical"})).await;
    assert_eq!(desks["priority_manual"], true);
    let kept = triage(&coordinator, &desks, least()).await.expect(200);
    assert_eq!(kept["priority"], "critical");
    let usual = app.open_ticket(json!({})).await;
    assert_eq!(usual["priority_manual"], false);
}

#[actix_web::test]
async fn what_the_crms_users_choose_is_by_hand() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Urgent there").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"priority": "P1"})).await;
    desk.pull().await;
    let shown = desk.ticket(&ticket).await;
    assert_eq!((&shown["priority"], &shown["priority_manual"]), (&json!("high"), &json!(true)));
    let kept = triage(&desk.admin, &shown, least()).await.expect(200);
    assert_eq!(kept["priority"], "high");
    // What comes back from there is no choice of theirs.
    let given_back = json!({"severity": 4, "impact": 4, "priority": null});
    triage(&desk.admin, &shown, given_back).await.expect(200);
    desk.converge().await;
    desk.pull().await;
    let shown = desk.ticket(&ticket).await;
    assert_eq!((&shown["priority"], &shown["priority_manual"]), (&json!("low"), &json!(false)));
}

#[actix_web::test]
async fn drafts_and_closed_tickets_are_not_triaged() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let draft = app.open_ticket(json!({"draft": true})).await;
    triage(&coordinator, &draft, worst()).await.problem(409, "not_submitted");
    let closed = app.advance_to(&app.open_ticket(json!({})).await, "050").await;
    triage(&coordinator, &closed, worst()).await.problem(409, "ticket_closed");
}

#[actix_web::test]
async fn of_two_triages_of_one_version_one_is_stale() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let at = path(&ticket, "/triage");
    let tries = [worst(), least(), json!({"severity": 2, "impact": 3})];
    let replies = join_all(tries.map(|body| coordinator.post_on(&at, "\"v1\"", body))).await;
    let taken = replies.iter().filter(|reply| reply.status == 200).count();
    let stale = replies.iter().filter(|reply| reply.body["code"] == "stale_version").count();
    assert_eq!((taken, stale), (1, 2));
    assert_eq!(app.read(&ticket).await["version"], 2);
}

#[actix_web::test]
async fn who_may_not_see_a_ticket_does_not_triage_it_and_contacts_triage_nothing() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let elsewhere = app.agent("Business analyst A").await;
    triage(&elsewhere, &ticket, worst()).await.problem(404, "not_found");
    assert_eq!(elsewhere.get(QUEUE).await.expect(200)["items"], json!([]));
    for name in ["Purchasing contact", "Warehouse contact"] {
        let contact = app.contact(name).await;
        triage(&contact, &ticket, worst()).await.problem(403, "forbidden");
        contact.get(QUEUE).await.problem(403, "forbidden");
        contact.get(MATRIX).await.problem(403, "forbidden");
    }
    assert_eq!(app.read(&ticket).await, ticket);
}

#[actix_web::test]
async fn the_queue_lists_what_is_untriaged_most_urgent_and_oldest_first() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let mut expected = Vec::new();
    for priority in ["critical", "high", "normal", "low"] {
        for _ in 0..3 {
            let ticket = app.open_ticket(json!({"priority": priority})).await;
            expected.push(ticket["id"].clone());
        }
    }
    // None of these waits.
    let triaged = app.open_ticket(json!({"priority": "critical"})).await;
    triage(&coordinator, &triaged, worst()).await.expect(200);
    app.open_ticket(json!({"draft": true})).await;
    app.advance_to(&app.open_ticket(json!({})).await, "050").await;
    let gone = app.open_ticket(json!({})).await;
    coordinator.delete(&path(&gone, ""), "*").await.expect(204);

    let (mut seen, mut backward) = (Vec::new(), Vec::new());
    let ids = |page: &Value| -> Vec<Value> {
        page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
    };
    let mut at = format!("{QUEUE}?limit=5");
    let last = loop {
        let page = coordinator.get(&at).await.expect(200);
        assert!(page.get("total").is_none() && page.get("counts").is_none());
        seen.extend(ids(&page));
        match page["next"].as_str() {
            Some(next) => at = format!("{QUEUE}?limit=5&cursor={next}"),
            None => break page,
        }
    };
    assert_eq!(seen, expected);
    let mut page = last;
    while let Some(prev) = page["prev"].as_str() {
        page = coordinator.get(&format!("{QUEUE}?limit=5&cursor={prev}")).await.expect(200);
        backward.splice(0..0, ids(&page));
    }
    assert_eq!(backward, expected[..10]);

    let counted =
        coordinator.request(reqwest::Method::GET, QUEUE).header("prefer", "return=total-count");
    let counted = Reply::of(counted).await.expect(200);
    assert_eq!(counted["total"], 12);
    assert_eq!(counted["counts"], json!({"critical": 3, "high": 3, "normal": 3, "low": 3}));
}

/// How often the tickets were read from end to end, and how many rows their indexes fetched.
async fn reads(app: &TestApp) -> (i64, i64) {
    // A session counts when it ends, at the latest.
    app.database.refuse_connections(false);
    let counter = |name: &str| {
        format!(
            "select {name}::bigint as number from pg_stat_user_tables where relname = 'tickets'"
        )
    };
    (
        app.number(&counter("seq_scan")).await,
        app.number(&counter("coalesce(idx_tup_fetch, 0)")).await,
    )
}

#[actix_web::test]
async fn no_page_of_the_queue_reads_the_whole_table() {
    let app = TestApp::start().await;
    app.open_ticket(json!({})).await;
    // One in twenty is untriaged.
    let fill = "insert into tickets (id, workflow_id, status, category, subject, description, priority, account_id,
            product_id, department_id, level, source, opened_by, opened_by_role, severity, impact, created_at, updated_at)
        select gen_random_uuid(), workflow_id, status, category, subject, description, 1 + n % 4, account_id, product_id,
            department_id, level, source, opened_by, opened_by_role, case when n % 20 > 0 then 2 end,
            case when n % 20 > 0 then 2 end, created_at + n * interval '1 second', updated_at
        from tickets, generate_series(1, 20000) n";
    app.sql(fill).await.unwrap();
    app.sql("analyze tickets").await.unwrap();
    let (coordinator, agent) = (app.agent("Coordinator").await, app.agent("L1 agent A").await);
    for caller in [&coordinator, &agent] {
        let mut deep = caller.get(&format!("{QUEUE}?limit=100")).await.expect(200);
        for _ in 0..5 {
            let next = deep["next"].as_str().unwrap().to_owned();
            deep = caller.get(&format!("{QUEUE}?limit=100&cursor={next}")).await.expect(200);
        }
        let deep = format!("{QUEUE}?limit=100&cursor={}", deep["next"].as_str().unwrap());
        for page in [format!("{QUEUE}?limit=100"), deep] {
            let before = reads(&app).await;
            assert_eq!(caller.get(&page).await.expect(200)["items"].as_array().unwrap().len(), 100);
            let after = reads(&app).await;
            let spent = (after.0 - before.0, after.1 - before.1);
            assert!(spent.0 == 0 && spent.1 < 300, "{page}: {spent:?}");
        }
    }
}

#[actix_web::test]
async fn only_an_administrator_replaces_the_matrix_and_only_the_one_they_saw() {
    let app = TestApp::start().await;
    let (admin, coordinator) = (app.client(Role::Admin).await, app.agent("Coordinator").await);
    let put = |caller: Client, etag: &'static str, body: Value| async move {
        let request = caller.request(reqwest::Method::PUT, MATRIX);
        Reply::of(request.header("if-match", etag).json(&body)).await
    };
    put(coordinator.clone(), "*", all("low")).await.problem(403, "forbidden");
    let replaced = put(admin.clone(), "\"v1\"", all("low")).await;
    assert_eq!(replaced.header("etag"), "\"v2\"");
    assert_eq!(replaced.expect(200)["version"], 2);
    put(admin.clone(), "\"v1\"", all("high")).await.problem(412, "stale_version");
    assert_eq!(put(admin.clone(), "*", all("low")).await.expect(200)["version"], 2);
    let events = "select count(*) as number from events where subject = 'triage-matrix'";
    assert_eq!(app.number(events).await, 1);
    for (bad, pointer) in [
        (json!({"priorities": vec![vec!["low"; 4]; 3]}), "/priorities"),
        (json!({"priorities": vec![vec!["low"; 5]; 4]}), "/priorities"),
        (json!({"priorities": [["low", "urgent", "low", "low"]]}), "/priorities/0/1"),
        (json!({}), "/priorities"),
    ] {
        assert_eq!(pointers(put(admin.clone(), "*", bad).await), [pointer]);
    }
    let seen = coordinator.get(MATRIX).await.expect(200);
    assert_eq!(seen["priorities"], all("low")["priorities"]);
}

#[actix_web::test]
async fn a_new_matrix_changes_open_tickets_only_when_it_is_applied() {
    let app = TestApp::start().await;
    let (admin, coordinator) = (app.client(Role::Admin).await, app.agent("Coordinator").await);
    let (moved, manual, closed, untriaged) = (
        app.open_ticket(json!({})).await,
        app.open_ticket(json!({"priority": "high"})).await,
        app.open_ticket(json!({})).await,
        app.open_ticket(json!({})).await,
    );
    for ticket in [&moved, &manual, &closed] {
        triage(&coordinator, ticket, worst()).await.expect(200);
    }
    app.advance_to(&closed, "050").await;
    let put = |query: &'static str| {
        let request = admin.request(reqwest::Method::PUT, &format!("{MATRIX}{query}"));
        Reply::of(request.header("if-match", "\"v1\"").json(&all("low")))
    };
    let preview = put("?dry_run=true").await.expect(200);
    assert_eq!([&preview["would_change"], &preview["kept_manual"]], [1, 1]);
    assert_eq!(coordinator.get(MATRIX).await.expect(200)["version"], 1);
    let replaced = put("").await.expect(200);
    assert_eq!([&replaced["would_change"], &replaced["kept_manual"]], [1, 1]);
    assert_eq!(app.read(&moved).await["priority"], "critical");

    let apply = format!("{MATRIX}/application");
    admin.post_on(&apply, "\"v1\"", json!({})).await.problem(412, "stale_version");
    coordinator.post_on(&apply, "*", json!({})).await.problem(403, "forbidden");
    let started = admin.post_on(&apply, "\"v2\"", json!({})).await;
    let job = started.header("location").to_owned();
    started.expect(202);
    admin.post_on(&apply, "*", json!({})).await.problem(409, "job_active");
    app.run_jobs().await;
    let job = admin.get(&job).await.expect(200);
    assert_eq!(
        [&job["state"], &job["progress"]["done"], &job["progress"]["total"]],
        [&json!("succeeded"), &json!(1), &json!(1)]
    );
    let priorities = [&moved, &manual, &closed, &untriaged].map(|ticket| app.read(ticket));
    let priorities: Vec<Value> =
        join_all(priorities).await.into_iter().map(|t| t["priority"].clone()).collect();
    assert_eq!(priorities, ["low", "high", "critical", "normal"]);
    let event = last_event(&app, &moved).await;
    assert_eq!(
        (&event["type"], &event["data"]["matrix_version"]),
        (&json!("ticket.triaged"), &json!(2))
    );
}

#[actix_web::test]
async fn applying_a_matrix_that_is_replaced_meanwhile_fails() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let ticket = app.open_ticket(json!({})).await;
    triage(&admin, &ticket, worst()).await.expect(200);
    let put = |body: Value| {
        let request = admin.request(reqwest::Method::PUT, MATRIX);
        Reply::of(request.header("if-match", "*").json(&body))
    };
    put(all("low")).await.expect(200);
    let started = admin.post_on(&format!("{MATRIX}/application"), "*", json!({})).await;
    let job = started.header("location").to_owned();
    put(all("high")).await.expect(200);
    app.run_jobs().await;
    assert_eq!(admin.get(&job).await.expect(200)["state"], "failed");
    assert_eq!(app.read(&ticket).await["priority"], "critical");
}
