//! What people say that they want.
use serde_json::{Value, json};

use super::{known_ticket, mailed, note, prefer, tell, told, unread};
use crate::support::{TestApp, pointers};

const OWN: &str = "/v1/notification-preferences";

#[actix_web::test]
async fn everybody_has_sensible_preferences_and_changes_their_own() {
    let app = TestApp::start().await;
    let agent = app.agent("L1 agent A").await;
    let first = agent.get(OWN).await;
    assert_eq!(first.header("etag"), "\"v0\"");
    let first = first.expect(200);
    assert_eq!(first["channels"]["assigned"], json!(["mail", "feed"]));
    assert_eq!(first["channels"]["own_changed"], json!(["feed"]));
    assert!(first["channels"].get("opened").is_none());
    assert_eq!((&first["digest"], &first["daily_at"]), (&json!("immediate"), &json!("08:00")));
    assert_eq!((&first["quiet_hours"], &first["time_zone"]), (&Value::Null, &json!("UTC")));
    let wants = json!({
        "channels": {"assigned": ["webhook"], "watched": []}, "digest": "daily", "daily_at": "17:30",
        "quiet_hours": {"from": "22:00", "to": "07:00"}, "language": "de",
    });
    let changed = agent.patch(OWN, "\"v0\"", wants).await.expect(200);
    assert_eq!(changed["channels"]["assigned"], json!(["webhook"]));
    assert_eq!(changed["channels"]["watched"], json!([]));
    assert_eq!(changed["version"], 1);
    assert_eq!(agent.get(OWN).await.expect(200), changed);
    agent.patch(OWN, "\"v0\"", json!({"digest": "hourly"})).await.problem(412, "stale_version");
    // What is absent stays, null goes back.
    let back = json!({"channels": {"assigned": null}, "quiet_hours": null, "language": null});
    let back = agent.patch(OWN, "\"v1\"", back).await.expect(200);
    assert_eq!(back["channels"]["assigned"], json!(["mail", "feed"]));
    assert_eq!(back["channels"]["watched"], json!([]));
    assert_eq!((&back["digest"], &back["quiet_hours"]), (&json!("daily"), &Value::Null));
    let same = agent.patch(OWN, "*", json!({"digest": "daily"})).await.expect(200);
    assert_eq!(same["version"], back["version"]);
    let contact = app.contact("Purchasing contact").await.get(OWN).await.expect(200);
    assert!(contact["channels"].get("opened").is_some());
    assert!(contact["channels"].get("mentioned").is_none());
}

#[actix_web::test]
async fn what_makes_no_sense_is_refused_by_its_field() {
    let app = TestApp::start().await;
    let contact = app.contact("Purchasing contact").await;
    for (wants, pointer) in [
        (json!({"channels": {"mentioned": ["mail"]}}), "/channels/mentioned"),
        (json!({"quiet_hours": {"from": "07:00", "to": "07:00"}}), "/quiet_hours"),
        (json!({"daily_at": "24:00"}), "/daily_at"),
        (json!({"daily_at": "9 o'clock"}), "/daily_at"),
        (json!({"language": "Klingon!"}), "/language"),
        (json!({"digest": "weekly"}), "/digest"),
        (json!({"channels": {"replied": ["pigeon"]}}), "/channels/replied/0"),
        (json!({"channels": {"everything": []}}), "/channels/everything"),
    ] {
        assert_eq!(pointers(contact.patch(OWN, "*", wants).await), [pointer]);
    }
    assert_eq!(contact.get(OWN).await.expect(200)["version"], 0);
}

#[actix_web::test]
async fn an_administrator_has_the_preferences_of_others_and_nobody_else_has() {
    let app = TestApp::start().await;
    let (agent, contact) =
        (app.id("agents", "L1 agent A").await, app.id("contacts", "Purchasing contact").await);
    let admin = app.agent("Administrator").await;
    for (kind, id, other) in [("agents", &agent, &contact), ("contacts", &contact, &agent)] {
        let path = format!("/v1/{kind}/{id}/notification-preferences");
        admin.get(&path).await.expect(200);
        let changed = admin.patch(&path, "\"v0\"", json!({"digest": "hourly"})).await.expect(200);
        assert_eq!(changed["digest"], "hourly");
        let wrong = format!("/v1/{kind}/{other}/notification-preferences");
        admin.get(&wrong).await.problem(404, "not_found");
        for name in ["Coordinator", "L1 agent B"] {
            app.agent(name).await.get(&path).await.problem(403, "forbidden");
        }
    }
    assert_eq!(app.agent("L1 agent A").await.get(OWN).await.expect(200)["digest"], "hourly");
}

#[actix_web::test]
async fn what_is_not_wanted_is_not_told() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    let (agent, contact) = (app.agent("L1 agent A").await, app.contact("Purchasing contact").await);
    prefer(&agent, json!({"channels": {"customer_replied": ["feed"]}})).await;
    note(&contact, &ticket, "public", "One").await;
    tell(&app).await;
    assert_eq!((unread(&agent).await, mailed(&app).await.len()), (1, 0));
    prefer(&agent, json!({"channels": {"customer_replied": ["mail"]}})).await;
    note(&contact, &ticket, "public", "Two").await;
    tell(&app).await;
    assert_eq!((unread(&agent).await, mailed(&app).await.len()), (1, 1));
    prefer(&agent, json!({"channels": {"customer_replied": []}})).await;
    note(&contact, &ticket, "public", "Three").await;
    tell(&app).await;
    assert_eq!(told(&app, &ticket).await.len(), 2);
}

#[actix_web::test]
async fn mails_are_in_the_language_that_somebody_wants() {
    let app = TestApp::start().await;
    let ticket = known_ticket(&app).await;
    app.sql("update contacts set language = 'de'").await.unwrap();
    prefer(&app.agent("L1 agent A").await, json!({"language": "de-AT"})).await;
    note(&app.agent("Coordinator").await, &ticket, "public", "Please wait").await;
    note(&app.contact("Purchasing contact").await, &ticket, "public", "Yes").await;
    tell(&app).await;
    let texts: Vec<String> =
        super::mails(&app).await.iter().map(|mail| mail["text_body"].to_string()).collect();
    assert_eq!(texts.len(), 2);
    assert!(texts.iter().all(|text| text.contains("Guten Tag")), "{texts:?}");
}
