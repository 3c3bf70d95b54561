//! Calendars for calendar programs: iCalendar (RFC 5545) under a private address, because such programs send no tokens.
use actix_web::http::header::{CACHE_CONTROL, ETAG};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use icalendar::{Component as _, Event, EventLike as _};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::config::Config;
use crate::db::Db;
use crate::http::{Answer, Params, PathId, now, seen};
use crate::kernel::{AgentId, AppError, Permission, rfc3339};
use crate::schedule::service::{self, Calendar, Entry};

/// The address under which a calendar program reads an agent's calendar.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewCalendarFeed {
    /// Shown once. Whoever knows it reads the calendar.
    #[schema(
        example = "https://desk.example/v1/agents/0199f0c2-b1c9-7000-8000-000000000003/calendar.ics?token=kZ0..."
    )]
    url: String,
    #[serde(serialize_with = "rfc3339::serialize")]
    created_at: DateTime<Utc>,
}

fn own_id(caller: &Caller) -> Result<AgentId, AppError> {
    caller.require(Permission::TicketsWork)?;
    let no_agent = AppError::conflict("not_an_agent", "a program has no calendar");
    caller.agent_id().ok_or(no_agent)
}

/// Make the private address of your calendar
///
/// For calendar programs that subscribe. The former address ends; the new one is shown once, for only a hash of it is kept.
#[utoipa::path(
    tag = "schedule",
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 201, description = "The address", body = NewCalendarFeed)),
)]
#[post("/me/calendar-feed")]
pub async fn create_calendar_feed(
    db: web::Data<Db>,
    config: web::Data<Config>,
    caller: Caller,
) -> Result<Answer, AppError> {
    let agent = own_id(&caller)?;
    let created_at = now();
    let token = db.quiet_tx(move |conn| service::make_feed(conn, agent, created_at)).await?;
    let url = format!(
        "{}/v1/agents/{agent}/calendar.ics?token={}",
        config.public_url.trim_end_matches('/'),
        token.expose()
    );
    Answer::created("/v1/me/calendar-feed".into(), &NewCalendarFeed { url, created_at })
}

/// That there is an address; not which.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarFeed {
    #[serde(serialize_with = "rfc3339::serialize")]
    created_at: DateTime<Utc>,
}

/// Get when your calendar's private address was made
///
/// The address itself is only shown when it is made. Make a new one when it is lost.
#[utoipa::path(
    tag = "schedule",
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "When it was made", body = CalendarFeed)),
)]
#[get("/me/calendar-feed")]
pub async fn get_calendar_feed(db: web::Data<Db>, caller: Caller) -> Result<Answer, AppError> {
    let agent = own_id(&caller)?;
    let created_at = db.read(move |conn| service::feed_exists(conn, agent)).await?;
    Answer::ok(&CalendarFeed { created_at })
}

/// Revoke the private address of your calendar
///
/// Calendar programs that still ask for the address get 404 from then on.
#[utoipa::path(
    tag = "schedule",
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 204, description = "Revoked")),
)]
#[delete("/me/calendar-feed")]
pub async fn delete_calendar_feed(db: web::Data<Db>, caller: Caller) -> Result<Answer, AppError> {
    let agent = own_id(&caller)?;
    db.quiet_tx(move |conn| service::revoke_feed(conn, agent)).await?;
    Ok(Answer::no_content())
}

/// Revoke the private address of an agent's calendar
///
/// Who still asks for the address gets 404 from then on. The agent can make a new one.
#[utoipa::path(
    tag = "schedule",
    params(("id" = AgentId, Path)),
    security(("client_credentials" = ["people:write"])),
    responses((status = 204, description = "Revoked")),
)]
#[delete("/agents/{id}/calendar-feed")]
pub async fn delete_calendar_feed_of_agent(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<AgentId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    db.quiet_tx(move |conn| service::revoke_feed(conn, id.0)).await?;
    Ok(Answer::no_content())
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FeedQuery {
    /// The secret of the private address.
    token: String,
}

/// Read an agent's calendar with a calendar program
///
/// iCalendar (RFC 5545) under the private address that its agent made: it needs no bearer token. The appointments of the
/// last 30 days and of the coming year. A wrong, former or revoked secret is 404, as is that of an inactive agent.
#[utoipa::path(
    tag = "schedule",
    params(("id" = AgentId, Path), FeedQuery),
    responses((
        status = 200,
        description = "The calendar",
        body = String,
        content_type = "text/calendar",
        example = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Casebridge//Schedule//EN\r\nEND:VCALENDAR\r\n",
    )),
)]
#[get("/agents/{id}/calendar.ics")]
pub async fn read_calendar_feed(
    db: web::Data<Db>,
    request: HttpRequest,
    id: PathId<AgentId>,
    query: Params<FeedQuery>,
) -> Result<HttpResponse, AppError> {
    let Params(FeedQuery { token }) = query;
    let calendar = db.read(move |conn| service::read_feed(conn, id.0, &token, now())).await?;
    let text = icalendar_of(calendar);
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes())));
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, "private, no-cache"));
    response.insert_header((ETAG, etag.as_str()));
    if seen(&request, &etag) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, etag)).finish());
    }
    Ok(response.content_type("text/calendar; charset=utf-8").body(text))
}

/// The same text for the same appointments, so that its hash is a good ETag.
fn icalendar_of(calendar: Calendar) -> String {
    let mut ical = icalendar::Calendar::empty();
    for (name, value) in [
        ("VERSION", "2.0"),
        ("PRODID", "-//Casebridge//Schedule//EN"),
        ("CALSCALE", "GREGORIAN"),
        ("METHOD", "PUBLISH"),
        ("X-WR-CALNAME", &calendar.agent.name),
    ] {
        ical.append_property((name, value));
    }
    calendar.entries.into_iter().for_each(|entry| {
        ical.push(event(entry));
    });
    ical.to_string()
}

/// Times are in UTC: a calendar program shows them by its own clock, and needs to know no rules of time zones.
fn event(Entry { appointment, ticket }: Entry) -> Event {
    let mut event = Event::new();
    event
        .uid(&appointment.id.to_string())
        .timestamp(appointment.updated_at)
        .sequence(u32::try_from(appointment.version - 1).unwrap_or_default())
        .starts(appointment.starts_at)
        .ends(appointment.ends_at);
    match ticket {
        Some(ticket) => {
            event.summary(&format!("CB-{} {}", ticket.number, ticket.subject));
            appointment.note.iter().for_each(|note| {
                event.description(note);
            });
        }
        None => {
            event.summary("An appointment");
        }
    }
    event.done()
}
