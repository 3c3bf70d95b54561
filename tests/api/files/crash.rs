//! The program is killed while files come in.
use std::sync::Arc;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use casebridge::attachments::Files;
use casebridge::config::Config;
use casebridge::db::Db;
use casebridge::kernel::SecretKey;
use chrono::{TimeDelta, Utc};
use diesel::RunQueryDsl as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::wire::Wire;
use super::{bytes, content, fetch, file_part, form_type, objects};
use crate::support::{Client, Database, Process, Reply, free_port, path, secret_key};

async fn rows(db: &Db, query: &'static str) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        number: i64,
    }
    let read = move |conn: &mut diesel::PgConnection| {
        Ok(diesel::sql_query(query).get_result::<Row>(conn)?.number)
    };
    db.read(read).await.unwrap()
}

async fn stored(db: &Db, parts: i64) {
    for _ in 0..300 {
        let there = rows(db, "select count(*) as number from file_parts where size is not null");
        if there.await >= parts {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing is stored");
}

async fn resume(client: &Client, at: &str, all: &[u8]) -> usize {
    let known = Reply::of(client.request(Method::HEAD, at)).await;
    let offset: usize = known.header("upload-offset").parse().unwrap();
    let request = client.request(Method::PATCH, at).header("upload-offset", offset);
    let request = request.header("content-type", "application/offset+octet-stream");
    Reply::of(request.body(all[offset..].to_vec())).await.expect(204);
    offset
}

#[actix_web::test]
async fn killed_while_files_come_in_it_keeps_what_was_stored_and_forgets_the_rest() {
    let database = Database::create().await;
    let data =
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(uuid::Uuid::now_v7().to_string());
    let folder = data.to_str().unwrap();
    let port = free_port();
    let start =
        async || Process::serve_on(port, &database, &[("CASEBRIDGE_DATA_DIR", folder)]).await;
    let mut process = start().await;
    let admin = process.client("admin");
    let draft = json!({"subject": "Killed", "draft": true});
    let ticket: Value = admin.post("/v1/tickets", draft).await.expect(201);
    let db = Db::connect(&database.url, 2).unwrap();

    let all = bytes(8, 12_000_000);
    let request = admin.request(Method::POST, "/v1/uploads").header("upload-length", all.len());
    let named = format!("filename {}", STANDARD.encode("a.bin"));
    let made = Reply::of(request.header("upload-metadata", named)).await;
    let at = made.header("location").to_owned();
    let upload = made.expect(201)["id"].clone();
    let length = all.len().to_string();
    let headers = [
        ("content-type", "application/offset+octet-stream"),
        ("upload-offset", "0"),
        ("content-length", &length),
    ];
    let mut sending = Wire::open(&process.url, &admin, "PATCH", &at, &headers).await;
    sending.send(&all[..6_000_000]).await;
    stored(&db, 1).await;
    let form = [("content-type", &*form_type()), ("content-length", "90000000")];
    let attachments = path(&ticket, "/attachments");
    let mut attaching = Wire::open(&process.url, &admin, "POST", &attachments, &form).await;
    attaching.send(&file_part("b.bin", "application/zip", &bytes(9, 5_000_000))).await;
    stored(&db, 2).await;
    process.kill();
    drop((sending, attaching));

    let process = start().await;
    let admin = process.client("admin");
    assert_eq!(admin.get(&attachments).await.expect(200)["items"], json!([]));
    let offset = resume(&admin, &at, &all).await;
    assert!(offset >= 4 << 20, "{offset}");
    let added = admin.post(&attachments, json!({"upload_id": upload})).await.expect(201);
    let (_, _, got) = fetch(admin.request(Method::GET, &content(&added))).await;
    assert!(got == all);

    let config = Config { data_dir: data.clone(), ..Config::default() };
    let key = Arc::new(SecretKey::parse(&secret_key()).unwrap());
    let files = Files::new(&config, db.clone(), key).unwrap();
    for hours in [2, 26, 26] {
        while files.sweep(Utc::now() + TimeDelta::hours(hours)).await.unwrap() {}
    }
    let (kept, parts) = (
        rows(&db, "select count(*) as number from files").await,
        rows(&db, "select count(*) as number from file_parts").await,
    );
    assert_eq!((kept, parts), (1, objects(&data) as i64));
    let (_, _, got) = fetch(admin.request(Method::GET, &content(&added))).await;
    assert!(got == all);
    let _ = std::fs::remove_dir_all(&data);
}

#[actix_web::test]
async fn a_write_that_a_crash_broke_off_is_removed_with_its_object() {
    let app = crate::support::TestApp::start().await;
    let (part, shard) = ("0199f0c2b1c970008000000000000c0d", "0d");
    let sql = format!(
        "insert into file_parts (id, remove_at) values ('{part}', now() - interval '1 second')"
    );
    app.sql(sql).await.unwrap();
    let folder = app.service.config.data_dir.join("files").join(shard);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{part}#1")), b"half").unwrap();
    std::fs::write(folder.join("somebody-elses"), b"whole").unwrap();
    app.sweep(0).await;
    let left: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(left, ["somebody-elses"]);
    assert_eq!(app.rows("file_parts").await, 0);
}
