//! A customer's page: active and previous tickets in one call.
use serde_json::{Value, json};

use super::{id, ids};
use crate::support::{TestApp, path};

/// Closes a ticket through the API.
async fn close(app: &TestApp, ticket: &Value) {
    app.advance_to(ticket, "050").await;
}

#[actix_web::test]
async fn active_and_previous_tickets_come_in_one_call_each_with_its_own_pages() {
    let app = TestApp::start().await;
    let mut opened = Vec::new();
    for _ in 0..5 {
        opened.push(app.open_ticket(json!({})).await);
    }
    for ticket in &opened[..2] {
        close(&app, ticket).await;
    }
    let harbor = json!({
        "account_id": app.id("accounts", "Harbor Logistics").await,
        "contact_id": app.id("contacts", "Finance contact").await,
    });
    app.open_ticket(harbor).await;
    let (account, contact) = (&opened[0]["account_id"], &opened[0]["contact_id"]);
    let coordinator = app.agent("Coordinator").await;
    let customer = app.contact("Purchasing contact").await;
    for at in [
        format!("/v1/accounts/{}/tickets", account.as_str().unwrap()),
        format!("/v1/contacts/{}/tickets", contact.as_str().unwrap()),
    ] {
        for caller in [&coordinator, &customer] {
            let page = caller.get(&format!("{at}?limit=2")).await.expect(200);
            assert_eq!(ids(&page["active"]), [id(&opened[4]), id(&opened[3])], "{at}");
            assert_eq!(ids(&page["previous"]), [id(&opened[1]), id(&opened[0])], "{at}");
            assert_eq!(page["active_count"], json!({"count": 3, "more": false}));
            assert_eq!(page["previous_count"], json!({"count": 2, "more": false}));
            assert_eq!(page["previous"]["next"], Value::Null);
            let next = page["active"]["next"].as_str().unwrap();
            let second =
                caller.get(&format!("{at}?limit=2&active_cursor={next}")).await.expect(200);
            assert_eq!(ids(&second["active"]), [id(&opened[2])]);
            assert_eq!(ids(&second["previous"]), ids(&page["previous"]));
            let mixed = caller.get(&format!("{at}?limit=2&previous_cursor={next}")).await;
            mixed.problem(400, "malformed_request");
        }
    }
}

#[actix_web::test]
async fn a_contact_asks_for_their_own_accounts_only() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let own = app.contact("Purchasing contact").await;
    let colleague = app.id("contacts", "Operations contact").await;
    own.get(&format!("/v1/contacts/{colleague}/tickets")).await.expect(200);
    let stranger = app.contact("Warehouse contact").await;
    let nobody = uuid::Uuid::now_v7();
    for at in [
        format!("/v1/accounts/{}/tickets", ticket["account_id"].as_str().unwrap()),
        format!("/v1/contacts/{}/tickets", ticket["contact_id"].as_str().unwrap()),
        format!("/v1/accounts/{nobody}/tickets"),
        format!("/v1/contacts/{nobody}/tickets"),
    ] {
        let refused = stranger.get(&at).await.problem(404, "not_found");
        assert!(
            ["the account was not found", "the contact was not found"]
                .contains(&refused["detail"].as_str().unwrap())
        );
    }
    // An agent of another department sees that the account is there, and none of its tickets.
    let analyst = app.agent("Business analyst A").await;
    let at = format!("/v1/accounts/{}/tickets", ticket["account_id"].as_str().unwrap());
    let page = analyst.get(&at).await.expect(200);
    assert_eq!((ids(&page["active"]).len(), &page["active_count"]["count"]), (0, &json!(0)));
    app.agent("Coordinator")
        .await
        .get(&format!("/v1/accounts/{nobody}/tickets"))
        .await
        .problem(404, "not_found");
    // What a contact opened and somebody moved to another account is still theirs to see.
    let moved = own.post("/v1/tickets", app.new_ticket(json!({})).await).await.expect(201);
    let harbor = app.id("accounts", "Harbor Logistics").await;
    let warehouse = app.id("contacts", "Warehouse contact").await;
    let to = json!({"account_id": harbor, "contact_id": warehouse});
    let coordinator = app.agent("Coordinator").await;
    coordinator.post_on(&path(&moved, "/transfer"), "*", to).await.expect(200);
    own.get(&path(&moved, "")).await.expect(200);
    own.get(&format!("/v1/accounts/{harbor}/tickets")).await.problem(404, "not_found");
}

#[actix_web::test]
async fn counts_stop_at_a_thousand_and_say_so() {
    let app = TestApp::start().await;
    app.sql(
        "insert into tickets (id, workflow_id, status, category, subject, description, account_id, product_id,
          department_id, level, source, opened_by, opened_by_role, created_at, updated_at)
         select gen_random_uuid(), d.workflow_id, '012', 'new', 'Ticket ' || n, '', a.id, p.id,
          d.id, 'L1', 'api', gen_random_uuid(), 'integration', now(), now()
         from generate_series(1, 1001) n, departments d, products p, accounts a
         where d.is_default and p.name = 'CoreTrac' and a.name = 'Northwind Services'",
    )
    .await
    .unwrap();
    let account = app.id("accounts", "Northwind Services").await;
    let coordinator = app.agent("Coordinator").await;
    let page =
        coordinator.get(&format!("/v1/accounts/{account}/tickets?limit=1")).await.expect(200);
    assert_eq!(page["active_count"], json!({"count": 1000, "more": true}));
}
