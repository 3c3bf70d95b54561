//! The program is killed again and again while tickets come in and are mirrored.
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::mirror::{Mirrored, crm_id, text};
use crate::support::{Client, Process, free_port};

const WRITERS: usize = 4;
/// Kills when `KILLS` says nothing; the long run does hundreds.
const KILLS: usize = 15;
/// Tickets that are opened for each kill, so that writing lasts as long as killing.
const TICKETS_PER_KILL: usize = 7;

/// What was acknowledged: the ids of a ticket and of the note on it.
type Written = (String, String);

/// Sends it with one key until it is acknowledged.
async fn insist(client: &Client, path: &str, key: &str, body: &Value) -> Value {
    loop {
        let request = client.request(Method::POST, path).header("idempotency-key", key);
        let answer = request.json(body).timeout(Duration::from_secs(5)).send().await;
        match answer {
            Ok(answer) if answer.status() == 201 => {
                // The process may die while it sends the body.
                if let Ok(body) = answer.json().await {
                    return body;
                }
            }
            Ok(answer) if answer.status() == 409 || answer.status().is_server_error() => {}
            Ok(answer) => panic!("{}: {}", answer.status(), answer.text().await.unwrap()),
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Opens every fourth ticket and replies to it.
async fn write(client: Client, new: Value, writer: usize, tickets: usize) -> Vec<Written> {
    let mut written = Vec::new();
    for n in (writer..tickets).step_by(WRITERS) {
        let mut new = new.clone();
        new["subject"] = json!(format!("Crash {n}"));
        let ticket = insist(&client, "/v1/tickets", &format!("ticket {n}"), &new).await;
        let id = text(&ticket["id"]);
        let note = json!({ "body": format!("Note on {n}.") });
        let path = format!("/v1/tickets/{id}/notes");
        let note = insist(&client, &path, &format!("note {n}"), &note).await;
        written.push((id, text(&note["id"])));
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    written
}

#[actix_web::test]
async fn killed_at_any_moment_it_loses_nothing_and_does_nothing_twice() {
    let kills = std::env::var("KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let tickets = kills * TICKETS_PER_KILL;
    let desk = Mirrored::start().await;
    desk.crm.set_latency(Duration::from_millis(5));
    let (port, database) = (free_port(), &desk.app.database);
    let process = Process::serve_on(port, database, &[]).await;
    let client = process.client("admin");
    let new = json!({
        "description": "It stops.", "priority": "high", "account_id": desk.id("Northwind Services"),
        "contact_id": desk.id("Purchasing contact"), "product_id": desk.id("CoreTrac"),
    });
    let writers = (0..WRITERS).map(|writer| write(client.clone(), new.clone(), writer, tickets));
    let killer = async {
        let mut process = process;
        for _ in 0..kills {
            let moment = 100 + rand::random::<u64>() % 500;
            tokio::time::sleep(Duration::from_millis(moment)).await;
            process.kill();
            process = Process::serve_on(port, database, &[]).await;
        }
        process
    };
    let (written, process) = tokio::join!(join_all(writers), killer);
    let written: Vec<Written> = written.into_iter().flatten().collect();
    come_to_rest(&desk).await;

    nothing_is_lost_at_the_desk(&desk, &client, &written, tickets).await;
    for (ticket, _) in &written {
        case_equals_ticket(&desk, &client, ticket).await;
    }
    let mut cases: BTreeMap<String, usize> = BTreeMap::new();
    for case in desk.crm.records("Cases") {
        *cases.entry(case.value("ticket_number_c").to_owned()).or_default() += 1;
    }
    assert_eq!((cases.len(), cases.values().max()), (tickets, Some(&1)));
    assert_eq!(desk.crm.records("Notes").len(), tickets);
    drop(process);
}

/// Waits until everything is published and mirrored.
async fn come_to_rest(desk: &Mirrored) {
    let left = "select (select count(*) from events where position is null)
        + (select count(*) from tickets where automatic_at is not null)
        + (select count(*) from crm_mirrors where dirty_since is not null or state <> 'linked') as number";
    let started = Instant::now();
    while desk.app.number(left).await > 0 {
        let waiting = "select string_agg(row_to_json(m)::text, ' ') as text from crm_mirrors m where dirty_since is not null";
        let elapsed = started.elapsed();
        assert!(elapsed < Duration::from_secs(120), "{:?}", desk.app.text(waiting).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn nothing_is_lost_at_the_desk(
    desk: &Mirrored,
    client: &Client,
    written: &[Written],
    tickets: usize,
) {
    assert_eq!(written.len(), tickets);
    for (ticket, note) in written {
        let notes = client.get(&format!("/v1/tickets/{ticket}/notes")).await.expect(200);
        let ids: Vec<&Value> =
            notes["items"].as_array().unwrap().iter().map(|n| &n["id"]).collect();
        assert_eq!(ids, [&json!(note)]);
    }
    let app = &desk.app;
    let count = |what: &'static str| app.number(what);
    let expected = i64::try_from(tickets).unwrap();
    assert_eq!(count("select count(*) as number from tickets").await, expected);
    assert_eq!(count("select count(*) as number from notes").await, expected);
    let gaps = "select last_position - (select count(position) from events)
        + (select count(*) from events where position > last_position) as number from event_feed";
    assert_eq!(count(gaps).await, 0);
    let versions = "select count(*) as number from tickets t
        where version <> (select count(*) from events e where e.ticket_id = t.id)";
    assert_eq!(count(versions).await, 0);
    app.loads_are_true().await;
}

async fn case_equals_ticket(desk: &Mirrored, client: &Client, id: &str) {
    let ticket = client.get(&format!("/v1/tickets/{id}")).await.expect(200);
    let case = desk.case(id).await;
    assert!(!case.deleted);
    // Some wait: there are more tickets than the agents have room for.
    let agent = ticket["assignee_id"].as_str().map(|id| crm_id(&desk.name(id)));
    for (field, wanted) in [
        ("name", text(&ticket["subject"])),
        ("ticket_number_c", text(&ticket["number"])),
        ("priority", "P1".to_owned()),
        ("state", "Open".to_owned()),
        ("assigned_user_id", agent.unwrap_or_default()),
        ("account_id", crm_id("Northwind Services")),
        ("product_c", "CoreTrac".to_owned()),
    ] {
        assert_eq!(case.value(field), wanted, "{field} of {ticket}");
    }
    assert_eq!(desk.crm.contacts_of(&case.id), [crm_id("Purchasing contact")]);
    let subject = text(&ticket["subject"]);
    let body = format!("Note on {}.", subject.rsplit(' ').next().unwrap());
    let notes = desk.notes(&case.id);
    assert!(notes.len() == 1 && notes[0].value("description").contains(&body), "{notes:?}");
}
