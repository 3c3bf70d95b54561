//! Tickets that belong together.
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{go, history};
use crate::support::{Client, Reply, TestApp, path, pointers};

async fn link(caller: &Client, ticket: &Value, kind: &str, other: &Value) -> Reply {
    let new = json!({"kind": kind, "ticket_id": other["id"]});
    caller.post(&path(ticket, "/links"), new).await
}

/// What a ticket is to which others, as this caller sees it.
async fn links(caller: &Client, ticket: &Value) -> Vec<(String, String)> {
    let page = caller.get(&path(ticket, "/links")).await.expect(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| (text(&item["kind"]), text(&item["ticket"]["id"]))).collect()
}

async fn tickets(app: &TestApp, how_many: usize) -> Vec<Value> {
    let mut made = Vec::new();
    for _ in 0..how_many {
        made.push(app.open_ticket(json!({})).await);
    }
    made
}

#[actix_web::test]
async fn a_link_is_stored_once_and_seen_from_both_sides() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    for (kind, opposite) in [
        ("related", "related"),
        ("duplicate_of", "duplicated_by"),
        ("duplicated_by", "duplicate_of"),
        ("child_of", "parent_of"),
        ("parent_of", "child_of"),
        ("follow_up_of", "followed_up_by"),
        ("followed_up_by", "follow_up_of"),
    ] {
        let [this, other] = tickets(&app, 2).await.try_into().unwrap();
        let made = link(&agent, &this, kind, &other).await;
        assert_eq!(made.header("etag"), "\"v2\"");
        let location = made.header("location").to_owned();
        let made = made.expect(201);
        assert_eq!((&made["kind"], &made["ticket"]["number"]), (&json!(kind), &other["number"]));
        assert_eq!(agent.get(&location).await.expect(200), made);
        let id = |ticket: &Value| ticket["id"].as_str().unwrap().to_owned();
        assert_eq!(links(&agent, &this).await, [(kind.to_owned(), id(&other))]);
        assert_eq!(links(&agent, &other).await, [(opposite.to_owned(), id(&this))]);
        for (ticket, seen_as, to) in [(&this, kind, &other), (&other, opposite, &this)] {
            let told = history(&agent, ticket).await.pop().unwrap();
            assert_eq!(
                (&told["type"], &told["ticket_version"]),
                (&json!("ticket.linked"), &json!(2))
            );
            assert_eq!(
                (&told["data"]["kind"], &told["data"]["ticket_id"]),
                (&json!(seen_as), &to["id"])
            );
            // Neither again from the one side nor from the other.
            let word = if ticket["id"] == this["id"] { kind } else { opposite };
            link(&agent, ticket, word, to).await.problem(409, "already_exists");
        }
        agent.delete(&location, "\"v1\"").await.problem(412, "stale_version");
        let from_the_other = location.replace(&id(&this), &id(&other));
        agent.delete(&from_the_other, "\"v2\"").await.expect(204);
        agent.delete(&location, "*").await.problem(404, "not_found");
        agent.get(&location).await.problem(404, "not_found");
        assert!(links(&agent, &this).await.is_empty());
        for ticket in [&this, &other] {
            assert_eq!(history(&agent, ticket).await.pop().unwrap()["type"], "ticket.unlinked");
        }
    }
}

#[actix_web::test]
async fn links_are_paged_oldest_first() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let all = tickets(&app, 6).await;
    for (n, other) in all[1..].iter().enumerate() {
        let kind = ["parent_of", "related", "duplicate_of"][n % 3];
        link(&agent, &all[0], kind, other).await.expect(201);
    }
    let get = async |rest: String| {
        agent.get(&path(&all[0], &format!("/links?limit=2{rest}"))).await.expect(200)
    };
    let first = get(String::new()).await;
    let second = get(format!("&cursor={}", first["next"].as_str().unwrap())).await;
    let third = get(format!("&cursor={}", second["next"].as_str().unwrap())).await;
    let back = get(format!("&cursor={}", third["prev"].as_str().unwrap())).await;
    assert_eq!(back["items"], second["items"]);
    let pages = [&first, &second, &third].map(|page| page["items"].as_array().unwrap().clone());
    let seen: Vec<&Value> = pages.iter().flatten().map(|item| &item["ticket"]["id"]).collect();
    assert_eq!(seen, all[1..].iter().map(|ticket| &ticket["id"]).collect::<Vec<_>>());
    assert_eq!(third["next"], Value::Null);
}

#[actix_web::test]
async fn a_link_that_makes_no_sense_is_refused() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let [a, b, c, d] = tickets(&app, 4).await.try_into().unwrap();
    let draft = agent.post("/v1/tickets", json!({"subject": "x", "draft": true})).await.expect(201);
    agent.delete(&path(&d, ""), "*").await.expect(204);
    let nobody = json!({"id": app.id("agents", "Coordinator").await});
    for other in [&a, &draft, &d, &nobody] {
        assert_eq!(pointers(link(&agent, &a, "related", other).await), ["/ticket_id"]);
    }
    link(&agent, &draft, "related", &a).await.problem(409, "not_submitted");
    link(&agent, &d, "related", &a).await.problem(409, "ticket_deleted");
    link(&agent, &nobody, "related", &a).await.problem(404, "not_found");

    link(&agent, &a, "child_of", &b).await.expect(201);
    link(&agent, &a, "child_of", &c).await.problem(409, "has_parent");
    link(&agent, &c, "parent_of", &a).await.problem(409, "has_parent");
    link(&agent, &c, "parent_of", &b).await.expect(201);
    link(&agent, &a, "parent_of", &c).await.problem(409, "parent_cycle");
    link(&agent, &c, "child_of", &a).await.problem(409, "parent_cycle");
    link(&agent, &b, "child_of", &a).await.problem(409, "parent_cycle");
    // What else they are to one another does not matter.
    link(&agent, &b, "duplicate_of", &a).await.expect(201);

    // A merged ticket keeps its links, and takes others.
    agent.post_on(&path(&a, "/merge"), "*", json!({"into": b["id"]})).await.expect(200);
    let made = link(&agent, &a, "related", &c).await;
    let location = made.header("location").to_owned();
    made.expect(201);
    agent.delete(&location, "*").await.expect(204);
    assert_eq!(links(&agent, &a).await.len(), 2);
}

#[actix_web::test]
async fn a_link_is_shown_to_those_only_who_see_both_tickets() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let (contact, foreign) =
        (app.contact("Purchasing contact").await, app.contact("Warehouse contact").await);
    let stranger = app.agent("Business analyst A").await;
    let [a, b, parent] = tickets(&app, 3).await.try_into().unwrap();
    let theirs = app
        .open_ticket(json!({
            "account_id": app.id("accounts", "Harbor Logistics").await, "contact_id": null,
        }))
        .await;
    let to = json!({"agent_id": app.id("agents", "Business analyst A").await});
    agent.post_on(&path(&a, "/assignment"), "*", to).await.expect(200);
    let secret = link(&agent, &a, "duplicate_of", &b).await;
    let secret = secret.header("location").to_owned();
    link(&agent, &a, "related", &theirs).await.expect(201);
    link(&agent, &a, "child_of", &parent).await.expect(201);

    assert_eq!(links(&agent, &a).await.len(), 3);
    // The agent sees one of the four, the contact those of their account, but not how the desk divides its work.
    assert!(links(&stranger, &a).await.is_empty());
    stranger.get(&secret).await.problem(404, "not_found");
    stranger.delete(&secret, "*").await.problem(404, "not_found");
    assert_eq!(pointers(link(&stranger, &a, "related", &b).await), ["/ticket_id"]);
    stranger.get(&path(&b, "/links")).await.problem(404, "not_found");
    link(&stranger, &b, "related", &a).await.problem(404, "not_found");
    let shown = contact.get(&path(&a, "/links")).await.expect(200);
    assert_eq!(shown["items"].as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(shown["items"][0]["ticket"]["id"], b["id"]);
    assert_eq!(shown["items"][0].get("linked_by_name"), Some(&Value::Null));
    assert_eq!(shown["items"][0]["ticket"].get("assignee_id"), None);
    assert!(links(&foreign, &theirs).await.is_empty());
    foreign.get(&path(&a, "/links")).await.problem(404, "not_found");
    foreign.get(&secret).await.problem(404, "not_found");
    link(&contact, &a, "related", &b).await.problem(403, "forbidden");
    contact.delete(&secret, "*").await.problem(403, "forbidden");
    let told = json!(history(&contact, &a).await).to_string();
    assert!(!told.contains("linked"), "{told}");

    agent.delete(&path(&b, ""), "*").await.expect(204);
    assert!(links(&contact, &a).await.is_empty());
    agent.post_on(&path(&b, "/restoration"), "*", json!({})).await.expect(200);
    assert_eq!(links(&contact, &a).await.len(), 1);
}

/// Parents that are their own ancestors, or children with two parents.
const WRONG: &str = "with recursive up (id, above) as (
      select from_id, to_id from ticket_links where kind = 'child_of'
      union select u.id, l.to_id from up u join ticket_links l on l.from_id = u.above and l.kind = 'child_of')
    select count(*) as number from up where id = above";

#[actix_web::test]
async fn concurrent_links_never_make_a_parent_its_own_ancestor() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    for round in 0..5 {
        let five = tickets(&app, 5).await;
        // Rings of three, four and five, each link of which is harmless by itself.
        let pairs = (0..20).map(|n| (n % 5, (n + 1 + (n / 5 + round) % 4) % 5));
        let made = join_all(pairs.map(|(a, b)| link(&agent, &five[a], "child_of", &five[b]))).await;
        let made: Vec<u16> = made.into_iter().map(|reply| reply.status).collect();
        assert!(made.iter().all(|status| [201, 409].contains(status)), "{made:?}");
        assert_eq!(made.iter().filter(|status| **status == 201).count(), 4, "a tree of five");
    }
    assert_eq!(app.number(WRONG).await, 0);
}

#[actix_web::test]
async fn of_two_links_that_would_close_a_ring_together_one_is_made() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    for _ in 0..15 {
        let [a, b, c, d] = tickets(&app, 4).await.try_into().unwrap();
        link(&agent, &a, "child_of", &b).await.expect(201);
        link(&agent, &c, "child_of", &d).await.expect(201);
        // These two have no ticket in common.
        let (one, two) =
            tokio::join!(link(&agent, &b, "child_of", &c), link(&agent, &d, "child_of", &a));
        let mut made = [one.status, two.status];
        made.sort_unstable();
        assert_eq!(made, [201, 409]);
    }
    assert_eq!(app.number(WRONG).await, 0);
}

#[actix_web::test]
async fn open_children_are_told_that_their_parent_was_closed_and_stay_open() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let [parent, open, closed, reopened] = tickets(&app, 4).await.try_into().unwrap();
    for child in [&open, &closed] {
        link(&agent, &parent, "parent_of", child).await.expect(201);
    }
    link(&agent, &reopened, "parent_of", &parent).await.expect(201);
    for ticket in [&closed, &parent, &reopened] {
        app.advance_to(ticket, "050").await;
    }
    go(&agent, &reopened, json!({}), "017").await.expect(200);
    let before = [app.read(&open).await, app.read(&closed).await, app.read(&parent).await];
    let step = |conn: &mut _| casebridge::tickets::service::tell_child(conn, chrono::Utc::now());
    let tell = || async { while app.service.db.tx(step).await.unwrap() {} };
    // Two processes tell.
    tokio::join!(tell(), tell());
    let notes = agent.get(&path(&open, "/notes")).await.expect(200);
    let [note] = notes["items"].as_array().unwrap().as_slice() else { panic!("{notes}") };
    assert_eq!(
        (&note["visibility"], &note["author"]["name"]),
        (&json!("internal"), &json!("Casebridge"))
    );
    assert!(note["body"].as_str().unwrap().contains(parent["number"].as_str().unwrap()));
    assert_eq!(app.read(&open).await["status"], before[0]["status"]);
    assert_eq!([app.read(&closed).await, app.read(&parent).await], before[1..]);
    let told = history(&agent, &open).await.pop().unwrap();
    assert_eq!((&told["type"], &told["origin"]), (&json!("ticket.note_added"), &json!("timer")));
}
