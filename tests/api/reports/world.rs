//! A desk at which anything happens, on days that are long gone: what the desk did is set back to then before it is published.
use casebridge::kernel::Role;
use casebridge::reports::service::Followed;
use casebridge::{reports, sla};
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::support::{Client, TestApp};

pub struct World {
    pub app: TestApp,
    pub desk: Client,
    pub admin: Client,
    contact: Client,
    pub rng: StdRng,
    /// What time it is in the history.
    pub time: DateTime<Utc>,
    tickets: Vec<String>,
    accounts: Vec<String>,
    agents: Vec<String>,
    components: Vec<String>,
    workflows: Vec<String>,
    policies: usize,
}

impl World {
    pub async fn new(seed: u64) -> Self {
        let app = TestApp::start().await;
        let ids = |table: &str| format!("select id::text as text from {table} order by name");
        app.sql("update agents set capacity = 200").await.unwrap();
        Self {
            desk: app.agent("Coordinator").await,
            admin: app.client(Role::Admin).await,
            contact: app.contact("Purchasing contact").await,
            rng: StdRng::seed_from_u64(seed),
            time: Utc::now().trunc_subsecs(6) - TimeDelta::days(200),
            tickets: Vec::new(),
            accounts: app.texts(&ids("accounts")).await,
            agents: app.texts(&ids("agents")).await,
            components: app.texts(&ids("components")).await,
            workflows: app.texts("select id::text as text from workflows order by key").await,
            policies: 0,
            app,
        }
    }

    /// One history: some tickets, and what happens to them and to those of before.
    pub async fn play(&mut self, steps: usize) {
        self.open().await;
        for _ in 0..steps {
            // Up to three days, so that every bucket has some hours to its name.
            let minutes = 4_320.0 * self.rng.random::<f64>().powi(4);
            self.time = (self.time + TimeDelta::seconds((minutes * 60.0) as i64 + 1))
                .min(Utc::now().trunc_subsecs(6) - TimeDelta::days(1));
            self.step().await;
        }
    }

    fn one(&mut self, of: &[String]) -> String {
        of.choose(&mut self.rng).unwrap().clone()
    }

    /// Mostly one of the last few, so that much happens to each.
    fn ticket(&mut self) -> String {
        let recent = self.tickets.len().saturating_sub(4);
        let from = if self.rng.random_bool(0.8) { recent } else { 0 };
        self.tickets[from..].choose(&mut self.rng).unwrap().clone()
    }

    async fn step(&mut self) {
        let ticket = self.ticket();
        let at = |rest: &str| format!("/v1/tickets/{ticket}{rest}");
        let desk = self.desk.clone();
        match self.rng.random_range(0..40) {
            0..=5 => self.open().await,
            6..=9 => {
                let reply = json!({"body": "We look into it", "visibility": "public"});
                desk.post(&at("/notes"), reply).await;
            }
            10..=12 => {
                self.contact.post(&at("/notes"), json!({"body": "And now?"})).await;
            }
            13 => {
                let note = json!({"body": "Ask the lab", "visibility": "internal"});
                desk.post(&at("/notes"), note).await;
            }
            14..=24 => self.transition(&ticket).await,
            25 | 26 => {
                let agent = self.one(&self.agents.clone());
                let given = json!({"agent_id": agent, "override": true, "reason": "Knows it"});
                desk.post_on(&at("/assignment"), "*", given).await;
            }
            27 => {
                let account = self.one(&self.accounts.clone());
                let to = json!({"account_id": account, "contact_id": null});
                desk.post_on(&at("/transfer"), "*", to).await;
            }
            28..=30 => {
                let into = self.ticket();
                desk.post_on(&at("/merge"), "*", json!({"into": into})).await;
            }
            31 | 32 => drop(desk.delete(&at("/merge"), "*").await),
            33 | 34 => drop(desk.delete(&at(""), "*").await),
            35 | 36 => drop(desk.post_on(&at("/restoration"), "*", Value::Null).await),
            37 => {
                let workflow = self.one(&self.workflows.clone());
                let to = json!({"to": "workflow", "workflow_id": workflow});
                desk.post_on(&at("/conversion"), "*", to).await;
            }
            38 => self.change_policy().await,
            _ => {
                let component = self.one(&self.components.clone());
                let other = json!({"priority": "high", "component_id": component});
                desk.patch(&at(""), "*", other).await;
            }
        }
        if self.rng.random_bool(0.2) {
            self.write_time(&ticket).await;
        }
        self.set_back().await;
        if self.rng.random_bool(0.3) {
            self.follow().await;
        }
    }

    async fn open(&mut self) {
        let account = self.one(&self.accounts.clone());
        let mut new =
            json!({"priority": if self.rng.random_bool(0.5) { "normal" } else { "high" }});
        if self.rng.random_bool(0.3) {
            (new["account_id"], new["contact_id"]) = (json!(account), Value::Null);
        }
        if self.rng.random_bool(0.5) {
            new["component_id"] = json!(self.one(&self.components.clone()));
        }
        let new = self.app.new_ticket(new).await;
        let opened = self.desk.post("/v1/tickets", new).await;
        if opened.status == 201 {
            self.tickets.push(opened.body["id"].as_str().unwrap().to_owned());
        }
        if self.rng.random_bool(0.7) {
            self.app.follow_automatic().await;
        }
        self.set_back().await;
    }

    /// Any move that the workflow allows now; one that closes it as often as all others.
    async fn transition(&mut self, ticket: &str) {
        let view = self.desk.get(&format!("/v1/tickets/{ticket}")).await.body;
        let ways = view["allowed_transitions"].as_array().cloned().unwrap_or_default();
        let (closing, others): (Vec<_>, Vec<_>) =
            ways.into_iter().partition(|way| way["category"] == "closed");
        let choice = if self.rng.random_bool(0.5) { [closing, others] } else { [others, closing] };
        let way = choice.iter().find_map(|ways| ways.choose(&mut self.rng));
        let Some(way) = way else { return };
        let mut body = json!({"to": way["to"]});
        for required in way["requires"].as_array().unwrap() {
            match required.as_str().unwrap() {
                "resolution" => body["resolution"] = json!("Solved"),
                "vendor_reference" => body["vendor_reference"] = json!("MS-1"),
                note => {
                    let visibility = note.trim_end_matches("_note");
                    body["note"] = json!({"body": "Said", "visibility": visibility});
                }
            }
        }
        if way["category"] == "closed" {
            body["override_reason"] = json!("Enough");
        }
        self.desk.post_on(&format!("/v1/tickets/{ticket}/transitions"), "*", body).await;
    }

    /// Another policy comes before all others, by the calendar of the desk and with other targets.
    async fn change_policy(&mut self) {
        self.policies += 1;
        let hours = self.rng.random_range(1..40);
        let time = if self.rng.random_bool(0.5) { "business" } else { "calendar" };
        let target =
            |metric: &str| json!({"metric": metric, "within": format!("PT{hours}H"), "time": time});
        let mut targets = vec![target("first_response")];
        for metric in ["next_response", "resolution"] {
            if self.rng.random_bool(0.7) {
                targets.push(target(metric));
            }
        }
        let policy = json!({
            "name": format!("Policy {}", self.policies), "rank": 1_000 - self.policies,
            "calendar_id": "0199f0c2-b1c9-7000-8000-000000000301", "targets": targets,
        });
        self.admin.post("/v1/sla-policies", policy).await.expect(201);
    }

    async fn write_time(&mut self, ticket: &str) {
        let entry = json!({
            "minutes": self.rng.random_range(1..90), "chargeable": self.rng.random_bool(0.5),
            "work_date": self.time.date_naive(), "agent_id": self.one(&self.agents.clone()),
        });
        self.desk.post(&format!("/v1/tickets/{ticket}/time-entries"), entry).await;
    }

    /// What just happened was then. Customers are asked about what was closed, and the clocks learn it before anything else
    /// happens.
    async fn set_back(&mut self) {
        let at = self.time.to_rfc3339();
        // Two in seven do not answer.
        let rating = self.rng.random_range(1..8);
        let (rating, answered) = if rating < 6 {
            (rating.to_string(), format!("'{at}'"))
        } else {
            ("null".into(), "null".into())
        };
        for set_back in [
            format!("update tickets set submitted_at = '{at}', created_at = '{at}'
                      where id in (select ticket_id from events where position is null and type = 'ticket.opened')"),
            format!(
                "insert into surveys (id, ticket_id, closed_at, account_id, department_id, agent_id, contact_id, asked_at, expires_at,
                   rating, answered_at, changed_at)
                 select gen_random_uuid(), t.id, '{at}', t.account_id, t.department_id, t.assignee_id, t.contact_id, '{at}', '{at}',
                        {rating}, {answered}, {answered}
                   from tickets t join events e on e.ticket_id = t.id and e.position is null
                  where e.changes->'status'->>'to' = '050' and t.contact_id is not null on conflict do nothing"
            ),
            format!("update events set occurred_at = '{at}' where position is null"),
        ] {
            self.app.sql(set_back).await.unwrap();
        }
        self.app.publish().await;
        let (time, db) = (self.time, &self.app.service.db);
        while db.quiet_tx(move |conn| sla::derive_some(conn, time, 50)).await.unwrap() > 0 {}
    }

    /// Lets reports learn what happened.
    pub async fn follow(&self) {
        let step = |conn: &mut _| reports::service::follow(conn, Utc::now());
        while self.app.service.db.quiet_tx(step).await.unwrap() == Followed::Some {}
    }
}
