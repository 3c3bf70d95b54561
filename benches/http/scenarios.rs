//! What is measured: requests, and the script that makes pgbench do the same.
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::RngExt as _;
use serde_json::{Value, json};

use super::load::{Connection, NextRequest};
use super::service::{Service, request};

pub const FIRST_PAGE: &str = "first page of 50";
pub const DEEP_PAGE: &str = "page behind 90,000";

const TICKETS: u64 = 100_000;
const OPEN_TICKETS: &str = "/v1/tickets?category=active";
/// The agent's rows before the deep page, in pages of 100.
const DEPTH: usize = 900;

pub struct Scenario {
    pub name: &'static str,
    /// The file in benches/pgbench without its extension.
    pub script: &'static str,
    /// The target: requests per second by transactions per second of pgbench.
    pub least: f64,
    /// The next request of a connection.
    pub request: NextRequest,
    /// What the script cannot make up itself.
    pub variables: Vec<(&'static str, String)>,
}

impl Scenario {
    pub fn script_path(&self) -> PathBuf {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/pgbench");
        PathBuf::from(folder).join(self.script).with_extension("sql")
    }
}

pub async fn all(service: &Service) -> anyhow::Result<Vec<Scenario>> {
    let token = service.token.clone();
    let caller = [("departments", departments(service).await?), ("caller", subject(&token)?)];
    let with = |more: Vec<(&'static str, String)>| [caller.to_vec(), more].concat();
    let cursor = deep_cursor(service).await?;
    let (micros, id) = key(&cursor)?;
    let get = |path: String| {
        let request = service.request("GET", &path, "");
        Arc::new(move |_| request.clone()) as NextRequest
    };
    Ok(vec![
        Scenario {
            name: "point read",
            script: "point_read",
            least: 0.5,
            request: at_random(&token, "GET", "", String::new()),
            variables: with(vec![]),
        },
        Scenario {
            name: FIRST_PAGE,
            script: "first_page",
            least: 0.5,
            request: get(OPEN_TICKETS.into()),
            variables: with(vec![]),
        },
        Scenario {
            name: DEEP_PAGE,
            script: "deep_page",
            least: 0.5,
            request: get(format!("{OPEN_TICKETS}&cursor={cursor}")),
            variables: with(vec![("micros", micros), ("id", id)]),
        },
        Scenario {
            name: "opening",
            script: "opening",
            least: 0.6,
            request: openings(token.clone()),
            variables: with(vec![("subject", SUBJECT.into()), ("description", DESCRIPTION.into())]),
        },
        Scenario {
            name: "note",
            script: "note",
            least: 0.6,
            request: at_random(&token, "POST", "/notes", json!({"body": NOTE}).to_string()),
            variables: with(vec![("body", NOTE.into())]),
        },
        Scenario {
            name: "transition",
            script: "transition",
            least: 0.6,
            request: transitions(token.clone()),
            variables: with(vec![]),
        },
    ])
}

const SUBJECT: &str = "The export stops after 100 rows";
const DESCRIPTION: &str = "Since this morning the export of the customer list stops after 100 rows, whatever its filter. \
    Yesterday it had all of them. Nothing was changed on our side, and a second account shows the same.";
const NOTE: &str = "The export works again. Can you confirm that it is complete?";

/// A request about any ticket.
fn at_random(token: &str, method: &'static str, below: &'static str, body: String) -> NextRequest {
    let token = token.to_owned();
    Arc::new(move |_| {
        let ticket = rand::rng().random_range(1..=TICKETS);
        request(method, &format!("/v1/tickets/{}{below}", id(ticket)), &token, &body)
    })
}

fn openings(token: String) -> NextRequest {
    Arc::new(move |_| {
        let body = json!({
            "subject": SUBJECT,
            "description": DESCRIPTION,
            "account_id": id(rand::rng().random_range(1..=200)),
            "product_id": id(1),
            "component_id": id(rand::rng().random_range(1..=16)),
        });
        request("POST", "/v1/tickets", &token, &body.to_string())
    })
}

/// To and fro between two statuses. A connection has tickets of its own, in the half that pgbench leaves alone.
fn transitions(token: String) -> NextRequest {
    const EACH: usize = 1000;
    let moved: Vec<AtomicBool> = (0..TICKETS / 2).map(|_| AtomicBool::new(false)).collect();
    Arc::new(move |connection| {
        let ticket = (connection * EACH + rand::rng().random_range(0..EACH)) % moved.len();
        let back = moved[ticket].fetch_xor(true, Ordering::Relaxed);
        let body = json!({"to": if back { "031" } else { "040" }}).to_string();
        let path = format!("/v1/tickets/{}/transitions", id(ticket as u64 + 1));
        request("POST", &path, &token, &body)
    })
}

/// A number in the form of a UUID, as data.sql makes them.
fn id(number: u64) -> String {
    uuid::Uuid::parse_str(&format!("{number:032}")).unwrap_or_default().to_string()
}

/// The id of the agent behind the token.
fn subject(token: &str) -> anyhow::Result<String> {
    let claims = token.split('.').nth(1).context("the token is not a JWT")?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?;
    Ok(claims["sub"].as_str().context("the token has no subject")?.to_owned())
}

async fn get(service: &Service, path: &str) -> anyhow::Result<Value> {
    let mut connection = Connection::open(&service.address).await?;
    let (status, body) = connection.send(&service.request("GET", path, "")).await?;
    anyhow::ensure!(status == 200, "{path}: {status} {}", String::from_utf8_lossy(body));
    Ok(serde_json::from_slice(body)?)
}

/// The agent's departments, as PostgreSQL writes an array.
async fn departments(service: &Service) -> anyhow::Result<String> {
    let agent = get(service, &format!("/v1/agents/{}", subject(&service.token)?)).await?;
    let ids = agent["department_ids"].as_array().context("an agent has departments")?;
    let ids: Vec<&str> = ids.iter().filter_map(Value::as_str).collect();
    Ok(format!("{{{}}}", ids.join(",")))
}

/// Follows the pages as a client does, once.
async fn deep_cursor(service: &Service) -> anyhow::Result<String> {
    let mut path = format!("{OPEN_TICKETS}&limit=100");
    let mut cursor = String::new();
    for _ in 0..DEPTH {
        let page = get(service, &path).await?;
        cursor = page["next"].as_str().context("there are not that many pages")?.to_owned();
        path = format!("{OPEN_TICKETS}&limit=100&cursor={cursor}");
    }
    Ok(cursor)
}

/// The sort value and the id in a cursor.
fn key(cursor: &str) -> anyhow::Result<(String, String)> {
    let cursor: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor)?)?;
    Ok((cursor["k"].to_string(), cursor["i"].as_str().context("a cursor has an id")?.to_owned()))
}
