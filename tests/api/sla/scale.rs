//! A desk with very many open tickets.
use std::time::{Duration, Instant};

use casebridge::sla;
use chrono::Utc;
use diesel::connection::SimpleConnection as _;

use crate::support::TestApp;

#[actix_web::test]
async fn among_a_million_open_clocks_those_that_are_due_are_found_in_milliseconds() {
    let app = TestApp::start().await;
    let fill = |conn: &mut diesel::PgConnection| {
        // Without the tickets that they belong to.
        conn.batch_execute(
            "set local session_replication_role = replica;
             insert into sla_clocks (ticket_id, metric, cycle, state, started_at, due_at, check_at)
               select gen_random_uuid(), 'resolution', 1, 'running', now(), now() + n * interval '1 second', now() + n * interval '1 second'
                 from generate_series(1000, 1000999) n",
        )?;
        Ok(())
    };
    app.service.db.quiet_tx(fill).await.unwrap();
    app.sql("analyze sla_clocks").await.unwrap();
    let mut quickest = Duration::MAX;
    for _ in 0..20 {
        let start = Instant::now();
        let told = app.service.db.tx(|conn| sla::tell_next(conn, Utc::now())).await.unwrap();
        quickest = quickest.min(start.elapsed());
        assert!(!told, "none is due yet");
    }
    assert!(quickest < Duration::from_millis(10), "{quickest:?}");
}
