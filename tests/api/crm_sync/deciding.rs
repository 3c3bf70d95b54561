//! What becomes of a decision about a conflict where an integration writes the CRM.
use serde_json::{Value, json};

use super::Integrated;
use crate::support::Reply;
use crate::support::mirror::{Mirrored, text};

impl Integrated {
    /// The desk made it critical and the CRM low; nobody has decided yet. Returns the conflict's id.
    async fn held(&self, ticket: &str, case: &str) -> String {
        self.made(ticket, case).await;
        self.priority(ticket, "critical").await;
        let told = self.tell("held", ticket, json!({"fields": {"priority": "low"}})).await;
        assert_eq!(told["conflicts"][0]["winner"], Value::Null, "{told}");
        text(&self.conflicts(ticket).await[0]["id"])
    }

    async fn decide(&self, conflict: &str, winner: &str) -> Reply {
        let path = format!("/v1/crm/conflicts/{conflict}/resolution");
        let decided = self.admin.post(&path, json!({ "winner": winner })).await;
        self.app.publish().await;
        decided
    }

    async fn end(&self) -> i64 {
        self.pull(0, "&limit=100").await["last_position"].as_i64().unwrap()
    }
}

fn hold() -> Value {
    json!({"policies": {"priority": "hold"}})
}

#[actix_web::test]
async fn a_decision_for_the_crm_is_taken_over_at_once_and_settles_the_conflict() {
    let desk = Integrated::start_with(hold()).await;
    let ticket = desk.open("Theirs").await;
    let conflict = desk.held(&ticket, "c-1").await;
    let decided = desk.decide(&conflict, "crm").await.expect(202);
    assert_eq!(desk.ticket(&ticket).await["priority"], "low");
    assert_eq!((&decided["winner"], &decided["losing_value"]), (&json!("crm"), &json!("critical")));
    assert!(decided["resolved_at"].is_string() && decided["decided_by"].is_string(), "{decided}");
    let mirror = desk.admin.get(&format!("/v1/tickets/{ticket}/mirror")).await.expect(200);
    let fields = mirror["items"][0]["fields"].as_array().unwrap();
    let priority = fields.iter().find(|field| field["field"] == "priority").unwrap();
    assert_eq!((&priority["base"], &priority["desk"]), (&json!("low"), &json!("low")));
    let told = desk.tell("echo", &ticket, json!({"fields": {"priority": "low"}})).await;
    assert_eq!((&told["outcome"], &told["write"]), (&json!("unchanged"), &json!({})));
    assert_eq!(desk.health().await["backlog"], 0);
    assert_eq!(desk.conflicts(&ticket).await, [decided]);
}

#[actix_web::test]
async fn a_decision_for_a_value_that_the_desk_refuses_is_a_problem_and_leaves_the_conflict_open() {
    let desk = Integrated::start_with(json!({"owners": {"status": "crm"}})).await;
    let ticket = desk.open("Forbidden").await;
    desk.made(&ticket, "c-1").await;
    // The workflow goes there from no new ticket.
    let told = desk.tell("1", &ticket, json!({"fields": {"status": "on_hold"}})).await;
    assert_eq!(told["conflicts"][0]["winner"], Value::Null, "{told}");
    let before = desk.conflicts(&ticket).await;
    let problem = desk.decide(&text(&before[0]["id"]), "crm").await.problem(409, "cannot_decide");
    assert_eq!(problem["detail"], before[0]["reason"]);
    assert_eq!(desk.conflicts(&ticket).await, before, "neither decided nor resolved");
    assert_eq!(desk.case(&ticket).await["fields"]["status"], "on_hold");
}

#[actix_web::test]
async fn a_decision_about_the_case_of_a_deleted_ticket_is_refused_as_long_as_it_is() {
    let desk = Integrated::start_with(hold()).await;
    let ticket = desk.open("Gone").await;
    let conflict = desk.held(&ticket, "c-1").await;
    desk.admin.delete(&format!("/v1/tickets/{ticket}"), "*").await.expect(204);
    desk.decide(&conflict, "crm").await.problem(409, "ticket_deleted");
}

#[actix_web::test]
async fn a_decision_for_the_desk_is_news_to_its_own_connection_and_settled_once_the_crm_has_it() {
    let desk = Integrated::start_with(hold()).await;
    let ticket = desk.open("Ours").await;
    let new = json!({"name": "Another", "kind": "integration", "base_url": "https://crm.example"});
    let other = desk.admin.post("/v1/crm/connections", new).await.expect(201);
    let conflict = desk.held(&ticket, "c-1").await;
    let seen = desk.end().await;
    let decided = desk.decide(&conflict, "desk").await.expect(202);
    assert_eq!((&decided["decision"], &decided["winner"]), (&json!("desk"), &Value::Null));
    let page = desk.pull(seen, "").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    assert_eq!(page["items"][0]["ticket_id"], json!(ticket));
    assert_eq!(page["items"][0]["fields"]["priority"], "critical");
    let path = format!("/v1/crm/changes?connection={}&after={seen}", text(&other["id"]));
    assert_eq!(desk.integration.get(&path).await.expect(200)["items"], json!([]));
    assert_eq!(desk.health().await["backlog"], 1);
    desk.tell("written", &ticket, json!({"fields": {"priority": "critical"}})).await;
    let settled = desk.conflicts(&ticket).await.remove(0);
    assert_eq!((&settled["winner"], &settled["losing_value"]), (&json!("desk"), &json!("low")));
    assert!(settled["resolved_at"].is_string());
    assert_eq!(desk.health().await["backlog"], 0);
}

#[actix_web::test]
async fn a_decision_for_the_desk_stands_while_the_crm_shows_what_lost_also_in_a_field_of_the_crm() {
    let desk = Integrated::start_with(json!({"owners": {"status": "crm"}})).await;
    let ticket = desk.open("Stands").await;
    desk.made(&ticket, "c-1").await;
    desk.tell("1", &ticket, json!({"fields": {"status": "on_hold"}})).await;
    let conflict = text(&desk.conflicts(&ticket).await[0]["id"]);
    desk.decide(&conflict, "desk").await.expect(202);
    let ours = desk.case(&ticket).await["fields"]["status"].clone();
    assert_eq!(ours, "new");
    for change in ["2", "3"] {
        let told = desk.tell(change, &ticket, json!({"fields": {"status": "on_hold"}})).await;
        assert_eq!(
            (&told["outcome"], &told["write"]),
            (&json!("unchanged"), &json!({"status": "new"}))
        );
    }
    assert_eq!(desk.case(&ticket).await["fields"]["status"], "new");
    desk.tell("4", &ticket, json!({"fields": {"status": "new"}})).await;
    let conflicts = desk.conflicts(&ticket).await;
    assert_eq!((conflicts.len(), &conflicts[0]["winner"]), (1, &json!("desk")), "{conflicts:?}");
    assert_eq!(conflicts[0]["losing_value"], "on_hold");
}

#[actix_web::test]
async fn what_the_crm_changes_after_a_decision_for_the_desk_is_kept_as_what_lost() {
    let desk = Integrated::start_with(hold()).await;
    let ticket = desk.open("Changed again").await;
    let conflict = desk.held(&ticket, "c-1").await;
    desk.decide(&conflict, "desk").await.expect(202);
    let told = desk.tell("later", &ticket, json!({"fields": {"priority": "high"}})).await;
    assert_eq!(
        (&told["outcome"], &told["write"]),
        (&json!("conflict"), &json!({"priority": "critical"}))
    );
    let conflicts = desk.conflicts(&ticket).await;
    assert_eq!((conflicts.len(), &conflicts[0]["losing_value"]), (1, &json!("high")));
}

#[actix_web::test]
async fn a_restored_value_is_offered_and_agreed_on_once_the_crm_has_it() {
    let desk = Integrated::start_with(hold()).await;
    let ticket = desk.open("Restored").await;
    let conflict = desk.held(&ticket, "c-1").await;
    desk.decide(&conflict, "crm").await.expect(202);
    let seen = desk.end().await;
    let path = format!("/v1/crm/conflicts/{conflict}/restore");
    desk.admin.post(&path, json!({})).await.expect(200);
    desk.app.publish().await;
    let page = desk.pull(seen, "").await;
    assert_eq!(page["items"][0]["fields"]["priority"], "critical", "{page}");
    let told = desk.tell("old", &ticket, json!({"fields": {"priority": "low"}})).await;
    assert_eq!(told["write"], json!({"priority": "critical"}));
    let told = desk.tell("new", &ticket, json!({"fields": {"priority": "critical"}})).await;
    assert_eq!(told["outcome"], "unchanged");
    assert_eq!(
        (desk.conflicts(&ticket).await.len(), desk.health().await["backlog"].clone()),
        (1, json!(0))
    );
}

#[actix_web::test]
async fn what_the_engine_has_still_to_take_over_is_told_as_the_crm_has_it() {
    let desk = Mirrored::start_with(hold()).await;
    let ticket = desk.open("Both ways").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"priority": "P3"})).await;
    desk.priority(&ticket, "critical").await;
    desk.converge().await;
    let conflict = text(&desk.conflicts(&ticket).await[0]["id"]);
    let path = format!("/v1/crm/conflicts/{conflict}/resolution");
    let decided = desk.admin.post(&path, json!({"winner": "crm"})).await.expect(202);
    assert_eq!(decided["resolved_at"], Value::Null, "the engine carries it out");
    let path = format!("/v1/crm/changes?connection={}", desk.connection);
    let page = desk.admin.get(&path).await.expect(200);
    assert_eq!(page["items"][0]["fields"]["priority"], "P3", "{page}");
    desk.converge().await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "low");
    let settled = desk.conflicts(&ticket).await;
    assert_eq!((settled.len(), &settled[0]["losing_value"]), (1, &json!("P1")), "{settled:?}");
}
