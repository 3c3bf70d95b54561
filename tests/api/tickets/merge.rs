//! Two tickets about one thing become one, and two again.
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::history;
use crate::support::{Client, Reply, TestApp, path, pointers};

async fn merge(caller: &Client, source: &Value, target: &Value) -> Reply {
    caller.post_on(&path(source, "/merge"), "*", json!({"into": target["id"]})).await
}

async fn undo(caller: &Client, source: &Value) -> Reply {
    caller.delete(&path(source, "/merge"), "*").await
}

async fn note(caller: &Client, ticket: &Value, body: &str) -> Reply {
    caller.post(&path(ticket, "/notes"), json!({"body": body})).await
}

async fn pair(app: &TestApp) -> [Value; 2] {
    [app.open_ticket(json!({})).await, app.open_ticket(json!({"subject": "Export, again"})).await]
}

fn column(page: &Value, field: &str) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn a_merged_ticket_is_closed_and_tells_where_it_went() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let [target, source] = pair(&app).await;
    let source = app.advance_to(&source, "035").await;
    let target = app.read(&target).await;
    let reason = json!({"into": target["id"], "note": {"body": "The same as the other one"}});
    let etag = format!("\"v{}\"", source["version"]);
    let merged = agent.post_on(&path(&source, "/merge"), &etag, reason).await.expect(200);
    assert_eq!(merged["status"]["code"], "050");
    assert_eq!(merged["merged_into"], target["id"]);
    let resolution = format!("Merged into {}", target["number"].as_str().unwrap());
    assert_eq!(merged["resolution"], *resolution);
    assert_eq!(merged["allowed_transitions"], json!([]));
    assert_eq!(merged["assignee_id"], source["assignee_id"]);
    app.loads_are_true().await;
    let kept = app.read(&target).await;
    assert_eq!((&kept["status"], &kept["merged_into"]), (&target["status"], &Value::Null));

    let told = history(&agent, &source).await.pop().unwrap();
    assert_eq!(
        (&told["type"], &told["ticket_version"]),
        (&json!("ticket.merged"), &merged["version"])
    );
    assert_eq!(told["changes"]["merged_into"]["to"], target["id"]);
    let told = history(&agent, &target).await.pop().unwrap();
    assert_eq!(
        (&told["type"], &told["ticket_version"]),
        (&json!("ticket.merged"), &kept["version"])
    );
    assert_eq!(
        told["data"]["source"]["number"].as_i64().unwrap().to_string(),
        source["number"].as_str().unwrap()[3..]
    );

    // The customer reads the same, without what is the desk's.
    let contact = app.contact("Operations contact").await;
    let seen = contact.get(&path(&source, "")).await.expect(200);
    assert_eq!((&seen["merged_into"], &seen["resolution"]), (&target["id"], &json!(resolution)));
    assert_eq!(seen["status"]["label"], "Closed");
    let told = json!(history(&contact, &source).await).to_string();
    assert!(told.contains("ticket.merged") && !told.contains(target["id"].as_str().unwrap()));
}

#[actix_web::test]
async fn the_conversation_is_read_as_one_in_the_order_of_time() {
    let app = TestApp::start().await;
    let (agent, contact) =
        (app.agent("Coordinator").await, app.contact("Purchasing contact").await);
    let [target, source] = pair(&app).await;
    note(&agent, &target, "1").await.expect(201);
    note(&contact, &source, "2").await.expect(201);
    note(&agent, &target, "3").await.expect(201);
    // A page that was begun before the merge goes on behind it.
    let begun = agent.get(&path(&target, "/notes?limit=1")).await.expect(200);
    let secret = json!({"into": target["id"], "note": {"body": "4", "visibility": "internal"}});
    agent.post_on(&path(&source, "/merge"), "*", secret).await.expect(200);
    let sent_on = note(&contact, &source, "5").await.expect(201);
    note(&contact, &target, "6").await.expect(201);

    let whole = agent.get(&path(&target, "/notes")).await.expect(200);
    assert_eq!(column(&whole, "body"), ["1", "2", "3", "4", "5", "6"]);
    let [from, to] = [&source, &target].map(|ticket| ticket["id"].as_str().unwrap());
    assert_eq!(column(&whole, "ticket_id"), [to, from, to, from, to, to]);
    let public = contact.get(&path(&target, "/notes")).await.expect(200);
    assert_eq!(column(&public, "body"), ["1", "2", "3", "5", "6"]);
    let own = agent.get(&path(&source, "/notes")).await.expect(200);
    assert_eq!(column(&own, "body"), ["2", "4"]);

    let next = |page: &Value, way: &str| {
        path(&target, &format!("/notes?limit=2&cursor={}", page[way].as_str().unwrap()))
    };
    let begun_at =
        path(&target, &format!("/notes?limit=1&cursor={}", begun["next"].as_str().unwrap()));
    assert_eq!(column(&agent.get(&begun_at).await.expect(200), "body"), ["2"]);
    let first = agent.get(&path(&target, "/notes?limit=2")).await.expect(200);
    let second = agent.get(&next(&first, "next")).await.expect(200);
    let third = agent.get(&next(&second, "next")).await.expect(200);
    assert_eq!(
        (column(&second, "body"), column(&third, "body")),
        (vec!["3".into(), "4".into()], vec!["5".into(), "6".into()])
    );
    assert_eq!((&first["prev"], &third["next"]), (&Value::Null, &Value::Null));
    let back = agent.get(&next(&third, "prev")).await.expect(200);
    assert_eq!(back["items"], second["items"]);

    for note in whole["items"].as_array().unwrap() {
        let at = format!("/notes/{}", note["id"].as_str().unwrap());
        assert_eq!(agent.get(&path(&target, &at)).await.expect(200), *note);
    }
    let internal = format!("/notes/{}", whole["items"][3]["id"].as_str().unwrap());
    contact.get(&path(&target, &internal)).await.problem(404, "not_found");
    let sent_on = format!("/notes/{}", sent_on["id"].as_str().unwrap());
    agent.get(&path(&source, &sent_on)).await.problem(404, "not_found");
}

#[actix_web::test]
async fn what_is_sent_to_a_merged_ticket_lands_at_the_end_of_its_chain() {
    let app = TestApp::start().await;
    let (agent, contact) =
        (app.agent("Coordinator").await, app.contact("Purchasing contact").await);
    let [last, middle] = pair(&app).await;
    let first = app.open_ticket(json!({})).await;
    let last = app.advance_to(&last, "035").await;
    merge(&agent, &first, &middle).await.expect(200);
    merge(&agent, &middle, &last).await.expect(200);
    let (before, between) = (app.read(&first).await, app.read(&middle).await);

    let added = note(&contact, &first, "Here it is").await;
    let (location, etag) = (added.header("location").to_owned(), added.header("etag").to_owned());
    let added = added.expect(201);
    assert_eq!(added["ticket_id"], last["id"]);
    assert_eq!(contact.get(&location).await.expect(200), added);
    let now = app.read(&last).await;
    assert_eq!(etag, format!("\"v{}\"", now["version"]));
    assert_eq!(now["status"]["code"], "017", "the reply moves the ticket where it lands");
    assert_eq!((app.read(&first).await, app.read(&middle).await), (before, between));
    let whole = agent.get(&path(&last, "/notes")).await.expect(200);
    assert_eq!(whole["items"].as_array().unwrap().len(), 2 + 2, "{whole}");

    // It went through both merges, so both stay.
    undo(&agent, &first).await.problem(409, "merge_followed");
    undo(&agent, &middle).await.problem(409, "merge_followed");
    app.agent("Administrator").await.delete(&path(&last, ""), "*").await.expect(204);
    note(&contact, &first, "Anybody?").await.problem(409, "ticket_deleted");
}

#[actix_web::test]
async fn a_merged_ticket_refuses_every_other_change_and_names_the_one_to_work_on() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let [target, source] = pair(&app).await;
    merge(&agent, &source, &target).await.expect(200);
    let merged = app.read(&source).await;
    let mut refused = Vec::new();
    for (rest, body) in [
        ("/transitions", json!({"to": "017"})),
        ("/assignment", json!({})),
        ("/transfer", json!({"note": {"body": "x"}})),
        ("/elevations", json!({"to": "L2", "reason": "r", "tried": "t"})),
        ("/attachments", json!({"name": "a.png", "url": "https://files.example/a.png"})),
        ("/conversion", json!({"to": "lead"})),
        ("/split", json!({"note_id": target["id"]})),
        ("/merge", json!({"into": target["id"]})),
        ("/submission", json!({})),
    ] {
        refused.push(agent.post_on(&path(&source, rest), "*", body).await);
    }
    refused.push(agent.patch(&path(&source, ""), "*", json!({"priority": "high"})).await);
    refused.push(agent.delete(&path(&source, ""), "*").await);
    for reply in refused {
        let problem = reply.problem(409, "ticket_merged");
        assert!(problem["detail"].as_str().unwrap().ends_with(target["number"].as_str().unwrap()));
    }
    assert_eq!(app.read(&source).await, merged);
    app.follow_automatic().await;
    assert_eq!(app.read(&source).await, merged, "nothing happens to it by itself");
    // Another account must not come by its conversation.
    let account =
        json!({"account_id": app.id("accounts", "Harbor Logistics").await, "contact_id": null});
    let moved = agent.post_on(&path(&target, "/transfer"), "*", account).await;
    assert_eq!(pointers(moved), ["/account_id"]);
}

#[actix_web::test]
async fn a_merge_that_makes_no_sense_is_refused() {
    let app = TestApp::start().await;
    let (agent, contact) =
        (app.agent("Coordinator").await, app.contact("Purchasing contact").await);
    let [target, source] = pair(&app).await;
    let foreign = app
        .open_ticket(json!({
            "account_id": app.id("accounts", "Harbor Logistics").await, "contact_id": null,
        }))
        .await;
    let draft = agent.post("/v1/tickets", json!({"subject": "x", "draft": true})).await.expect(201);
    let deleted = app.open_ticket(json!({})).await;
    agent.delete(&path(&deleted, ""), "*").await.expect(204);
    let nobody = json!({"id": app.id("agents", "Coordinator").await});
    for into in [&foreign, &draft, &deleted, &nobody, &source] {
        assert_eq!(pointers(merge(&agent, &source, into).await), ["/into"]);
    }
    merge(&agent, &draft, &target).await.problem(409, "not_submitted");
    merge(&agent, &deleted, &target).await.problem(409, "ticket_deleted");
    merge(&agent, &nobody, &target).await.problem(404, "not_found");
    let stale = json!({"into": target["id"]});
    agent.post_on(&path(&source, "/merge"), "\"v7\"", stale).await.problem(412, "stale_version");
    undo(&agent, &source).await.problem(409, "not_merged");

    // Who does not see both does not merge them; customers merge nothing.
    let stranger = app.agent("Business analyst A").await;
    merge(&stranger, &source, &target).await.problem(404, "not_found");
    undo(&stranger, &source).await.problem(404, "not_found");
    let theirs = json!({"agent_id": app.id("agents", "Business analyst A").await});
    agent.post_on(&path(&source, "/assignment"), "*", theirs).await.expect(200);
    assert_eq!(pointers(merge(&stranger, &source, &target).await), ["/into"]);
    merge(&contact, &source, &target).await.problem(403, "forbidden");
    undo(&contact, &source).await.problem(403, "forbidden");

    let closed = app.advance_to(&app.open_ticket(json!({})).await, "050").await;
    merge(&agent, &source, &closed).await.problem(409, "ticket_closed");
    let also = app.advance_to(&app.open_ticket(json!({})).await, "050").await;
    let kept = merge(&agent, &also, &closed).await.expect(200);
    assert_eq!(kept["resolution"], "Solved", "what was closed keeps how it was solved");
    merge(&agent, &source, &also).await.problem(409, "ticket_merged");
    assert_eq!(app.number("select count(*) as number from ticket_merges").await, 1);
}

#[actix_web::test]
async fn an_undone_merge_leaves_the_ticket_as_it_was() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let [target, source] = pair(&app).await;
    // Its automatic transition is due, and waits until the merge is undone.
    merge(&agent, &source, &target).await.expect(200);
    app.follow_automatic().await;
    let etag = format!("\"v{}\"", app.read(&source).await["version"]);
    agent.delete(&path(&source, "/merge"), "\"v1\"").await.problem(412, "stale_version");
    let back = agent.delete(&path(&source, "/merge"), &etag).await.expect(200);
    for field in ["status", "assignee_id", "resolution", "closed_at", "merged_into", "reopen_count"]
    {
        assert_eq!(back[field], source[field], "{field}");
    }
    app.loads_are_true().await;
    for ticket in [&source, &target] {
        let told = history(&agent, ticket).await.pop().unwrap();
        assert_eq!(told["type"], "ticket.merge_undone");
    }
    app.follow_automatic().await;
    assert_eq!(app.read(&source).await["status"]["code"], "012");
    let own = agent.get(&path(&target, "/notes")).await.expect(200);
    assert_eq!(own["items"], json!([]));
    note(&agent, &source, "Here").await.expect(201);
    assert_eq!(app.read(&target).await["note_count"], 0);

    // Again, from another status, and with its agent away meanwhile.
    let advanced = app.advance_to(&source, "030").await;
    merge(&agent, &source, &target).await.expect(200);
    let holder = advanced["assignee_id"].as_str().unwrap();
    app.sql(format!("update agents set away = true where id = '{holder}'")).await.unwrap();
    let back = undo(&agent, &source).await.expect(200);
    assert_eq!(back["status"]["code"], "030");
    assert!(back["assignee_id"].is_string() && back["assignee_id"] != advanced["assignee_id"]);
    app.loads_are_true().await;
}

#[actix_web::test]
async fn a_chain_is_undone_from_either_end() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    for from_the_start in [true, false] {
        let [last, middle] = pair(&app).await;
        let first = app.open_ticket(json!({})).await;
        merge(&agent, &first, &middle).await.expect(200);
        merge(&agent, &middle, &last).await.expect(200);
        let order = if from_the_start { [&first, &middle] } else { [&middle, &first] };
        for ticket in order {
            undo(&agent, ticket).await.expect(200);
        }
        for ticket in [&first, &middle, &last] {
            assert_eq!(app.read(ticket).await["status"], ticket["status"]);
        }
    }
    assert_eq!(app.number("select sum(merged_count) as number from tickets").await, 0);
}

#[actix_web::test]
async fn any_workflow_has_a_way_to_close_a_merged_ticket() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let admin = app.agent("Administrator").await;
    let component = json!({
        "name": "Intranet", "product_id": app.id("products", "CoreTrac").await, "level": "L1",
        "department_id": app.id("departments", "Internal IT").await
    });
    let component = admin.post("/v1/components", component).await.expect(201);
    let target = app.open_ticket(json!({})).await;
    let source = app.open_ticket(json!({"component_id": component["id"]})).await;
    let merged = merge(&agent, &source, &target).await.expect(200);
    assert_eq!(merged["status"]["code"], "solved");
    assert_eq!(undo(&agent, &source).await.expect(200)["status"], source["status"]);
}

#[actix_web::test]
async fn of_two_merges_into_each_other_one_happens() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    app.sql("update agents set capacity = 100").await.unwrap();
    for _ in 0..12 {
        let [a, b] = pair(&app).await;
        let (there, back) = tokio::join!(merge(&agent, &a, &b), merge(&agent, &b, &a));
        let mut statuses = [there.status, back.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{} {}", there.body, back.body);
    }
    let both = "select count(*) as number from tickets a join tickets b on a.merged_into = b.id
        where b.merged_into is not null";
    assert_eq!(app.number(both).await, 0);
    app.loads_are_true().await;
}

#[actix_web::test]
async fn no_note_is_lost_or_left_behind_while_tickets_are_merged_and_merges_undone() {
    let app = TestApp::start().await;
    let (agent, contact) =
        (app.agent("Coordinator").await, app.contact("Purchasing contact").await);
    app.sql("update agents set capacity = 100").await.unwrap();
    for _ in 0..6 {
        let [target, source] = pair(&app).await;
        let notes = || join_all((0..4).map(|_| note(&contact, &source, "Here it is")));
        let (merged, during) = tokio::join!(merge(&agent, &source, &target), notes());
        merged.expect(200);
        let before = app.read(&source).await["note_count"].as_i64().unwrap() - 1;
        let sent_on = during.iter().filter(|added| added.body["ticket_id"] == target["id"]).count();
        assert_eq!(before + sent_on as i64, 4);
        assert!(during.iter().all(|added| added.status == 201));
        let whole = agent.get(&path(&target, "/notes")).await.expect(200);
        assert_eq!(whole["items"].as_array().unwrap().len(), 5);

        let (undone, after) = tokio::join!(undo(&agent, &source), notes());
        assert!(after.iter().all(|added| added.status == 201));
        let went_on = after.iter().any(|added| added.body["ticket_id"] == target["id"]);
        let expected = if went_on || sent_on > 0 { 409 } else { 200 };
        assert_eq!(undone.status, expected, "{}", undone.body);
    }
    let wrong = "select count(*) as number from tickets t
        where merged_count <> (select count(*) from tickets s where s.merged_into = t.id)";
    assert_eq!(app.number(wrong).await, 0);
    app.loads_are_true().await;
}

#[actix_web::test]
async fn what_fails_halfway_leaves_both_tickets_alone() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let [target, source] = pair(&app).await;
    let refuse = "alter table events add constraint full_disk
        check (type <> 'ticket.merged' or not data ? 'note_id') not valid";
    app.sql(refuse).await.unwrap();
    merge(&agent, &source, &target).await.problem(500, "internal");
    app.sql("alter table events drop constraint full_disk").await.unwrap();
    assert_eq!(
        (app.read(&source).await, app.read(&target).await),
        (source.clone(), target.clone())
    );
}
