//! Pooled connections that are replaced when they turn out to be dead.
//!
//! The pool does not test a connection before it hands it out. The first statement does: when it finds the
//! connection closed (PostgreSQL was restarted, a firewall forgot it), the next connection is tried.
use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _};
use diesel::r2d2::{ManageConnection, Pool, PooledConnection, R2D2Connection as _};
use diesel::{Connection as _, PgConnection};

use crate::kernel::{AppError, Secret};

pub(super) struct Manager(Secret);

impl Manager {
    pub(super) fn new(url: &Secret) -> Self {
        Self(url.clone())
    }
}

pub(super) struct Session {
    pub(super) conn: PgConnection,
    dead: bool,
}

impl ManageConnection for Manager {
    type Connection = Session;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Session, Self::Error> {
        let conn =
            PgConnection::establish(self.0.expose()).map_err(Self::Error::ConnectionError)?;
        Ok(Session { conn, dead: false })
    }

    fn is_valid(&self, session: &mut Session) -> Result<(), Self::Error> {
        Ok(session.conn.ping()?)
    }

    fn has_broken(&self, session: &mut Session) -> bool {
        session.dead || session.conn.is_broken() || std::thread::panicking()
    }
}

/// Begins, works, and commits or rolls back.
pub(super) fn transaction<T>(
    pool: &Pool<Manager>,
    work: impl FnOnce(&mut PgConnection) -> Result<T, AppError>,
) -> Result<T, AppError> {
    let mut session = begin(pool)?;
    let conn = &mut session.conn;
    match work(conn) {
        Ok(value) => {
            AnsiTransactionManager::commit_transaction(conn)?;
            Ok(value)
        }
        Err(error) => {
            // When even the rollback fails, the connection is broken and the pool drops it.
            if let Err(rollback) = AnsiTransactionManager::rollback_transaction(conn) {
                tracing::warn!(%rollback, "a transaction could not be rolled back");
                session.dead = true;
            }
            Err(error)
        }
    }
}

fn begin(pool: &Pool<Manager>) -> Result<PooledConnection<Manager>, AppError> {
    let mut tries_left = pool.max_size();
    loop {
        let mut session = checkout(pool)?;
        match AnsiTransactionManager::begin_transaction(&mut session.conn) {
            Ok(()) => return Ok(session),
            Err(error) if tries_left == 0 => return Err(error.into()),
            Err(_) => session.dead = true,
        }
        tries_left -= 1;
    }
}

/// Runs `work`, again on another connection as long as the one it got was dead.
pub(super) fn read<T>(
    pool: &Pool<Manager>,
    work: impl Fn(&mut PgConnection) -> Result<T, AppError>,
) -> Result<T, AppError> {
    for _ in 0..pool.max_size() {
        let mut session = checkout(pool)?;
        let done = work(&mut session.conn);
        let suspect = matches!(done, Err(AppError::Unavailable(_) | AppError::Internal(_)));
        session.dead = suspect && session.conn.batch_execute("select 1").is_err();
        if !session.dead {
            return done;
        }
    }
    work(&mut checkout(pool)?.conn)
}

fn checkout(pool: &Pool<Manager>) -> Result<PooledConnection<Manager>, AppError> {
    pool.get().map_err(AppError::unavailable)
}
