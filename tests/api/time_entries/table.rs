//! The table for spreadsheets.
use serde_json::json;

use super::log;
use crate::support::TestApp;

#[actix_web::test]
async fn the_table_has_what_the_list_has_and_no_formula() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let note = "=HYPERLINK(\"https://evil.example\",\"x\")\nsecond line";
    let first = json!({"minutes": 5, "note": note, "work_date": "2026-03-01", "chargeable": true});
    log(&coordinator, &ticket, first).await;
    for minutes in 6..9 {
        log(&coordinator, &ticket, json!({"minutes": minutes, "work_date": "2026-03-02"})).await;
    }
    let reply = coordinator.get("/v1/time-entries.csv?chargeable=true").await;
    assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"time-entries.csv\"");
    let text = reply.expect(200).as_str().unwrap().to_owned();
    let (names, rest) = text.split_once("\r\n").unwrap();
    assert!(names.starts_with("id,work_date,agent_id,agent,ticket_id,ticket,"), "{names}");
    let number = ticket["number"].as_str().unwrap();
    assert!(rest.contains(&format!(",{number},")) && rest.contains(",Northwind Services,5,true,"));
    let cell = "\"'=HYPERLINK(\"\"https://evil.example\"\",\"\"x\"\")\nsecond line\"";
    assert!(rest.contains(cell), "{rest}");
    assert_eq!(rest.matches("\r\n").count(), 1);
    let all = coordinator.get("/v1/time-entries.csv?from=2026-03-02").await.expect(200);
    assert_eq!(all.as_str().unwrap().matches("\r\n").count(), 4);
    let nothing = coordinator.get("/v1/time-entries.csv?to=2001-01-01").await.expect(200);
    assert_eq!(nothing.as_str().unwrap().matches("\r\n").count(), 1);
    coordinator.get("/v1/time-entries.csv?limit=1").await.problem(400, "malformed_request");
}

#[actix_web::test]
async fn a_table_of_many_chunks_has_every_entry_once() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let many = format!(
        "insert into time_entries (id, ticket_id, agent_id, minutes, chargeable, work_date, created_at, updated_at)
         select gen_random_uuid(), '{}', a.id, n % 1440 + 1, true, date '2026-01-01' + n % 60, now(), now()
           from generate_series(0, 1699) n, agents a where a.name = 'L1 agent A'",
        ticket["id"].as_str().unwrap()
    );
    app.sql(many).await.unwrap();
    let table = app.agent("Coordinator").await.get("/v1/time-entries.csv").await.expect(200);
    let mut ids: Vec<&str> =
        table.as_str().unwrap().lines().skip(1).map(|line| &line[..36]).collect();
    assert_eq!(ids.len(), 1_700);
    ids.dedup();
    assert_eq!(ids.len(), 1_700);
}
