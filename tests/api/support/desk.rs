//! The seeded desk: its people and things by name, and tickets in any status.
use casebridge::kernel::AppError;
use casebridge::tickets::service;
use chrono::Utc;
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl as _, sql_query};
use serde_json::{Value, json};

use super::{Client, TestApp};

/// How `advance_to` goes to a status: from where, and what is sent along. A reply of the customer has no body.
const WAYS: &[(&str, &str, Option<&str>)] = &[
    ("013", "012", Some(r#"{"note": {"body": "Which version?"}}"#)),
    ("014", "013", None),
    ("016", "012", Some("{}")),
    ("017", "050", None),
    ("025", "020", Some(r#"{"note": {"body": "Please take over", "visibility": "internal"}}"#)),
    ("030", "020", Some("{}")),
    ("031", "030", Some(r#"{"note": {"body": "Ask the lab", "visibility": "internal"}}"#)),
    ("035", "030", Some(r#"{"note": {"body": "Which browser?"}}"#)),
    ("040", "030", Some("{}")),
    ("045", "040", Some(r#"{"note": {"body": "Please test"}}"#)),
    ("050", "012", Some(r#"{"resolution": "Solved"}"#)),
    ("099", "030", Some(r#"{"vendor_reference": "MS-1"}"#)),
];

impl TestApp {
    /// The id of the seeded `accounts`, `agents`, `components` ... with this name.
    pub async fn id(&self, table: &str, name: &str) -> String {
        let query = format!("select id::text as text from {table} where name = '{name}'");
        self.text(&query).await.unwrap()
    }

    /// Calls as the agent, coordinator or administrator with this name.
    pub async fn agent(&self, name: &str) -> Client {
        self.client_for(self.id("agents", name).await.parse().unwrap()).await
    }

    /// Calls as the contact with this name.
    pub async fn contact(&self, name: &str) -> Client {
        self.client_for(self.id("contacts", name).await.parse().unwrap()).await
    }

    /// Runs SQL as an operator could; returns how many rows it touched.
    pub async fn sql(&self, statement: impl Into<String>) -> Result<usize, AppError> {
        let statement = statement.into();
        self.service.db.tx(move |conn| Ok(sql_query(statement).execute(conn)?)).await
    }

    /// The number that a query gives as `number`.
    pub async fn number(&self, query: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        let query = query.to_owned();
        let read = move |conn: &mut PgConnection| Ok(sql_query(&query).get_result::<Row>(conn)?);
        self.service.db.read(read).await.unwrap().number
    }

    /// The text that a query gives as `text`.
    pub async fn text(&self, query: &str) -> Option<String> {
        self.texts(query).await.into_iter().next()
    }

    /// The texts that a query gives as `text`.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            text: String,
        }
        let query = query.to_owned();
        let read = move |conn: &mut PgConnection| Ok(sql_query(&query).load::<Row>(conn)?);
        let rows = self.service.db.read(read).await.unwrap();
        rows.into_iter().map(|row| row.text).collect()
    }

    /// A complete ticket of the purchasing contact of Northwind, to be posted by the desk; `more` is put over it.
    pub async fn new_ticket(&self, more: Value) -> Value {
        let mut new = json!({
            "subject": "The export stops", "description": "After 100 rows.",
            "account_id": self.id("accounts", "Northwind Services").await,
            "contact_id": self.id("contacts", "Purchasing contact").await,
            "product_id": self.id("products", "CoreTrac").await,
        });
        new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        new
    }

    /// Opens [`Self::new_ticket`] as the coordinator.
    pub async fn open_ticket(&self, more: Value) -> Value {
        let new = self.new_ticket(more).await;
        self.agent("Coordinator").await.post("/v1/tickets", new).await.expect(201)
    }

    /// The ticket as the coordinator sees it now.
    pub async fn read(&self, ticket: &Value) -> Value {
        self.agent("Coordinator").await.get(&path(ticket, "")).await.expect(200)
    }

    /// Brings a ticket that was just opened into a status, by the API only.
    pub async fn advance_to(&self, ticket: &Value, status: &str) -> Value {
        let now = self.read(ticket).await;
        if now["status"]["code"] == status {
            return now;
        }
        match status {
            "012" => self.follow_automatic().await,
            // Who is assigned goes on at once.
            "020" => _ = Box::pin(self.advance_to(ticket, "016")).await,
            _ => {
                let (_, from, body) = WAYS.iter().find(|(to, ..)| *to == status).unwrap();
                Box::pin(self.advance_to(ticket, from)).await;
                self.go(ticket, status, *body).await;
            }
        }
        let now = self.read(ticket).await;
        let assigned_at_once = status == "016" && now["status"]["code"] == "020";
        assert!(now["status"]["code"] == status || assigned_at_once, "{status}: {now}");
        now
    }

    async fn go(&self, ticket: &Value, to: &str, body: Option<&str>) {
        let Some(body) = body else {
            let contact = self.contact("Purchasing contact").await;
            let reply = json!({"body": "Here it is"});
            contact.post(&path(ticket, "/notes"), reply).await.expect(201);
            return;
        };
        let mut body: Value = serde_json::from_str(body).unwrap();
        body["to"] = json!(to);
        let coordinator = self.agent("Coordinator").await;
        coordinator.post_on(&path(ticket, "/transitions"), "*", body).await.expect(200);
    }

    /// Does every automatic transition that is due.
    pub async fn follow_automatic(&self) {
        let step = |conn: &mut _| service::follow_automatic_transition(conn, Utc::now());
        while self.service.db.tx(step).await.unwrap() {}
    }

    /// Gives every waiting ticket that somebody can take.
    pub async fn assign_waiting(&self) {
        let step = |conn: &mut _| service::assign_waiting(conn, Utc::now());
        while self.service.db.tx(step).await.unwrap() {}
    }

    /// The agents with these names go away, or come back.
    pub async fn set_away(&self, names: &[&str], away: bool) {
        for name in names {
            let availability = json!({"away": away});
            self.agent(name).await.put("/v1/me/availability", availability).await.expect(200);
        }
    }

    /// The ticket is another department's, and nobody has it: the agents of level 1 do not see it.
    pub async fn move_elsewhere(&self, ticket: &Value) {
        let (id, elsewhere) = (&ticket["id"], self.id("departments", "Internal IT").await);
        let moved = format!(
            "update tickets set department_id = '{elsewhere}', assignee_id = null where id = '{}'",
            id.as_str().unwrap()
        );
        self.sql(moved).await.unwrap();
    }

    /// Holds every stored load to a recount.
    pub async fn loads_are_true(&self) {
        let wrong = "select count(*) as number from agents a where open_tickets <> (select count(*) from tickets t
            where t.assignee_id = a.id and t.deleted_at is null and t.category in ('new', 'open', 'pending', 'on_hold'))";
        assert_eq!(self.number(wrong).await, 0);
    }

    /// The open tickets of the agent with this name.
    pub async fn load(&self, name: &str) -> i64 {
        let load =
            format!("select open_tickets::bigint as number from agents where name = '{name}'");
        self.number(&load).await
    }
}

/// `/v1/tickets/<id><rest>`
pub fn path(ticket: &Value, rest: &str) -> String {
    format!("/v1/tickets/{}{rest}", ticket["id"].as_str().unwrap())
}

/// The pointers of the bad fields that a refusal names.
#[track_caller]
pub fn pointers(reply: super::Reply) -> Vec<String> {
    let problem = reply.problem(422, "validation_failed");
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}
