//! The secret key is replaced while everything that it sealed stays of use.
use casebridge::app::Service;
use casebridge::config::Config;
use casebridge::db::Db;
use casebridge::kernel::{Secret, SecretKey};
use chrono::Utc;
use reqwest::Method;
use serde_json::json;

use crate::support::mirror::Mirrored;
use crate::support::{Reply, casebridge, secret_key};

async fn start(desk: &Mirrored, key: &Secret, previous: &[Secret]) -> anyhow::Result<Service> {
    let config = Config {
        public_url: desk.app.url.clone(),
        secret_key: Some(key.clone()),
        previous_secret_keys: previous.to_vec(),
        ..Config::default()
    };
    Service::new(config, Db::connect(&desk.app.database.url, 2)?).await
}

#[actix_web::test]
async fn after_a_rotation_the_old_key_can_go() {
    let desk = Mirrored::start().await;
    let hooks = format!("/v1/crm/connections/{}/hooks", desk.connection);
    let secret = json!({"scheme": "standard", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"});
    let set = desk.admin.request(Method::PUT, &hooks).header("if-match", "*").json(&secret);
    Reply::of(set).await.expect(200);
    let (old, new) = (secret_key(), SecretKey::generate().unwrap());
    assert!(start(&desk, &new, &[]).await.is_err(), "the new key alone opens nothing yet");
    let between = start(&desk, &new, std::slice::from_ref(&old)).await.unwrap();
    let first = desk.open("Between").await;
    desk.app.publish().await;
    assert!(between.mirror.converge_due(Utc::now()).await.unwrap());
    assert_eq!(desk.mirror(&first).await["state"], "linked");

    let environment = [
        ("DATABASE_URL", desk.app.database.url.expose()),
        ("CASEBRIDGE_SECRET_KEY", new.expose()),
        ("CASEBRIDGE_PREVIOUS_SECRET_KEYS", old.expose()),
    ];
    for told in
        ["signing keys 1, secrets of connections 2", "signing keys 0, secrets of connections 0"]
    {
        let output = casebridge(&["reseal"], &environment).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains(told), "{output:?}");
    }

    let after = start(&desk, &new, &[]).await.unwrap();
    let second = desk.open("After").await;
    desk.app.publish().await;
    assert!(after.mirror.converge_due(Utc::now()).await.unwrap());
    assert_eq!(desk.mirror(&second).await["state"], "linked");
    assert!(start(&desk, &old, &[]).await.is_err(), "the old key opens nothing any more");
}

#[actix_web::test]
async fn a_secret_that_no_key_opens_ends_a_resealing_with_its_connection_and_changes_nothing() {
    let desk = Mirrored::start().await;
    desk.sql("update crm_connections set sealed_secret = 'lost'").await;
    let new = SecretKey::generate().unwrap();
    let old = secret_key();
    let environment = [
        ("DATABASE_URL", desk.app.database.url.expose()),
        ("CASEBRIDGE_SECRET_KEY", new.expose()),
        ("CASEBRIDGE_PREVIOUS_SECRET_KEYS", old.expose()),
    ];
    let output = casebridge(&["reseal"], &environment).output().unwrap();
    assert!(!output.status.success());
    assert!(start(&desk, &old, &[]).await.is_ok(), "the signing key is as it was");
}
