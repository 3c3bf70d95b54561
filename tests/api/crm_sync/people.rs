//! Whom a case is of, and the lead that a ticket became.
use reqwest::Method;
use serde_json::{Value, json};

use super::Integrated;
use crate::support::Reply;
use crate::support::mirror::text;

impl Integrated {
    async fn convert(&self, ticket: &str) {
        let lead = json!({"to": "lead", "last_name": "Buyer", "company": "Northwind Services"});
        let path = format!("/v1/tickets/{ticket}/conversion");
        self.admin.post(&path, lead).await.expect(201);
        self.app.publish().await;
    }

    async fn tell_links(&self, ticket: &str, mut links: Value) -> Reply {
        links["connection"] = json!(self.connection);
        let path = format!("/v1/crm/links/{ticket}");
        Reply::of(self.integration.request(Method::PUT, &path).json(&links)).await
    }
}

#[actix_web::test]
async fn a_case_is_told_with_its_contact_and_with_the_link_once_there_is_one() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Whose").await;
    let id = desk.ticket(&ticket).await["contact_id"].clone();
    let known = desk.admin.get(&format!("/v1/contacts/{}", text(&id))).await.expect(200);
    let told = desk.case(&ticket).await["contact"].clone();
    let expected = json!({
        "id": id, "contact_id": null, "name": known["name"], "email": known["email"], "phone": known["phone"],
    });
    assert_eq!(told, expected);
    let path = format!("/v1/crm/connections/{}/maps/contact", desk.connection);
    let link = json!({"items": [{"local_id": id, "remote_id": "p-7"}]});
    desk.admin.put(&path, link).await.expect(200);
    assert_eq!(desk.case(&ticket).await["contact"]["contact_id"], "p-7");
}

#[actix_web::test]
async fn a_lead_is_told_until_the_integration_has_made_it_and_then_with_its_id() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Twenty more seats").await;
    assert_eq!(desk.case(&ticket).await["lead"], Value::Null);
    let seen = desk.pull(0, "").await["last_position"].as_i64().unwrap();
    desk.convert(&ticket).await;
    let page = desk.pull(seen, "").await;
    let lead = &page["items"][0]["lead"];
    assert_eq!((&lead["lead_id"], &lead["last_name"]), (&Value::Null, &json!("Buyer")), "{page}");
    assert_eq!(lead["company"], "Northwind Services");
    for id in ["l-1", "l-2"] {
        let links = desk.tell_links(&ticket, json!({ "lead_id": id })).await.expect(200);
        assert_eq!((&links["lead_id"], &links["case_id"]), (&json!(id), &Value::Null));
        assert_eq!(desk.case(&ticket).await["lead"]["lead_id"], id);
    }
    let at = format!("/v1/tickets/{ticket}/conversion");
    let shown = desk.admin.get(&at).await.expect(200);
    assert_eq!(shown["crm"][0]["lead_id"], "l-2");
    let mirror = desk.admin.get(&format!("/v1/tickets/{ticket}/mirror")).await.expect(200);
    assert_eq!(
        (&mirror["items"][0]["lead_id"], &mirror["items"][0]["state"]),
        (&json!("l-2"), &json!("pending"))
    );
    let both = json!({"case_id": "c-1", "lead_id": "l-2"});
    let links = desk.tell_links(&ticket, both).await.expect(200);
    assert_eq!((&links["case_id"], &links["state"]), (&json!("c-1"), &json!("linked")));
    let links = desk.link(&ticket, "c-1").await.expect(200);
    assert_eq!(links["lead_id"], "l-2", "what is left out stays");
}

#[actix_web::test]
async fn a_lead_is_told_of_a_converted_ticket_only_and_a_call_tells_something() {
    let desk = Integrated::start().await;
    let ticket = desk.open("No lead").await;
    let both = json!({"case_id": "c-1", "lead_id": "l-1"});
    desk.tell_links(&ticket, both).await.problem(409, "not_converted");
    assert_eq!(desk.case(&ticket).await["case_id"], Value::Null, "all of it or nothing");
    let problem = desk.tell_links(&ticket, json!({})).await.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/lead_id");
}

#[actix_web::test]
async fn a_connection_that_wants_no_leads_is_told_none() {
    let desk = Integrated::start_with(json!({"leads": false})).await;
    let ticket = desk.open("Not wanted").await;
    desk.convert(&ticket).await;
    assert_eq!(desk.case(&ticket).await["lead"], Value::Null);
    let shown = desk.admin.get(&format!("/v1/tickets/{ticket}/conversion")).await.expect(200);
    assert_eq!(shown["crm"], json!([]));
}
