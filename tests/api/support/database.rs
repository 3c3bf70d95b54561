//! One PostgreSQL for the run, one migrated and seeded template, one clone of it for each test.
use std::path::Path;
use std::sync::LazyLock;

use casebridge::app;
use casebridge::config::Config;
use casebridge::db::Db;
use casebridge::db::embedded::Embedded;
use casebridge::kernel::{Secret, SecretKey};
use casebridge::seed;
use chrono::Utc;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use tokio::sync::OnceCell;

const TEMPLATE: &str = "test_template";

static KEY: LazyLock<Secret> = LazyLock::new(|| SecretKey::generate().unwrap());

/// The key that sealed what the template holds.
pub fn secret_key() -> Secret {
    KEY.clone()
}

struct Cluster {
    /// Stops the server when the process ends.
    _embedded: Embedded,
    base: String,
}

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join("api");
            let embedded = Embedded::start_for_tests(&data, "postgres").await.unwrap();
            let base = embedded.url().strip_suffix("/postgres").unwrap().to_owned();
            let cluster = Cluster { base, _embedded: embedded };
            cluster.make_template().await;
            cluster
        })
        .await
}

impl Cluster {
    fn url(&self, database: &str) -> Secret {
        Secret::new(format!("{}/{database}", self.base))
    }

    fn admin(&self, sql: &str) {
        let mut conn = PgConnection::establish(self.url("postgres").expose()).unwrap();
        diesel::sql_query(sql).execute(&mut conn).unwrap();
    }

    async fn make_template(&self) {
        self.admin(&format!("drop database if exists {TEMPLATE} with (force)"));
        self.admin(&format!("create database {TEMPLATE}"));
        let db = Db::connect(&self.url(TEMPLATE), 1).unwrap();
        db.migrate().await.unwrap();
        let config = Config { secret_key: Some(secret_key()), ..Config::default() };
        let service = app::Service::new(config, db).await.unwrap();
        service.db.tx(|conn| seed::load_desk(conn, Utc::now())).await.unwrap();
    }
}

/// A clone of the template; gone when it is dropped.
pub struct Database {
    pub url: Secret,
    name: String,
}

impl Database {
    pub async fn create() -> Self {
        let cluster = cluster().await;
        let name = format!("test_{}", uuid::Uuid::now_v7().simple());
        let create = format!("create database {name} template {TEMPLATE} strategy file_copy");
        tokio::task::spawn_blocking(move || cluster.admin(&create)).await.unwrap();
        Self { url: cluster.url(&name), name }
    }
}

impl Database {
    /// Ends every connection, and refuses new ones or takes them again.
    pub fn refuse_connections(&self, refuse: bool) {
        let cluster = CLUSTER.get().unwrap();
        let name = &self.name;
        cluster.admin(&format!("alter database {name} allow_connections {}", !refuse));
        cluster.admin(&format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
        ));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(cluster) = CLUSTER.get() {
            cluster.admin(&format!("drop database if exists {} with (force)", self.name));
        }
    }
}
