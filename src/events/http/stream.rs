//! The change feed as server-sent events (HTML, section 9.2).
use std::fmt::Write as _;
use std::future::{Ready, ready};
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse, get, web};
use futures_util::stream;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::{EventView, narrowed};
use crate::auth::Session;
use crate::events::live::Live;
use crate::events::store::{Event, Filter};
use crate::http::{Params, header_param};
use crate::kernel::{AccountId, AppError, DepartmentId, PAGE_MAX, Permission, TicketId};

/// How often a listener hears something when nothing happens: proxies end what is silent, and a listener that is gone is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A stream ends after this time; who listens comes back with a token that is valid by then.
const LIFETIME: Duration = Duration::from_secs(3600);
/// After how many milliseconds a browser comes back.
const RETRY: u64 = 2000;

/// The position that was seen last, from the header that browsers send by themselves when they come back.
struct LastEventId(Option<i64>);

impl FromRequest for LastEventId {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(value) = request.headers().get("last-event-id") else {
            return ready(Ok(Self(None)));
        };
        let position = value.to_str().ok().and_then(|text| text.parse().ok());
        let wrong = || AppError::Malformed("Last-Event-ID must be a position of the feed".into());
        ready(position.filter(|position| *position >= 0).map(|at| Self(Some(at))).ok_or_else(wrong))
    }
}

impl IntoParams for LastEventId {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "Go on behind this position; it goes before `after`.";
        vec![header_param("Last-Event-ID", false, "4711", description)]
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct StreamQuery {
    /// Begin behind this position; with what happens from now on when absent.
    #[param(minimum = 0, example = 0)]
    after: Option<i64>,
    /// Only these types, separated by commas.
    #[param(example = "ticket.opened,ticket.status_changed")]
    types: Option<String>,
    /// Only this ticket.
    ticket: Option<TicketId>,
    /// Only tickets of this account.
    account: Option<AccountId>,
    /// Only tickets that this department has.
    department: Option<DepartmentId>,
}

/// Listen to the change feed
///
/// Server-sent events: each event of the feed as it is published, as far as you may see it. `id` is its position, `event` its type,
/// `data` the event. A comment comes every 15 seconds when nothing happens, with the position up to where there was nothing for you. The
/// stream ends after an hour, when your token is not valid any more and when the service ends: come back with `Last-Event-ID`, and
/// nothing is missed.
#[utoipa::path(
    tag = "events",
    params(StreamQuery, LastEventId),
    security(("client_credentials" = ["events:read"])),
    responses((
        status = 200,
        description = "The stream",
        content_type = "text/event-stream",
        body = String,
        example = "id: 4711\nevent: ticket.opened\ndata: {\"position\":4711,\"type\":\"ticket.opened\"}\n\n",
    )),
)]
#[get("/events/stream")]
pub async fn stream_events(
    live: web::Data<Live>,
    session: Session,
    query: Params<StreamQuery>,
    last: LastEventId,
) -> Result<HttpResponse, AppError> {
    session.caller().await?.require(Permission::EventsRead)?;
    let query = query.0;
    let types = query.types.as_deref();
    let mut filter = narrowed(types, query.ticket, query.account, query.department)?;
    let begin = last.0.or(query.after);
    if begin.is_some_and(|position| position < 0) {
        return Err(AppError::Malformed("query parameter after: must be 0 or more".into()));
    }
    filter.after = match begin {
        Some(position) => position,
        None => live.end().await?,
    };
    filter.limit = PAGE_MAX;
    metrics::gauge!("event_listeners").increment(1.0);
    let listener = Listener { live: live.as_ref().clone(), session, filter, since: None };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // Otherwise nginx collects what it passes on.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(stream::unfold(listener, Listener::next)))
}

/// One who listens. Between what they are sent, they are no more than this and a timer.
struct Listener {
    live: Live,
    session: Session,
    filter: Filter,
    /// When they began; `None` before the first word.
    since: Option<Instant>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        metrics::gauge!("event_listeners").decrement(1.0);
    }
}

impl Listener {
    /// What comes next; `None` ends the stream. It is asked for when what came before was sent: who reads slowly is read to slowly.
    async fn next(mut self) -> Option<(Result<Bytes, AppError>, Self)> {
        let Some(since) = self.since else {
            self.since = Some(Instant::now());
            let first = format!("retry: {RETRY}\nid: {}\n\n", self.filter.after);
            return Some((Ok(first.into()), self));
        };
        while since.elapsed() < LIFETIME {
            match self.read().await {
                Ok(Some(text)) => return Some((Ok(text), self)),
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(?error, "a stream ends");
                    return None;
                }
            }
            match tokio::time::timeout(HEARTBEAT, self.live.news(self.filter.after)).await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(_) => {
                    let sign = format!(": nothing new\nid: {}\n\n", self.filter.after);
                    return Some((Ok(sign.into()), self));
                }
            }
        }
        None
    }

    /// What was published and is for this listener, who is asked again who they are: rights and departments change.
    async fn read(&mut self) -> Result<Option<Bytes>, AppError> {
        loop {
            if !self.live.has_news(self.filter.after) {
                return Ok(None);
            }
            let caller = self.session.caller().await?;
            caller.require(Permission::EventsRead)?;
            let Some(page) = self.live.page(&caller, self.filter.clone(), written).await? else {
                return Ok(None);
            };
            self.filter.after = page.until;
            if !page.text.is_empty() {
                return Ok(Some(page.text.clone()));
            }
        }
    }
}

fn written(events: Vec<Event>) -> Result<Bytes, AppError> {
    let mut text = String::new();
    for event in events {
        let view = EventView::from(event);
        let data = serde_json::to_string(&view).map_err(AppError::internal)?;
        let position = view.position.unwrap_or_default();
        write!(text, "id: {position}\nevent: {}\ndata: {data}\n\n", view.r#type)
            .map_err(AppError::internal)?;
    }
    Ok(text.into())
}
