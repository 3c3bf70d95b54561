//! What happens in the demo, in order.
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::compare::{Names, Verdict, compare};
use super::crm::{Crm, crm_id};
use super::desk::{Desk, text};
use super::stage::Stage;

/// How long the mirror may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(120);

/// Plays the story. Fails when both sides do not agree in the end.
pub async fn run() -> anyhow::Result<()> {
    println!("Starting PostgreSQL, a CRM and the service ...");
    let mut stage = Stage::set().await?;
    let played = play(&mut stage).await;
    stage.strike().await?;
    let verdict = played?;
    println!("\n{verdict}");
    anyhow::ensure!(verdict.clean(), "the two sides do not agree");
    Ok(())
}

struct Story {
    admin: Desk,
    contact: Desk,
    crm: Crm,
    connection: String,
    names: Names,
}

async fn play(stage: &mut Stage) -> anyhow::Result<Verdict> {
    let admin = Desk::new(&stage.url, stage.token("admin").await?);
    let contact = Desk::new(&stage.url, stage.token("contact").await?);
    let mut story = Story::begin(admin, contact, stage).await?;
    let tickets = story.open_all(stage).await?;
    story.every_status(&tickets[0]).await?;
    story.desk_works(&tickets).await?;
    story.crm_works(&tickets).await?;
    println!("Killing the service while the mirror is at work, and starting it again ...");
    stage.kill_service().await?;
    stage.start_service().await?;
    story.wait_for_the_crm(&tickets).await?;
    story.rest().await?;
    compare(&story.admin, &story.crm, &story.names).await
}

impl Story {
    /// The CRM knows the same people; the connection is made.
    async fn begin(admin: Desk, contact: Desk, stage: &Stage) -> anyhow::Result<Self> {
        let crm = Crm::new(&stage.crm_url);
        let second = admin.post("/v1/products", &json!({ "name": "CoreTrac Mobile" })).await?;
        let agents = admin.all("/v1/agents").await?;
        let accounts = admin.all("/v1/accounts").await?;
        let contacts = admin.all("/v1/contacts").await?;
        let products = admin.all("/v1/products").await?;
        crm.populate(&agents, &accounts, &contacts).await?;
        let all = [&agents, &accounts, &contacts, &products].into_iter().flatten();
        let names =
            all.map(|item| (text(item, "id").to_owned(), text(item, "name").to_owned())).collect();
        for account in &accounts {
            let mut ids = account["product_ids"].as_array().context("no products")?.clone();
            ids.push(second["id"].clone());
            let path = format!("/v1/accounts/{}/products", text(account, "id"));
            admin.put_on(&path, &json!({ "product_ids": ids })).await?;
        }
        let fields =
            json!({ "product": "product_c", "number": "ticket_number_c", "link": "ticket_id_c" });
        let new = json!({
            "name": "SuiteCRM", "base_url": stage.crm_url, "client_id": "casebridge", "client_secret": "secret",
            "settings": { "fields": fields, "poll_seconds": 5 },
        });
        let made = admin.post("/v1/crm/connections", &new).await?;
        let connection = text(&made, "id").to_owned();
        let link = |product: &Value| json!({ "local_id": product["id"], "remote_id": crm_id(text(product, "name")) });
        let map = json!({ "items": products.iter().map(link).collect::<Vec<_>>() });
        admin.put(&format!("/v1/crm/connections/{connection}/maps/product"), &map).await?;
        Ok(Self { admin, contact, crm, connection, names })
    }

    fn id(&self, name: &str) -> anyhow::Result<&str> {
        let found = self.names.iter().find(|(_, known)| known.as_str() == name);
        found.map(|(id, _)| id.as_str()).with_context(|| format!("nobody is called {name}"))
    }

    /// One ticket for each component; the service is killed while one of them is being opened.
    async fn open_all(&mut self, stage: &mut Stage) -> anyhow::Result<Vec<String>> {
        let components = self.admin.all("/v1/components").await?;
        println!(
            "Opening a ticket for each of {} components; killing the service at the twelfth ...",
            components.len()
        );
        let mut tickets = Vec::new();
        for (index, component) in components.iter().enumerate() {
            let body = self.new_ticket(component)?;
            let opening = self.admin.post_surely("/v1/tickets", &body);
            let ticket = if index == 11 {
                let disaster = async {
                    tokio::time::sleep(Duration::from_millis(4)).await;
                    stage.kill_service().await?;
                    stage.start_service().await
                };
                let (ticket, restarted) = tokio::join!(opening, disaster);
                restarted?;
                ticket?
            } else {
                opening.await?
            };
            tickets.push(text(&ticket, "id").to_owned());
        }
        Ok(tickets)
    }

    fn new_ticket(&self, component: &Value) -> anyhow::Result<Value> {
        let name = text(component, "name");
        Ok(json!({
            "subject": format!("A question about {name}"),
            "description": format!("How does {name} work with more than 100 < 200 rows & \"quotes\"?"),
            "url": "https://app.example/help",
            "account_id": self.id("Northwind Services")?,
            "contact_id": self.id("Purchasing contact")?,
            "product_id": self.id("CoreTrac")?,
            "component_id": component["id"],
        }))
    }

    async fn status(&self, ticket: &str) -> anyhow::Result<String> {
        let ticket = self.admin.get(&format!("/v1/tickets/{ticket}")).await?;
        Ok(text(&ticket["status"], "code").to_owned())
    }

    async fn until_status(&self, ticket: &str, code: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.status(ticket).await? != code {
            anyhow::ensure!(Instant::now() < deadline, "the ticket never became {code}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    async fn go(&self, ticket: &str, to: &str, with: Value) -> anyhow::Result<()> {
        let mut body = with;
        body["to"] = json!(to);
        self.admin.post_on(&format!("/v1/tickets/{ticket}/transitions"), &body).await?;
        Ok(())
    }

    async fn reply(&self, ticket: &str, body: &str) -> anyhow::Result<()> {
        self.contact
            .post_surely(&format!("/v1/tickets/{ticket}/notes"), &json!({ "body": body }))
            .await?;
        Ok(())
    }

    /// Draft, submitted, and on through every status of the workflow until it is closed.
    async fn every_status(&self, _first: &str) -> anyhow::Result<()> {
        println!("Taking a ticket through every status of its workflow ...");
        let public = |body: &str| json!({ "note": { "visibility": "public", "body": body } });
        let internal = |body: &str| json!({ "note": { "visibility": "internal", "body": body } });
        let component = &self.admin.all("/v1/components").await?[0];
        let mut draft = self.new_ticket(component)?;
        draft["draft"] = json!(true);
        draft["subject"] = json!("Through every status");
        let draft = self.admin.post_surely("/v1/tickets", &draft).await?;
        let id = text(&draft, "id");
        self.admin.post_on(&format!("/v1/tickets/{id}/submission"), &json!({})).await?;
        self.until_status(id, "012").await?;
        self.go(id, "013", public("Which version do you use?")).await?;
        self.reply(id, "The latest one.").await?;
        self.until_status(id, "014").await?;
        self.go(id, "016", json!({})).await?;
        self.admin.post_on(&format!("/v1/tickets/{id}/assignment"), &json!({})).await?;
        self.until_status(id, "020").await?;
        self.go(id, "025", internal("Handing over at the end of my shift.")).await?;
        let successor = json!({ "agent_id": self.id("L1 agent A")?, "reason": "takes over" });
        self.admin
            .post_on(&format!("/v1/tickets/{id}/assignment"), &json!({ "agent_id": null }))
            .await?;
        self.admin.post_on(&format!("/v1/tickets/{id}/assignment"), &successor).await?;
        self.until_status(id, "020").await?;
        self.go(id, "030", json!({})).await?;
        self.go(id, "031", internal("Can the third line look at the query?")).await?;
        self.go(id, "030", json!({})).await?;
        self.go(id, "035", public("Does it happen with an empty list, too?")).await?;
        self.reply(id, "Yes, it does.").await?;
        self.until_status(id, "017").await?;
        self.go(id, "030", json!({})).await?;
        self.go(id, "099", json!({ "vendor_reference": "VENDOR-4711" })).await?;
        self.go(id, "040", json!({})).await?;
        self.go(id, "045", public("Please test the new version.")).await?;
        self.reply(id, "It works, thank you!").await?;
        self.until_status(id, "017").await?;
        self.go(id, "050", json!({ "resolution": "Fixed in the new version." })).await
    }

    /// People of the desk and the customer go on working.
    async fn desk_works(&self, tickets: &[String]) -> anyhow::Result<()> {
        println!("The customer replies; tickets are transferred, elevated and closed ...");
        self.reply(&tickets[1], "Here is <b>another</b> detail: a < b.").await?;
        let harbor = json!({
            "account_id": self.id("Harbor Logistics")?, "contact_id": self.id("Warehouse contact")?,
            "note": { "visibility": "internal", "body": "It was a question of Harbor Logistics." },
        });
        self.admin.post_on(&format!("/v1/tickets/{}/transfer", tickets[2]), &harbor).await?;
        let l1 = self.admin.all("/v1/tickets?level=L1&category=active").await?;
        let l1 = l1.iter().find(|ticket| {
            ticket["id"] != tickets[1].as_str() && ticket["id"] != tickets[2].as_str()
        });
        let id = text(l1.context("no L1 ticket")?, "id");
        let elevation = json!({ "to": "L2", "reason": "Needs the database", "tried": "Looked at the settings" });
        self.admin.post_on(&format!("/v1/tickets/{id}/elevations"), &elevation).await?;
        self.until_status(&tickets[3], "012").await?;
        self.go(&tickets[3], "050", json!({ "resolution": "Answered by telephone." })).await
    }

    async fn case(&self, ticket: &str) -> anyhow::Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mirror = self.admin.get(&format!("/v1/tickets/{ticket}/mirror")).await?;
            let mirror = &mirror["items"][0];
            if text(mirror, "state") == "linked" && mirror["dirty_since"].is_null() {
                return Ok(text(mirror, "remote_id").to_owned());
            }
            anyhow::ensure!(Instant::now() < deadline, "no case: {mirror}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A clerk changes assignee, account, product and priority in the CRM, and writes a note there.
    async fn crm_works(&self, tickets: &[String]) -> anyhow::Result<()> {
        println!(
            "A clerk changes assignee, account, product and priority in the CRM, and writes a note ..."
        );
        let edits = [
            (4, json!({ "assigned_user_id": crm_id("L2 agent B") })),
            (5, json!({ "account_id": crm_id("Harbor Logistics") })),
            (6, json!({ "product_c": crm_id("CoreTrac Mobile") })),
            (7, json!({ "priority": "P1" })),
        ];
        for (index, attributes) in edits {
            let case = self.case(&tickets[index]).await?;
            self.crm.edit(&case, attributes).await?;
        }
        let case = self.case(&tickets[8]).await?;
        self.crm.write_note(&case, "Call", "The customer called: it is urgent.").await
    }

    /// What the clerk did has arrived at the desk.
    async fn wait_for_the_crm(&self, tickets: &[String]) -> anyhow::Result<()> {
        println!("Waiting until the desk shows what the clerk did ...");
        let expected = [
            (4, "assignee_id", self.id("L2 agent B")?),
            (5, "account_id", self.id("Harbor Logistics")?),
            (6, "product_id", self.id("CoreTrac Mobile")?),
            (7, "priority", "high"),
        ];
        let deadline = Instant::now() + PATIENCE;
        for (index, field, value) in expected {
            let path = format!("/v1/tickets/{}", tickets[index]);
            while self.admin.get(&path).await?[field] != value {
                anyhow::ensure!(Instant::now() < deadline, "{path}: {field} never became {value}");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        let notes = format!("/v1/tickets/{}/notes", tickets[8]);
        while self.admin.all(&notes).await?.is_empty() {
            anyhow::ensure!(Instant::now() < deadline, "the clerk's note never arrived");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    /// Nothing is left to be published or mirrored.
    async fn rest(&self) -> anyhow::Result<()> {
        let path = format!("/v1/crm/connections/{}", self.connection);
        self.admin.post(&format!("{path}/reconcile"), &json!({"mode": "repair"})).await?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let health = self.admin.get(&format!("{path}/health")).await?;
            if health["backlog"] == 0 && health["reconcile"]["state"] == "succeeded" {
                return Ok(());
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "the mirror does not come to rest: {health}"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
