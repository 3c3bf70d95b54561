//! The change feed.
mod stream;

use std::time::{Duration, Instant};

use actix_web::{get, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::event::EventType;
use super::feed::Feed;
use super::service;
use super::store::{Event, Filter};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Params};
use crate::kernel::{
    AccountId, AppError, DepartmentId, PAGE_DEFAULT, PAGE_MAX, Permission, TicketId,
};

/// Seconds that a long poll waits at the most.
const WAIT_MAX: u64 = 30;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_events).service(stream::stream_events);
}

/// Something that happened. Immutable.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventView {
    /// Where it stands in the feed; absent in a history while it is being published.
    #[schema(example = 4711)]
    position: Option<i64>,
    #[schema(value_type = EventType)]
    r#type: String,
    /// What it is about: `ticket/<id>`, `account/<id>`.
    #[schema(example = "ticket/0199f0c2-b1c9-7d5e-8b1f-5a3c7d9e2f10")]
    subject: String,
    ticket_id: Option<TicketId>,
    /// The version that this event gave the ticket: the order of a ticket's events.
    #[schema(example = 3)]
    ticket_version: Option<i32>,
    actor: ActorView,
    /// Where the change came from.
    #[schema(example = "api")]
    origin: String,
    /// `{field: {from, to}}`
    #[schema(value_type = Object, example = json!({"priority": {"from": "normal", "to": "high"}}))]
    changes: Value,
    #[schema(value_type = Object)]
    data: Value,
    occurred_at: DateTime<Utc>,
}

/// Who did it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActorView {
    id: Uuid,
    #[schema(example = "agent")]
    role: String,
    #[schema(example = "Support agent")]
    name: String,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self {
            position: event.position,
            r#type: event.kind,
            subject: event.subject,
            ticket_id: event.ticket_id,
            ticket_version: event.ticket_version,
            actor: ActorView { id: event.actor_id, role: event.actor_role, name: event.actor_name },
            origin: event.origin,
            changes: event.changes,
            data: event.data,
            occurred_at: event.occurred_at,
        }
    }
}

/// The changes that a customer may see in a public event.
const FOR_CUSTOMERS: [&str; 6] = ["subject", "priority", "deadline", "url", "resolution", "tags"];

impl EventView {
    /// A public event as a contact sees it: nothing of who works on it, nor of the desk's own statuses and notes.
    pub fn for_contact(event: Event) -> Self {
        let mut view = Self::from(event);
        if let Value::Object(changes) = &mut view.changes {
            changes.retain(|field, _| FOR_CUSTOMERS.contains(&field.as_str()));
        }
        if let Value::Object(data) = &mut view.data {
            let internal = data.get("note_visibility").is_some_and(|word| word == "internal");
            data.retain(|field, _| match field.as_str() {
                "note_id" | "note_seq" => !internal,
                field => field == "number",
            });
        }
        view
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct FeedQuery {
    /// The last position that you have seen; 0 for the beginning.
    #[serde(default)]
    #[param(minimum = 0, example = 0)]
    after: i64,
    /// Only these types, separated by commas.
    #[param(example = "ticket.opened,ticket.status_changed")]
    types: Option<String>,
    /// Only this ticket.
    ticket: Option<TicketId>,
    /// Only tickets of this account.
    account: Option<AccountId>,
    /// Only tickets that this department has.
    department: Option<DepartmentId>,
    /// Seconds to wait when there is nothing yet (long poll); more than 30 becomes 30.
    #[serde(default)]
    #[param(minimum = 0, example = 0)]
    wait: u64,
    /// At most this many events; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
}

/// Events behind a position.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedPage {
    items: Vec<EventView>,
    /// Ask with this as `after` next time. It can be behind the last item: what lies between was not for you.
    #[schema(example = 4711)]
    last_position: i64,
}

/// Read the change feed
///
/// Every change of every ticket that you may see, in the order in which it was published. Positions are never reused
/// and never skipped: remember the last one and go on from there, also after a crash.
#[utoipa::path(
    tag = "events",
    params(FeedQuery),
    security(("client_credentials" = ["events:read"])),
    responses((status = 200, description = "The events behind `after`, oldest first", body = FeedPage)),
)]
#[get("/events")]
async fn list_events(
    db: web::Data<Db>,
    feed: web::Data<Feed>,
    caller: Caller,
    query: Params<FeedQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::EventsRead)?;
    let mut filter = filter(&query)?;
    let deadline = Instant::now() + Duration::from_secs(query.wait.min(WAIT_MAX));
    loop {
        let (asked, caller) = (filter.clone(), caller.clone());
        let (news, last_position) =
            db.read(move |conn| service::feed(conn, &asked, &caller)).await?;
        if !news.is_empty() || Instant::now() >= deadline || feed.is_closed() {
            let items = news.into_iter().map(EventView::from).collect();
            return Answer::ok(&FeedPage { items, last_position });
        }
        filter.after = last_position;
        feed.beyond(last_position).await;
    }
}

fn filter(query: &FeedQuery) -> Result<Filter, AppError> {
    let limit = query.limit.unwrap_or(PAGE_DEFAULT);
    if query.after < 0 {
        return Err(AppError::Malformed("query parameter after: must be 0 or more".into()));
    }
    if limit < 1 {
        return Err(AppError::Malformed("limit must be at least 1".into()));
    }
    let types = query.types.as_deref();
    let filter = narrowed(types, query.ticket, query.account, query.department)?;
    Ok(Filter { after: query.after, limit: limit.min(PAGE_MAX), ..filter })
}

/// What a reader asks for, without where they are.
fn narrowed(
    types: Option<&str>,
    ticket: Option<TicketId>,
    account: Option<AccountId>,
    department: Option<DepartmentId>,
) -> Result<Filter, AppError> {
    let words =
        types.into_iter().flat_map(|types| types.split(',')).filter(|word| !word.is_empty());
    let unknown = |word| AppError::Malformed(format!("types: there is no event type {word}"));
    let types = words.map(|word| EventType::parse(word).ok_or_else(|| unknown(word)));
    Ok(Filter {
        types: types.collect::<Result<_, _>>()?,
        ticket,
        accounts: account.into_iter().collect(),
        departments: department.into_iter().collect(),
        ..Filter::default()
    })
}
