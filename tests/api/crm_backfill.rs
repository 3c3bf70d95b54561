//! A CRM is connected to a desk that has tickets already.
use chrono::Utc;
use futures_util::future::join;
use serde_json::{Value, json};

use crate::support::mirror::{Mirrored, text};

/// A desk with one ticket and so many copies of it, before the CRM is connected.
async fn with_tickets(copies: i64) -> Mirrored {
    let desk = Mirrored::start().await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    desk.open("From before").await;
    desk.app.publish().await;
    desk.admin.delete(&path, "*").await.expect(204);
    // As an import would bring them: without events.
    let columns =
        "select string_agg(quote_ident(column_name), ', ') as text from information_schema.columns
        where table_name = 'tickets' and is_generated = 'NEVER' and is_identity = 'NO'
          and column_name not in ('id', 'number', 'external_id', 'assignee_id', 'automatic_at')";
    let columns = desk.app.text(columns).await.unwrap();
    desk.app
        .sql(format!(
            "insert into tickets (id, {columns}) select gen_random_uuid(), {columns}
               from tickets cross join generate_series(1, {copies})"
        ))
        .await
        .unwrap();
    desk
}

async fn connect(desk: &mut Mirrored) -> Value {
    let new = json!({
        "name": "Second", "base_url": desk.crm.url(), "client_id": desk.crm.client_id(),
        "client_secret": desk.crm.client_secret(),
        "settings": {"fields": {"product": "product_c", "number": "ticket_number_c", "link": "ticket_id_c"}},
    });
    let made = desk.admin.post("/v1/crm/connections", new).await.expect(201);
    desk.connection = text(&made["id"]);
    desk.health().await["backfill"].clone()
}

async fn mirrors(desk: &Mirrored) -> i64 {
    desk.app.number("select count(*) as number from crm_mirrors").await
}

async fn step(desk: &Mirrored) -> bool {
    desk.app.service.jobs.step_due(Utc::now()).await.unwrap()
}

#[actix_web::test]
async fn the_request_makes_no_mirror_and_the_job_tells_how_far_it_is() {
    let mut desk = with_tickets(2500).await;
    let job = connect(&mut desk).await;
    assert_eq!((&job["kind"], &job["state"]), (&json!("crm_backfill"), &json!("queued")));
    assert_eq!(job["started_by"]["id"], desk.admin.get("/v1/me").await.body["id"], "{job}");
    assert_eq!(mirrors(&desk).await, 0);
    let mut done = Vec::new();
    while step(&desk).await {
        done.push(desk.health().await["backfill"]["progress"]["done"].as_i64().unwrap());
        // No step does more than a thousand: the memory of the process and the locks of a step are bounded.
        assert_eq!(mirrors(&desk).await, *done.last().unwrap());
    }
    assert_eq!(done, [1000, 2000, 2501]);
    let job = desk.health().await["backfill"].clone();
    assert_eq!(job["state"], "succeeded");
    assert_eq!(job["progress"], json!({"done": 2501, "total": 2501, "found": 2501}));
}

#[actix_web::test]
async fn drafts_and_deleted_tickets_get_no_mirror() {
    let mut desk = with_tickets(2).await;
    desk.app.sql("update tickets set deleted_at = now() where number = (select max(number) from tickets)")
        .await
        .unwrap();
    let draft = desk.app.new_ticket(json!({"draft": true})).await;
    desk.admin.post("/v1/tickets", draft).await.expect(201);
    connect(&mut desk).await;
    desk.app.run_jobs().await;
    assert_eq!(mirrors(&desk).await, 2);
    assert_eq!(desk.health().await["backfill"]["progress"]["done"], 4);
}

#[actix_web::test]
async fn tickets_opened_while_it_runs_get_exactly_one_case() {
    let mut desk = with_tickets(8).await;
    connect(&mut desk).await;
    // Before the first step, published and not; and between the last step and the mirroring.
    let published = desk.open("Published before").await;
    desk.app.publish().await;
    let waiting = desk.open("Not published yet").await;
    let (_, meanwhile) = join(step(&desk), desk.open("Meanwhile")).await;
    let after = desk.open("After").await;
    desk.converge().await;
    for ticket in [&published, &waiting, &meanwhile, &after] {
        assert_eq!(desk.mirror(ticket).await["state"], "linked");
    }
    let cases = desk.crm.records("Cases");
    let numbers: std::collections::BTreeSet<_> =
        cases.iter().map(|case| case.value("ticket_number_c").to_owned()).collect();
    assert_eq!((cases.len(), numbers.len()), (13, 13));
}

#[actix_web::test]
async fn what_people_change_does_not_wait_for_the_backfill() {
    let mut desk = with_tickets(200).await;
    connect(&mut desk).await;
    desk.app.run_jobs().await;
    let old = "select ticket_id::text as text from crm_mirrors order by ticket_id desc limit 1";
    let old = desk.app.text(old).await.unwrap();
    desk.priority(&old, "high").await;
    let new = desk.open("Urgent").await;
    desk.app.publish().await;
    desk.crm.clear_calls();
    assert!(desk.app.service.mirror.converge_due(Utc::now()).await.unwrap());
    let calls = desk.crm.calls().into_iter();
    let made = calls.filter(|call| call.method == "POST" && call.body.contains("ticket_id_c"));
    let made: Vec<String> = made.map(|call| call.body).collect();
    assert_eq!(made.len(), 202);
    for ticket in [&old, &new] {
        let place = made.iter().position(|body| body.contains(&**ticket)).unwrap();
        assert!(place < 16, "{ticket} had to wait for {place} others");
    }
}

#[actix_web::test]
async fn a_connection_that_is_removed_meanwhile_ends_its_backfill() {
    let mut desk = with_tickets(1500).await;
    let job = connect(&mut desk).await;
    assert!(step(&desk).await);
    let path = format!("/v1/crm/connections/{}", desk.connection);
    desk.admin.delete(&path, "*").await.expect(204);
    assert!(!step(&desk).await);
    let job = desk.admin.get(&format!("/v1/jobs/{}", text(&job["id"]))).await.expect(200);
    assert_eq!((&job["state"], &job["progress"]["done"]), (&json!("cancelled"), &json!(1000)));
}

#[actix_web::test]
async fn a_cancelled_backfill_leaves_what_it_made_and_a_repair_makes_the_rest() {
    let mut desk = with_tickets(1003).await;
    let job = connect(&mut desk).await;
    assert!(step(&desk).await);
    let cancel = format!("/v1/jobs/{}/cancel", text(&job["id"]));
    desk.admin.post(&cancel, json!({})).await.expect(200);
    assert_eq!(mirrors(&desk).await, 1000);
    let missing = "select count(*) as number from tickets t
        where not exists (select from crm_mirrors m where m.ticket_id = t.id)";
    let ids = "select string_agg(t.id::text, ',') as text from tickets t
        where not exists (select from crm_mirrors m where m.ticket_id = t.id)";
    let ids = desk.app.text(ids).await.unwrap();
    let ids: Vec<&str> = ids.split(',').collect();
    let compared = desk.reconcile(json!({"mode": "repair", "ticket_ids": ids})).await;
    assert_eq!(compared["progress"]["found"], 4);
    assert_eq!(desk.app.number(missing).await, 0);
}
