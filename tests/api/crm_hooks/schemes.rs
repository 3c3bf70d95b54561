//! Whom a connection believes.
use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::json;

use super::{SECRET, base64, remembered, send, set, sign, standard, tag, take};
use crate::support::Reply;
use crate::support::mirror::Mirrored;

#[actix_web::test]
async fn a_signed_webhook_makes_the_engine_read_the_case() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Hooked").await;
    desk.converge().await;
    set(&desk, "standard", SECRET).await.expect(200);
    desk.edit(&ticket, json!({"priority": "P1"})).await;
    let case = desk.case(&ticket).await.id;
    send(&desk, "msg_1", &case).await.expect(202);
    take(&desk).await;
    desk.converge().await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "high");
}

#[actix_web::test]
async fn a_note_that_a_webhook_hints_at_comes_in_without_a_poll() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Noted").await;
    desk.converge().await;
    set(&desk, "standard", SECRET).await.expect(200);
    let case = desk.case(&ticket).await.id;
    let note = json!({"name": "Call", "description": "They rang.", "parent_type": "Cases", "parent_id": case});
    desk.in_the_crm(|crm| crm.create("Notes", note).unwrap());
    send(&desk, "msg_1", &case).await.expect(202);
    take(&desk).await;
    desk.converge().await;
    let notes = desk.admin.get(&format!("/v1/tickets/{ticket}/notes")).await.expect(200);
    assert!(notes.to_string().contains("They rang."), "{notes}");
}

#[actix_web::test]
async fn a_forged_a_stale_and_an_unsigned_webhook_are_refused_and_leave_nothing() {
    let desk = Mirrored::start().await;
    set(&desk, "standard", SECRET).await.expect(200);
    let (anonymous, id) = (desk.app.anonymous(), desk.connection.clone());
    let body = json!({"data": {"id": "c-1"}});
    let at = |minutes| (Utc::now() + TimeDelta::minutes(minutes)).timestamp();
    for signed_at in [at(-6), at(6)] {
        let sent = standard(&anonymous, &id, "msg_1", signed_at, &body);
        Reply::of(sent).await.problem(401, "unauthenticated");
    }
    let forged = standard(&anonymous, &id, "msg_1", at(0), &body).body(r#"{"data":{"id":"c-2"}}"#);
    Reply::of(forged).await.problem(401, "unauthenticated");
    let unsigned = anonymous.post(&format!("/v1/crm/hooks/{id}"), body).await;
    assert!(!unsigned.header("www-authenticate").is_empty());
    unsigned.problem(401, "unauthenticated");
    assert_eq!(remembered(&desk).await, 0);
}

#[actix_web::test]
async fn a_connection_without_a_secret_answers_as_one_that_is_unknown() {
    let desk = Mirrored::start().await;
    let unset = send(&desk, "msg_1", "c-1").await.problem(404, "not_found");
    let nobodys = "/v1/crm/hooks/0199f0c2-0000-7000-8000-000000000000";
    let unknown = desk.app.anonymous().post(nobodys, json!({"data": {"id": "c-1"}})).await;
    let unknown = unknown.problem(404, "not_found");
    assert_eq!(unset["detail"], unknown["detail"]);
}

#[actix_web::test]
async fn webhooks_of_espocrm_are_verified_with_any_of_their_keys() {
    let desk = Mirrored::start().await;
    set(&desk, "espocrm", "key-of-create key-of-update").await.expect(200);
    let body = r#"[{"id":"663c1a2b3c4d5e6f7","status":"Pending"},{"id":"663c1a2b3c4d5e6f8"}]"#;
    let path = format!("/v1/crm/hooks/{}", desk.connection);
    let send = |key: &str| {
        let tag = tag(key.as_bytes(), body);
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let signature = base64(&format!("663c000000000001a:{hex}"));
        Reply::of(
            desk.app
                .anonymous()
                .request(Method::POST, &path)
                .header("signature", signature)
                .body(body),
        )
    };
    send("key-of-update").await.expect(202);
    send("key-of-delete").await.problem(401, "unauthenticated");
    assert_eq!(remembered(&desk).await, 2);
}

#[actix_web::test]
async fn webhooks_of_hubspot_are_signed_with_the_public_address() {
    let desk = Mirrored::start().await;
    set(&desk, "hubspot", "client-secret").await.expect(200);
    let path = format!("/v1/crm/hooks/{}?portal=%4062515", desk.connection);
    let url = format!("{}{}", desk.app.url, path.replace("%40", "@"));
    let event = |id: i64| json!({"eventId": id, "objectId": 512, "occurredAt": 1, "subscriptionType": "ticket.propertyChange"});
    let body = json!([event(1), event(2)]).to_string();
    let send = |url: String| {
        let timestamp = Utc::now().timestamp_millis().to_string();
        let signature = sign(b"client-secret", &format!("POST{url}{body}{timestamp}"));
        let request = desk.app.anonymous().request(Method::POST, &path);
        let request = request.header("x-hubspot-request-timestamp", timestamp);
        Reply::of(request.header("x-hubspot-signature-v3", signature).body(body.clone()))
    };
    send(url).await.expect(202);
    send(format!("https://elsewhere.example{path}")).await.problem(401, "unauthenticated");
    assert_eq!(remembered(&desk).await, 2);
}

#[actix_web::test]
async fn the_secret_is_never_shown_and_another_one_ends_it_at_once() {
    let desk = Mirrored::start().await;
    let path = format!("/v1/crm/connections/{}/hooks", desk.connection);
    let unset = desk.admin.get(&path).await;
    assert_eq!(unset.header("etag"), "\"v0\"");
    assert_eq!(unset.expect(200)["scheme"], json!(null));
    let shown = set(&desk, "standard", SECRET).await.expect(200);
    assert!(!shown.to_string().contains(&SECRET[6..]), "{shown}");
    assert_eq!(shown["url"], format!("{}/v1/crm/hooks/{}", desk.app.url, desk.connection));
    send(&desk, "msg_1", "c-1").await.expect(202);
    set(&desk, "standard", "whsec_b3RoZXIgc2VjcmV0").await.expect(200);
    send(&desk, "msg_2", "c-1").await.problem(401, "unauthenticated");
    set(&desk, "standard", "no secret").await.problem(422, "validation_failed");
    let stale = json!({"scheme": "standard", "secret": SECRET});
    let stale = desk.admin.request(Method::PUT, &path).header("if-match", "\"v1\"").json(&stale);
    Reply::of(stale).await.problem(412, "stale_version");
}

#[actix_web::test]
async fn a_crm_that_cannot_be_subscribed_to_says_so() {
    let desk = Mirrored::start().await;
    let path = format!("/v1/crm/connections/{}/hooks/subscribe", desk.connection);
    desk.admin.post(&path, json!({})).await.problem(409, "no_webhooks");
}
