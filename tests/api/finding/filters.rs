//! Filters and orders of the list.
use serde_json::{Value, json};

use super::{id, ids, list};
use crate::support::{TestApp, path};

/// Sets columns of a ticket that have no operation of their own here.
async fn set(app: &TestApp, ticket: &Value, columns: &str) {
    let touched = app.sql(format!("update tickets set {columns} where id = '{}'", id(ticket)));
    assert_eq!(touched.await.unwrap(), 1);
}

#[actix_web::test]
async fn every_field_of_a_ticket_can_be_asked_for() {
    let app = TestApp::start().await;
    let caller = app.agent("Coordinator").await;
    let me = app.id("agents", "Coordinator").await;
    let simple = app.text("select id::text as text from workflows where key = 'simple'").await;
    let plain = app.open_ticket(json!({})).await;
    let other = app.agent("Administrator").await;
    let special = json!({"url": "https://app.example/7", "source": "phone"});
    let special = other.post("/v1/tickets", app.new_ticket(special).await).await.expect(201);
    set(
        &app,
        &special,
        &format!(
            "severity = 2, impact = 3, priority_manual = true, vendor_reference = 'MS-7', reopen_count = 1,
             merged_into = '{}', created_at = '2026-01-01T00:00:00Z', updated_at = '2026-01-02T00:00:00Z',
             submitted_at = '2026-01-03T00:00:00Z', deadline = '2026-01-04T00:00:00Z', category = 'closed', status = '050',
             closed_at = '2026-01-05T00:00:00Z', automatic_at = null",
            id(&plain)
        ),
    )
    .await;
    let opener = app.id("agents", "Administrator").await;
    for query in [
        "severity=2".to_owned(),
        "severity=1,2".into(),
        "impact=3".into(),
        "priority_manual=true".into(),
        "vendor_reference=MS-7,MS-8".into(),
        "reopened=true".into(),
        "merged=true".into(),
        format!("merged_into={}", id(&plain)),
        "url=https://app.example/7".into(),
        "source=phone,email".into(),
        format!("opened_by={opener}"),
        "created_before=2026-01-01T00:00:01Z".into(),
        "updated_before=2026-01-02T00:00:01Z&updated_from=2026-01-02T00:00:00Z".into(),
        "submitted_before=2026-01-03T00:00:01Z&submitted_from=2026-01-03T00:00:00Z".into(),
        "closed_from=2026-01-05T00:00:00Z&closed_before=2026-01-05T00:00:01Z".into(),
        "deadline_from=2026-01-04T00:00:00Z&deadline_before=2026-01-04T00:00:01Z".into(),
    ] {
        assert_eq!(ids(&list(&caller, &query).await), [id(&special)], "{query}");
    }
    for query in [
        "severity=none".to_owned(),
        "impact=none,1".into(),
        "priority_manual=false".into(),
        "reopened=false".into(),
        "merged=false".into(),
        "opened_by=me".into(),
        format!("opened_by={me}"),
        "due=none".into(),
        "updated_from=2026-01-02T00:00:01Z".into(),
        "submitted_from=2026-01-03T00:00:01Z".into(),
    ] {
        assert_eq!(ids(&list(&caller, &query).await), [id(&plain)], "{query}");
    }
    let workflow = special["workflow_id"].as_str().unwrap();
    let (account, contact) = (&special["account_id"], &special["contact_id"]);
    let assignees = [&plain, &special].map(|ticket| ticket["assignee_id"].as_str().unwrap());
    for query in [
        format!("workflow={workflow}"),
        "severity=none,2".into(),
        format!("assignee=none,{}", assignees.join(",")),
        format!("opened_by=me,{opener}"),
        format!(
            "number={},{}",
            plain["number"].as_str().unwrap(),
            &special["number"].as_str().unwrap()[3..]
        ),
        format!("account={0},{1}", account.as_str().unwrap(), opener),
        format!("contact={0},{0}", contact.as_str().unwrap()),
        "level=L1,L2&type=question,incident".into(),
    ] {
        assert_eq!(ids(&list(&caller, &query).await).len(), 2, "{query}");
    }
    let nobodys = format!("workflow={}", simple.unwrap());
    for query in ["severity=4", "vendor_reference=MS-8", "due=overdue", nobodys.as_str()] {
        assert_eq!(ids(&list(&caller, query).await).len(), 0, "{query}");
    }
    for bad in [
        "severity=5",
        "impact=x",
        "due=later",
        "merged=perhaps",
        "opened_by=x",
        "q=",
        "q=%22",
        "q=-only",
    ] {
        caller.get(&format!("/v1/tickets?{bad}")).await.problem(400, "malformed_request");
    }
}

#[actix_web::test]
async fn what_is_due_is_told_by_the_deadline_of_open_tickets() {
    let app = TestApp::start().await;
    let caller = app.agent("Coordinator").await;
    let mut tickets = Vec::new();
    for deadline in [
        "now() - interval '1 second'",
        "least(now() + interval '1 hour', date_trunc('day', now(), 'UTC') + interval '1 day' - interval '1 ms')",
        "now() + interval '23 hours'",
        "now() + interval '25 hours'",
        "null",
    ] {
        let ticket = app.open_ticket(json!({})).await;
        set(&app, &ticket, &format!("deadline = {deadline}")).await;
        tickets.push(ticket);
    }
    let closed = app.open_ticket(json!({})).await;
    let solved = "category = 'closed', status = '050', closed_at = now(), deadline = now() - interval '1 day'";
    set(&app, &closed, solved).await;
    let found = async |query: &str| {
        let page = list(&caller, query).await;
        let place = |found: &&str| tickets.iter().position(|ticket| id(ticket) == *found).unwrap();
        ids(&page).iter().map(place).collect::<Vec<_>>()
    };
    assert_eq!(found("due=overdue").await, [0]);
    assert!(found("due=today").await.contains(&1) && !found("due=today").await.contains(&3));
    assert_eq!(found("due=soon&sort=deadline").await, [1, 2]);
    assert_eq!(found("due=none").await, [4]);
    // Without a deadline is behind every deadline.
    assert_eq!(found("category=active&sort=deadline").await, [0, 1, 2, 3, 4]);
    assert_eq!(found("category=active&sort=-deadline").await, [4, 3, 2, 1, 0]);
    // A page goes on where it was, though time goes on too.
    let first = list(&caller, "due=soon&sort=deadline&limit=1").await;
    let next = first["next"].as_str().unwrap();
    let second = list(&caller, &format!("due=soon&sort=deadline&limit=1&cursor={next}")).await;
    assert_eq!((ids(&first), ids(&second)), (vec![id(&tickets[1])], vec![id(&tickets[2])]));
}

#[actix_web::test]
async fn every_order_goes_both_ways_and_pages_meet() {
    let app = TestApp::start().await;
    let caller = app.agent("Coordinator").await;
    let made = app
        .sql(
            "insert into tickets (id, workflow_id, status, category, subject, description, account_id, product_id,
              department_id, level, source, opened_by, opened_by_role, deadline, created_at, updated_at)
             select gen_random_uuid(), d.workflow_id, (array['012', '030', '031'])[1 + n % 3],
              (array['new', 'open', 'open'])[1 + n % 3], 'Ticket ' || n, '', a.id, p.id, d.id, 'L1', 'api',
              gen_random_uuid(), 'integration', case when n % 4 > 0 then now() + n % 5 * interval '1 hour' end,
              now() - n / 7 * interval '1 second', now()
             from generate_series(1, 60) n, departments d, products p, accounts a
             where d.is_default and p.name = 'CoreTrac' and a.name = 'Northwind Services'",
        )
        .await;
    assert_eq!(made.unwrap(), 60);
    for (sort, order) in [
        ("created_at", "created_at, id"),
        ("updated_at", "updated_at, id"),
        ("priority", "priority, id"),
        ("deadline", "deadline nulls last, id"),
        ("number", "number, id"),
        ("status", "status, created_at, id"),
    ] {
        let expected = app
            .text(&format!(
                "select string_agg(id::text, ' ' order by {order}) as text from tickets"
            ))
            .await
            .unwrap();
        let mut expected: Vec<&str> = expected.split(' ').collect();
        for sort in [sort.to_owned(), format!("-{sort}")] {
            let mut page = list(&caller, &format!("limit=13&sort={sort}")).await;
            let mut forward: Vec<String> = ids(&page).into_iter().map(str::to_owned).collect();
            while let Some(next) = page["next"].as_str() {
                page = list(&caller, &format!("limit=13&sort={sort}&cursor={next}")).await;
                forward.extend(ids(&page).into_iter().map(str::to_owned));
            }
            assert_eq!(forward, expected, "{sort}");
            let mut backward: Vec<String> = ids(&page).into_iter().map(str::to_owned).collect();
            while let Some(prev) = page["prev"].as_str() {
                page = list(&caller, &format!("limit=13&sort={sort}&cursor={prev}")).await;
                backward.splice(..0, ids(&page).into_iter().map(str::to_owned));
            }
            assert_eq!(backward, expected, "{sort}, backward");
            expected.reverse();
        }
    }
    // A cursor of one order means nothing in another.
    let next = list(&caller, "limit=1&sort=status").await["next"].as_str().unwrap().to_owned();
    let mixed = format!("/v1/tickets?limit=1&sort=number&cursor={next}");
    caller.get(&mixed).await.problem(400, "malformed_request");
}

#[actix_web::test]
async fn deleted_tickets_are_listed_for_who_may_restore_them() {
    let app = TestApp::start().await;
    let (coordinator, agent) = (app.agent("Coordinator").await, app.agent("L1 agent A").await);
    let (kept, deleted) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    assert_eq!(coordinator.delete(&path(&deleted, ""), "*").await.status, 204);
    assert_eq!(ids(&list(&coordinator, "deleted=true").await), [id(&deleted)]);
    assert_eq!(ids(&list(&coordinator, "deleted=false").await), [id(&kept)]);
    for caller in [agent, app.contact("Purchasing contact").await] {
        let refused = caller.get("/v1/tickets?deleted=true").await.problem(403, "forbidden");
        assert_eq!(refused["required_permission"], "tickets:delete");
        assert_eq!(ids(&list(&caller, "").await), [id(&kept)]);
    }
}

#[actix_web::test]
async fn a_list_shows_only_the_fields_that_were_asked_for() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let coordinator = app.agent("Coordinator").await;
    let page = list(&coordinator, "fields=number,assignee_id,version").await;
    let [id, number, assignee, version] =
        ["id", "number", "assignee_id", "version"].map(|field| (field, ticket[field].clone()));
    let shown =
        [id, number.clone(), assignee, version].map(|(field, value)| (field.to_owned(), value));
    assert_eq!(page["items"][0], Value::Object(shown.into_iter().collect()));
    let customer = app.contact("Purchasing contact").await;
    assert_eq!(list(&customer, "fields=number").await["items"][0]["number"], number.1);
    for bad in ["fields=assignee_id", "fields=colour"] {
        customer.get(&format!("/v1/tickets?{bad}")).await.problem(400, "malformed_request");
    }
    // A cursor goes on with other fields.
    app.open_ticket(json!({})).await;
    let next =
        list(&coordinator, "limit=1&fields=number").await["next"].as_str().unwrap().to_owned();
    assert_eq!(ids(&list(&coordinator, &format!("limit=1&cursor={next}")).await).len(), 1);
}

#[actix_web::test]
async fn a_contact_pages_through_the_accounts_tickets_and_those_that_moved_away() {
    let app = TestApp::start().await;
    let contact = app.contact("Purchasing contact").await;
    let harbor = app.id("accounts", "Harbor Logistics").await;
    let mut opened = Vec::new();
    for number in 0..7 {
        let ticket = contact.post("/v1/tickets", app.new_ticket(json!({})).await).await.expect(201);
        if number % 3 == 0 {
            set(&app, &ticket, &format!("account_id = '{harbor}'")).await;
        }
        opened.push(ticket);
    }
    // Of that account, but not theirs.
    let foreign =
        json!({"account_id": harbor, "contact_id": app.id("contacts", "Finance contact").await});
    app.open_ticket(foreign).await;
    let draft =
        contact.post("/v1/tickets", json!({"subject": "Later", "draft": true})).await.expect(201);
    opened.push(draft);
    let mut expected: Vec<&str> = opened.iter().map(id).collect();
    for sort in ["created_at", "-created_at"] {
        let mut page = list(&contact, &format!("sort={sort}&limit=3")).await;
        let mut forward: Vec<String> = ids(&page).into_iter().map(str::to_owned).collect();
        while let Some(next) = page["next"].as_str() {
            page = list(&contact, &format!("sort={sort}&limit=3&cursor={next}")).await;
            forward.extend(ids(&page).into_iter().map(str::to_owned));
        }
        assert_eq!(forward, expected, "{sort}");
        let mut backward: Vec<String> = ids(&page).into_iter().map(str::to_owned).collect();
        while let Some(prev) = page["prev"].as_str() {
            page = list(&contact, &format!("sort={sort}&limit=3&cursor={prev}")).await;
            backward.splice(..0, ids(&page).into_iter().map(str::to_owned));
        }
        assert_eq!(backward, expected, "{sort}, backward");
        expected.reverse();
    }
}

#[actix_web::test]
async fn what_a_contact_does_not_see_cannot_be_asked() {
    let app = TestApp::start().await;
    let contact = app.contact("Purchasing contact").await;
    for filter in [
        "severity=1",
        "impact=none",
        "priority_manual=true",
        "vendor_reference=x",
        "workflow=00000000-0000-0000-0000-000000000000",
        "opened_by=00000000-0000-0000-0000-000000000000",
        "sort=status",
        "sort=-status",
    ] {
        contact.get(&format!("/v1/tickets?{filter}")).await.problem(400, "malformed_request");
    }
    let own = contact.post("/v1/tickets", app.new_ticket(json!({})).await).await.expect(201);
    app.open_ticket(json!({})).await;
    assert_eq!(ids(&list(&contact, "opened_by=me").await), [id(&own)]);
    assert_eq!(
        ids(&list(&contact, "merged=false&reopened=false&due=none&sort=deadline").await).len(),
        2
    );
}
