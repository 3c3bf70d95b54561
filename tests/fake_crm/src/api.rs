//! The routes of SuiteCRM's V8 API.
use actix_web::web::Query;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Refusal};
use crate::control::Control;
use crate::modules::{Field, Kind, Module};
use crate::query::ListQuery;
use crate::record::{Record, attributes};
use crate::state::{API_USER, Crm, check_names};

/// A request of the API, free of the web framework.
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    /// The body, where the content type says that it is JSON and it is.
    pub json: Option<Value>,
    pub text: String,
    pub token: Option<String>,
}

type Outcome = Result<Answer, Refusal>;

/// Does what is asked.
pub async fn serve(control: &Control, request: &Request) -> Answer {
    let segments: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    if segments == ["Api", "access_token"] {
        return match request.method.as_str() {
            "POST" => issue_token(&mut control.crm(), request),
            _ => Answer::method_not_allowed("POST"),
        };
    }
    if let ["Api", "V8", "meta", "fields", module] = segments.as_slice() {
        return match refused_token(control, request) {
            Some(refusal) => refusal,
            None => fields(&control.crm(), module).unwrap_or_else(Answer::from),
        };
    }
    if segments == ["Api", "V8", "current-user"] {
        return match refused_token(control, request) {
            Some(refusal) => refusal,
            None => current_user(&control.crm()).unwrap_or_else(Answer::from),
        };
    }
    let ["Api", "V8", "module", rest @ ..] = segments.as_slice() else {
        return Answer::not_found();
    };
    let allowed = match rest {
        [] => "POST, PATCH",
        [_] => "GET",
        [_, _] => "GET, DELETE",
        [_, _, "relationships"] => "POST",
        [_, _, "relationships", _] => "GET, POST",
        [_, _, "relationships", _, _] => "DELETE",
        _ => return Answer::not_found(),
    };
    if !allowed.split(", ").any(|method| method == request.method) {
        return Answer::method_not_allowed(allowed);
    }
    if let Some(refusal) = refused_token(control, request) {
        return refusal;
    }
    let outcome = match (request.method.as_str(), rest) {
        ("PATCH", _) => update(control, request).await,
        (method, rest) => serve_at_once(&mut control.crm(), method, rest, request),
    };
    outcome.unwrap_or_else(Answer::from)
}

fn refused_token(control: &Control, request: &Request) -> Option<Answer> {
    match &request.token {
        None => Some(Answer::access_denied("Missing \"Authorization\" header")),
        Some(token) if !control.crm().knows_token(token) => {
            Some(Answer::access_denied("Access token has been revoked"))
        }
        Some(_) => None,
    }
}

/// The user whom the OAuth client is assigned to.
fn current_user(crm: &Crm) -> Outcome {
    let user = crm.row("Users", API_USER)?;
    let attributes = json!({ "user_name": user.value("user_name") });
    Ok(Answer::new(
        200,
        json!({ "data": { "type": "User", "id": user.id, "attributes": attributes } }),
    ))
}

/// The fields of a module with a part of their definitions.
fn fields(crm: &Crm, module: &str) -> Outcome {
    let definition = |field: &Field| match field.kind {
        Kind::Varchar(length) if field.name == "name" => {
            json!({ "type": "name", "dbType": "varchar", "len": length, "required": true })
        }
        Kind::Varchar(length) => json!({ "type": "varchar", "len": length }),
        Kind::Text => json!({ "type": "text" }),
        Kind::DateTime => json!({ "type": "datetime" }),
        Kind::Bool => json!({ "type": "bool" }),
        Kind::Elsewhere => json!({ "type": "varchar", "source": "non-db" }),
    };
    let fields = &crm.module(module)?.fields;
    let attributes: Map<String, Value> =
        fields.iter().map(|field| (field.name.clone(), definition(field))).collect();
    Ok(Answer::new(200, json!({ "data": { "type": "fields", "attributes": attributes } })))
}

fn serve_at_once(crm: &mut Crm, method: &str, rest: &[&str], request: &Request) -> Outcome {
    match (method, rest) {
        ("GET", [module]) => list(crm, module, &request.query),
        ("GET", [module, id]) => read(crm, module, id, &request.query),
        ("DELETE", [module, id]) => {
            crm.delete(module, id)?;
            Ok(Answer::message(200, &format!("Record with id {id} is deleted")))
        }
        ("GET", [module, id, _, link]) => related(crm, module, id, link),
        ("DELETE", [module, id, _, link, contact]) => unrelate(crm, module, id, link, contact),
        (_, [module, id, _, link @ ..]) => relate(crm, module, id, link.first().copied(), request),
        _ => create(crm, request),
    }
}

fn issue_token(crm: &mut Crm, request: &Request) -> Answer {
    let form = Query::<Vec<(String, String)>>::from_query(&request.text);
    let field = |name: &str| match &request.json {
        Some(body) => body[name].as_str().map(str::to_owned),
        None => {
            form.as_ref().ok()?.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
        }
    };
    if field("grant_type").as_deref() != Some("client_credentials") {
        let message = "The authorization grant type is not supported by the authorization server.";
        return Answer::oauth_error(400, "unsupported_grant_type", message);
    }
    let known = field("client_id").as_ref() == Some(&crm.settings.client_id)
        && field("client_secret").as_ref() == Some(&crm.settings.client_secret);
    if !known {
        return Answer::oauth_error(401, "invalid_client", "Client authentication failed");
    }
    let lifetime = crm.settings.token_lifetime.as_secs();
    let token = crm.issue_token();
    let body = json!({ "token_type": "Bearer", "expires_in": lifetime, "access_token": token });
    Answer::new(200, body)
}

fn list(crm: &Crm, module: &str, query: &str) -> Outcome {
    let module = crm.module(module)?;
    let query = ListQuery::parse(module, query)?;
    let mut found: Vec<&Record> = crm.rows(module.name).filter(|row| query.matches(row)).collect();
    query.sort(&mut found);
    let (skipped, size) = match query.size {
        Some(size) => (query.number.saturating_sub(1).saturating_mul(size), size),
        None => (0, 20),
    };
    let page: Vec<&Record> = found.iter().copied().skip(skipped).take(size).collect();
    // Each row is read again by its id, which finds no deleted one.
    for row in &page {
        crm.row(module.name, &row.id)?;
    }
    let data: Vec<Value> =
        page.iter().map(|row| resource(module, row, query.fields.as_deref())).collect();
    let mut body = json!({ "data": data });
    if query.size.is_some() && !page.is_empty() {
        let pages = found.len().div_ceil(size);
        let link = |wanted: bool, number| wanted.then(|| query.link(module.name, number));
        let number = query.number;
        body["meta"] = json!({ "total-pages": pages, "records-on-this-page": page.len() });
        body["links"] = json!({
            "first": link(number > 1, 1),
            "prev": link(number > 1, number.saturating_sub(1)),
            "next": link(number < pages, number + 1),
            "last": link(number < pages, pages),
        });
    }
    Ok(Answer::new(200, body))
}

fn read(crm: &Crm, module: &str, id: &str, query: &str) -> Outcome {
    let module = crm.module(module)?;
    let query = ListQuery::parse(module, query)?;
    let row = crm.row(module.name, id)?;
    Ok(Answer::new(200, json!({ "data": resource(module, row, query.fields.as_deref()) })))
}

fn create(crm: &mut Crm, request: &Request) -> Outcome {
    let Document { module, id, attributes } = document(crm, request)?;
    let id = crm.insert(&module, id.as_deref(), &attributes, API_USER)?;
    written(crm, &module, &id)
}

/// Reads the row, waits, then writes all of it: a change that comes between is lost.
async fn update(control: &Control, request: &Request) -> Outcome {
    let (module, id, attributes, row, window) = {
        let crm = control.crm();
        let Document { module, id, attributes } = document(&crm, request)?;
        let id = id.ok_or_else(|| missing("id"))?;
        let row = crm.row(&module, &id)?.clone();
        (module, id, attributes, row, crm.settings.patch_window)
    };
    tokio::time::sleep(window).await;
    let mut crm = control.crm();
    crm.save(&module, row, &attributes, API_USER)?;
    written(&crm, &module, &id)
}

fn written(crm: &Crm, module: &str, id: &str) -> Outcome {
    let module = crm.module(module)?;
    let row = crm.row(module.name, id)?;
    Ok(Answer::new(201, json!({ "data": resource(module, row, None) })))
}

/// What a caller sent to be written.
struct Document {
    module: String,
    id: Option<String>,
    attributes: Map<String, Value>,
}

fn document(crm: &Crm, request: &Request) -> Result<Document, Refusal> {
    let data =
        request.json.as_ref().and_then(|body| body.get("data")).ok_or_else(|| missing("data"))?;
    let module = data["type"].as_str().ok_or_else(|| missing("type"))?;
    let attributes = data["attributes"].as_object().cloned().unwrap_or_default();
    check_names(crm.module(module)?, &attributes)?;
    let id = data["id"].as_str().filter(|id| !id.is_empty());
    if id.is_some_and(|id| !id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))) {
        return Err(Refusal::Invalid("The option \"id\" with value is invalid.".into()));
    }
    Ok(Document { module: module.to_owned(), id: id.map(str::to_owned), attributes })
}

fn missing(option: &str) -> Refusal {
    Refusal::Invalid(format!("The required option \"{option}\" is missing."))
}

/// Fails unless `link` leads from an existing case to its contacts.
fn check_link(crm: &Crm, module: &str, id: &str, link: &str) -> Result<(), Refusal> {
    let object = crm.module(module)?.object;
    crm.row(module, id)?;
    match (module, link) {
        ("Cases", "contacts") => Ok(()),
        _ => Err(Refusal::Invalid(format!("Cannot load relationship {link} for {object} module"))),
    }
}

fn related(crm: &Crm, module: &str, id: &str, link: &str) -> Outcome {
    check_link(crm, module, id, link)?;
    let contacts = crm.contacts_of(id);
    if contacts.is_empty() {
        let message = "There is no relationship set in Case module with contacts link field";
        return Ok(Answer::message(200, message));
    }
    let contact = |id: &String| {
        let link = format!("/V8/module/Contact/{id}");
        json!({ "type": "Contact", "id": id, "links": { "self": link } })
    };
    Ok(Answer::new(200, json!({ "data": contacts.iter().map(contact).collect::<Vec<_>>() })))
}

fn relate(crm: &mut Crm, module: &str, id: &str, link: Option<&str>, request: &Request) -> Outcome {
    let Document { module: other, id: contact, .. } = document(crm, request)?;
    let contact = contact.ok_or_else(|| missing("id"))?;
    let link = link.map_or_else(|| other.to_lowercase(), str::to_owned);
    check_link(crm, module, id, &link)?;
    crm.row(&other, &contact)?;
    if other != "Contacts" {
        let detail = format!("Cannot create relationship {link} between module Case and {other}");
        return Err(Refusal::Invalid(detail));
    }
    crm.relate(id, &contact);
    let message = format!("Contact with id {contact} has been added to Case with id {id}");
    Ok(Answer::message(201, &message))
}

fn unrelate(crm: &mut Crm, module: &str, id: &str, link: &str, contact: &str) -> Outcome {
    check_link(crm, module, id, link)?;
    if !crm.unrelate(id, contact) {
        return Err(Refusal::Invalid(format!("Module with {contact} id is not related to Case")));
    }
    let message = format!(
        "Relationship has been deleted between Case with id {id} and Contact with id {contact}"
    );
    Ok(Answer::message(200, &message))
}

/// A record as answers show it. `relationships` is keyed by module, so of several links to one, one is left.
fn resource(module: &Module, row: &Record, fields: Option<&[String]>) -> Value {
    let path = format!("/V8/module/{}/{}/relationships", module.name, row.id);
    let links = match module.name {
        "Cases" => json!({
            "Contacts": { "links": { "related": format!("{path}/contacts") } },
            "Notes": { "links": { "related": format!("{path}/notes") } },
        }),
        _ => json!({}),
    };
    json!({
        "type": module.object,
        "id": row.id,
        "attributes": attributes(module, row, fields),
        "relationships": links,
    })
}
