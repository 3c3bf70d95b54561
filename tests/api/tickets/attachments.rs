//! Links to files on a ticket.
use serde_json::{Value, json};

use super::history;
use crate::support::mirror::Mirrored;
use crate::support::{TestApp, path, pointers};

fn file(name: &str) -> Value {
    json!({"name": name, "url": format!("https://files.example/{name}")})
}

#[actix_web::test]
async fn attachments_are_numbered_in_order_and_internal_ones_stay_at_the_desk() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let (contact, agent) =
        (app.contact("Purchasing contact").await, app.agent("Coordinator").await);
    let at = path(&ticket, "/attachments");
    let added = contact.post(&at, file("a.png")).await;
    assert_eq!(added.header("etag"), "\"v2\"");
    let added = added.expect(201);
    assert_eq!((&added["seq"], &added["added_by"]["role"]), (&json!(1), &json!("contact")));
    let mut internal = file("b.log");
    internal["visibility"] = json!("internal");
    contact.post(&at, internal.clone()).await.problem(403, "forbidden");
    agent.post(&at, internal).await.expect(201);
    agent.post(&at, file("c.txt")).await.expect(201);

    let names = |page: Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(agent.get(&at).await.expect(200)), ["a.png", "b.log", "c.txt"]);
    assert_eq!(names(contact.get(&at).await.expect(200)), ["a.png", "c.txt"]);
    let first = agent.get(&format!("{at}?limit=2")).await.expect(200);
    let next = format!("{at}?limit=2&cursor={}", first["next"].as_str().unwrap());
    assert_eq!(names(agent.get(&next).await.expect(200)), ["c.txt"]);
    app.publish().await;
    let of = |events: Vec<Value>| {
        events.iter().filter(|event| event["type"] == "ticket.attachment_added").count()
    };
    assert_eq!(of(history(&agent, &ticket).await), 3);
    assert_eq!(of(history(&contact, &ticket).await), 2);
    app.contact("Warehouse contact").await.get(&at).await.problem(404, "not_found");
}

#[actix_web::test]
async fn an_attachment_is_one_line_and_leads_to_the_web() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let agent = app.agent("Coordinator").await;
    let at = path(&ticket, "/attachments");
    for (name, url, pointer) in [
        ("a\nURL: https://other.example", "https://files.example/a", "/name"),
        (" ", "https://files.example/a", "/name"),
        ("a", "javascript:alert(1)", "/url"),
        ("a", "file:///etc/passwd", "/url"),
        ("a", "files.example/a", "/url"),
    ] {
        let refused = pointers(agent.post(&at, json!({"name": name, "url": url})).await);
        assert!(!refused.is_empty() && refused.iter().all(|p| p == pointer), "{url}: {refused:?}");
    }
    assert_eq!(agent.get(&at).await.expect(200)["items"], json!([]));
}

#[actix_web::test]
async fn a_ticket_has_a_hundred_attachments_and_no_more() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let id = ticket["id"].as_str().unwrap();
    let fill = format!(
        "insert into attachments select gen_random_uuid(), '{id}', n, 'public', 'f', 'https://x.example', '{id}', 'agent',
           'A', now() from generate_series(1, 99) n"
    );
    app.sql(fill).await.unwrap();
    let agent = app.agent("Coordinator").await;
    let at = path(&ticket, "/attachments");
    agent.post(&at, file("last.png")).await.expect(201);
    agent.post(&at, file("over.png")).await.problem(409, "too_many_attachments");
}

#[actix_web::test]
async fn each_attachment_is_a_line_of_the_case_in_order() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("With files").await;
    let at = format!("/v1/tickets/{ticket}/attachments");
    desk.admin.post(&at, file("z.png")).await.expect(201);
    desk.converge().await;
    let lines = |text: &str| -> Vec<String> { text.lines().skip(2).map(str::to_owned).collect() };
    let url = "URL: https://app.example/exports/7";
    let first = "Attachment: z.png https://files.example/z.png";
    assert_eq!(lines(desk.case(&ticket).await.value("description")), [url, first]);
    desk.admin.post(&at, file("a.png")).await.expect(201);
    desk.converge().await;
    let second = "Attachment: a.png https://files.example/a.png";
    assert_eq!(lines(desk.case(&ticket).await.value("description")), [url, first, second]);
    assert!(desk.conflicts(&ticket).await.is_empty());
}
