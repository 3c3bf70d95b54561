//! What is searched of a ticket is what it says now, whatever changes it, and in whatever order.
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use serde_json::json;

use super::id;
use super::search::{found, note, search};
use crate::support::{TestApp, path};

#[actix_web::test]
async fn a_changed_draft_and_a_redacted_text_are_found_by_what_they_say_now() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let draft = json!({"subject": "Giraffe", "draft": true});
    let draft = coordinator.post("/v1/tickets", draft).await.expect(201);
    assert_eq!(found(&search(&coordinator, "q=giraffe").await), [id(&draft)]);
    assert_eq!(found(&search(&app.agent("Administrator").await, "q=giraffe").await).len(), 0);
    let change = json!({"subject": "Elephant"});
    coordinator.patch(&path(&draft, ""), "*", change).await.expect(200);
    assert_eq!(found(&search(&coordinator, "q=giraffe").await).len(), 0);
    assert_eq!(found(&search(&coordinator, "q=elephant").await), [id(&draft)]);

    let ticket = app.open_ticket(json!({"description": "My card is 4111 1111"})).await;
    let said = note(&coordinator, &ticket, "The password is hippopotamus", "internal").await;
    for q in ["4111", "hippopotamus"] {
        assert_eq!(found(&search(&coordinator, &format!("q={q}")).await), [id(&ticket)], "{q}");
    }
    // As a redaction does it, past the triggers that keep what was said.
    for statement in [
        "alter table notes disable trigger notes_append_only".to_owned(),
        "alter table tickets disable trigger tickets_keep_original".to_owned(),
        format!("update notes set body = 'The password is ***' where id = '{}'", id(&said)),
        format!("update tickets set description = 'My card is ***' where id = '{}'", id(&ticket)),
    ] {
        app.sql(statement).await.unwrap();
    }
    for q in ["4111", "hippopotamus"] {
        assert_eq!(found(&search(&coordinator, &format!("q={q}")).await).len(), 0, "{q}");
    }
    assert_eq!(found(&search(&coordinator, "q=password card").await), [id(&ticket)]);
}

/// The tickets whose kept words or pairs differ from those that they would have if they were made anew.
async fn stale(app: &TestApp) -> i64 {
    let words = "create temporary table kept as select * from ticket_texts;
        select renew_ticket_text(id) from tickets;";
    let mut conn = PgConnection::establish(app.database.url.expose()).unwrap();
    conn.batch_execute(words).unwrap();
    let differ = "select count(*) from kept join ticket_texts t using (ticket_id) where (t.words, t.pairs) is distinct from (kept.words, kept.pairs)";
    diesel::dsl::sql::<diesel::sql_types::BigInt>(differ).get_result(&mut conn).unwrap()
}

#[actix_web::test]
async fn notes_that_one_statement_changes_or_moves_are_found_where_and_as_they_are() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let (from, to) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    for body in ["The parrot", "The parrot again", "The ostrich"] {
        note(&coordinator, &from, body, "internal").await;
    }
    for statement in [
        "alter table notes disable trigger notes_append_only".to_owned(),
        "update notes set body = replace(body, 'parrot', '***')".into(),
        format!(
            "update notes set ticket_id = '{}', seq = seq + 100 where body like '%ostrich'",
            id(&to)
        ),
        "delete from notes where body like '%again'".into(),
    ] {
        app.sql(statement).await.unwrap();
    }
    for (q, expected) in [("parrot", vec![]), ("ostrich", vec![id(&to)]), ("again", vec![])] {
        assert_eq!(found(&search(&coordinator, &format!("q={q}")).await), expected, "{q}");
    }
    assert_eq!(stale(&app).await, 0);
}

#[actix_web::test]
async fn a_note_that_is_added_while_the_ticket_changes_is_found() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let draft = json!({"subject": "Giraffe", "draft": true});
    let draft = coordinator.post("/v1/tickets", draft).await.expect(201);
    let mut conn = PgConnection::establish(app.database.url.expose()).unwrap();
    conn.batch_execute(&format!(
        "begin;
         insert into notes (id, ticket_id, seq, visibility, channel, author_id, author_role, author_name, body, created_at)
         values (gen_random_uuid(), '{}', 1, 'public', 'api', gen_random_uuid(), 'agent', 'x', 'Flamingo', now())",
        id(&draft)
    ))
    .unwrap();
    let (caller, at) = (app.agent("Coordinator").await, path(&draft, ""));
    let change = actix_web::rt::spawn(async move {
        caller.patch(&at, "*", json!({"subject": "Elephant"})).await
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!change.is_finished(), "it waits for the note");
    conn.batch_execute("commit").unwrap();
    change.await.unwrap().expect(200);
    assert_eq!(found(&search(&coordinator, "q=elephant flamingo").await), [id(&draft)]);
    assert_eq!(stale(&app).await, 0);
}

#[actix_web::test]
async fn what_is_searched_of_a_ticket_goes_with_it() {
    let app = TestApp::start().await;
    let draft = app
        .sql(
            "insert into tickets (id, workflow_id, status, category, subject, description, department_id, level, source,
              opened_by, opened_by_role, created_at, updated_at)
             select gen_random_uuid(), w.id, s.code, s.category, 'Giraffe', '', d.id, 'L1', 'api', gen_random_uuid(),
              'integration', now(), now()
             from departments d join workflows w on w.id = d.workflow_id join statuses s on s.workflow_id = w.id
             where d.is_default and s.category = 'draft'",
        )
        .await;
    assert_eq!(draft.unwrap(), 1);
    let texts = "select count(*) as number from ticket_texts";
    assert_eq!(app.number(texts).await, 1);
    assert_eq!(app.sql("delete from tickets").await.unwrap(), 1);
    assert_eq!(app.number(texts).await, 0);
}

#[actix_web::test]
async fn the_texts_of_a_ticket_are_those_that_it_would_have_if_they_were_made_anew() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    for (body, visibility) in [("One", "public"), ("Two", "internal"), ("Three", "public")] {
        note(&coordinator, &ticket, body, visibility).await;
    }
    // Longer than PostgreSQL takes as one tsvector: the conversation goes on all the same.
    let long: String = (0..6_000).map(|n| format!("word{n:08} ")).collect();
    for part in 0..30 {
        let row = format!(
            "insert into notes (id, ticket_id, seq, visibility, channel, author_id, author_role, author_name, body, created_at)
             values (gen_random_uuid(), '{}', {}, 'public', 'api', gen_random_uuid(), 'agent', 'x', '{}', now())",
            id(&ticket), 100 + part, long.replace("word0", &format!("part{part}x"))
        );
        app.sql(row).await.unwrap();
    }
    let words = "select md5(words::text || pairs::text) as text from ticket_texts where words @@ 'two & three & part0x0000001'";
    let before = app.text(words).await.unwrap();
    app.sql(format!("select renew_ticket_text('{}')", id(&ticket))).await.unwrap();
    assert_eq!(app.text(words).await, Some(before));
    assert_eq!(found(&search(&coordinator, "q=three").await), [id(&ticket)]);
}
