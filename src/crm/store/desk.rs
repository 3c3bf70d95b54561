//! What the mirror reads of the desk, each in one statement.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::crm::case::Field;
use crate::db::schema::{
    accounts, agents, contacts, crm_note_links, crm_redactions, notes, products, tickets, workflows,
};
use crate::kernel::{
    AccountId, AgentId, ConnectionId, ContactId, NoteId, Priority, ProductId, TicketId, WorkflowId,
};

/// A ticket with the names of what it refers to.
#[derive(Debug, Clone, Queryable)]
pub struct DeskTicket {
    pub id: TicketId,
    pub number: i64,
    pub workflow_id: WorkflowId,
    pub workflow_revision: Uuid,
    pub status: String,
    pub category: String,
    pub subject: String,
    pub description: String,
    pub url: Option<String>,
    pub priority: Priority,
    pub type_key: String,
    pub account: Option<(AccountId, String)>,
    pub product: Option<(ProductId, String)>,
    /// Id, name and e-mail address.
    pub assignee: Option<(AgentId, String, String)>,
    /// Id, name and e-mail address.
    pub contact: Option<(ContactId, String, String)>,
    /// Its notes; the last has this number.
    pub note_count: i32,
    pub closed_at: Option<DateTime<Utc>>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub updated_at: DateTime<Utc>,
}

impl DeskTicket {
    /// The desk's own value of what a field is about, as a code or an id; empty for none. `None` where the CRM's words are the
    /// desk's.
    pub fn own(&self, field: Field) -> Option<String> {
        let id = |id: Option<Uuid>| Some(id.map(|id| id.to_string()).unwrap_or_default());
        match field {
            Field::Status => Some(self.status.clone()),
            Field::Priority => Some(self.priority.as_str().to_owned()),
            Field::Type => Some(self.type_key.clone()),
            Field::Assignee => id(self.assignee.as_ref().map(|(id, ..)| id.0)),
            Field::Account => id(self.account.as_ref().map(|(id, _)| id.0)),
            Field::Product => id(self.product.as_ref().map(|(id, _)| id.0)),
            Field::Subject | Field::Description | Field::Number | Field::Link => None,
        }
    }
}

/// These tickets, in no order.
pub fn desk_tickets(conn: &mut PgConnection, ids: &[TicketId]) -> QueryResult<Vec<DeskTicket>> {
    let found: Vec<Row> = tickets::table
        .inner_join(workflows::table)
        .left_join(accounts::table)
        .left_join(products::table)
        .left_join(agents::table.on(tickets::assignee_id.eq(agents::id.nullable())))
        .left_join(contacts::table)
        .filter(tickets::id.eq_any(ids))
        .select((
            (
                tickets::id,
                tickets::number,
                tickets::workflow_id,
                workflows::revision,
                tickets::status,
                tickets::category,
                tickets::subject,
                tickets::description,
                tickets::url,
                tickets::priority,
                tickets::type_key,
            ),
            (accounts::id, accounts::name).nullable(),
            (products::id, products::name).nullable(),
            (agents::id, agents::name, agents::email).nullable(),
            (contacts::id, contacts::name, contacts::email).nullable(),
            (
                tickets::note_count,
                tickets::closed_at,
                tickets::deleted_at,
                tickets::version,
                tickets::updated_at,
            ),
        ))
        .load(conn)?;
    Ok(found.into_iter().map(DeskTicket::from).collect())
}

type Plain = (
    TicketId,
    i64,
    WorkflowId,
    Uuid,
    String,
    String,
    String,
    String,
    Option<String>,
    Priority,
    String,
);
type Row = (
    Plain,
    Option<(AccountId, String)>,
    Option<(ProductId, String)>,
    Option<(AgentId, String, String)>,
    Option<(ContactId, String, String)>,
    (i32, Option<DateTime<Utc>>, Option<DateTime<Utc>>, i32, DateTime<Utc>),
);

impl From<Row> for DeskTicket {
    fn from((plain, account, product, assignee, contact, times): Row) -> Self {
        let (id, number, workflow_id, workflow_revision, status, category, ..) = plain;
        let (.., subject, description, url, priority, type_key) = plain;
        let (note_count, closed_at, deleted_at, version, updated_at) = times;
        Self {
            id,
            number,
            workflow_id,
            workflow_revision,
            status,
            category,
            subject,
            description,
            url,
            priority,
            type_key,
            account,
            product,
            assignee,
            contact,
            note_count,
            closed_at,
            deleted_at,
            version,
            updated_at,
        }
    }
}

/// A note that the CRM may not have yet.
#[derive(Debug, Clone, Queryable)]
pub struct DeskNote {
    pub id: NoteId,
    pub seq: i32,
    pub visibility: String,
    pub author_id: Uuid,
    pub author_role: String,
    pub author_name: String,
    pub body: String,
    /// The CRM's note, when the note is linked already.
    pub remote_id: Option<String>,
    /// When the CRM's note was found to be deleted.
    pub gone_at: Option<DateTime<Utc>>,
    /// A secret was taken out of it.
    pub redacted: bool,
}

/// The notes of a ticket behind `after`, in order.
pub fn desk_notes(
    conn: &mut PgConnection,
    ticket: TicketId,
    connection: ConnectionId,
    after: i32,
    limit: i64,
) -> QueryResult<Vec<DeskNote>> {
    let link =
        crm_note_links::note_id.eq(notes::id).and(crm_note_links::connection_id.eq(connection));
    notes::table
        .left_join(crm_note_links::table.on(link))
        .filter(notes::ticket_id.eq(ticket).and(notes::seq.gt(after)))
        .order(notes::seq)
        .limit(limit)
        .select((
            notes::id,
            notes::seq,
            notes::visibility,
            notes::author_id,
            notes::author_role,
            notes::author_name,
            notes::body,
            crm_note_links::remote_id.nullable(),
            crm_note_links::gone_at.nullable(),
            diesel::dsl::exists(
                crm_redactions::table.filter(crm_redactions::note_id.eq(notes::id.nullable())),
            ),
        ))
        .load(conn)
}

/// The active agent with this e-mail address.
pub fn agent_by_email(conn: &mut PgConnection, email: &str) -> QueryResult<Option<Uuid>> {
    agents::table
        .filter(lower(agents::email).eq(email.to_lowercase()))
        .filter(agents::active)
        .select(agents::id)
        .first(conn)
        .optional()
}

/// The account with this name.
pub fn account_by_name(conn: &mut PgConnection, name: &str) -> QueryResult<Option<Uuid>> {
    accounts::table
        .filter(lower(accounts::name).eq(name.to_lowercase()))
        .select(accounts::id)
        .first(conn)
        .optional()
}

/// The product with this name.
pub fn product_by_name(conn: &mut PgConnection, name: &str) -> QueryResult<Option<Uuid>> {
    products::table
        .filter(lower(products::name).eq(name.to_lowercase()))
        .select(products::id)
        .first(conn)
        .optional()
}

diesel::define_sql_function! { fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text; }
