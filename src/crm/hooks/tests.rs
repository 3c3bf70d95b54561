use actix_web::http::header::{HeaderName, HeaderValue};
use chrono::TimeZone as _;
use proptest::prelude::*;

use super::*;

const STANDARD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const HUBSPOT_SECRET: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
const HUBSPOT_BODY: &str = r#"[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"ticket.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]"#;
const URL: &str = "https://desk.example/v1/crm/hooks/0199f0c2-b1c9-7d5e-8b1f-5a3c7d9e2f10";
const ESPOCRM_SECRET: &str = "b0f3a4c2d1e5f60718293a4b5c6d7e8f";
const ESPOCRM_BODY: &str = r#"[{"id":"663c1a2b3c4d5e6f7","status":"Pending"}]"#;

fn at(seconds: i64) -> DateTime<Utc> {
    Utc.timestamp_opt(seconds, 0).unwrap()
}

fn headers(all: &[(&str, &str)]) -> HeaderMap {
    let header = |(name, value): &(&str, &str)| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    };
    all.iter().map(header).collect()
}

fn read(
    scheme: Scheme,
    secret: &str,
    sent: &[(&str, &str)],
    url: &str,
    body: &str,
    now: i64,
) -> Result<Vec<Hint>, AppError> {
    let headers = headers(sent);
    let delivery = Delivery { headers: &headers, url, body: body.as_bytes() };
    scheme.read(&Secret::new(secret), delivery, at(now))
}

#[track_caller]
fn forged(read: Result<Vec<Hint>, AppError>) {
    assert!(matches!(read, Err(AppError::Unauthenticated(_))), "{read:?}");
}

fn sign(key: &[u8], content: &[u8]) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), content))
}

/// `v1,<base64>` over a Standard Webhook.
fn standard(id: &str, timestamp: i64, body: &str) -> String {
    let key = standard::key(STANDARD_SECRET).unwrap();
    format!("v1,{}", sign(&key, format!("{id}.{timestamp}.{body}").as_bytes()))
}

fn read_standard(signature: &str, body: &str, now: i64) -> Result<Vec<Hint>, AppError> {
    let sent = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", signature),
    ];
    read(Scheme::Standard, STANDARD_SECRET, &sent, URL, body, now)
}

#[test]
fn the_test_vector_of_standard_webhooks_is_signed_and_its_payload_is_none_of_ours() {
    let published = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let body = r#"{"test": 2432232314}"#;
    let read = read_standard(published, body, 1_614_265_330);
    assert!(matches!(read, Err(AppError::Malformed(_))), "{read:?}");
    forged(read_standard(published, r#"{"test": 2432232315}"#, 1_614_265_330));
    forged(read_standard(&published.replace("v1", "v2"), body, 1_614_265_330));
    forged(read_standard("", body, 1_614_265_330));
}

#[test]
fn a_standard_webhook_is_believed_for_five_minutes_to_either_side() {
    let body = r#"{"type": "case.updated", "data": {"id": "c-1"}}"#;
    let signature = standard("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
    let read = |offset: i64| read_standard(&signature, body, 1_614_265_330 + offset);
    let hint = Hint { hook_id: "msg_p5jXN8AQM9LWM0D4loKWxJek".into(), case_id: "c-1".into() };
    assert_eq!(read(300).unwrap(), [hint]);
    assert!(read(-300).is_ok());
    forged(read(301));
    forged(read(-301));
}

#[test]
fn one_good_signature_among_several_and_one_good_secret_among_several_are_enough() {
    let body = r#"{"data": {"ids": ["c-1", "c-2"]}}"#;
    let good = standard("msg_1", 1_614_265_330, body);
    let signatures = format!("v1a,AAAA v1,AAAA {good}");
    let sent = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", signatures.as_str()),
    ];
    let secrets = format!("whsec_AAAA {STANDARD_SECRET}");
    let hints = read(Scheme::Standard, &secrets, &sent, URL, body, 1_614_265_330).unwrap();
    let cases: Vec<&str> = hints.iter().map(|hint| hint.case_id.as_str()).collect();
    assert_eq!(cases, ["c-1", "c-2"]);
    forged(read(Scheme::Standard, "whsec_AAAA", &sent, URL, body, 1_614_265_330));
}

#[test]
fn an_empty_key_signs_nothing() {
    let body = r#"{"data": {"id": "c-1"}}"#;
    let signature = sign(b"", body.as_bytes());
    assert!(!Scheme::Standard.accepts(&Secret::new("whsec_")));
    assert!(!Scheme::Standard.accepts(&Secret::new("plain")));
    assert!(!Scheme::Hubspot.accepts(&Secret::new(" ")));
    assert!(Scheme::Espocrm.accepts(&Secret::new("one two")));
    let espo = STANDARD.encode(format!("w:{signature}"));
    forged(read(Scheme::Espocrm, "", &[("signature", &espo)], URL, body, 0));
}

fn read_hubspot(url: &str, timestamp: &str, now: i64) -> Result<Vec<Hint>, AppError> {
    // Computed with another implementation over the decoded URL.
    let sent = [
        ("x-hubspot-signature-v3", "2VWSi5V2KC/odJXWh3oOO2xonVzUGC95Oo331gC0qD0="),
        ("x-hubspot-request-timestamp", timestamp),
    ];
    read(Scheme::Hubspot, HUBSPOT_SECRET, &sent, url, HUBSPOT_BODY, now)
}

#[test]
fn a_webhook_of_hubspot_is_signed_with_its_decoded_url_and_its_time() {
    let url = format!("{URL}?a=%40b%3A%20c");
    let (sent_at, now) = ("1564113601000", 1_564_113_601);
    let hint = Hint { hook_id: "1 1564113600000".into(), case_id: "123".into() };
    assert_eq!(read_hubspot(&url, sent_at, now).unwrap(), [hint]);
    assert!(read_hubspot(&url, sent_at, now + 300).is_ok());
    forged(read_hubspot(&url, sent_at, now + 301));
    forged(read_hubspot(&url, "1564113901000", now + 300));
    forged(read_hubspot(URL, sent_at, now));
}

#[test]
fn of_hubspots_events_only_those_about_tickets_count() {
    let event = |kind: &str, more: &str| {
        format!(r#"{{"eventId":1,"objectId":7,"occurredAt":2,"subscriptionType":"{kind}"{more}}}"#)
    };
    let body = format!(
        "[{},{},{}]",
        event("contact.creation", ""),
        event("object.propertyChange", r#","objectTypeId":"0-5""#),
        event("object.propertyChange", r#","objectTypeId":"0-1""#)
    );
    let signature = sign(HUBSPOT_SECRET.as_bytes(), format!("POST{URL}{body}1000").as_bytes());
    let sent = [("x-hubspot-signature-v3", &*signature), ("x-hubspot-request-timestamp", "1000")];
    let hints = read(Scheme::Hubspot, HUBSPOT_SECRET, &sent, URL, &body, 1).unwrap();
    assert_eq!(hints.len(), 1);
}

#[test]
fn a_webhook_of_espocrm_is_one_with_an_equal_one_of_the_same_ten_seconds() {
    // Computed with another implementation.
    let signature = "NjYzYzAwMDAwMDAwMDAwMWE6NjBkNTgzYjAyNjE5MTI5Yzc2YmUwNjc3ZTY0ZTkxNmU1ZTY2NjZmZGJkNDBiOTlhNWMwMmY1ZmY3YjllYzY3Mg==";
    let sent = [("signature", signature)];
    let read = |now| read(Scheme::Espocrm, ESPOCRM_SECRET, &sent, URL, ESPOCRM_BODY, now).unwrap();
    assert_eq!(read(100)[0].case_id, "663c1a2b3c4d5e6f7");
    assert_eq!(read(100), read(109));
    assert_ne!(read(100), read(110));
    let other = format!(" {ESPOCRM_BODY}");
    forged(super::tests::read(Scheme::Espocrm, ESPOCRM_SECRET, &sent, URL, &other, 100));
    for odd in ["", "nonsense", "YTpiYg==", "YTpiYmI="] {
        let sent = [("signature", odd)];
        forged(super::tests::read(Scheme::Espocrm, ESPOCRM_SECRET, &sent, URL, ESPOCRM_BODY, 100));
    }
}

#[test]
fn what_is_signed_and_names_no_case_as_agreed_is_unreadable() {
    for body in ["{}", "[{}]", "nonsense", r#"[{"id": 7}]"#] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"k");
        let tag = hmac::sign(&key, body.as_bytes());
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let signature = STANDARD.encode(format!("w:{hex}"));
        let read = read(Scheme::Espocrm, "k", &[("signature", &signature)], URL, body, 0);
        assert!(matches!(read, Err(AppError::Malformed(_))), "{body}: {read:?}");
    }
}

proptest! {
    /// Whatever one byte of a webhook is changed to, it is refused, and nothing makes the reader panic.
    #[test]
    fn a_webhook_with_any_byte_changed_is_refused(at in 0_usize..48, byte: u8, signature in ".{0,80}") {
        let body = r#"{"type": "case.updated", "data": {"id": "c-10"}}"#;
        let signed = standard("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        let mut changed = body.as_bytes().to_vec();
        prop_assume!(changed[at] != byte);
        changed[at] = byte;
        let sent = headers(&[
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", &signed),
        ]);
        let delivery = Delivery { headers: &sent, url: URL, body: &changed };
        let secret = Secret::new(STANDARD_SECRET);
        let read = Scheme::Standard.read(&secret, delivery, super::tests::at(1_614_265_330));
        prop_assert!(matches!(read, Err(AppError::Unauthenticated(_))));
        if let Ok(value) = HeaderValue::from_str(&signature) {
            for name in ["signature", "x-hubspot-signature-v3"] {
                let mut sent = headers(&[("x-hubspot-request-timestamp", "1")]);
                sent.insert(HeaderName::from_static(name), value.clone());
                let delivery = Delivery { headers: &sent, url: URL, body: &changed };
                for scheme in [Scheme::Espocrm, Scheme::Hubspot] {
                    let read = scheme.read(&Secret::new("k"), delivery, super::tests::at(0));
                    prop_assert!(matches!(read, Err(AppError::Unauthenticated(_))));
                }
            }
        }
    }
}
