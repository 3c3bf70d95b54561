//! The PostgreSQL that both sides use: the embedded one, durable, with a loaded desk; and what it counts.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use casebridge::db::embedded::Embedded;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _};

const NAME: &str = "bench";

pub struct Database {
    pub url: String,
    embedded: Embedded,
}

impl Database {
    /// Starts the server with an empty database, and with `pg_stat_statements` to count what it is sent.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        // The library is loaded when the server starts the next time.
        let embedded = Embedded::start(folder, "postgres").await?;
        execute(
            embedded.url(),
            "alter system set shared_preload_libraries = 'pg_stat_statements'",
        )?;
        embedded.stop().await?;
        let embedded = Embedded::start(folder, "postgres").await?;
        execute(embedded.url(), &format!("drop database if exists {NAME} with (force)"))?;
        execute(embedded.url(), &format!("create database {NAME}"))?;
        let url = embedded.url().replace("/postgres", &format!("/{NAME}"));
        execute(&url, "create extension pg_stat_statements")?;
        Ok(Self { url, embedded })
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        self.embedded.stop().await
    }

    /// Fills the database that the service has migrated and seeded.
    pub fn load(&self) -> anyhow::Result<()> {
        execute(&self.url, include_str!("data.sql"))?;
        execute(&self.url, "vacuum analyze")
    }

    /// Writes what the last rounds left behind to disk, so that the next round does not pay for it.
    pub fn settle(&self) -> anyhow::Result<()> {
        execute(&self.url, "checkpoint")
    }

    pub fn forget_statements(&self) -> anyhow::Result<()> {
        execute(&self.url, "select pg_stat_statements_reset()")
    }

    /// Every statement since [`Database::forget_statements`], and how often it was executed.
    pub fn statements(&self) -> anyhow::Result<BTreeMap<String, i64>> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            query: String,
            #[diesel(sql_type = BigInt)]
            calls: i64,
        }
        let mut conn = PgConnection::establish(&self.url)?;
        let rows: Vec<Row> = diesel::sql_query(
            "select query, calls from pg_stat_statements
              where dbid = (select oid from pg_database where datname = current_database())
                and query not like '%pg_stat_statements%' and query not like 'SET %'",
        )
        .load(&mut conn)?;
        Ok(rows.into_iter().map(|row| (row.query, row.calls)).collect())
    }

    /// What the service wrote last, for pgbench to write the same.
    pub fn written(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            subject: String,
            #[diesel(sql_type = Text)]
            actor_name: String,
            #[diesel(sql_type = Text)]
            changes: String,
            #[diesel(sql_type = Text)]
            data: String,
            #[diesel(sql_type = Text)]
            candidates: String,
        }
        let mut conn = PgConnection::establish(&self.url)?;
        let row: Row = diesel::sql_query(
            "select subject, actor_name, changes::text, data::text,
                    coalesce((select candidates::text from assignments order by id desc limit 1), '[]') as candidates
               from events order by id desc limit 1",
        )
        .get_result(&mut conn)?;
        Ok(vec![
            ("event_subject", row.subject),
            ("caller_name", row.actor_name),
            ("changes", row.changes),
            ("data", row.data),
            ("candidates", row.candidates),
        ])
    }

    /// The folder of the server's programs.
    pub fn programs(&self) -> anyhow::Result<PathBuf> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            setting: String,
        }
        let mut conn = PgConnection::establish(&self.url)?;
        let row: Row = diesel::sql_query("select setting from pg_config where name = 'BINDIR'")
            .get_result(&mut conn)?;
        Ok(row.setting.into())
    }
}

fn execute(url: &str, sql: &str) -> anyhow::Result<()> {
    Ok(PgConnection::establish(url)?.batch_execute(sql)?)
}
