//! The log and its feed.
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use casebridge::events;
use casebridge::kernel::{AppError, Role};
use diesel::RunQueryDsl as _;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::mirror::text;
use crate::support::{Client, Reply, TestApp, path};

/// A product's name changes: one event.
async fn add_product(client: &Client, name: &str) {
    client.post("/v1/products", json!({ "name": name })).await.expect(201);
}

async fn last_position(client: &Client) -> i64 {
    let mut after = 0;
    loop {
        let page = client.get(&format!("/v1/events?after={after}&limit=100")).await.expect(200);
        if page["items"].as_array().unwrap().is_empty() {
            return after;
        }
        after = page["last_position"].as_i64().unwrap();
    }
}

#[actix_web::test]
async fn an_event_has_no_position_until_it_is_published() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    app.publish().await;
    let before = last_position(&admin).await;
    add_product(&admin, "Unheard of").await;
    assert_eq!(last_position(&admin).await, before);
    app.publish().await;
    let news = admin.get(&format!("/v1/events?after={before}")).await.expect(200);
    assert_eq!(news["items"][0]["position"], before + 1);
    assert_eq!(news["items"][0]["type"], "resource.created");
    assert_eq!(news["last_position"], before + 1);
}

#[actix_web::test]
async fn a_reader_beside_many_writers_and_two_relays_misses_nothing_and_sees_nothing_twice() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    app.publish().await;
    let start = last_position(&admin).await;
    let writers = (0..16).map(|writer| {
        let admin = admin.clone();
        async move {
            for turn in 0..10 {
                add_product(&admin, &format!("Product {writer}-{turn}")).await;
            }
        }
    });
    let relays = [(), ()].map(|()| async {
        let service = &app.service;
        for _ in 0..200 {
            events::publish_next(&service.db, &service.feed, &[]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    let reader = async {
        let (mut seen, mut after) = (Vec::new(), start);
        let deadline = Instant::now() + Duration::from_secs(60);
        while seen.len() < 160 && Instant::now() < deadline {
            let page =
                admin.get(&format!("/v1/events?after={after}&wait=1&limit=7")).await.expect(200);
            after = page["last_position"].as_i64().unwrap();
            seen.extend(page["items"].as_array().unwrap().iter().cloned());
        }
        seen
    };
    let (_, _, seen) = tokio::join!(join_all(writers), join_all(relays), reader);
    let positions: Vec<i64> =
        seen.iter().map(|event| event["position"].as_i64().unwrap()).collect();
    assert_eq!(positions, (start + 1..=start + 160).collect::<Vec<_>>());
    let mut names = BTreeMap::new();
    for event in &seen {
        *names.entry(event["changes"]["name"]["to"].to_string()).or_insert(0) += 1;
    }
    assert_eq!((names.len(), names.values().max()), (160, Some(&1)));
}

#[actix_web::test]
async fn a_long_poll_answers_as_soon_as_something_is_published() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    app.publish().await;
    let after = last_position(&admin).await;
    let started = Instant::now();
    let path = format!("/v1/events?after={after}&wait=30");
    let news = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        add_product(&admin, "News").await;
        app.publish().await;
    };
    let (page, ()) = tokio::join!(admin.get(&path), news);
    assert_eq!(page.expect(200)["items"].as_array().unwrap().len(), 1);
    assert!((300..10_000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
}

#[actix_web::test]
async fn a_long_poll_without_news_ends_empty_after_its_time() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    app.publish().await;
    let after = last_position(&admin).await;
    let page = admin.get(&format!("/v1/events?after={after}&wait=1")).await.expect(200);
    assert_eq!(page, json!({"items": [], "last_position": after}));
}

#[actix_web::test]
async fn the_feed_is_filtered_by_type_and_by_ticket_and_refuses_unknown_types() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let tickets = [open(&admin).await, open(&admin).await];
    let note = format!("/v1/tickets/{}/notes", tickets[0]);
    admin.post(&note, json!({"body": "We are on it."})).await.expect(201);
    app.publish().await;
    let of = |query: &'static str| {
        let admin = admin.clone();
        async move { admin.get(&format!("/v1/events?limit=100&{query}")).await }
    };
    let opened = of("types=ticket.opened").await.expect(200);
    assert_eq!(opened["items"].as_array().unwrap().len(), 2);
    let both = of("types=ticket.opened,ticket.note_added").await.expect(200);
    assert_eq!(both["items"].as_array().unwrap().len(), 3);
    let one = admin.get(&format!("/v1/events?ticket={}", tickets[0])).await.expect(200);
    let versions: Vec<&Value> =
        one["items"].as_array().unwrap().iter().map(|event| &event["ticket_version"]).collect();
    assert_eq!(versions, [1, 2]);
    of("types=ticket.exploded").await.problem(400, "malformed_request");
    of("after=-1").await.problem(400, "malformed_request");
    of("limit=0").await.problem(400, "malformed_request");
}

async fn open(client: &Client) -> String {
    let first = |list: Value| list["items"][0]["id"].clone();
    let accounts = client.get("/v1/accounts").await.expect(200);
    let new = json!({
        "subject": "A question", "description": "How?", "account_id": first(accounts),
        "product_id": first(client.get("/v1/products").await.expect(200)),
    });
    let ticket = client.post("/v1/tickets", new).await.expect(201);
    ticket["id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn an_agent_sees_the_events_of_their_departments_tickets_only() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let ticket = open(&admin).await;
    app.publish().await;
    let agents = admin.get("/v1/agents?limit=100").await.expect(200);
    for (name, sees) in [("L2 agent A", 1), ("Business analyst A", 0)] {
        let agent = agents["items"].as_array().unwrap().iter().find(|agent| agent["name"] == name);
        let id = agent.unwrap()["id"].as_str().unwrap().parse().unwrap();
        let client = app.client_for(id).await;
        let page = client.get(&format!("/v1/events?ticket={ticket}")).await.expect(200);
        assert_eq!(page["items"].as_array().unwrap().len(), sees, "{name}");
        // What is about no ticket is for those who see everything.
        let others = client.get("/v1/events?types=resource.created").await.expect(200);
        assert_eq!(others["items"], json!([]), "{name}");
    }
    let contact = app.client(Role::Contact).await;
    contact.get("/v1/events").await.problem(403, "forbidden");
}

#[actix_web::test]
async fn the_log_begins_with_the_submission_of_a_draft() {
    let app = TestApp::start().await;
    let author = app.client(Role::Coordinator).await;
    let draft = app.new_ticket(json!({"draft": true})).await;
    let draft = author.post("/v1/tickets", draft).await.expect(201);
    author.patch(&path(&draft, ""), "*", json!({"priority": "high"})).await.expect(200);
    app.publish().await;
    let about = format!("/v1/events?ticket={}", draft["id"].as_str().unwrap());
    assert_eq!(author.get(&about).await.expect(200)["items"], json!([]));
    author.post_on(&path(&draft, "/submission"), "*", json!({})).await.expect(200);
    app.publish().await;
    let told = author.get(&about).await.expect(200)["items"].clone();
    assert_eq!(told.as_array().unwrap().len(), 1, "{told}");
    assert_eq!(
        (&told[0]["type"], &told[0]["ticket_version"]),
        (&json!("ticket.submitted"), &json!(3))
    );
    assert_eq!(told[0]["changes"]["description"]["to"], "After 100 rows.");
}

#[actix_web::test]
async fn the_log_cannot_be_rewritten() {
    let app = TestApp::start().await;
    app.publish().await;
    for sql in ["update events set actor_name = 'x'", "delete from events"] {
        let done = app.service.db.tx(move |conn| Ok(diesel::sql_query(sql).execute(conn)?)).await;
        assert!(done.is_err(), "{sql}");
    }
}

#[actix_web::test]
async fn text_with_the_character_nul_is_refused_and_not_an_error_of_ours() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let reply: Reply = admin.post("/v1/products", json!({"name": "a\u{0}b"})).await;
    let problem = reply.problem(400, "malformed_request");
    assert!(problem["detail"].as_str().unwrap().contains("NUL"), "{problem}");
}

/// Takes everything but the product of this name.
fn refuse_poison(_: &mut diesel::PgConnection, news: &[events::Event]) -> Result<(), AppError> {
    let poison = news.iter().any(|event| event.changes["name"]["to"] == "Poison");
    if poison { Err(AppError::Internal(anyhow::anyhow!("it cannot be taken"))) } else { Ok(()) }
}

#[actix_web::test]
async fn an_event_that_a_consumer_cannot_take_holds_up_its_own_subject_only() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    app.publish().await;
    let before = last_position(&admin).await;
    for name in ["Before", "Poison", "After"] {
        add_product(&admin, name).await;
    }
    let poisoned = admin.get("/v1/products?q=Poison").await.expect(200);
    let path = format!("/v1/products/{}", text(&poisoned["items"][0]["id"]));
    admin.patch(&path, "*", json!({"name": "Poison, later"})).await.expect(200);
    let (db, feed) = (&app.service.db, &app.service.feed);
    while events::publish_next(db, feed, &[refuse_poison]).await.unwrap() {}
    let names = |page: &Value| -> Vec<Value> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|event| event["changes"]["name"]["to"].clone()).collect()
    };
    let page = admin.get(&format!("/v1/events?after={before}")).await.expect(200);
    assert_eq!(names(&page), ["Before", "After"]);
    assert_eq!(page["last_position"], before + 2);
    app.publish().await;
    let page = admin.get(&format!("/v1/events?after={}", before + 2)).await.expect(200);
    assert_eq!(names(&page), ["Poison", "Poison, later"]);
    assert_eq!(page["last_position"], before + 4);
}

#[actix_web::test]
async fn a_reader_does_not_pass_again_what_is_not_for_them() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    add_product(&admin, "Nobody's business").await;
    app.publish().await;
    let agent = app.client(Role::Agent).await;
    let page = agent.get("/v1/events").await.expect(200);
    assert_eq!(page["items"], json!([]));
    assert_eq!(page["last_position"], last_position(&admin).await);
    // A full page ends with its last item: more may follow.
    let first = admin.get("/v1/events?limit=1").await.expect(200);
    assert_eq!(first["last_position"], 1);
}

#[actix_web::test]
async fn five_hundred_waiting_readers_leave_the_connections_to_others() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    app.publish().await;
    let after = last_position(&admin).await;
    let path = format!("/v1/events?after={after}&wait=20");
    let readers = (0..500).map(|_| {
        let (admin, path) = (admin.clone(), path.clone());
        actix_web::rt::spawn(async move { admin.get(&path).await })
    });
    let readers: Vec<_> = readers.collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    for _ in 0..10 {
        let started = Instant::now();
        admin.get("/v1/products").await.expect(200);
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }
    add_product(&admin, "News").await;
    app.publish().await;
    for reader in readers {
        let page = reader.await.unwrap().expect(200);
        assert_eq!(page["last_position"], after + 1);
    }
}
