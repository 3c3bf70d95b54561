//! The only place that takes pool connections, starts transactions and blocks a thread.
mod by_name;
pub mod embedded;
mod lease;
mod pool;
pub mod schema;
mod texts;
mod threads;

use std::sync::Arc;
use std::time::Duration;

use diesel::PgConnection;
use diesel::connection::SimpleConnection as _;
use diesel::r2d2::{self, Pool};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use tokio::sync::Notify;

pub(crate) use self::by_name::load_by_name;
pub use self::by_name::{containing, lower};
pub use self::lease::{LEASE, later};
use self::pool::Manager;
pub use self::texts::rewrite;
use self::threads::Threads;
use crate::kernel::{AppError, Secret};

/// Every change of the schema, in the binary.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// How long a request waits for a free connection before it is told 503.
const CHECKOUT: Duration = Duration::from_secs(5);
/// PostgreSQL advisory lock that lets one process migrate at a time.
const MIGRATION_LOCK: i64 = 0x0063_6173_6562_7269;

/// The transaction is committed without waiting for the disk: a crash of the database can forget it, whole.
pub fn commit_without_waiting(conn: &mut PgConnection) -> diesel::QueryResult<()> {
    conn.batch_execute("set local synchronous_commit = off")
}

/// The transaction, in which nothing was done yet, sees one state of the database and cannot write; no statement of it goes on for longer
/// than so many seconds, or takes more than one core.
pub fn only_look(conn: &mut PgConnection, seconds: u32) -> diesel::QueryResult<()> {
    conn.batch_execute(&format!(
        "set transaction isolation level repeatable read, read only; set local statement_timeout = '{seconds}s';
         set local max_parallel_workers_per_gather = 0; set local jit = off"
    ))
}

/// The database: a pool of connections, and the bell that rings after a commit.
#[derive(Clone)]
pub struct Db {
    pool: Pool<Manager>,
    threads: Arc<Threads>,
    committed: Arc<Notify>,
}

impl Db {
    /// Opens a pool of up to `size` connections. Fails when the first cannot be made.
    pub fn connect(url: &Secret, size: u32) -> anyhow::Result<Self> {
        let pool = Self::pool(size).build(Manager::new(url))?;
        Self::over(pool, size)
    }

    /// The same for a database that may be down, now or later.
    pub fn connect_lazily(url: &Secret, size: u32) -> anyhow::Result<Self> {
        Self::over(Self::pool(size).build_unchecked(Manager::new(url)), size)
    }

    fn pool(size: u32) -> r2d2::Builder<Manager> {
        Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            // Costs a round trip each time; a dead connection is found by its first statement instead.
            .test_on_check_out(false)
            .connection_timeout(CHECKOUT)
    }

    fn over(pool: Pool<Manager>, size: u32) -> anyhow::Result<Self> {
        let threads = Arc::new(Threads::start(size)?);
        Ok(Self { pool, threads, committed: Arc::new(Notify::new()) })
    }

    /// Runs `work` in one transaction on a blocking thread; rolls back on `Err`.
    pub async fn tx<T, F>(&self, work: F) -> Result<T, AppError>
    where
        F: FnOnce(&mut PgConnection) -> Result<T, AppError> + Send + 'static,
        T: Send + 'static,
    {
        let done = self.quiet_tx(work).await;
        if done.is_ok() {
            self.committed.notify_one();
        }
        done
    }

    /// As [`Db::tx`], for a step of background work: true when there was something to do, and otherwise the relay has no reason to
    /// look.
    pub async fn step<F>(&self, work: F) -> Result<bool, AppError>
    where
        F: FnOnce(&mut PgConnection) -> Result<bool, AppError> + Send + 'static,
    {
        let done = self.quiet_tx(work).await?;
        if done {
            self.committed.notify_one();
        }
        Ok(done)
    }

    /// As [`Db::tx`], for what appends no event: the relay has no reason to look.
    pub async fn quiet_tx<T, F>(&self, work: F) -> Result<T, AppError>
    where
        F: FnOnce(&mut PgConnection) -> Result<T, AppError> + Send + 'static,
        T: Send + 'static,
    {
        self.blocking(|pool| pool::transaction(pool, work)).await
    }

    /// Runs a read outside a transaction: one round trip for each statement. Several statements may see
    /// different states: what must agree belongs into one statement or into [`Db::tx`]. `work` runs
    /// again when its connection turned out to be dead, so it must only read, or write what is the same when it is written
    /// twice.
    pub async fn read<T, F>(&self, work: F) -> Result<T, AppError>
    where
        F: Fn(&mut PgConnection) -> Result<T, AppError> + Send + 'static,
        T: Send + 'static,
    {
        self.blocking(move |pool| pool::read(pool, work)).await
    }

    /// How many connections are open, and how many of them are idle.
    pub fn connections(&self) -> (u32, u32) {
        let state = self.pool.state();
        (state.connections, state.idle_connections)
    }

    /// Returns after the next commit of this process, at once when there was one since the last call, and after a
    /// second anyway: other processes commit too. For one caller, the relay.
    pub async fn committed_or_a_second(&self) {
        let _ = tokio::time::timeout(Duration::from_secs(1), self.committed.notified()).await;
    }

    /// Applies the migrations that are missing; waits while another process does. Returns how many.
    pub async fn migrate(&self) -> Result<usize, AppError> {
        self.blocking(|pool| migrate(&mut pool.get().map_err(AppError::unavailable)?.conn)).await
    }

    /// True when the database answers and every migration of this binary is applied.
    pub async fn ready(&self) -> bool {
        let pending = |conn: &mut PgConnection| {
            conn.has_pending_migration(MIGRATIONS)
                .map_err(|e| AppError::Unavailable(anyhow::anyhow!(e)))
        };
        matches!(self.read(pending).await, Ok(false))
    }

    async fn blocking<T, F>(&self, work: F) -> Result<T, AppError>
    where
        F: FnOnce(&Pool<Manager>) -> Result<T, AppError> + Send + 'static,
        T: Send + 'static,
    {
        let pool = self.pool.clone();
        let span = tracing::Span::current();
        self.threads.run(CHECKOUT, move || span.in_scope(|| work(&pool))).await
    }
}

/// Applies the migrations that are missing under an advisory lock; returns how many.
fn migrate(conn: &mut PgConnection) -> Result<usize, AppError> {
    conn.batch_execute(&format!("select pg_advisory_lock({MIGRATION_LOCK})"))?;
    let applied = conn.run_pending_migrations(MIGRATIONS).map(|done| done.len());
    conn.batch_execute(&format!("select pg_advisory_unlock({MIGRATION_LOCK})"))?;
    applied.map_err(|e| AppError::Internal(anyhow::anyhow!("a migration failed: {e}")))
}

/// The name of the constraint that an error is about, so that a feature can name the problem.
pub fn violated(error: &DieselError) -> Option<&str> {
    match error {
        DieselError::DatabaseError(_, info) => info.constraint_name(),
        _ => None,
    }
}

impl From<DieselError> for AppError {
    fn from(error: DieselError) -> Self {
        use DatabaseErrorKind::*;
        match &error {
            DieselError::NotFound => Self::NotFound("the resource"),
            DieselError::DatabaseError(UniqueViolation, info) => {
                let what = info.constraint_name().unwrap_or("a unique value");
                Self::conflict("already_exists", format!("this already exists ({what})"))
            }
            DieselError::DatabaseError(_, info) if holds_nul(info.message()) => {
                Self::Malformed("a text holds the character NUL, which cannot be stored".into())
            }
            // 40P01, for which diesel has no kind: the other transaction went on, so a retry succeeds.
            DieselError::DatabaseError(_, info) if info.message() == "deadlock detected" => {
                Self::unavailable(error)
            }
            DieselError::DatabaseError(
                SerializationFailure | ClosedConnection | UnableToSendCommand,
                _,
            )
            | DieselError::BrokenTransactionManager => Self::unavailable(error),
            _ => Self::internal(error),
        }
    }
}

/// PostgreSQL stores no NUL: in a text it says 22021, in JSON 22P05.
fn holds_nul(message: &str) -> bool {
    message.starts_with("invalid byte sequence for encoding")
        || message.starts_with("unsupported Unicode escape sequence")
}
