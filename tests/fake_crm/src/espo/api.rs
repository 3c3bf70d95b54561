//! The routes of EspoCRM's REST API.
use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal};
use super::control::Control;
use super::query::Search;
use super::settings::{ADMIN, API_USER};
use super::state::{Crm, Record};
use super::{metadata, stream, webhooks};

/// A request of the API, free of the web framework.
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub body: String,
    pub api_key: Option<String>,
    /// Name and password.
    pub basic: Option<(String, String)>,
    pub version: Option<i64>,
    pub skip_duplicate_check: bool,
}

type Outcome = Result<Answer, Refusal>;

/// Does what is asked.
pub fn serve(control: &Control, request: &Request) -> Answer {
    let mut crm = control.crm();
    let segments: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let ["api", "v1", rest @ ..] = segments.as_slice() else {
        return Answer::no_route();
    };
    let Some(user) = user(&crm, request) else { return Answer::unauthorized() };
    if let ["App", "user"] = rest {
        let row = crm.stored("User", user);
        return Answer::ok(json!({ "user": row, "acl": {}, "settings": {} }));
    }
    if let ("GET", ["Metadata"]) = (request.method.as_str(), rest) {
        return metadata::read(&crm, &request.query);
    }
    let Some(name) = rest.first() else { return Answer::no_route() };
    let Some(entity) = crm.entity(name).map(|entity| entity.name) else {
        return Refusal::new(404, format!("Controller '{name}' does not exist.")).into();
    };
    let outcome = match (request.method.as_str(), &rest[1..]) {
        ("GET", []) => list(&crm, entity, &request.query),
        ("POST", []) => create(&mut crm, entity, request, user),
        ("GET", [id]) => read(&crm, entity, id),
        ("PUT" | "PATCH", [id]) => update(&mut crm, entity, id, request, user),
        ("DELETE", [id]) => crm.delete(entity, id, user).map(|()| Answer::ok(json!(true))),
        ("GET", [id, "stream"]) if entity == "Case" => of_stream(&crm, id, &request.query),
        ("GET", [id, "contacts"]) if entity == "Case" => contacts(&crm, id, &request.query),
        ("POST" | "DELETE", [id, "contacts"]) if entity == "Case" => {
            relate(&mut crm, id, request, user)
        }
        _ => return Answer::no_route(),
    };
    outcome.unwrap_or_else(Answer::from)
}

fn user(crm: &Crm, request: &Request) -> Option<&'static str> {
    if let Some(key) = &request.api_key {
        return (!crm.key_revoked && *key == crm.settings.api_key).then_some(API_USER);
    }
    let (name, password) = request.basic.as_ref()?;
    (name == "admin" && *password == crm.settings.admin_password).then_some(ADMIN)
}

fn attributes(request: &Request) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_str(&request.body).map_err(|_| Refusal::bad_request("No data."))
}

fn list(crm: &Crm, entity: &str, query: &str) -> Outcome {
    let search = Search::parse(query)?;
    page(crm, entity, &search, crm.rows(entity).filter(|row| !row.deleted))
}

fn page<'a>(
    crm: &Crm,
    entity: &str,
    search: &Search,
    rows: impl Iterator<Item = &'a Record>,
) -> Outcome {
    let known = crm.entity(entity).ok_or_else(|| Refusal::new(404, "No entity."))?;
    let (total, rows) = search.run(known, rows)?;
    let list: Vec<Value> =
        rows.into_iter().map(|row| shown(crm, entity, row, |name| search.shows(name))).collect();
    Ok(Answer::ok(json!({ "total": total, "list": list })))
}

fn read(crm: &Crm, entity: &str, id: &str) -> Outcome {
    let row = crm.row(entity, id)?;
    Ok(Answer::ok(shown(crm, entity, row, |_| true)))
}

/// A record as answers show it.
fn shown(crm: &Crm, entity: &str, row: &Record, wanted: impl Fn(&str) -> bool) -> Value {
    let fields = crm.entity(entity).map(|entity| entity.fields.as_slice()).unwrap_or_default();
    let names = fields.iter().map(|field| field.name.as_str()).filter(|name| wanted(name));
    let mut shown: Map<String, Value> =
        names.map(|name| (name.to_owned(), row.value(name))).collect();
    shown.insert("id".into(), row.id.as_str().into());
    shown.into()
}

fn create(crm: &mut Crm, entity: &'static str, request: &Request, user: &str) -> Outcome {
    let attributes = attributes(request)?;
    let id = match entity {
        "Note" => stream::post(crm, &attributes, user)?,
        "Webhook" => webhooks::create(crm, &attributes, user)?,
        _ => {
            if !request.skip_duplicate_check {
                check_duplicates(crm, entity, &attributes)?;
            }
            crm.insert(entity, None, &attributes, user)?
        }
    };
    read(crm, entity, &id)
}

/// Leads are told by name and address, cases by what the administrator chose.
fn check_duplicates(
    crm: &Crm,
    entity: &str,
    attributes: &Map<String, Value>,
) -> Result<(), Refusal> {
    let telling: Vec<&str> = match entity {
        "Case" => crm.settings.duplicate_check.iter().map(String::as_str).collect(),
        "Lead" => vec!["emailAddress"],
        _ => Vec::new(),
    };
    let given: Vec<(&str, &Value)> =
        telling.into_iter().filter_map(|name| Some((name, attributes.get(name)?))).collect();
    let same = |row: &&Record| {
        !row.deleted && given.iter().any(|(name, value)| row.value(name) == **value)
    };
    let found: Vec<Value> =
        crm.rows(entity).filter(same).map(|row| shown(crm, entity, row, |_| true)).collect();
    if found.is_empty() { Ok(()) } else { Err(Refusal::conflict("duplicate", json!(found))) }
}

fn update(crm: &mut Crm, entity: &'static str, id: &str, request: &Request, user: &str) -> Outcome {
    crm.save(entity, id, &attributes(request)?, user, request.version)?;
    read(crm, entity, id)
}

fn of_stream(crm: &Crm, id: &str, query: &str) -> Outcome {
    crm.row("Case", id)?;
    // Whatever order is asked for, the newest comes first.
    let mut search = Search::parse(query)?;
    search.order_by = None;
    page(crm, "Note", &search, stream::of_case(crm, id).into_iter())
}

fn contacts(crm: &Crm, id: &str, query: &str) -> Outcome {
    crm.row("Case", id)?;
    let related = crm.contacts_of(id);
    let rows = related.iter().filter_map(|id| crm.row("Contact", id).ok());
    page(crm, "Contact", &Search::parse(query)?, rows)
}

fn relate(crm: &mut Crm, id: &str, request: &Request, user: &str) -> Outcome {
    crm.row("Case", id)?;
    let attributes = attributes(request)?;
    let contact = attributes.get("id").and_then(Value::as_str);
    let contact = contact.ok_or_else(|| Refusal::bad_request("No ID."))?;
    crm.row("Contact", contact)?;
    if request.method == "POST" {
        crm.relate(id, contact, user);
    } else {
        crm.unrelate(id, contact);
    }
    Ok(Answer::ok(json!(true)))
}
