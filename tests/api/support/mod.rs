//! One real server on one fresh database per test.
mod client;
mod database;
mod desk;
pub mod mirror;
mod process;
pub mod receiver;
pub mod smtp;
mod spec;

use std::net::TcpListener;
use std::path::Path;

use actix_web::dev::ServerHandle;
use casebridge::app::{self, Service};
use casebridge::auth;
use casebridge::config::Config;
use casebridge::db::Db;
use casebridge::events;
use casebridge::kernel::{Permission, Role};
use chrono::Utc;
use diesel::RunQueryDsl as _;
use serde_json::json;

pub use client::{Client, Reply};
pub use database::{Database, secret_key};
pub use desk::{path, pointers};
pub use process::{Process, casebridge, free_port};
pub use spec::{Operation, Spec};

/// The operations that need no token. Whoever adds to them opens a door.
pub const PUBLIC: &[&str] = &[
    "issue_token",
    "get_jwks",
    "get_liveness",
    "get_readiness",
    "get_metrics",
    "receive_crm_hook",
    "read_calendar_feed",
    "read_linked_file",
];

/// A server with its own database. Background work does not run by itself: tests call its steps.
pub struct TestApp {
    pub service: Service,
    pub url: String,
    server: ServerHandle,
    /// Dropped last: removes the database.
    pub database: Database,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With what `adjust` changes of the configuration.
    pub async fn start_with(adjust: impl FnOnce(&mut Config)) -> Self {
        let database = Database::create().await;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut config = Config {
            public_url: url.clone(),
            secret_key: Some(secret_key()),
            data_dir: Path::new(env!("CARGO_TARGET_TMPDIR")).join(uuid::Uuid::now_v7().to_string()),
            database_pool: 8,
            http_workers: 2,
            // A test asks more in a second than a person in a minute.
            requests_per_minute: 0,
            ..Config::default()
        };
        adjust(&mut config);
        let db = Db::connect(&database.url, config.database_pool).unwrap();
        let service = Service::new(config, db).await.unwrap();
        let server = app::server(listener, &service).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { service, url, server: handle, database }
    }

    /// Calls as the first person of this role in the seed data.
    pub async fn client(&self, role: Role) -> Client {
        let principal =
            self.service.db.read(move |conn| auth::first_of_role(conn, role)).await.unwrap();
        self.client_for(principal.id).await
    }

    /// Calls as the agent, contact or client with this id.
    pub async fn client_for(&self, id: uuid::Uuid) -> Client {
        let principal =
            self.service.db.read(move |conn| auth::find_principal(conn, id)).await.unwrap();
        let token =
            self.service.authenticator.sign(&principal, None, 600, Utc::now()).await.unwrap();
        Client::new(&self.url, Some(token))
    }

    /// A new integration client that may have these scopes.
    pub async fn integration(&self, scopes: &[Permission]) -> uuid::Uuid {
        let new = json!({"name": uuid::Uuid::now_v7(), "scopes": scopes});
        let client = self.client(Role::Admin).await.post("/v1/clients", new).await.expect(201);
        client["id"].as_str().unwrap().parse().unwrap()
    }

    /// Calls as this client with a token for some of its scopes.
    pub async fn client_with(
        &self,
        id: uuid::Uuid,
        scopes: impl Iterator<Item = Permission>,
    ) -> Client {
        let principal =
            self.service.db.read(move |conn| auth::find_principal(conn, id)).await.unwrap();
        let scope = scopes.map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
        let token = self.service.authenticator.sign(&principal, Some(scope), 600, Utc::now());
        Client::new(&self.url, Some(token.await.unwrap()))
    }

    /// Calls without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.url, None)
    }

    /// Does every step of a job that is due.
    pub async fn run_jobs(&self) {
        while self.service.jobs.step_due(Utc::now()).await.unwrap() {}
    }

    /// Publishes every event that was committed.
    pub async fn publish(&self) {
        let Service { db, feed, .. } = &self.service;
        while events::publish_next(db, feed, app::CONSUMERS).await.unwrap() {}
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // The future only has to be made: it sends the command when it is called.
        drop(self.server.stop(false));
        // Most tests keep no files.
        let _ = std::fs::remove_dir_all(&self.service.config.data_dir);
        if !std::thread::panicking() {
            let service = self.service.clone();
            std::thread::spawn(move || account_for_everything(&service)).join().unwrap();
        }
    }
}

#[derive(diesel::QueryableByName)]
struct Unaccounted {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

/// Whatever a test did: every event can be published, positions are dense, and every ticket has its mirrors.
#[tokio::main(flavor = "current_thread")]
async fn account_for_everything(service: &Service) {
    while events::publish_next(&service.db, &service.feed, app::CONSUMERS).await.unwrap() {}
    let sql = "select (select count(*) from events where position is null)
        + (select count(*) - coalesce(max(position), 0) from events)
        + (select count(*) from tickets t, crm_connections c where t.category <> 'draft' and t.deleted_at is null
             and not exists (select from jobs j where j.subject = 'crm_connection/' || c.id and j.kind = 'crm_backfill'
               and j.finished_at is null)
             and not exists (select from crm_mirrors m where m.ticket_id = t.id and m.connection_id = c.id)) as number";
    let left = service
        .db
        .read(move |conn| Ok(diesel::sql_query(sql).get_result::<Unaccounted>(conn)?.number));
    assert_eq!(
        left.await.unwrap(),
        0,
        "an event is unpublished, or a ticket is without its mirror"
    );
}
