//! Receivers that are slow, wrong or away: tried again in time, and nobody else's trouble.
use std::sync::Arc;
use std::time::{Duration, Instant};

use casebridge::kernel::Role;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::{desk, hook, time};
use crate::support::receiver::{Answer, Receiver};
use crate::support::{TestApp, path};

/// A webhook for one event, which is queued.
async fn one_event(app: &TestApp, receiver: &Receiver) -> Value {
    let webhook = app.webhook(receiver, json!({"types": ["ticket.opened"]})).await;
    app.open_ticket(json!({})).await;
    webhook
}

#[actix_web::test]
async fn a_failed_delivery_is_tried_again_by_the_schedule_until_it_is_dead() {
    let app = desk().await;
    let receiver = Receiver::scripted(|_, _| Answer::Full(500, "", "broken")).await;
    let webhook = one_event(&app, &receiver).await;
    app.deliver().await;
    let mut passed = TimeDelta::zero();
    for (attempt, seconds) in
        [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].into_iter().enumerate()
    {
        assert_eq!(receiver.count(), attempt + 1);
        // Not before its time, and not later than a tenth behind it.
        app.deliver_after(passed + TimeDelta::seconds(seconds) - TimeDelta::seconds(1)).await;
        assert_eq!(receiver.count(), attempt + 1, "{seconds}");
        passed += TimeDelta::seconds(seconds * 11 / 10 + 30);
        app.deliver_after(passed).await;
    }
    assert_eq!(receiver.count(), 10);
    app.deliver_after(passed + TimeDelta::days(30)).await;
    assert_eq!(receiver.count(), 10);
    let delivery = &app.deliveries(&webhook).await[0];
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("dead"), &json!(10)));
    assert_eq!(delivery["next_attempt_at"], Value::Null);
    let log = delivery["log"].as_array().unwrap();
    let statuses: Vec<_> = log.iter().map(|attempt| attempt["status"].as_i64().unwrap()).collect();
    assert_eq!(statuses, [500; 10]);
    assert_eq!(log[9]["response"], "broken");
    let ids: Vec<_> = receiver.received().iter().map(|m| m.id().to_owned()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(app.webhook_now(&webhook).await["failures"], 10);
}

#[actix_web::test]
async fn a_receiver_that_asks_for_a_pause_is_left_alone_that_long() {
    let app = desk().await;
    let receiver = Receiver::scripted(|_, before| match before {
        0 => Answer::Full(429, "retry-after: 60", ""),
        _ => Answer::status(200),
    });
    let receiver = receiver.await;
    let webhook = one_event(&app, &receiver).await;
    app.deliver().await;
    app.open_ticket(json!({})).await;
    app.deliver_after(TimeDelta::seconds(50)).await;
    assert_eq!(receiver.count(), 1);
    let rest = time(&app.webhook_now(&webhook).await["rest_until"]);
    assert!((rest - Utc::now() - TimeDelta::seconds(60)).abs() < TimeDelta::seconds(20));
    app.deliver_after(TimeDelta::seconds(70)).await;
    assert_eq!(receiver.count(), 3);
    assert_eq!(app.webhook_now(&webhook).await["failures"], 0);
}

#[actix_web::test]
async fn a_receiver_that_is_gone_gets_nothing_until_it_is_switched_on_again() {
    let app = desk().await;
    let receiver = Receiver::scripted(|_, before| match before {
        0 => Answer::status(410),
        _ => Answer::status(204),
    });
    let receiver = receiver.await;
    let webhook = one_event(&app, &receiver).await;
    app.open_ticket(json!({})).await;
    app.deliver().await;
    let gone = app.webhook_now(&webhook).await;
    assert_eq!((&gone["active"], &gone["disabled_reason"]), (&json!(false), &json!("gone")));
    let sent = receiver.count();
    app.deliver_after(TimeDelta::days(2)).await;
    assert_eq!(receiver.count(), sent);
    let admin = app.client(Role::Admin).await;
    app.publish().await;
    let feed = admin.get("/v1/events?types=resource.changed&limit=100").await.expect(200);
    let told = feed["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(told["subject"], format!("webhook/{}", webhook["id"].as_str().unwrap()));
    assert_eq!(told["changes"]["disabled_reason"]["to"], "gone");

    let on = admin.patch(&hook(&webhook, ""), "*", json!({"active": true})).await.expect(200);
    assert_eq!(on["disabled_reason"], Value::Null);
    app.deliver_after(TimeDelta::days(2)).await;
    assert!(app.deliveries(&webhook).await.iter().all(|one| one["state"] == "delivered"));
}

#[actix_web::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let app = desk().await;
    let target = Receiver::start().await;
    let line: &'static str = Box::leak(format!("location: {}", target.url()).into_boxed_str());
    let receiver = Receiver::scripted(move |_, _| Answer::Full(307, line, "")).await;
    let webhook = one_event(&app, &receiver).await;
    app.deliver().await;
    let delivery = &app.deliveries(&webhook).await[0];
    assert_eq!(
        (&delivery["state"], &delivery["log"][0]["status"]),
        (&json!("queued"), &json!(307))
    );
    assert_eq!((receiver.count(), target.count()), (1, 0));
}

#[actix_web::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let app = desk().await;
    let receiver = Receiver::scripted(|_, _| Answer::Endless).await;
    let webhook = one_event(&app, &receiver).await;
    let began = Instant::now();
    app.deliver().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let delivery = &app.deliveries(&webhook).await[0];
    assert_eq!(delivery["state"], "delivered");
    assert_eq!(delivery["log"][0]["response"].as_str().unwrap().len(), 1000);
}

#[actix_web::test]
async fn one_that_never_answers_delays_nobody_and_is_given_15_seconds() {
    let app = desk().await;
    let silent = Receiver::scripted(|_, _| Answer::Silence).await;
    let good = Receiver::start().await;
    let dead = app.webhook(&silent, json!({"types": ["ticket.opened"]})).await;
    app.webhook(&good, json!({"types": ["ticket.opened"]})).await;
    for _ in 0..20 {
        app.open_ticket(json!({})).await;
    }
    app.publish().await;
    let (began, now) = (Instant::now(), Utc::now());
    let webhooks = &app.service.webhooks;
    while webhooks.feed_next(now).await.unwrap() {}
    webhooks.start_due(now).await.unwrap();
    good.wait_for(20).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    // What comes later does not wait either.
    app.open_ticket(json!({})).await;
    app.publish().await;
    for _ in 0..50 {
        webhooks.feed_next(Utc::now()).await.unwrap();
        webhooks.start_due(Utc::now()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    good.wait_for(21).await;
    assert!(began.elapsed() < Duration::from_secs(14), "{:?}", began.elapsed());
    assert_eq!(silent.count(), 8, "a receiver has no more than its own connections");
    webhooks.close();
    webhooks.finished().await;
    let log = app.deliveries(&dead).await;
    let first = log.iter().find(|one| one["attempts"] == 1).unwrap();
    assert_eq!(first["log"][0]["error"], "no answer within 15 seconds");
    assert!(first["log"][0]["duration_ms"].as_i64().unwrap() >= 15_000);
    assert_eq!(first["state"], "queued");
}

#[actix_web::test]
async fn a_receiver_that_cannot_be_reached_or_proves_nothing_is_told_of_in_the_log() {
    let app = desk().await;
    let away = Receiver::start().await;
    let away_url = away.url();
    drop(away);
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = tokio_rustls::rustls::pki_types::PrivateKeyDer::Pkcs8(
        made.signing_key.serialize_der().into(),
    );
    let config = tokio_rustls::rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let strange = Receiver::encrypted(tokio_rustls::TlsAcceptor::from(Arc::new(config))).await;
    let closing = Receiver::scripted(|_, _| Answer::Close).await;
    let strange_url = format!("https://127.0.0.1:{}/", strange.port);
    let cases = [(away_url, "refused"), (strange_url, "certificate"), (closing.url(), "")];
    for (url, reason) in cases {
        let webhook = app.webhook(&closing, json!({"url": url, "types": []})).await;
        let admin = app.client(Role::Admin).await;
        admin.post(&hook(&webhook, "/ping"), json!({})).await.expect(201);
        app.deliver().await;
        let log = app.deliveries(&webhook).await;
        let test = log.iter().find(|one| one["type"] == "webhook.test").unwrap();
        let error = test["log"][0]["error"].as_str().unwrap();
        assert!(error.to_lowercase().contains(reason) && !error.contains("http"), "{error}");
        assert_eq!((&test["state"], &test["log"][0]["status"]), (&json!("dead"), &Value::Null));
        admin.delete(&hook(&webhook, ""), "*").await.expect(204);
    }
    assert_eq!(strange.count(), 0);
}

#[actix_web::test]
async fn what_a_receiver_said_to_a_ticket_is_forgotten_when_the_ticket_is_redacted() {
    let app = desk().await;
    let receiver = Receiver::scripted(|_, _| Answer::Full(200, "", "You sent swordfish!")).await;
    let webhook = app.webhook(&receiver, json!({"types": ["ticket.opened"]})).await;
    let ticket = app.open_ticket(json!({"description": "My word is swordfish."})).await;
    app.deliver().await;
    let said = app.deliveries(&webhook).await[0]["log"][0]["response"].clone();
    assert_eq!(said, "You sent swordfish!");
    let span = json!({"field": "description", "start": 11, "length": 9, "reason": "A password"});
    let admin = app.client(Role::Admin).await;
    admin.post_on(&path(&ticket, "/redactions"), "*", span).await.expect(201);
    let delivery = &app.deliveries(&webhook).await[0];
    assert_eq!(delivery["log"][0]["response"], Value::Null);
    assert!(!delivery.to_string().contains("swordfish"), "{delivery}");
}
