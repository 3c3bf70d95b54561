//! One real server on one fresh database per test.
mod client;
mod database;
pub mod mirror;

use std::net::TcpListener;

use actix_web::dev::ServerHandle;
use casebridge::app::{self, Service};
use casebridge::auth;
use casebridge::config::Config;
use casebridge::db::Db;
use casebridge::events;
use casebridge::kernel::Role;
use chrono::Utc;

pub use client::{Client, Reply};

/// A server with its own database. Background work does not run by itself: tests call its steps.
pub struct TestApp {
    pub service: Service,
    pub url: String,
    server: ServerHandle,
    /// Dropped last: removes the database.
    _database: database::Database,
}

impl TestApp {
    pub async fn start() -> Self {
        let database = database::Database::create().await;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let config = Config {
            public_url: url.clone(),
            secret_key: Some(database::secret_key()),
            database_pool: 8,
            http_workers: 2,
            ..Config::default()
        };
        let db = Db::connect(&database.url, config.database_pool).unwrap();
        let service = Service::new(config, db).await.unwrap();
        let server = app::server(listener, &service).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { service, url, server: handle, _database: database }
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

    /// Calls without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.url, None)
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
    }
}
