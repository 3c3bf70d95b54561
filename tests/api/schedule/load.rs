//! What each agent has to do.
use serde_json::{Value, json};

use super::{book, hour, with};
use crate::support::{Client, TestApp};

async fn loads(caller: &Client, query: &str) -> Vec<Value> {
    let page = caller.get(&format!("/v1/assignment/load{query}")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

fn of<'a>(loads: &'a [Value], name: &str) -> &'a Value {
    loads.iter().find(|load| load["name"] == name).unwrap()
}

#[actix_web::test]
async fn a_load_counts_open_tickets_and_says_when_the_agent_is_there() {
    let app = TestApp::start().await;
    let (admin, coordinator) = (app.agent("Administrator").await, app.agent("Coordinator").await);
    let id = app.id("agents", "L1 agent A").await;
    app.set_away(&["L1 agent B"], true).await;
    let mut tickets = Vec::new();
    for priority in ["critical", "high", "normal", "normal", "low"] {
        tickets.push(app.open_ticket(json!({"priority": priority})).await);
    }
    app.advance_to(&tickets[0], "030").await;
    app.advance_to(&tickets[4], "050").await;
    app.advance_to(&tickets[1], "035").await;
    book(&coordinator, &tickets[0], with(hour(9), json!({"agent_id": id}))).await.expect(201);
    let all = loads(&coordinator, "?limit=100").await;
    let load = of(&all, "L1 agent A");
    assert_eq!(
        (&load["open"], &load["free"], &load["capacity"]),
        (&json!(4), &json!(16), &json!(20))
    );
    assert_eq!(load["by_category"], json!({"new": 2, "open": 1, "pending": 1, "on_hold": 0}));
    assert_eq!(load["by_priority"], json!({"critical": 1, "high": 1, "normal": 2, "low": 0}));
    assert_eq!((&load["on_duty"], &load["on_duty_until"]), (&json!(true), &Value::Null));
    assert_eq!(load["appointment"]["starts_at"], "2030-05-06T09:00:00Z");
    assert_eq!(load["in_appointment"], false);
    let none = of(&all, "L2 agent A");
    assert_eq!((&none["open"], &none["appointment"]), (&json!(0), &Value::Null));
    let away = of(&all, "L1 agent B");
    assert_eq!((&away["on_duty"], &away["next_on_duty"]), (&json!(false), &Value::Null));

    let leave = json!({"from": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"});
    let path = format!("/v1/agents/{id}");
    admin.patch(&path, "*", json!({"leaves": [leave]})).await.expect(200);
    let load = of(&loads(&coordinator, "").await, "L1 agent A").clone();
    assert_eq!(
        (&load["on_duty"], &load["next_on_duty"]),
        (&json!(false), &json!("2099-01-01T00:00:00Z"))
    );
    app.loads_are_true().await;
}

#[actix_web::test]
async fn agents_see_the_loads_of_their_departments() {
    let app = TestApp::start().await;
    let everybody = loads(&app.agent("Coordinator").await, "?limit=100").await.len();
    let analyst = loads(&app.agent("Business analyst A").await, "").await;
    let names: Vec<&Value> = analyst.iter().map(|load| &load["name"]).collect();
    assert_eq!(names, ["Business analyst A"]);
    let l1 = loads(&app.agent("L1 agent A").await, "").await;
    assert!(l1.len() > 3 && l1.len() < everybody);
    let support = app.id("departments", "Support").await;
    let there =
        loads(&app.agent("Business analyst A").await, &format!("?department={support}")).await;
    assert_eq!(there, Vec::<Value>::new());
    let contact = app.contact("Purchasing contact").await;
    contact.get("/v1/assignment/load").await.problem(403, "forbidden");
    let page = app.agent("Coordinator").await.get("/v1/assignment/load?limit=2").await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    assert!(page["next"].is_string());
}
