//! Looks for changes that the CRM refuses for good.
use std::time::Duration;

use chrono::Utc;
use fake_crm::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::support::mirror::{Mirrored, text};

/// Tells the connection that products are kept in this attribute of a case.
async fn product_in(desk: &Mirrored, attribute: &str) {
    let path = format!("/v1/crm/connections/{}?check=false", desk.connection);
    let fields = json!({"product": attribute, "number": "ticket_number_c", "link": "ticket_id_c"});
    desk.admin.patch(&path, "*", json!({"settings": {"fields": fields}})).await.expect(200);
}

async fn poll(desk: &Mirrored) {
    desk.sql("update crm_connections set poll_at = now(), not_before = null").await;
    assert!(desk.app.service.mirror.poll_due(Utc::now()).await.unwrap());
}

async fn connection(desk: &Mirrored) -> Value {
    desk.admin.get(&format!("/v1/crm/connections/{}", desk.connection)).await.expect(200)
}

/// What is said of the polls, with the version of the connection.
async fn told(desk: &Mirrored) -> (Value, Value, i64) {
    let (connection, health) = (connection(desk).await, desk.health().await);
    for field in ["poll_error", "poll_refused_since"] {
        assert_eq!(connection[field], health[field], "{health}");
    }
    let version = connection["version"].as_i64().unwrap();
    (health["poll_error"].clone(), health["poll_refused_since"].clone(), version)
}

#[actix_web::test]
async fn a_poll_that_is_refused_for_good_shows_with_the_connection_until_one_succeeds() {
    let desk = Mirrored::start().await;
    let name = format!("CRM {}", uuid::Uuid::now_v7());
    let path = format!("/v1/crm/connections/{}", desk.connection);
    desk.admin.patch(&path, "*", json!({ "name": name })).await.expect(200);
    poll(&desk).await;
    let well = told(&desk).await;
    assert_eq!((&well.0, &well.1), (&Value::Null, &Value::Null));

    product_in(&desk, "nowhere_c").await;
    let read_until = desk.health().await["read_until"].clone();
    poll(&desk).await;
    let (error, since, version) = told(&desk).await;
    assert!(text(&error).contains("nowhere_c"), "{error}");
    for hidden in [desk.crm.url(), desk.crm.client_secret().to_owned()] {
        assert!(!text(&error).contains(&hidden), "{error}");
    }
    // An ETag of before does not stand for what is shown now, and refusals in a row are one piece of news.
    assert_eq!(version, well.2 + 2);
    poll(&desk).await;
    assert_eq!(told(&desk).await, (error.clone(), since.clone(), version));
    let health = desk.health().await;
    assert_eq!(health["read_until"], read_until);
    assert_eq!((&health["failures"], &health["breaker"]), (&json!(0), &json!("closed")));
    desk.crm.fail(FaultRule::next(Fault::ServerError));
    poll(&desk).await;
    assert_eq!(told(&desk).await, (error, since, version), "what may pass is told by failures");
    let figures = desk.app.anonymous().get("/metrics").await.expect(200);
    for (class, count) in [("permanent", 2), ("transient", 1)] {
        let line = format!(
            "mirror_poll_failures_total{{connection=\"{name}\",class=\"{class}\"}} {count}"
        );
        assert!(figures.as_str().unwrap().contains(&line), "{line} is not in {figures}");
    }

    product_in(&desk, "product_c").await;
    poll(&desk).await;
    assert_eq!(told(&desk).await, (Value::Null, Value::Null, version + 2));
}

#[actix_web::test]
async fn a_refused_poll_that_was_the_trial_of_an_outage_leaves_the_next_trial_to_a_ticket() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Waits for the end of the outage").await;
    desk.app.publish().await;
    product_in(&desk, "nowhere_c").await;
    desk.sql("update crm_connections set failures = 3").await;
    poll(&desk).await;
    assert_eq!(desk.health().await["breaker"], "half_open");
    assert!(desk.app.service.mirror.converge_due(Utc::now()).await.unwrap());
    assert!(desk.mirror(&ticket).await["last_error"].is_string());
}

#[actix_web::test]
async fn a_poll_that_is_given_up_at_shutdown_leaves_its_trial_to_the_next() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Waits for the end of the outage").await;
    desk.app.publish().await;
    desk.sql("update crm_connections set failures = 3, poll_at = now()").await;
    desk.crm.fail(FaultRule::next(Fault::Hang { milliseconds: 5000 }));
    let leaving = desk.another_engine();
    let halt = async {
        while desk.crm.calls().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        leaving.halt();
    };
    let (polled, ()) = tokio::join!(leaving.poll_due(Utc::now()), halt);
    assert!(!polled.unwrap());
    assert!(desk.app.service.mirror.converge_due(Utc::now()).await.unwrap());
    assert_eq!(desk.mirror(&ticket).await["state"], "linked");
}
