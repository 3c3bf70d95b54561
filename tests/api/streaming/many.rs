//! Many listeners cost no threads and leave the database to others.
use std::time::{Duration, Instant};

use casebridge::kernel::Role;
use futures_util::future::join_all;
use serde_json::json;

use super::Listener;
use crate::support::TestApp;

const LISTENERS: usize = 1_000;

/// The threads of this process that serve: tests beside this one come and go.
fn serving_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).ok();
    let names = tasks.filter_map(|task| name(task.unwrap()));
    names.filter(|name| !name.contains("::")).count()
}

#[actix_web::test]
async fn a_thousand_listeners_need_no_thread_each_and_all_hear_it() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    app.publish().await;
    let threads = serving_threads();
    let mut listeners = Vec::new();
    for _ in 0..LISTENERS / 50 {
        let some = (0..50).map(|_| Listener::start(&admin, "", None));
        listeners.extend(join_all(some).await);
    }
    for listener in &mut listeners {
        listener.next().await.unwrap();
    }
    let more = serving_threads().saturating_sub(threads);
    assert!(more < LISTENERS / 4, "{more} threads for {LISTENERS} listeners");
    // Requests are answered as if nobody listened.
    let began = Instant::now();
    admin.post("/v1/products", json!({"name": "News"})).await.expect(201);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    app.publish().await;
    let heard = join_all(listeners.iter_mut().map(Listener::event)).await;
    assert!(heard.iter().all(|said| *said == heard[0]));
    assert_eq!(heard[0].data["changes"]["name"]["to"], "News");
}
