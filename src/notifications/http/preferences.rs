//! What people want to be told of.
use std::collections::{BTreeMap, BTreeSet};

use actix_web::{get, patch, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, PathId, now, nullable, set};
use crate::kernel::{AgentId, AppError, ContactId, Permission, TimeZone, rfc3339};
use crate::notifications::rules::{
    Digest, NotificationChannel, NotificationKind, Person, Preferences, QuietHours,
};
use crate::notifications::service::{self, Shown};
use crate::people::{ClockTime, language_tag};

/// What somebody wants to be told of, and how.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationPreferences {
    /// Over what they are told of each kind of thing; none: they are not.
    #[schema(value_type = Object, example = json!({"assigned": ["mail", "feed"], "own_changed": ["feed"]}))]
    channels: BTreeMap<NotificationKind, BTreeSet<NotificationChannel>>,
    digest: Digest,
    /// When a daily digest goes out, by their clock.
    #[schema(example = "08:00")]
    daily_at: ClockTime,
    /// When no mail goes out, by their clock; it does afterwards.
    quiet_hours: Option<QuietHours>,
    /// Of mails to them; null: a contact's own language, English for the desk.
    #[schema(example = "de")]
    language: Option<String>,
    /// Whose clock: that of the agent or contact.
    time_zone: TimeZone,
    /// 0 while everything is as by default.
    version: i32,
    #[serde(serialize_with = "rfc3339::option")]
    updated_at: Option<DateTime<Utc>>,
}

impl From<Shown> for NotificationPreferences {
    fn from(shown: Shown) -> Self {
        let channels = shown.preferences.effective(shown.audience());
        let Preferences { digest, daily_at, quiet_hours, language, .. } = shown.preferences;
        Self {
            channels,
            digest,
            daily_at,
            quiet_hours,
            language,
            time_zone: shown.time_zone,
            version: shown.version,
            updated_at: shown.updated_at,
        }
    }
}

fn answer(shown: Shown) -> Result<Answer, AppError> {
    let version = shown.version;
    Ok(Answer::ok(&NotificationPreferences::from(shown))?.version(version))
}

/// Channels by kind; null goes back to the default.
type ChannelChange = BTreeMap<String, Option<BTreeSet<NotificationChannel>>>;

/// What is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreferencesChange {
    /// Over what to be told of each kind of thing: `mail`, `feed`, `webhook`, or none of them. A kind that is absent stays; null
    /// goes back to the default.
    #[garde(skip)]
    #[schema(value_type = Option<Object>, example = json!({"watched": ["feed"]}))]
    channels: Option<ChannelChange>,
    #[garde(skip)]
    digest: Option<Digest>,
    /// When a daily digest goes out.
    #[garde(skip)]
    #[schema(example = "08:00")]
    daily_at: Option<ClockTime>,
    /// When no mail goes out; null: never.
    #[garde(skip)]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<QuietHours>)]
    quiet_hours: Option<Option<QuietHours>>,
    /// A language tag (BCP 47).
    #[garde(custom(language_or_none))]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, example = "de")]
    language: Option<Option<String>>,
}

fn language_or_none(language: &Option<Option<String>>, context: &()) -> garde::Result {
    match language {
        Some(Some(tag)) => language_tag(tag, context),
        _ => Ok(()),
    }
}

impl PreferencesChange {
    fn apply(self, preferences: &mut Preferences) -> Result<(), AppError> {
        let unknown = |kind| AppError::field(format!("/channels/{kind}"), "there is no such kind");
        let known = |(kind, channels): (String, _)| match NotificationKind::parse(&kind) {
            Some(known) => Ok((known, channels)),
            None => Err(unknown(kind)),
        };
        let channels = self.channels.unwrap_or_default().into_iter();
        preferences.set_channels(channels.map(known).collect::<Result<_, _>>()?);
        set(&mut preferences.digest, self.digest);
        set(&mut preferences.daily_at, self.daily_at);
        set(&mut preferences.quiet_hours, self.quiet_hours);
        set(&mut preferences.language, self.language);
        Ok(())
    }
}

async fn change(
    db: &Db,
    person: Person,
    seen: IfMatch,
    body: Body<PreferencesChange>,
) -> Result<Answer, AppError> {
    let change = body.into_inner();
    let apply = move |preferences: &mut Preferences| change.apply(preferences);
    let changed = db.quiet_tx(move |conn| service::change(conn, person, seen, apply, now()));
    answer(changed.await?)
}

/// Get what you want to be told of
///
/// What you did not choose is answered as it is by default.
#[utoipa::path(
    tag = "notifications",
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "Your preferences", body = NotificationPreferences)),
)]
#[get("/notification-preferences")]
pub async fn get_notification_preferences(
    db: web::Data<Db>,
    caller: Caller,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    answer(db.quiet_tx(move |conn| service::own(conn, &caller)).await?)
}

/// Change what you want to be told of
///
/// What waits to be mailed to you goes out as you say now.
#[utoipa::path(
    tag = "notifications",
    params(IfMatch),
    request_body = PreferencesChange,
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "Your preferences as they are now", body = NotificationPreferences)),
)]
#[patch("/notification-preferences")]
pub async fn change_notification_preferences(
    db: web::Data<Db>,
    caller: Caller,
    seen: IfMatch,
    body: Body<PreferencesChange>,
) -> Result<Answer, AppError> {
    let person = service::person_of(&caller)?;
    change(&db, person, seen, body).await
}

/// Get what an agent wants to be told of
///
/// What the agent did not choose is answered as it is by default.
#[utoipa::path(
    tag = "notifications",
    params(("id" = AgentId, Path)),
    security(("client_credentials" = ["people:write"])),
    responses((status = 200, description = "Their preferences", body = NotificationPreferences)),
)]
#[get("/agents/{id}/notification-preferences")]
pub async fn get_notification_preferences_of_agent(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<AgentId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    answer(db.quiet_tx(move |conn| service::of_agent(conn, &caller, id.0)).await?)
}

/// Change what an agent wants to be told of
///
/// Fields that are absent stay as they are. It counts for what happens from then on.
#[utoipa::path(
    tag = "notifications",
    params(("id" = AgentId, Path), IfMatch),
    request_body = PreferencesChange,
    security(("client_credentials" = ["people:write"])),
    responses((status = 200, description = "Their preferences as they are now", body = NotificationPreferences)),
)]
#[patch("/agents/{id}/notification-preferences")]
pub async fn change_notification_preferences_of_agent(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<AgentId>,
    seen: IfMatch,
    body: Body<PreferencesChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    change(&db, Person::Agent(id.0), seen, body).await
}

/// Get what a contact wants to be told of
///
/// What the contact did not choose is answered as it is by default.
#[utoipa::path(
    tag = "notifications",
    params(("id" = ContactId, Path)),
    security(("client_credentials" = ["people:write"])),
    responses((status = 200, description = "Their preferences", body = NotificationPreferences)),
)]
#[get("/contacts/{id}/notification-preferences")]
pub async fn get_notification_preferences_of_contact(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ContactId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    answer(db.quiet_tx(move |conn| service::of_contact(conn, &caller, id.0)).await?)
}

/// Change what a contact wants to be told of
///
/// Fields that are absent stay as they are. It counts for what happens from then on.
#[utoipa::path(
    tag = "notifications",
    params(("id" = ContactId, Path), IfMatch),
    request_body = PreferencesChange,
    security(("client_credentials" = ["people:write"])),
    responses((status = 200, description = "Their preferences as they are now", body = NotificationPreferences)),
)]
#[patch("/contacts/{id}/notification-preferences")]
pub async fn change_notification_preferences_of_contact(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ContactId>,
    seen: IfMatch,
    body: Body<PreferencesChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    change(&db, Person::Contact(id.0), seen, body).await
}
