//! What the desk does.
use casebridge::kernel::Permission;
use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};

use super::{VENDOR, asked, at, kinds, open, said, to_vendor, told};
use crate::support::{Reply, TestApp, path, pointers};

#[actix_web::test]
async fn a_side_conversation_begins_with_a_mail_of_its_own_thread() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let new = to_vendor(json!({"cc": [{"email": "team@vendor.example"}]}));
    let opened = agent.post(&path(&ticket, "/side-conversations"), new).await;
    assert_eq!(opened.header("etag"), "\"v1\"");
    let location = opened.header("location").to_owned();
    let side = opened.expect(201);
    assert_eq!(location, at(&side, ""));
    assert_eq!(agent.get(&location).await.expect(200), side);
    assert_eq!((&side["state"], &side["message_count"]), (&json!("open"), &json!(1)));
    assert_eq!(side["to"], json!({"name": "Vera Vendor", "email": VENDOR}));

    let messages = said(&agent, &side).await;
    assert_eq!(messages.len(), 1);
    let first = &messages[0];
    assert_eq!(
        (&first["direction"], &first["author"]["name"]),
        (&json!("sent"), &json!("Coordinator"))
    );
    assert_eq!(first["body_html"], "<p>Do you <strong>know</strong> this fault?</p>\n".trim());
    let alone = at(&side, &format!("/messages/{}", first["id"].as_str().unwrap()));
    assert_eq!(agent.get(&alone).await.expect(200), *first);
    let mail = format!("/v1/mails/{}", first["mail_id"].as_str().unwrap());
    let mail = agent.get(&mail).await.expect(200);
    assert_eq!(
        (&mail["to"]["email"], &mail["subject"]),
        (&json!(VENDOR), &json!("Export of 100 rows"))
    );
    assert_eq!(mail["cc"], json!([{"name": null, "email": "team@vendor.example"}]));
    assert_eq!(mail["automatic"], false);
    let text = mail["text"].as_str().unwrap();
    assert!(text.contains("Do you **know** this fault?") && text.contains("Coordinator"), "{text}");
    assert!(!text.contains("After 100 rows"), "the request goes along only when it is asked for");
    let threads = "select conversation || ' ' || conversation_id as text from outgoing_mails";
    assert_eq!(app.texts(threads).await, [format!("side {}", side["id"].as_str().unwrap())]);
    let told = told(&agent, &ticket).await;
    assert_eq!(kinds(&told), ["opened"]);
    assert_eq!(told[0].1["side_conversation_id"], side["id"]);
    // The ticket's own conversation has nothing of it.
    let notes = agent.get(&path(&ticket, "/notes")).await.expect(200);
    assert_eq!(notes["items"], json!([]));
}

#[actix_web::test]
async fn customers_find_nothing_of_side_conversations_and_neither_do_other_departments() {
    let app = TestApp::start().await;
    let (ticket, side) = asked(&app).await;
    let message = json!({"body": "Hello?"});
    app.agent("L1 agent A").await.get(&at(&side, "")).await.expect(200);
    let everywhere = ["", "/messages"].map(|rest| at(&side, rest));
    let strangers = [
        app.contact("Purchasing contact").await,
        app.contact("Warehouse contact").await,
        app.agent("Account manager A").await,
    ];
    for caller in &strangers {
        for place in &everywhere {
            caller.get(place).await.problem(404, "not_found");
        }
        caller.get(&path(&ticket, "/side-conversations")).await.problem(404, "not_found");
        let opened = caller.post(&path(&ticket, "/side-conversations"), to_vendor(json!({}))).await;
        opened.problem(404, "not_found");
        caller.post(&at(&side, "/messages"), message.clone()).await.problem(404, "not_found");
        caller
            .patch(&at(&side, ""), "*", json!({"state": "closed"}))
            .await
            .problem(404, "not_found");
    }
    let contact = &strangers[0];
    app.publish().await;
    for place in [path(&ticket, ""), path(&ticket, "/history?limit=100"), path(&ticket, "/notes")] {
        let seen = contact.get(&place).await.expect(200).to_string();
        assert!(!seen.contains("side_conversation") && !seen.contains("vendor"), "{seen}");
    }
    // A program that may not work tickets is told so.
    let scopes = [Permission::TicketsRead, Permission::TicketsWrite];
    let program = app.client_with(app.integration(&scopes).await, scopes.into_iter()).await;
    program.get(&at(&side, "")).await.problem(403, "forbidden");
    // It is the other ticket's, whoever asks.
    let other = app.open_ticket(json!({})).await;
    let elsewhere = json!({"ticket_id": other["id"], "id": side["id"]});
    app.agent("Coordinator").await.get(&at(&elsewhere, "")).await.problem(404, "not_found");
}

#[actix_web::test]
async fn nobody_takes_part_whom_no_mail_reaches_or_who_is_the_customer() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let place = path(&ticket, "/side-conversations");
    let refused = async |more: Value| pointers(agent.post(&place, to_vendor(more)).await);
    let own = json!({"email": "Purchasing@customer.example"});
    assert_eq!(refused(json!({"to": own})).await, ["/to/email"]);
    let copies = json!([{"email": "fine@vendor.example"}, own, {"email": "no address"}]);
    assert_eq!(refused(json!({"cc": copies})).await, ["/cc/1/email", "/cc/2/email"]);
    assert_eq!(refused(json!({"subject": " "})).await, ["/subject"]);
    assert_eq!(refused(json!({"body": ""})).await.first().unwrap(), "/body");
    // The contact of another customer can be a vendor of this one.
    let other = json!({"to": {"email": "warehouse@other.example"}});
    open(&agent, &ticket, to_vendor(other)).await;
    let draft = app.open_ticket(json!({"draft": true})).await;
    let new = agent.post(&path(&draft, "/side-conversations"), to_vendor(json!({}))).await;
    new.problem(409, "not_submitted");
    assert_eq!(app.number("select count(*) as number from outgoing_mails").await, 1);
}

#[actix_web::test]
async fn what_is_sent_twice_under_one_key_goes_out_once() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let once = async |place: &str, body: &Value| {
        let request = agent.request(Method::POST, place).header("idempotency-key", "k1");
        Reply::of(request.json(body)).await
    };
    let (place, new) = (path(&ticket, "/side-conversations"), to_vendor(json!({})));
    let (one, two) = join(once(&place, &new), once(&place, &new)).await;
    // One of them may be told that the other is not done yet.
    let done = if one.status == 201 { one } else { two };
    let opened = done.expect(201);
    assert_eq!(once(&place, &new).await.expect(201), opened);
    let messages = at(&opened, "/messages");
    let agent_again = async |body: &Value| {
        let request = agent.request(Method::POST, &messages).header("idempotency-key", "k2");
        Reply::of(request.json(body)).await
    };
    let body = json!({"body": "Any news?"});
    let first = agent_again(&body).await.expect(201);
    let again = agent_again(&body).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.expect(201), first);
    assert_eq!(app.number("select count(*) as number from outgoing_mails").await, 2);
}

#[actix_web::test]
async fn messages_of_many_are_numbered_without_gaps_and_each_goes_out_once() {
    let app = TestApp::start().await;
    let (ticket, side) = asked(&app).await;
    let agent = app.agent("Coordinator").await;
    let send = |n: usize| {
        let (agent, place) = (agent.clone(), at(&side, "/messages"));
        async move { agent.post(&place, json!({"body": format!("Message {n}")})).await.expect(201) }
    };
    join_all((0..12).map(send)).await;
    let seqs: Vec<i64> =
        said(&agent, &side).await.iter().map(|message| message["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=13).collect::<Vec<i64>>());
    let mails =
        "select count(distinct id) as number from outgoing_mails where subject like 'Re: Export%'";
    assert_eq!(app.number(mails).await, 12);
    assert_eq!(told(&agent, &ticket).await.len(), 13);

    // Page by page, and back.
    let first = agent.get(&at(&side, "/messages?limit=5")).await.expect(200);
    let next = format!("/messages?limit=5&cursor={}", first["next"].as_str().unwrap());
    let second = agent.get(&at(&side, &next)).await.expect(200);
    assert_eq!(second["items"][0]["seq"], 6);
    let back = format!("/messages?limit=5&cursor={}", second["prev"].as_str().unwrap());
    assert_eq!(agent.get(&at(&side, &back)).await.expect(200)["items"], first["items"]);
}

#[actix_web::test]
async fn it_is_closed_on_the_version_that_was_seen_and_opened_again_by_a_message() {
    let app = TestApp::start().await;
    let (ticket, side) = asked(&app).await;
    let agent = app.agent("Coordinator").await;
    let close = json!({"state": "closed"});
    let (one, two) = join(
        agent.patch(&at(&side, ""), "\"v1\"", close.clone()),
        agent.patch(&at(&side, ""), "\"v1\"", json!({"cc": [{"email": "b@vendor.example"}]})),
    )
    .await;
    let statuses = [one.status, two.status];
    assert!(statuses == [200, 412] || statuses == [412, 200], "{statuses:?}");
    let closed = agent.patch(&at(&side, ""), "*", close.clone()).await.expect(200);
    assert!(closed["state"] == "closed" && closed["closed_at"].is_string(), "{closed}");
    // Once more changes nothing and tells nothing.
    let events = told(&agent, &ticket).await.len();
    assert_eq!(agent.patch(&at(&side, ""), "*", close).await.expect(200), closed);
    assert_eq!(told(&agent, &ticket).await.len(), events);
    let list = async |state: &str| {
        let found = agent.get(&path(&ticket, &format!("/side-conversations?state={state}"))).await;
        found.expect(200)["items"].as_array().unwrap().len()
    };
    assert_eq!([list("open").await, list("closed").await], [0, 1]);

    let sent = agent.post(&at(&side, "/messages"), json!({"body": "One more thing"})).await;
    assert_eq!(sent.header("etag"), format!("\"v{}\"", closed["version"].as_i64().unwrap() + 1));
    sent.expect(201);
    let open = agent.get(&at(&side, "")).await.expect(200);
    assert_eq!((&open["state"], &open["closed_at"]), (&json!("open"), &Value::Null));
    let (kind, data) = told(&agent, &ticket).await.pop().unwrap();
    assert_eq!((kind.as_str(), &data["reopened"]), ("message_sent", &json!(true)));
    agent.patch(&at(&side, ""), "*", json!({"state": "closed"})).await.expect(200);
    agent.patch(&at(&side, ""), "*", json!({"state": "open"})).await.expect(200);
    let told = told(&agent, &ticket).await;
    assert_eq!(kinds(&told)[kinds(&told).len() - 2..], ["closed", "reopened"]);
}

#[actix_web::test]
async fn a_message_goes_to_those_who_take_part_now() {
    let app = TestApp::start().await;
    let (ticket, side) = asked(&app).await;
    let agent = app.agent("Coordinator").await;
    let own = json!({"cc": [{"email": "operations@customer.example"}]});
    assert_eq!(pointers(agent.patch(&at(&side, ""), "*", own).await), ["/cc/0/email"]);
    let both = json!({"to": {"email": "new@vendor.example"}, "cc": [{"email": VENDOR}, {"email": "New@vendor.example"}]});
    let changed = agent.patch(&at(&side, ""), "*", both).await.expect(200);
    assert_eq!(changed["cc"], json!([{"name": null, "email": VENDOR}]));
    let sent = agent.post(&at(&side, "/messages"), json!({"body": "Hello"})).await.expect(201);
    let mail = format!("/v1/mails/{}", sent["mail_id"].as_str().unwrap());
    let mail = agent.get(&mail).await.expect(200);
    assert_eq!((&mail["to"]["email"], &mail["cc"]), (&json!("new@vendor.example"), &changed["cc"]));
    let (kind, data) = told(&agent, &ticket).await.remove(1);
    assert_eq!(
        (kind.as_str(), &data["participants"]["to"]["email"]),
        ("changed", &json!("new@vendor.example"))
    );
}

#[actix_web::test]
async fn a_ticket_has_a_hundred_side_conversations_at_the_most() {
    let app = TestApp::start().await;
    let (ticket, side) = asked(&app).await;
    let copies = format!(
        "insert into side_conversations (id, ticket_id, subject, participants, opened_by, opened_by_name, opened_at, updated_at)
         select gen_random_uuid(), ticket_id, subject, participants, opened_by, opened_by_name, opened_at, updated_at
           from side_conversations, generate_series(1, 98) where id = '{}'",
        side["id"].as_str().unwrap()
    );
    app.sql(copies).await.unwrap();
    let agent = app.agent("Coordinator").await;
    let place = path(&ticket, "/side-conversations");
    let two = (agent.post(&place, to_vendor(json!({}))), agent.post(&place, to_vendor(json!({}))));
    let (one, two) = join(two.0, two.1).await;
    let (done, late) = if one.status == 201 { (one, two) } else { (two, one) };
    done.expect(201);
    late.problem(409, "too_many_side_conversations");
}
