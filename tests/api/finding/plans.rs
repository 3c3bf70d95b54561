//! What pages and searches cost: no page of a shipped view, and no search, reads a whole table.
use serde_json::Value;

use super::{ids, list};
use crate::support::{Client, TestApp};

const TICKETS: u32 = 30_000;

/// A desk with many closed tickets, fewer open ones, and words of every frequency.
async fn fill(app: &TestApp) {
    app.sql("alter table tickets alter column closed_at set default now()").await.unwrap();
    let made = app
        .sql(format!(
            "insert into tickets (id, workflow_id, status, category, subject, description, priority, account_id, product_id,
              department_id, level, assignee_id, source, opened_by, opened_by_role, deadline, severity, impact, created_at, updated_at)
             select gen_random_uuid(), d.workflow_id, case when open then case n % 3 when 0 then '013' else '030' end else '050' end,
              case when open then case n % 3 when 0 then 'pending' else 'open' end else 'closed' end,
              'Ticket ' || n, case when n % 300 = 0 then 'big data ' else 'data big ' end || case when n % 10 = 0 then 'common ' else '' end || case when n % 100 = 0 then 'medium ' else '' end
               || case when n % 10000 = 0 then 'rare' else '' end, 1 + n % 4,
              (array(select id from accounts order by name))[1 + n % 2], p.id, d.id, 'L1',
              case when n % 40 > 0 then (array(select id from agents order by name))[1 + n % 8] end, 'api', gen_random_uuid(),
              'integration', case when n % 5 = 0 then now() + (n - 1500) * interval '1 minute' end,
              case when n % 50 > 0 then 1 end, case when n % 50 > 0 then 1 end, now() - n * interval '1 minute', now() - n * interval '1 minute'
             from generate_series(1, {TICKETS}) n cross join lateral (select n < 3000) state(open), departments d, products p
             where d.is_default and p.name = 'CoreTrac'"
        ))
        .await;
    assert_eq!(made.unwrap(), TICKETS as usize);
    let clocks = "update sla_tickets s set open = t.category <> 'closed', standing = case when t.category = 'closed' then case when number % 50 = 0 then 'breached' else 'met' end
            when t.category = 'pending' then 'paused' else 'running' end,
          due_at = case when t.category = 'open' then now() + (number % 3000 - 30) * interval '1 minute' end
        from tickets t where t.id = s.ticket_id";
    app.sql(clocks).await.unwrap();
    for table in ["tickets", "ticket_texts", "sla_tickets"] {
        app.sql(format!("analyze {table}")).await.unwrap();
    }
}

/// How often tables with tickets were read from end to end, and how many rows indexes fetched, since the last call.
async fn cost(app: &TestApp, before: &mut (i64, i64)) -> (i64, i64) {
    // A session counts when it ends, at the latest.
    app.database.refuse_connections(false);
    let sum = |column: &str| {
        format!(
            "select sum({column})::bigint as number from pg_stat_user_tables where relname in ('tickets', 'ticket_texts', 'sla_tickets')"
        )
    };
    let now =
        (app.number(&sum("seq_scan")).await, app.number(&sum("coalesce(idx_tup_fetch, 0)")).await);
    let spent = (now.0 - before.0, now.1 - before.1);
    *before = now;
    spent
}

async fn views(caller: &Client) -> Vec<(String, String)> {
    let page = caller.get("/v1/views").await.expect(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|view| (text(&view["id"]), text(&view["name"])))
        .collect()
}

#[actix_web::test]
async fn no_view_and_no_search_reads_a_whole_table() {
    let app = TestApp::start().await;
    fill(&app).await;
    let caller = app.agent("Coordinator").await;
    let mut spent = (0, 0);
    cost(&app, &mut spent).await;
    for (id, name) in views(&caller).await {
        caller.get(&format!("/v1/views/{id}/tickets")).await.expect(200);
        let (scans, rows) = cost(&app, &mut spent).await;
        assert!(scans == 0 && rows <= 1_000, "{name}: {scans} scans, {rows} rows");
    }
    for (query, most) in [
        ("sort=deadline&category=active", 1_000),
        ("sort=-updated_at&category=active", 1_000),
        ("sort=-deadline", 1_000),
        ("sort=number", 1_000),
        ("sort=-status", 1_000),
        ("sort=sla_due", 1_000),
        ("sort=sla_due&category=active&priority=critical", 1_000),
        ("sla=breached&category=active", 1_000),
        // The closed ones are looked for among the newest.
        ("sla=breached", 12_000),
        ("sla=due_soon&sort=sla_due", 1_000),
        ("sla=paused&sort=-updated_at", 3_000),
        ("q=rare", 1_000),
        ("q=common", 3_000),
        ("q=medium", 6_000),
    ] {
        assert!(!ids(&list(&caller, query).await).is_empty(), "{query}");
        let (scans, rows) = cost(&app, &mut spent).await;
        assert!(scans == 0 && rows <= most, "{query}: {scans} scans, {rows} rows");
    }
    for (word, found, most) in [
        ("rare", 3, 1_000),
        ("medium", 50, 12_000),
        ("common", 50, 5_000),
        // All tickets have both words.
        ("%22big+data%22", 50, 3_000),
    ] {
        let page = caller.get(&format!("/v1/search?q={word}")).await.expect(200);
        assert_eq!(page["items"].as_array().unwrap().len(), found);
        let (scans, rows) = cost(&app, &mut spent).await;
        assert!(scans == 0 && rows <= most, "{word}: {scans} scans, {rows} rows");
    }
}

#[actix_web::test]
async fn the_counts_of_all_views_are_one_statement() {
    let app = TestApp::start().await;
    fill(&app).await;
    let caller = app.agent("Coordinator").await;
    caller.get("/v1/views/counts").await.expect(200);
    let counts = caller.get("/v1/views/counts").await.expect(200);
    let active = &counts["items"][0];
    assert_eq!(
        (&active["name"], &active["count"]["count"]),
        (&"Active tickets".into(), &1000.into())
    );
    assert_eq!(active["count"]["more"], true);
    let mut spent = (0, 0);
    cost(&app, &mut spent).await;
    caller.get("/v1/views/counts").await.expect(200);
    // Counting the first thousand from one end of the table is no harm.
    let (scans, rows) = cost(&app, &mut spent).await;
    assert!(scans <= 1 && rows <= 18_000, "{scans} scans, {rows} rows");
}
