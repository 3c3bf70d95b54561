//! Full-text search: what is found, in which order, and what stays unseen.
use casebridge::kernel::Permission;
use serde_json::{Value, json};

use super::{id, ids, list};
use crate::support::{Client, TestApp, path};

pub(super) async fn search(caller: &Client, query: &str) -> Value {
    caller.get(&format!("/v1/search?{query}")).await.expect(200)
}

pub(super) fn found(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|found| id(&found["ticket"])).collect()
}

pub(super) async fn note(caller: &Client, ticket: &Value, body: &str, visibility: &str) -> Value {
    let note = json!({"body": body, "visibility": visibility});
    caller.post(&path(ticket, "/notes"), note).await.expect(201)
}

/// The text of a highlight with the hits in brackets.
fn shown(highlight: &Value) -> String {
    let pieces = highlight["pieces"].as_array().unwrap().iter();
    let text = |piece: &Value| piece["text"].as_str().unwrap().to_owned();
    pieces.map(|p| if p["hit"] == true { format!("[{}]", text(p)) } else { text(p) }).collect()
}

#[actix_web::test]
async fn words_are_found_in_subject_description_and_notes_the_best_first() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let open = async |subject: &str, description: &str| {
        app.open_ticket(json!({"subject": subject, "description": description})).await
    };
    let in_subject = open("Invoice for Müller", "Nothing.").await;
    let in_description = open("Something", "The invoice is wrong.").await;
    let in_note = open("Something else", "Nothing.").await;
    let noted = note(&agent, &in_note, "Look at <b>the invoice</b> again", "public").await;
    let unrelated = open("Printer", "Paper jam.").await;

    let page = search(&agent, "q=invoice").await;
    assert_eq!(found(&page), [id(&in_subject), id(&in_description), id(&in_note)]);
    assert_eq!((&page["truncated"], &page["next"]), (&json!(false), &Value::Null));
    let items = page["items"].as_array().unwrap();
    assert!(items.is_sorted_by(|a, b| a["rank"].as_f64() >= b["rank"].as_f64()), "{items:?}");
    let highlight = &items[2]["highlights"][0];
    assert_eq!(shown(highlight), "Look at <b>the [invoice]</b> again");
    assert_eq!((&highlight["field"], &highlight["note_id"]), (&json!("note"), &noted["id"]));
    assert_eq!(items[0]["highlights"][0]["field"], "subject");
    assert_eq!(items[1]["highlights"][0]["field"], "description");

    for (q, expected) in [
        ("INVOICE", 3),
        ("invo", 3),
        ("invo wrong", 0),
        ("invoice wrong", 1),
        ("muller", 1),
        ("%22the+invoice%22", 2),
        ("%22invoice+the%22", 0),
        ("invoice -wrong", 2),
        ("something again", 1),
        ("nothing", 2),
    ] {
        assert_eq!(found(&search(&agent, &format!("q={q}")).await).len(), expected, "{q}");
        let listed = list(&agent, &format!("q={q}")).await;
        assert_eq!(ids(&listed).len(), expected, "{q} in the list");
    }
    let newest = list(&agent, "q=invoice&sort=-created_at").await;
    assert_eq!(ids(&newest), [id(&in_note), id(&in_description), id(&in_subject)]);
    assert_eq!(found(&search(&agent, "q=paper&category=active").await), [id(&unrelated)]);
    assert_eq!(found(&search(&agent, "q=paper&category=closed").await).len(), 0);
}

#[actix_web::test]
async fn a_number_an_external_id_and_an_address_find_their_tickets() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let harbor = json!({
        "account_id": app.id("accounts", "Harbor Logistics").await,
        "contact_id": app.id("contacts", "Finance contact").await,
        "external_id": "shop-7731",
    });
    let ticket = app.open_ticket(harbor).await;
    let number = ticket["number"].as_str().unwrap();
    let mentions = format!("As in {number}, and again {number}, {number}");
    let mentioning = app.open_ticket(json!({"subject": mentions})).await;
    for q in [number.to_owned(), number.to_lowercase(), number[3..].to_owned()] {
        let page = search(&agent, &format!("q={q}")).await;
        assert_eq!(found(&page), [id(&ticket), id(&mentioning)], "{q}");
        assert_eq!(ids(&list(&agent, &format!("q={q}")).await).len(), 2, "{q}");
    }
    for q in ["shop-7731", "7731", "FINANCE@customer.example"] {
        assert_eq!(found(&search(&agent, &format!("q={q}")).await), [id(&ticket)], "{q}");
        assert_eq!(ids(&list(&agent, &format!("q={q}")).await), [id(&ticket)], "{q}");
    }
    // To a contact an address is a text like any other: which ones are known is nothing that a search tells.
    let customer = app.contact("Purchasing contact").await;
    let says =
        json!({"description": "Write to finance@customer.example or nobody@customer.example"});
    let says = app.open_ticket(says).await;
    for q in ["finance@customer.example", "nobody@customer.example"] {
        assert_eq!(found(&search(&customer, &format!("q={q}")).await), [id(&says)], "{q}");
    }
}

#[actix_web::test]
async fn what_a_caller_may_not_read_neither_matches_nor_shows() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    note(&coordinator, &ticket, "The customer is a zebra", "internal").await;
    note(&coordinator, &ticket, "We look into the export", "public").await;
    let reads = app.integration(&[Permission::TicketsRead]).await;
    let reads = app.client_for(reads).await;
    let customer = app.contact("Purchasing contact").await;
    let agent = app.agent("L1 agent A").await;
    for caller in [&coordinator, &agent] {
        let page = search(caller, "q=zebra").await;
        assert_eq!(shown(&page["items"][0]["highlights"][0]), "The customer is a [zebra]");
        assert_eq!(ids(&list(caller, "q=zebra").await), [id(&ticket)]);
    }
    for caller in [&customer, &reads] {
        for q in ["zebra", "zeb", "%22a+zebra%22", "export+zebra"] {
            assert_eq!(found(&search(caller, &format!("q={q}")).await).len(), 0, "{q}");
            assert_eq!(ids(&list(caller, &format!("q={q}")).await).len(), 0, "{q}");
        }
        // An exclusion would tell it as well.
        let page = search(caller, "q=export -zebra").await;
        assert_eq!(found(&page), [id(&ticket)]);
        assert!(!page.to_string().contains("zebra"));
        let page = search(caller, "q=the").await;
        assert_eq!(found(&page), [id(&ticket)]);
        assert!(!page.to_string().contains("zebra"), "{page}");
    }
    assert_eq!(found(&search(&coordinator, "q=export -zebra").await).len(), 0);
    // The tickets of others are not there at all, not even by number.
    let number = ticket["number"].as_str().unwrap();
    for stranger in [app.contact("Warehouse contact").await, app.agent("Business analyst A").await]
    {
        for q in ["export", number, "purchasing@customer.example"] {
            assert_eq!(found(&search(&stranger, &format!("q={q}")).await).len(), 0, "{q}");
            assert_eq!(ids(&list(&stranger, &format!("q={q}")).await).len(), 0, "{q}");
        }
    }
    coordinator.delete(&path(&ticket, ""), "*").await;
    assert_eq!(found(&search(&coordinator, &format!("q={number}")).await).len(), 0);
}

#[actix_web::test]
async fn an_agent_finds_what_moved_to_their_department_and_what_is_theirs_elsewhere() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let analyst = app.agent("Business analyst A").await;
    let me = app.id("agents", "Business analyst A").await;
    let (ticket, theirs) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    let business = app.id("departments", "Business Unit").await;
    assert_eq!(found(&search(&analyst, "q=export").await).len(), 0);
    let moved =
        format!("update tickets set department_id = '{business}' where id = '{}'", id(&ticket));
    app.sql(moved).await.unwrap();
    assert_eq!(found(&search(&analyst, "q=export").await), [id(&ticket)]);
    let to = json!({"agent_id": me});
    coordinator.post_on(&path(&theirs, "/assignment"), "*", to.clone()).await.expect(200);
    assert_eq!(found(&search(&analyst, "q=export").await).len(), 2);
    // Theirs in their own department is found once.
    coordinator.post_on(&path(&ticket, "/assignment"), "*", to).await.expect(200);
    let mut both = [id(&ticket), id(&theirs)];
    both.sort_unstable();
    let page = search(&analyst, "q=export").await;
    let mut got = found(&page);
    got.sort_unstable();
    assert_eq!(got, both);
    let apart =
        "select count(*) as number from tickets t left join ticket_texts x on x.ticket_id = t.id
        where (x.department_id, x.created_at) is distinct from (t.department_id, t.created_at)";
    assert_eq!(app.number(apart).await, 0);
}

#[actix_web::test]
async fn the_newest_of_many_matches_are_ranked_and_paged_without_gaps() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let oldest = app.open_ticket(json!({"subject": "Common word"})).await;
    let rows = app
        .sql(
            "insert into tickets (id, workflow_id, status, category, subject, description, account_id, product_id,
              department_id, level, source, opened_by, opened_by_role, created_at, updated_at)
             select gen_random_uuid(), d.workflow_id, '012', 'new', 'Ticket ' || n, repeat('common ', 1 + n % 4), a.id, p.id,
              d.id, 'L1', 'api', gen_random_uuid(), 'integration', now() + n * interval '1 second', now()
             from generate_series(1, 230) n, departments d, products p, accounts a
             where d.is_default and p.name = 'CoreTrac' and a.name = 'Northwind Services'",
        )
        .await;
    assert_eq!(rows.unwrap(), 230);
    let mut page = search(&coordinator, "q=common&limit=35").await;
    let mut forward: Vec<String> = found(&page).into_iter().map(str::to_owned).collect();
    while let Some(next) = page["next"].as_str() {
        page = search(&coordinator, &format!("q=common&limit=35&cursor={next}")).await;
        assert_eq!(page["truncated"], true);
        forward.extend(found(&page).into_iter().map(str::to_owned));
    }
    let mut backward: Vec<String> = found(&page).into_iter().map(str::to_owned).collect();
    while let Some(prev) = page["prev"].as_str() {
        page = search(&coordinator, &format!("q=common&limit=35&cursor={prev}")).await;
        backward.splice(..0, found(&page).into_iter().map(str::to_owned));
    }
    assert_eq!(forward, backward);
    let distinct: std::collections::HashSet<&String> = forward.iter().collect();
    assert_eq!((forward.len(), distinct.len()), (100, 100));
    assert!(!forward.iter().any(|found| found == id(&oldest)), "the oldest match is not ranked");
    // A filter leads further, and the list goes through all of them.
    let created = oldest["created_at"].as_str().unwrap();
    let older = search(&coordinator, &format!("q=common&created_before={created}")).await;
    assert_eq!(found(&older).len(), 0);
    let last = list(&coordinator, "q=common&sort=created_at&limit=1").await;
    assert_eq!(ids(&last), [id(&oldest)]);
    let next = search(&coordinator, "q=common&limit=35").await["next"].as_str().unwrap().to_owned();
    for bad in [
        "",
        "q=",
        "q=common&sort=number",
        &format!("q=other&cursor={next}"),
        &format!("q={}", "a".repeat(201)),
    ] {
        coordinator.get(&format!("/v1/search?{bad}")).await.problem(400, "malformed_request");
    }
}

#[actix_web::test]
async fn a_phrase_is_found_wherever_a_text_has_its_words_in_this_order() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let customer = app.contact("Purchasing contact").await;
    let open = async |subject: &str, description: &str| {
        app.open_ticket(json!({"subject": subject, "description": description})).await
    };
    let said = "At ten the Größere Export stops";
    let one = open("Red kite", said).await;
    let other = open("Kite red", "The export stops. At export ten, the grossere.").await;
    note(&coordinator, &one, "Look at report-7.csv, again: yellow submarine", "public").await;
    note(&coordinator, &other, "A blue whale; yellow", "internal").await;
    note(&coordinator, &other, "Submarine", "internal").await;
    for (phrase, desk, customers) in [
        ("red kite", vec![&one], vec![&one]),
        ("KITE RED", vec![&other], vec![&other]),
        ("export stops", vec![&one, &other], vec![&one, &other]),
        ("grossere export", vec![&one], vec![&one]),
        ("Größere Export", vec![&one], vec![&one]),
        ("ten the größere export stops", vec![&one], vec![&one]),
        // It has all pairs of this phrase, but not in one place.
        ("at export stops", vec![], vec![]),
        ("report 7 csv again yellow", vec![&one], vec![&one]),
        ("report-7.csv", vec![&one], vec![&one]),
        ("blue whale", vec![&other], vec![]),
        // What follows in another text does not follow.
        ("kite at", vec![], vec![]),
        ("yellow submarine", vec![&one], vec![&one]),
    ] {
        for (caller, expected) in [(&coordinator, desk), (&customer, customers)] {
            let quoted = format!("\"{phrase}\"");
            let query =
                form_urlencoded::Serializer::new(String::new()).append_pair("q", &quoted).finish();
            let mut expected: Vec<&str> = expected.into_iter().map(id).collect();
            expected.sort_unstable();
            for mut got in [found(&search(caller, &query).await), ids(&list(caller, &query).await)]
            {
                got.sort_unstable();
                assert_eq!(got, expected, "{phrase}");
            }
        }
    }
    // Words that something joins are a phrase, up to the one that is not finished.
    for (typed, expected) in [("look-at-repo", 1), ("stops-7.csv", 0), ("yellow-subm", 2)] {
        let page = search(&coordinator, &format!("q={typed}")).await;
        assert_eq!(found(&page).len(), expected, "{typed}");
    }
    let page = search(&coordinator, "q=export+-%22red+kite%22").await;
    assert_eq!(found(&page), [id(&other)]);
}

#[actix_web::test]
async fn whatever_is_typed_is_a_search_and_no_error() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    app.open_ticket(json!({"description": "O'Brien's \\ path C:\\temp & 100% <done> | ! (no)"}))
        .await;
    for typed in [
        "O'Brien",
        "C:\\temp",
        "a & b | !c",
        "(x <-> y)",
        "100%",
        "foo:*ABC",
        "'quoted'",
        "\"open phrase",
        "a --double",
        "ŉ",
        "İstanbul",
        "ﬁle",
        "日本語",
        "naïve café",
        "a:b:c",
        "<b>x</b>",
        "½",
        "🙂 smile",
    ] {
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("q", typed).finish();
        search(&coordinator, &query).await;
        list(&coordinator, &query).await;
    }
    assert_eq!(found(&search(&coordinator, "q=o%27brien+temp").await).len(), 1);
}

#[actix_web::test]
async fn a_merged_ticket_is_found_by_its_own_words_and_names_its_target_but_is_no_active_one() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let contact = app.contact("Purchasing contact").await;
    let target = app.open_ticket(json!({"subject": "Import"})).await;
    let merged = app.open_ticket(json!({"subject": "Import again"})).await;
    note(&agent, &merged, "It is the firewall", "public").await;
    let into = json!({"into": target["id"], "note": {"body": "Ask the colleagues of the mainframe", "visibility": "internal"}});
    agent.post_on(&path(&merged, "/merge"), "*", into).await.expect(200);

    for caller in [&agent, &contact] {
        let page = search(caller, "q=firewall").await;
        assert_eq!(found(&page), [id(&merged)], "with its own note");
        assert_eq!(page["items"][0]["ticket"]["merged_into"], target["id"]);
        let page = list(caller, "q=firewall").await;
        assert_eq!(page["items"][0]["merged_into"], target["id"]);
        assert_eq!(ids(&list(caller, "q=import&category=active").await), [id(&target)]);
        assert!(ids(&list(caller, "q=firewall&category=active").await).is_empty());
    }
    assert_eq!(found(&search(&agent, "q=mainframe").await), [id(&merged)]);
    assert!(found(&search(&contact, "q=mainframe").await).is_empty());
    // What is sent to it afterwards is the target's.
    note(&contact, &merged, "The proxy, too", "public").await;
    assert_eq!(found(&search(&agent, "q=proxy").await), [id(&target)]);
    assert_eq!(ids(&list(&agent, "merged=false").await), [id(&target)]);
}
