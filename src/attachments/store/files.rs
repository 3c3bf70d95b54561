//! Queries of the files that were sent here, and of the objects that hold their parts.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::schema::{file_parts, files};
use crate::kernel::FileId;

/// A file, or as much of it as has arrived.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, Identifiable)]
#[diesel(table_name = files, check_for_backend(diesel::pg::Pg))]
pub struct File {
    pub id: FileId,
    /// Who sent it.
    pub owner_id: Uuid,
    pub name: String,
    pub media_type: String,
    /// Bytes that are stored.
    pub size: i64,
    /// Bytes that it is to have, where the sender said so.
    pub length: Option<i64>,
    pub expected_sha256: Option<Vec<u8>>,
    /// Of the whole file: it is complete.
    pub sha256: Option<Vec<u8>>,
    /// The state of the hash function after `size` bytes.
    pub hashing: Option<Vec<u8>>,
    /// Counts those who wrote.
    pub fence: i32,
    pub created_at: DateTime<Utc>,
    /// When it is forgotten; `None` once it is attached.
    pub expires_at: Option<DateTime<Utc>>,
}

pub fn insert_file(conn: &mut PgConnection, file: &File) -> QueryResult<usize> {
    diesel::insert_into(files::table).values(file).execute(conn)
}

/// Holds off others who begin an upload of this owner's, until the transaction ends.
pub fn lock_owner(conn: &mut PgConnection, owner: Uuid) -> QueryResult<usize> {
    diesel::sql_query("select pg_advisory_xact_lock(hashtextextended('files ' || $1, 0))")
        .bind::<diesel::sql_types::Text, _>(owner.to_string())
        .execute(conn)
}

#[derive(QueryableByName)]
struct Unattached {
    #[diesel(sql_type = BigInt)]
    files: i64,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// How many files of this owner are attached to nothing, and how many bytes they have or are to have.
pub fn unattached(conn: &mut PgConnection, owner: Uuid) -> QueryResult<(i64, i64)> {
    let found: Unattached = diesel::sql_query(
        "select count(*) as files, coalesce(sum(coalesce(length, size)), 0)::bigint as bytes
           from files where owner_id = $1 and expires_at is not null",
    )
    .bind::<SqlUuid, _>(owner)
    .get_result(conn)?;
    Ok((found.files, found.bytes))
}

/// A file of this owner that is attached to nothing yet.
pub fn own(
    conn: &mut PgConnection,
    owner: Uuid,
    id: FileId,
    now: DateTime<Utc>,
) -> QueryResult<Option<File>> {
    files::table
        .find(id)
        .filter(files::owner_id.eq(owner))
        .filter(files::expires_at.gt(now))
        .select(File::as_select())
        .first(conn)
        .optional()
}

/// Makes the caller the one who writes, behind these bytes; `None` when it has more or fewer, or is complete.
pub fn take_over(
    conn: &mut PgConnection,
    id: FileId,
    size: i64,
    expires_at: DateTime<Utc>,
) -> QueryResult<Option<File>> {
    let open = files::table.find(id).filter(files::size.eq(size)).filter(files::sha256.is_null());
    diesel::update(open.filter(files::expires_at.is_not_null()))
        .set((files::fence.eq(files::fence + 1), files::expires_at.eq(expires_at)))
        .returning(File::as_returning())
        .get_result(conn)
        .optional()
}

/// Names an object that is about to be written for a file, and is removed at `remove_at` unless it becomes a part.
pub fn reserve(
    conn: &mut PgConnection,
    file: FileId,
    remove_at: DateTime<Utc>,
) -> QueryResult<Uuid> {
    let id = Uuid::now_v7();
    diesel::insert_into(file_parts::table)
        .values((
            file_parts::id.eq(id),
            file_parts::file_id.eq(file),
            file_parts::remove_at.eq(remove_at),
        ))
        .execute(conn)?;
    Ok(id)
}

/// What a writer has come to.
pub struct Commit {
    pub fence: i32,
    /// Bytes before.
    pub start: i64,
    /// Bytes of the new part; 0 without one.
    pub size: i64,
    /// The object of the new part.
    pub object: Option<Uuid>,
    /// The state of the hash function behind it, while more is to come.
    pub hashing: Option<Vec<u8>>,
    /// Of the whole file, which is complete.
    pub sha256: Option<Vec<u8>>,
}

/// Makes an object a part of its file; false when somebody else has taken over, or the file is gone.
pub fn commit(conn: &mut PgConnection, id: FileId, done: &Commit) -> QueryResult<bool> {
    let size = done.start + done.size;
    let complete = done.sha256.is_some();
    let held = files::table.find(id).filter(files::fence.eq(done.fence));
    let held = held.filter(files::size.eq(done.start)).filter(files::expires_at.is_not_null());
    let written = diesel::update(held)
        .set((
            files::size.eq(size),
            files::hashing.eq(&done.hashing),
            files::sha256.eq(&done.sha256),
            complete.then(|| files::length.eq(size)),
        ))
        .execute(conn)?;
    let Some(object) = done.object.filter(|_| written == 1) else { return Ok(written == 1) };
    let reserved = file_parts::table.find(object).filter(file_parts::file_id.eq(id));
    let kept = diesel::update(reserved)
        .set((
            file_parts::start_at.eq(done.start),
            file_parts::size.eq(done.size),
            file_parts::remove_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)?;
    Ok(kept == 1)
}

/// Keeps a complete file for good; false when it is gone, or was attached before. Call it in the transaction that attaches it.
pub fn claim(conn: &mut PgConnection, id: FileId) -> QueryResult<bool> {
    let complete = files::table.find(id).filter(files::sha256.is_not_null());
    let claimed = diesel::update(complete.filter(files::expires_at.is_not_null()))
        .set(files::expires_at.eq(None::<DateTime<Utc>>));
    Ok(claimed.execute(conn)? == 1)
}

/// Forgets a file, unless it is attached.
pub fn discard(conn: &mut PgConnection, id: FileId) -> QueryResult<usize> {
    diesel::delete(files::table.find(id).filter(files::expires_at.is_not_null())).execute(conn)
}

/// Forgets some files whose time is over; returns how many.
pub fn forget_expired(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    let expired = files::table
        .filter(files::expires_at.le(now))
        .order(files::expires_at)
        .limit(limit)
        .for_update()
        .skip_locked()
        .select(files::id);
    let expired: Vec<FileId> = expired.load(conn)?;
    diesel::delete(files::table.filter(files::id.eq_any(expired))).execute(conn)
}

/// A part of a file.
#[derive(Debug, Clone, Copy, Queryable)]
pub struct Part {
    pub object: Uuid,
    pub start: i64,
    pub size: i64,
}

/// The parts of a file, in order.
pub fn parts(conn: &mut PgConnection, file: FileId) -> QueryResult<Vec<Part>> {
    file_parts::table
        .filter(file_parts::file_id.eq(file))
        .filter(file_parts::start_at.is_not_null())
        .order(file_parts::start_at)
        .select((
            file_parts::id,
            file_parts::start_at.assume_not_null(),
            file_parts::size.assume_not_null(),
        ))
        .load(conn)
}

/// Takes some objects that are to be removed away from their files, and leases them until `until`.
pub fn due_parts(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Uuid>> {
    let due = file_parts::table
        .filter(file_parts::remove_at.le(now))
        .order(file_parts::remove_at)
        .limit(limit)
        .for_update()
        .skip_locked()
        .select(file_parts::id);
    let due: Vec<Uuid> = due.load(conn)?;
    diesel::update(file_parts::table.filter(file_parts::id.eq_any(&due)))
        .set((file_parts::remove_at.eq(until), file_parts::file_id.eq(None::<FileId>)))
        .execute(conn)?;
    Ok(due)
}

/// Forgets objects that are removed.
pub fn forget_parts(conn: &mut PgConnection, objects: &[Uuid]) -> QueryResult<usize> {
    diesel::delete(file_parts::table.filter(file_parts::id.eq_any(objects))).execute(conn)
}
