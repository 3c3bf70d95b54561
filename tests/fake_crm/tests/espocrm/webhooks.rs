use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use chrono::TimeDelta;
use fake_crm::espo::signature;
use serde_json::{Value, json};

use crate::support::{CLERK, Crm};

/// Somebody who is called, and what they answer.
#[derive(Clone)]
struct Listener {
    url: String,
    status: Arc<Mutex<u16>>,
    calls: Arc<Mutex<Vec<(String, String)>>>,
}

impl Listener {
    fn start() -> Self {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", server.local_addr().unwrap());
        let listener = Self { url, status: Arc::new(Mutex::new(202)), calls: Arc::default() };
        let shared = listener.clone();
        std::thread::spawn(move || {
            let app = move || {
                App::new().app_data(Data::new(shared.clone())).default_service(web::to(hear))
            };
            let running =
                HttpServer::new(app).workers(1).disable_signals().listen(server).unwrap().run();
            actix_web::rt::System::new().block_on(running)
        });
        listener
    }

    fn answer(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    /// What was heard until now: signature and body.
    fn heard(&self) -> Vec<(String, Value)> {
        let calls = std::mem::take(&mut *self.calls.lock().unwrap());
        calls
            .into_iter()
            .map(|(signature, body)| (signature, serde_json::from_str(&body).unwrap()))
            .collect()
    }
}

async fn hear(http: HttpRequest, body: Bytes, listener: Data<Listener>) -> HttpResponse {
    let signature = http.headers().get("signature").unwrap().to_str().unwrap().to_owned();
    listener.calls.lock().unwrap().push((signature, String::from_utf8(body.to_vec()).unwrap()));
    HttpResponse::new(StatusCode::from_u16(*listener.status.lock().unwrap()).unwrap())
}

async fn subscribe(crm: &Crm, listener: &Listener, event: &str) -> (String, String) {
    let body = json!({ "event": event, "url": listener.url, "skipOwn": true });
    let made = crm.post("Webhook", body).await;
    assert_eq!(made.status, 200, "{made:?}");
    (made.id().to_owned(), made.body["secretKey"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn events_are_sent_in_signed_batches_of_partial_records_without_our_own() {
    let (crm, listener) = (Crm::start().await, Listener::start());
    let case = crm.case("a").await;
    let (id, secret) = subscribe(&crm, &listener, "Case.update").await;
    crm.put(&format!("Case/{}", case.id()), None, json!({ "priority": "Low" })).await;
    crm.fake.edit("Case", case.id(), json!({ "priority": "High" }), CLERK).unwrap();
    crm.fake.edit("Case", case.id(), json!({ "status": "Closed" }), CLERK).unwrap();
    let sent = crm.fake.send_webhooks().await;
    assert_eq!(sent.iter().map(|delivery| delivery.status).collect::<Vec<_>>(), [202]);
    let heard = listener.heard();
    let expected =
        json!([{ "id": case.id(), "priority": "High" }, { "id": case.id(), "status": "Closed" }]);
    assert_eq!(heard[0].1, expected);
    assert_eq!(heard[0].0, signature(&id, &secret, &sent[0].body));
    assert!(crm.fake.send_webhooks().await.is_empty() && crm.fake.queued_events().is_empty());
}

#[tokio::test]
async fn the_signature_is_the_webhooks_id_and_the_hex_of_an_hmac_in_base64() {
    // HMAC-SHA256 of RFC 4231, test case 2.
    let expected = "d2g6NWJkY2MxNDZiZjYwNzU0ZTZhMDQyNDI2MDg5NTc1Yzc1YTAwM2YwODlkMjczOTgzOWRlYzU4Yjk2NGVjMzg0Mw==";
    assert_eq!(signature("wh", "Jefe", "what do ya want for nothing?"), expected);
}

#[tokio::test]
async fn creation_deletion_and_the_change_of_one_field_are_events_of_their_own() {
    let (crm, listener) = (Crm::start().await, Listener::start());
    for event in ["Case.create", "Case.delete", "Case.fieldUpdate.assignedUser"] {
        subscribe(&crm, &listener, event).await;
    }
    let case = crm.fake.create("Case", json!({ "name": "a" })).unwrap();
    crm.fake.edit("Case", &case, json!({ "priority": "High" }), CLERK).unwrap();
    crm.fake.edit("Case", &case, json!({ "assignedUserId": CLERK }), CLERK).unwrap();
    crm.fake.delete("Case", &case, CLERK).unwrap();
    crm.fake.send_webhooks().await;
    let bodies: Vec<Value> =
        listener.heard().into_iter().map(|(_, body)| body[0].clone()).collect();
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().any(|body| body["name"] == "a" && body["id"] == *case));
    assert!(bodies.contains(&json!({ "id": case })));
    assert!(bodies.contains(&json!({ "id": case, "assignedUserId": CLERK })));
}

#[tokio::test]
async fn a_retried_batch_comes_ten_minutes_later_and_after_newer_ones() {
    let (crm, listener) = (Crm::start().await, Listener::start());
    let case = crm.case("a").await;
    subscribe(&crm, &listener, "Case.update").await;
    listener.answer(503);
    crm.fake.edit("Case", case.id(), json!({ "priority": "High" }), CLERK).unwrap();
    assert_eq!(crm.fake.send_webhooks().await[0].status, 503);
    listener.answer(202);
    crm.fake.edit("Case", case.id(), json!({ "priority": "Low" }), CLERK).unwrap();
    crm.fake.send_webhooks().await;
    assert!(crm.fake.send_webhooks().await.is_empty(), "it is not due yet");
    crm.fake.set_clock_offset(TimeDelta::minutes(11));
    crm.fake.send_webhooks().await;
    let order: Vec<Value> =
        listener.heard().iter().map(|(_, body)| body[0]["priority"].clone()).collect();
    assert_eq!(order, ["High", "Low", "High"]);
}

#[tokio::test]
async fn four_failures_or_one_of_the_wrong_kind_lose_an_event_for_good() {
    let (crm, listener) = (Crm::start().await, Listener::start());
    let case = crm.case("a").await;
    subscribe(&crm, &listener, "Case.update").await;
    listener.answer(429);
    crm.fake.edit("Case", case.id(), json!({ "priority": "High" }), CLERK).unwrap();
    crm.fake.send_webhooks().await;
    assert!(crm.fake.queued_events().is_empty());
    listener.answer(500);
    crm.fake.edit("Case", case.id(), json!({ "priority": "Low" }), CLERK).unwrap();
    for round in 1..=4 {
        assert_eq!(crm.fake.send_webhooks().await.len(), 1, "round {round}");
        crm.fake.set_clock_offset(TimeDelta::minutes(11 * round));
    }
    assert!(crm.fake.send_webhooks().await.is_empty());
}

#[tokio::test]
async fn gone_takes_the_webhook_away_and_nobody_at_the_address_is_tried_again() {
    let (crm, listener) = (Crm::start().await, Listener::start());
    let case = crm.case("a").await;
    let (id, _) = subscribe(&crm, &listener, "Case.update").await;
    listener.answer(410);
    crm.fake.edit("Case", case.id(), json!({ "priority": "High" }), CLERK).unwrap();
    crm.fake.send_webhooks().await;
    assert_eq!(crm.get(&format!("Webhook/{id}")).await.status, 404);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let body = json!({ "event": "Case.update", "url": format!("http://{free}/"), "skipOwn": true });
    crm.post("Webhook", body).await;
    crm.fake.edit("Case", case.id(), json!({ "priority": "Low" }), CLERK).unwrap();
    assert_eq!(crm.fake.send_webhooks().await[0].status, 0);
    assert_eq!(crm.fake.queued_events()[0].attempts, 1);
}

#[tokio::test]
async fn an_event_that_is_none_is_refused() {
    let crm = Crm::start().await;
    for event in ["Case.explode", "Case", "Nothing.create", "Note.create"] {
        let body = json!({ "event": event, "url": "http://127.0.0.1:1/" });
        assert_eq!(crm.post("Webhook", body).await.status, 403, "{event}");
    }
}
