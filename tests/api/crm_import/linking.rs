//! What an import links, creates, and lists as unmapped.
use serde_json::json;

use super::{counts, creating, reason};
use crate::support::mirror::{Mirrored, crm_id, text};

#[actix_web::test]
async fn who_is_known_by_address_and_what_is_known_by_name_is_linked() {
    let desk = Mirrored::start().await;
    desk.crm.create("AOS_Products", json!({"name": "CORETRAC"})).unwrap();
    let status = desk.import(false).await;
    assert_eq!(counts(&status, "account"), [2, 0, 0, 2, 0]);
    assert_eq!(counts(&status, "product"), [1, 0, 0, 1, 0]);
    assert_eq!(counts(&status, "contact"), [4, 0, 0, 4, 0]);
    let linked = desk.links("account").await;
    let northwind = (desk.id("Northwind Services").to_owned(), crm_id("Northwind Services"));
    assert!(linked.contains(&northwind), "{linked:?}");
    let agents = desk.links("agent").await;
    assert!(agents.contains(&(desk.id("L1 agent A").to_owned(), crm_id("L1 agent A"))));
    // The clerk and the CRM's own administrator are no agents, and have no address.
    let users = desk.unmapped("agent").await;
    assert_eq!((users.len(), reason(&users, "Sales clerk")), (2, "no_email".into()));
}

#[actix_web::test]
async fn what_is_not_found_is_created_if_the_connection_says_so() {
    let desk = creating().await;
    let account = desk.crm.create("Accounts", json!({"name": "Blue & Sky"})).unwrap();
    let person = json!({
        "first_name": "Import", "last_name": "contact", "email1": "import@blue.example",
        "phone_work": "+43 2", "account_id": account,
    });
    desk.crm.create("Contacts", person).unwrap();
    desk.crm.create("AOS_Products", json!({"name": "Ledger"})).unwrap();
    desk.crm.create("Users", json!({"last_name": "New", "email1": "new@desk.example"})).unwrap();
    let status = desk.import(false).await;
    assert_eq!(counts(&status, "account"), [3, 1, 0, 2, 0]);
    assert_eq!(counts(&status, "contact"), [5, 1, 0, 4, 0]);
    let contact = desk.find("contacts", "Import contact").await;
    let account = desk.find("accounts", "Blue & Sky".split(' ').next().unwrap()).await;
    assert_eq!(
        (&contact["email"], &contact["phone"]),
        (&json!("import@blue.example"), &json!("+43 2"))
    );
    assert_eq!(contact["account_ids"], json!([account["id"]]));
    desk.find("products", "Ledger").await;
    // Agents are never created.
    assert_eq!(reason(&desk.unmapped("agent").await, "New"), "no_match");
    desk.app.publish().await;
    let event = "select origin || ' ' || actor_name as text from events where subject like 'contact/%' order by id desc";
    assert_eq!(desk.app.text(event).await.unwrap(), "crm SuiteCRM");
}

#[actix_web::test]
async fn a_second_import_links_and_creates_nothing_twice() {
    let desk = creating().await;
    desk.crm.create("Accounts", json!({"name": "Blue Sky"})).unwrap();
    desk.import(false).await;
    let before = desk.app.number("select count(*) as number from events").await;
    let status = desk.import(true).await;
    for kind in ["agent", "account", "contact"] {
        assert_eq!(counts(&status, kind)[1..4], [0, 0, 0], "{kind}");
    }
    assert_eq!(desk.app.number("select count(*) as number from events").await, before);
}

#[actix_web::test]
async fn what_cannot_be_mapped_is_listed_with_suggestions_and_mapped_by_hand() {
    let desk = Mirrored::start().await;
    let local = json!({"name": "Blue Sky", "product_ids": [desk.id("CoreTrac")]});
    let local = desk.admin.post("/v1/accounts", local).await.expect(201);
    let new = json!({
        "subject": "Waits", "description": "For its account.", "account_id": local["id"],
        "product_id": desk.id("CoreTrac"),
    });
    let ticket = text(&desk.admin.post("/v1/tickets", new).await.expect(201)["id"]);
    desk.converge().await;
    assert_eq!(desk.mirror(&ticket).await["error_class"], "unmapped");

    let remote = desk.crm.create("Accounts", json!({"name": "Blue Skies Ltd"})).unwrap();
    let other = desk.crm.create("Accounts", json!({"name": "Red Moon"})).unwrap();
    desk.import(false).await;
    let unmapped = desk.unmapped("account").await;
    assert_eq!((unmapped.len(), reason(&unmapped, "Blue Skies Ltd")), (2, "no_match".into()));
    let of = |id: &str| unmapped.iter().find(|row| row["remote_id"] == id).unwrap().clone();
    assert_eq!(of(&remote)["suggestions"], json!([{"id": local["id"], "name": "Blue Sky"}]));
    assert_eq!(of(&other)["suggestions"], json!([]));

    let by_hand = json!({"items": [{"local_id": local["id"], "remote_id": remote}]});
    desk.admin.put(&desk.path("maps/account"), by_hand).await.expect(200);
    assert_eq!(desk.unmapped("account").await.len(), 1);
    desk.converge().await;
    assert_eq!(desk.case(&ticket).await.value("account_id"), remote);
}

#[actix_web::test]
async fn tickets_that_wait_for_an_account_go_on_when_an_import_finds_it() {
    let desk = Mirrored::start().await;
    let remote = crm_id("Northwind Services");
    desk.edit_record("Accounts", &remote, json!({"name": "Something else"}));
    let ticket = desk.open("Waits").await;
    desk.converge().await;
    assert_eq!(desk.mirror(&ticket).await["state"], "parked");
    desk.edit_record("Accounts", &remote, json!({"name": "northwind services"}));
    desk.import(false).await;
    desk.converge().await;
    assert_eq!(desk.case(&ticket).await.value("account_id"), remote);
}

#[actix_web::test]
async fn two_records_of_one_name_are_linked_to_nothing_wherever_they_are_listed() {
    let desk = creating().await;
    desk.crm.create("Accounts", json!({"id": "ffffffff-0", "name": "harbor logistics"})).unwrap();
    for n in 0..150 {
        desk.crm.create("Accounts", json!({"name": format!("Filler {n}")})).unwrap();
    }
    let status = desk.import(false).await;
    assert_eq!(counts(&status, "account"), [153, 150, 0, 1, 2]);
    let unmapped = desk.unmapped("account").await;
    assert_eq!(reason(&unmapped, "Harbor Logistics"), "ambiguous");
    assert_eq!(reason(&unmapped, "harbor logistics"), "ambiguous");
}

#[actix_web::test]
async fn a_contact_without_an_account_or_with_anothers_address_is_not_created() {
    let desk = creating().await;
    let harbor = crm_id("Harbor Logistics");
    let contact = |name: &str, email: &str, account: &str| json!({"last_name": name, "email1": email, "account_id": account});
    for (name, email, account) in [
        ("Homeless", "homeless@x.example", ""),
        ("Mute", "", harbor.as_str()),
        ("Elsewhere", "purchasing@customer.example", harbor.as_str()),
    ] {
        desk.crm.create("Contacts", contact(name, email, account)).unwrap();
    }
    // Of the two with that address, neither is taken for the contact.
    desk.crm.delete("Contacts", &crm_id("Purchasing contact")).unwrap();
    desk.import(false).await;
    let unmapped = desk.unmapped("contact").await;
    let reasons = ["Homeless", "Mute", "Elsewhere"].map(|name| reason(&unmapped, name));
    assert_eq!(reasons, ["no_account", "no_email", "other_account"]);
}

#[actix_web::test]
async fn a_link_that_somebody_took_away_is_not_made_again() {
    let desk = Mirrored::start().await;
    desk.import(false).await;
    let gone = json!({"items": [{"local_id": desk.id("Harbor Logistics"), "remote_id": null}]});
    desk.admin.put(&desk.path("maps/account"), gone).await.expect(200);
    desk.import(true).await;
    assert_eq!(reason(&desk.unmapped("account").await, "Harbor Logistics"), "unlinked");
    assert_eq!(desk.links("account").await.len(), 1);
}

#[actix_web::test]
async fn what_is_linked_by_hand_to_another_record_stays_so() {
    let desk = Mirrored::start().await;
    let other = desk.crm.create("Accounts", json!({"name": "Harbor Holding"})).unwrap();
    let harbor = desk.id("Harbor Logistics").to_owned();
    let by_hand = json!({"items": [{"local_id": harbor, "remote_id": other}]});
    desk.admin.put(&desk.path("maps/account"), by_hand).await.expect(200);
    desk.import(false).await;
    assert_eq!(reason(&desk.unmapped("account").await, "Harbor Logistics"), "taken");
    assert!(desk.links("account").await.contains(&(harbor, other)));
}

#[actix_web::test]
async fn a_kind_that_is_off_is_not_asked_for_and_agents_cannot_be_created() {
    let desk = Mirrored::start_with(json!({"import": {"contacts": "off"}})).await;
    desk.import(false).await;
    assert_eq!(desk.crm.count("GET", "Contacts"), 0);
    let path = format!("/v1/crm/connections/{}", desk.connection);
    let change = json!({"settings": {"import": {"users": "create"}}});
    let problem = desk.admin.patch(&path, "*", change).await.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/settings/import/users");
}

#[actix_web::test]
async fn the_unmapped_are_paged_in_both_directions() {
    let desk = Mirrored::start().await;
    for n in 0..5 {
        desk.crm.create("Accounts", json!({"name": format!("Unknown {n}")})).unwrap();
    }
    desk.import(false).await;
    let page = |cursor: String| {
        let path = desk.path(&format!("unmapped?kind=account&limit=2{cursor}"));
        let admin = &desk.admin;
        async move { admin.get(&path).await.expect(200) }
    };
    let first = page(String::new()).await;
    let second = page(format!("&cursor={}", text(&first["next"]))).await;
    let third = page(format!("&cursor={}", text(&second["next"]))).await;
    let seen = [&first, &second, &third].map(|page| page["items"].as_array().unwrap().len());
    assert_eq!((seen, &third["next"]), ([2, 2, 1], &json!(null)));
    let back = page(format!("&cursor={}", text(&third["prev"]))).await;
    assert_eq!(back["items"], second["items"]);
}
