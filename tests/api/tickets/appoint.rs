//! Whoever chooses an agent who is absent, full or not permitted must insist.
use serde_json::{Value, json};

use crate::support::mirror::{Mirrored, crm_id};
use crate::support::{Client, Reply, TestApp, path, pointers};

async fn assign(caller: &Client, ticket: &Value, body: Value) -> Reply {
    caller.post_on(&path(ticket, "/assignment"), "*", body).await
}

async fn latest(app: &TestApp, ticket: &Value) -> Value {
    let at = path(ticket, "/assignment");
    app.agent("Coordinator").await.get(&at).await.expect(200)["decisions"][0].clone()
}

#[actix_web::test]
async fn an_absent_or_full_agent_is_given_a_ticket_by_who_insists_and_says_why() {
    let app = TestApp::start().await;
    let (admin, coordinator) = (app.agent("Administrator").await, app.agent("Coordinator").await);
    let l2 = app.id("agents", "L2 agent A").await;
    let at = format!("/v1/agents/{l2}");
    for (change, code, verdict) in [
        (json!({"working_hours": []}), "agent_absent", "unavailable"),
        (
            json!({"leaves": [{"from": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}]}),
            "agent_absent",
            "unavailable",
        ),
        (json!({"capacity": 0}), "agent_full", "at_capacity"),
    ] {
        admin.patch(&at, "*", change.clone()).await.expect(200);
        let ticket = app.open_ticket(json!({})).await;
        let chosen = json!({"agent_id": l2});
        assign(&coordinator, &ticket, chosen.clone()).await.problem(409, code);
        let transfer = path(&ticket, "/transfer");
        coordinator.post_on(&transfer, "*", chosen).await.problem(409, code);
        assert_eq!(app.read(&ticket).await, ticket, "{change}");
        let without = json!({"agent_id": l2, "override": true});
        assert_eq!(pointers(assign(&coordinator, &ticket, without).await), ["/reason"]);
        let insists = json!({"agent_id": l2, "override": true, "reason": "knows this customer"});
        assert_eq!(assign(&coordinator, &ticket, insists).await.expect(200)["assignee_id"], l2);
        let decision = latest(&app, &ticket).await;
        assert_eq!(
            (&decision["overridden"], &decision["reason"]),
            (&json!(true), &json!("knows this customer"))
        );
        assert_eq!(decision["candidates"][0]["verdict"], verdict);
        assign(&coordinator, &ticket, json!({"agent_id": null})).await.expect(200);
        let moved = json!({"agent_id": l2, "override_reason": "knows this customer"});
        coordinator.post_on(&transfer, "*", moved).await.expect(200);
        assert_eq!(latest(&app, &ticket).await["overridden"], true);
        let back = json!({"working_hours": null, "leaves": [], "capacity": 20});
        admin.patch(&at, "*", back).await.expect(200);
    }
    let ticket = app.open_ticket(json!({})).await;
    assign(&coordinator, &ticket, json!({"agent_id": l2})).await.expect(200);
    let decision = latest(&app, &ticket).await;
    assert_eq!(
        (&decision["overridden"], &decision["candidates"][0]["verdict"]),
        (&json!(false), &json!("chosen"))
    );
}

#[actix_web::test]
async fn who_takes_a_ticket_works_such_tickets_and_has_room() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.agent("Administrator").await, app.agent("L2 agent A").await);
    let own = app.id("agents", "L2 agent A").await;
    let at = format!("/v1/agents/{own}");
    let level_1 = app.open_ticket(json!({})).await;
    assign(&agent, &level_1, json!({"agent_id": own})).await.problem(409, "agent_not_permitted");
    let elevate = json!({"to": "L2", "reason": "r", "tried": "t"});
    let level_2 = agent.post_on(&path(&level_1, "/elevations"), "*", elevate).await.expect(200);
    let coordinator = app.agent("Coordinator").await;
    assign(&coordinator, &level_2, json!({"agent_id": null})).await.expect(200);
    admin.patch(&at, "*", json!({"product_ids": []})).await.expect(200);
    assign(&agent, &level_2, json!({"agent_id": own})).await.problem(409, "agent_not_permitted");
    admin.patch(&at, "*", json!({"product_ids": null, "capacity": 0})).await.expect(200);
    assign(&agent, &level_2, json!({"agent_id": own})).await.problem(409, "agent_full");
    // Whoever takes a ticket is there, whatever their hours say.
    admin.patch(&at, "*", json!({"capacity": 1, "working_hours": []})).await.expect(200);
    let taken = assign(&agent, &level_2, json!({"agent_id": own})).await.expect(200);
    assert_eq!(taken["assignee_id"], own);
    assert_eq!(latest(&app, &level_2).await["rule"], "self");
    app.loads_are_true().await;
}

#[actix_web::test]
async fn of_many_who_choose_the_same_agent_so_many_succeed_as_there_is_room() {
    let app = TestApp::start().await;
    app.set_away(&["L1 agent A", "L1 agent B"], true).await;
    let coordinator = app.agent("Coordinator").await;
    let mut tickets = Vec::new();
    for _ in 0..12 {
        tickets.push(app.open_ticket(json!({})).await);
    }
    app.sql("update agents set capacity = 5").await.unwrap();
    let l2 = json!({"agent_id": app.id("agents", "L2 agent A").await});
    let all = tickets.iter().map(|ticket| assign(&coordinator, ticket, l2.clone()));
    let mut statuses: Vec<u16> =
        futures_util::future::join_all(all).await.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [[200; 5].as_slice(), [409; 7].as_slice()].concat());
    assert_eq!(app.load("L2 agent A").await, 5);
    app.loads_are_true().await;
}

#[actix_web::test]
async fn the_users_of_a_crm_have_decided_already_and_it_is_recorded_that_the_agent_was_full() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Given to somebody in the CRM").await;
    desk.converge().await;
    desk.sql("update agents set capacity = 0 where name = 'L2 agent A'").await;
    desk.edit(&ticket, json!({"assigned_user_id": crm_id("L2 agent A")})).await;
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["assignee_id"], desk.id("L2 agent A"));
    let at = format!("/v1/tickets/{ticket}/assignment");
    let decision = desk.admin.get(&at).await.expect(200)["decisions"][0].clone();
    assert_eq!((&decision["rule"], &decision["overridden"]), (&json!("crm"), &json!(true)));
    assert_eq!(decision["candidates"][0]["verdict"], "at_capacity");
    assert_eq!(desk.conflicts(&ticket).await, Vec::<Value>::new());
}
