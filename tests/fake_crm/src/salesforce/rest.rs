//! The routes of the REST API.
use actix_web::web::Query as Parameters;
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::collections::{Action, save};
use super::control::Control;
use super::objects::{Field, Kind, Object};
use super::org::{Org, stamp};
use super::refusal::Refusal;
use super::soql::{Query, read};

/// A request of the API, free of the web framework.
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub text: String,
    pub token: Option<String>,
    /// What `Sforce-Auto-Assign` says; true where it says nothing.
    pub auto_assign: bool,
    /// How the caller names this host.
    pub host: String,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Null for an answer without a body.
    pub body: Value,
    pub retry_after: Option<u32>,
    /// `Sforce-Limit-Info`
    pub usage: Option<String>,
}

impl Answer {
    pub fn new(status: u16, body: Value) -> Self {
        Self { status, body, retry_after: None, usage: None }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.status, refusal.body())
    }
}

impl Request {
    /// Everything behind the version; `None` for another path.
    pub fn resource(&self) -> Option<Vec<&str>> {
        let segments: Vec<&str> = self.path.trim_matches('/').split('/').collect();
        match segments.as_slice() {
            ["services", "data", version, rest @ ..] if version.starts_with('v') => {
                Some(rest.to_vec())
            }
            _ => None,
        }
    }

    pub fn parameter(&self, name: &str) -> Option<String> {
        let all = Parameters::<Vec<(String, String)>>::from_query(&self.query).ok()?;
        all.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    fn json(&self) -> Result<Value, Refusal> {
        let parsed = serde_json::from_str(&self.text);
        parsed.map_err(|error| Refusal::bad("JSON_PARSER_ERROR", error.to_string()))
    }
}

/// Does what is asked.
pub fn serve(control: &Control, request: &Request) -> Answer {
    let mut org = control.org();
    if request.path == "/services/oauth2/token" {
        return begin_session(&mut org, request);
    }
    let Some(resource) = request.resource() else { return Refusal::not_found().into() };
    if !request.token.as_ref().is_some_and(|token| org.knows_session(token)) {
        return Refusal::session().into();
    }
    let allowed = org.settings.daily_calls;
    let outcome = if org.used_calls >= allowed {
        Err(Refusal::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
    } else {
        org.used_calls += 1;
        route(&mut org, &resource, request)
    };
    let mut answer = outcome.unwrap_or_else(Answer::from);
    answer.usage = Some(format!("api-usage={}/{allowed}", org.used_calls));
    answer
}

fn route(org: &mut Org, resource: &[&str], request: &Request) -> Result<Answer, Refusal> {
    let ok = |body| Ok(Answer::new(200, body));
    match (request.method.as_str(), resource) {
        ("GET", ["query"]) => ok(query(org, request, false)?),
        ("GET", ["queryAll"]) => ok(query(org, request, true)?),
        ("GET", ["sobjects", object, "deleted"]) => ok(deleted(org, object, request)?),
        ("GET", ["sobjects", object, "describe"]) => {
            ok(describe(org.object(object).map_err(|_| Refusal::not_found())?))
        }
        ("GET", ["sobjects", object, id]) => {
            let object = org.object(object)?.name;
            let record = org.row(object, id)?;
            let all = org.object(object)?.fields.iter().map(|field| field.name.clone());
            ok(show(object, record, &all.collect::<Vec<_>>()))
        }
        ("DELETE", ["sobjects", object, id]) => {
            let user = org.api_user.clone();
            org.delete(object, id, &user)?;
            Ok(Answer::new(204, Value::Null))
        }
        ("POST", ["composite", "sobjects"]) => {
            ok(save(org, Action::Create, &request.json()?, request.auto_assign)?)
        }
        ("PATCH", ["composite", "sobjects"]) => {
            ok(save(org, Action::Update, &request.json()?, request.auto_assign)?)
        }
        ("PATCH", ["composite", "sobjects", object, field]) => {
            org.object(object)?.field(field).ok_or_else(Refusal::not_found)?;
            let action = Action::Upsert(object, field);
            ok(save(org, action, &request.json()?, request.auto_assign)?)
        }
        _ => Err(Refusal::not_found()),
    }
}

fn begin_session(org: &mut Org, request: &Request) -> Answer {
    let form = Parameters::<Vec<(String, String)>>::from_query(&request.text);
    let field = |name: &str| {
        let form = form.as_ref().ok()?;
        form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    };
    let error = |error: &str, description: &str| {
        Answer::new(400, json!({ "error": error, "error_description": description }))
    };
    if field("grant_type").as_deref() != Some("client_credentials") {
        return error("unsupported_grant_type", "grant type not supported");
    }
    if field("client_id").as_ref() != Some(&org.settings.client_id) {
        return error("invalid_client_id", "client identifier invalid");
    }
    if field("client_secret").as_ref() != Some(&org.settings.client_secret) {
        return error("invalid_client", "invalid client credentials");
    }
    let instance = format!("http://{}", request.host);
    let id = format!("https://login.salesforce.com/id/00D000000000001EAA/{}", org.api_user);
    let body = json!({
        "access_token": org.begin_session(),
        "signature": "c2lnbmF0dXJl",
        "scope": "api",
        "instance_url": instance,
        "id": id,
        "token_type": "Bearer",
        "issued_at": org.now().timestamp_millis().to_string(),
    });
    Answer::new(200, body)
}

fn query(org: &Org, request: &Request, deleted_too: bool) -> Result<Value, Refusal> {
    let text = request.parameter("q").unwrap_or_default();
    let query = Query::parse(&text)?;
    let object = org.object(&query.object)?;
    query.check(object)?;
    let mut found: Vec<_> = org
        .rows(object.name)
        .filter(|record| (deleted_too || !record.deleted) && query.matches(record))
        .collect();
    query.sort(&mut found);
    found.truncate(query.limit.unwrap_or(usize::MAX));
    let total = found.len();
    found.truncate(org.settings.query_batch);
    let records: Vec<Value> =
        found.iter().map(|record| show(object.name, record, &query.fields)).collect();
    let done = records.len() == total;
    let mut answer = json!({ "totalSize": total, "done": done, "records": records });
    if !done {
        let next = format!("{}/01g000000000001AAA-{}", request.path, records.len());
        answer["nextRecordsUrl"] = next.into();
    }
    Ok(answer)
}

fn show(object: &str, record: &super::Record, fields: &[String]) -> Value {
    let url = format!("/services/data/v65.0/sobjects/{object}/{}", record.id);
    let mut shown = Map::new();
    shown.insert("attributes".into(), json!({ "type": object, "url": url }));
    for field in fields {
        shown.insert(field.clone(), read(record, field));
    }
    shown.into()
}

/// "sObject Describe": what cannot be null must be given, unless the organization gives it itself.
fn describe(object: &Object) -> Value {
    let field = |field: &Field| {
        let system = field.kind == Kind::System;
        let given = system || field.kind == Kind::Boolean || field.name == "OwnerId";
        json!({
            "name": field.name,
            "createable": !system,
            "nillable": !given && !object.required.contains(&field.name.as_str()),
            "defaultedOnCreate": given,
        })
    };
    let fields: Vec<Value> = object.fields.iter().map(field).collect();
    json!({ "name": object.name, "keyPrefix": object.prefix, "fields": fields })
}

/// "sObject Get Deleted": seconds do not count, the window is longer than a minute and begins in the last 15 days.
fn deleted(org: &Org, object: &str, request: &Request) -> Result<Value, Refusal> {
    let object = org.object(object)?.name;
    let time = |name: &str| {
        let text = request.parameter(name).unwrap_or_default();
        let time = DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc());
        let time = time.ok().and_then(|time| time.duration_trunc(TimeDelta::minutes(1)).ok());
        time.ok_or_else(|| Refusal::bad("INVALID_REPLICATION_DATE", format!("no {name}: {text}")))
    };
    let (start, end) = (time("start")?, time("end")?);
    let oldest = org.now() - TimeDelta::days(15);
    if end - start <= TimeDelta::minutes(1) || start < oldest {
        let message = "the start and end of the replication are out of the allowed range";
        return Err(Refusal::bad("INVALID_REPLICATION_DATE", message));
    }
    let within = |at: DateTime<Utc>| start <= at && at < end;
    let deletions = org.deletions.iter().filter(|(name, _, at)| *name == object && within(*at));
    let shown = deletions.map(|(_, id, at)| json!({ "id": id, "deletedDate": stamp(*at) }));
    Ok(json!({
        "deletedRecords": shown.collect::<Vec<_>>(),
        "earliestDateAvailable": stamp(oldest),
        "latestDateCovered": stamp(end.min(org.now())),
    }))
}
