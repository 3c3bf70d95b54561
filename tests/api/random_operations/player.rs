//! One of the clients: sends requests, and remembers what was acknowledged.
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rand::RngExt as _;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};

use super::acks::{Ack, Told};
use crate::support::{Client, Reply, Spec, TestApp};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Contact,
    Agent,
    Coordinator,
    Administrator,
    Integration,
}

impl Kind {
    pub fn role(self) -> &'static str {
        match self {
            Self::Coordinator => "coordinator",
            Self::Administrator => "admin",
            _ => "agent",
        }
    }
}

/// What the clients share: the tickets that there are, and what became of all requests.
pub struct World {
    pub tickets: RefCell<Vec<String>>,
    /// Those that were opened for a department outside of the desk.
    pub outside: RefCell<Vec<String>>,
    /// Those that somebody has or had an appointment for.
    pub booked: RefCell<Vec<String>>,
    /// Those that were merged into others, or deleted.
    pub ended: RefCell<Vec<String>>,
    pub players: BTreeSet<String>,
    pub agents: Vec<String>,
    pub accounts: Vec<String>,
    pub components: Vec<String>,
    pub workflows: Vec<String>,
    pub product: String,
    pub category: String,
    pub acks: RefCell<Vec<Ack>>,
    /// What must not be, in words.
    pub wrong: RefCell<Vec<String>>,
    /// How often each operation was answered with each status.
    answered: RefCell<BTreeMap<String, BTreeMap<u16, usize>>>,
    documented: BTreeMap<(String, String), BTreeSet<u16>>,
}

impl World {
    pub async fn new(app: &TestApp, cast: &[(Kind, String)]) -> Self {
        let spec = Spec::read();
        let documented = spec.operations().into_iter().map(|operation| {
            let statuses = operation.responses(&spec).into_keys().collect();
            ((operation.method.clone(), operation.path.to_owned()), statuses)
        });
        let works = |kind: &Kind| !matches!(kind, Kind::Contact | Kind::Integration);
        Self {
            tickets: RefCell::default(),
            outside: RefCell::default(),
            booked: RefCell::default(),
            ended: RefCell::default(),
            players: cast.iter().map(|(_, id)| id.clone()).collect(),
            agents: cast.iter().filter(|(kind, _)| works(kind)).map(|(_, id)| id.clone()).collect(),
            accounts: app.texts("select id::text as text from accounts order by name").await,
            components: app.texts("select id::text as text from components order by name").await,
            workflows: app.texts("select id::text as text from workflows order by key").await,
            product: app.id("products", "CoreTrac").await,
            category: app.id("categories", "General").await,
            acks: RefCell::default(),
            wrong: RefCell::default(),
            answered: RefCell::default(),
            documented: documented.collect(),
        }
    }

    /// How often each operation ended how.
    pub fn summary(&self) -> String {
        let answered = self.answered.borrow();
        let line = |(operation, statuses): (&String, &BTreeMap<u16, usize>)| {
            format!("\n  {operation}: {statuses:?}")
        };
        answered.iter().map(line).collect()
    }

    /// The operations that were tried and never done.
    pub fn never_done(&self) -> Vec<String> {
        let answered = self.answered.borrow();
        let never = answered.iter().filter(|(_, by)| by.keys().all(|status| *status >= 300));
        never.map(|(operation, _)| operation.clone()).collect()
    }

    /// Every answer is one that the specification knows, and every refusal says why.
    fn judge(&self, operation: (&str, &str), sent: &Value, reply: &Reply) {
        let (method, path) = operation;
        *self
            .answered
            .borrow_mut()
            .entry(format!("{method} {path}"))
            .or_default()
            .entry(reply.status)
            .or_default() += 1;
        let known = &self.documented[&(method.to_owned(), path.to_owned())];
        let problem = reply.header("content-type") == "application/problem+json"
            && reply.body["status"] == reply.status
            && reply.body["code"].is_string();
        // Whoever reads the constraint's name met a row that the locks should have kept away.
        let raced =
            reply.body["detail"].as_str().is_some_and(|detail| detail.contains("already exists ("));
        let refused_well = reply.status < 300 || problem && !raced;
        if reply.status >= 500 || !known.contains(&reply.status) || !refused_well {
            let wrong = format!("{method} {path} {sent}: {} {}", reply.status, reply.body);
            self.wrong.borrow_mut().push(wrong);
        }
    }
}

pub struct Player {
    pub world: Rc<World>,
    pub client: Client,
    pub kind: Kind,
    pub id: String,
    pub rng: StdRng,
    pub number: usize,
    /// How many words of their own the client has used.
    pub said: usize,
}

impl Player {
    pub fn chance(&mut self, of: f64) -> bool {
        self.rng.random_bool(of)
    }

    pub fn one_of<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        (!all.is_empty()).then(|| all[self.rng.random_range(0..all.len())].clone())
    }

    /// A word that nobody has used before.
    pub fn word(&mut self) -> String {
        self.said += 1;
        format!("w{}x{}", self.number, self.said)
    }

    /// Any ticket; mostly one of a few that everybody works on.
    pub fn ticket(&mut self) -> String {
        let tickets = self.world.tickets.borrow().clone();
        let hot = if self.chance(0.7) { tickets.len().saturating_sub(8) } else { 0 };
        self.one_of(&tickets[hot..]).unwrap_or_default()
    }

    pub fn agent(&mut self) -> String {
        let agents = self.world.agents.clone();
        self.one_of(&agents).unwrap()
    }

    /// Mostly the version that the client has seen; sometimes one before, or any.
    pub fn seen(&mut self, view: &Value) -> Option<i64> {
        let version = view["version"].as_i64()?;
        match self.rng.random_range(0..10) {
            0 => Some((version - 1).max(1)),
            1..=3 => None,
            _ => Some(version),
        }
    }

    /// Sends a request to the operation at this path of the specification; its answer when it was done.
    pub async fn send(
        &self,
        (method, path): (&'static str, &'static str),
        ids: &[&str],
        seen: Option<i64>,
        body: Value,
    ) -> Option<Reply> {
        let mut at = path.to_owned();
        for id in ids {
            let (open, close) = (at.find('{').unwrap(), at.find('}').unwrap());
            at.replace_range(open..=close, id);
        }
        let etag = seen.map_or_else(|| "*".to_owned(), |version| format!("\"v{version}\""));
        let request = self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), &at);
        let request = if method == "GET" { request } else { request.header("if-match", etag) };
        let request = if body.is_null() { request } else { request.json(&body) };
        let reply = Reply::of(request).await;
        self.world.judge((method, path), &body, &reply);
        (reply.status < 300).then_some(reply)
    }

    pub async fn get(&self, path: &'static str, ids: &[&str]) -> Option<Value> {
        Some(self.send(("GET", path), ids, None, Value::Null).await?.body)
    }

    /// A ticket as this client sees it.
    pub async fn look(&mut self) -> Option<Value> {
        let id = self.ticket();
        self.get("/v1/tickets/{id}", &[&id]).await
    }

    /// A ticket that was merged into another one, or deleted; both may have been undone.
    pub async fn look_at_ended(&mut self) -> Option<Value> {
        let ended = self.world.ended.borrow().clone();
        let id = self.one_of(&ended)?;
        self.get("/v1/tickets/{id}", &[&id]).await
    }

    /// Remembers that the service has done it.
    pub fn done(&self, told: Told) {
        self.world.acks.borrow_mut().push(Ack { by: self.id.clone(), told });
    }

    /// An operation on a version of a ticket that answers with the ticket.
    pub async fn work(
        &mut self,
        at: (&'static str, &'static str),
        view: &Value,
        body: Value,
        told: Told,
    ) {
        let seen = self.seen(view);
        let id = view["id"].as_str().unwrap();
        if let Some(reply) = self.send(at, &[id], seen, body).await {
            self.done(Told { seen, ..told }.on(&reply.body));
        }
    }

    /// A note that goes with something, in a word of the client's own.
    pub fn some_note(&mut self, visibility: &str) -> Value {
        json!({"body": format!("Said {}", self.word()), "visibility": visibility})
    }
}
