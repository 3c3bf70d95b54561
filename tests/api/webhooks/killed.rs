//! The program is killed between sending and recording.
use serde_json::{Value, json};

use super::{desk, reply};
use crate::support::Process;
use crate::support::receiver::{Answer, Receiver};

#[actix_web::test]
async fn what_was_sent_when_the_program_was_killed_is_sent_once_more_under_the_same_id() {
    let app = desk().await;
    let receiver = Receiver::scripted(|_, before| match before {
        0 => Answer::Silence,
        _ => Answer::status(204),
    });
    let receiver = receiver.await;
    let webhook = app.webhook(&receiver, json!({"types": ["ticket.note_added"]})).await;
    let ticket = app.open_ticket(json!({})).await;
    let more = [("CASEBRIDGE_WEBHOOK_NETWORKS", "127.0.0.0/8")];
    let mut process = Process::serve(&app.database, &more).await;
    reply(&app.agent("Coordinator").await, &ticket, "Hello").await;
    receiver.wait_for(1).await;
    process.kill();
    let process = Process::serve(&app.database, &more).await;
    receiver.wait_for(2).await;
    let ids: Vec<_> = receiver.received().iter().map(|m| m.id().to_owned()).collect();
    assert_eq!(ids[0], ids[1]);
    let mut delivery = Value::Null;
    for _ in 0..100 {
        delivery = app.deliveries(&webhook).await[0].clone();
        if delivery["state"] == "delivered" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(2)));
    // Nobody knows how the first one ended.
    assert_eq!(delivery["log"][0]["duration_ms"], Value::Null);
    assert_eq!(delivery["log"][0]["status"], Value::Null);
    assert_eq!(delivery["log"][1]["status"], 204);
    drop(process);
}
