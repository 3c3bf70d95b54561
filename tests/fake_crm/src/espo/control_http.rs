//! [`Control`]'s methods over HTTP under `/_control`, in JSON, for a CRM in a process of its own.
use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, ServiceConfig, resource};
use actix_web::{HttpResponse, ResponseError};
use serde::Deserialize;
use serde_json::Value;

use super::answer::Refusal;
use super::control::Control;
use super::state::Record;
use super::webhooks::{Delivery, Event};
use crate::lab_http::{created, done};

type Crm = Data<Control>;
type Outcome = Result<HttpResponse, Refusal>;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/seed").post(seed))
        .service(resource("/records/{entity}").get(records).post(create))
        .service(resource("/records/{entity}/{id}").patch(edit).delete(delete))
        .service(resource("/cases/{id}/posts").post(post))
        .service(resource("/cases/{id}/contacts").get(contacts))
        .service(resource("/key").delete(revoke_key).put(restore_key))
        .service(resource("/webhooks").get(queued_events).post(send_webhooks));
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::BAD_REQUEST
    }
}

/// What a person changes in a record, and who it is.
#[derive(Deserialize)]
struct Edit {
    attributes: Value,
    user: String,
}

#[derive(Deserialize)]
struct Person {
    user: String,
}

#[derive(Deserialize)]
struct Post {
    text: String,
    user: String,
}

async fn seed(crm: Crm, records: Json<BTreeMap<String, Vec<Value>>>) -> Outcome {
    crm.seed(records.into_inner())?;
    Ok(done())
}

async fn create(crm: Crm, entity: Path<String>, attributes: Json<Value>) -> Outcome {
    let id = crm.create(&entity, attributes.into_inner())?;
    Ok(created(&id))
}

async fn records(crm: Crm, entity: Path<String>) -> Json<Vec<Record>> {
    Json(crm.records(&entity))
}

async fn edit(crm: Crm, path: Path<(String, String)>, edit: Json<Edit>) -> Outcome {
    let Edit { attributes, user } = edit.into_inner();
    crm.edit(&path.0, &path.1, attributes, &user)?;
    Ok(done())
}

async fn delete(crm: Crm, path: Path<(String, String)>, by: Json<Person>) -> Outcome {
    crm.delete(&path.0, &path.1, &by.user)?;
    Ok(done())
}

async fn post(crm: Crm, case: Path<String>, post: Json<Post>) -> Outcome {
    let id = crm.post(&case, &post.text, &post.user)?;
    Ok(created(&id))
}

async fn contacts(crm: Crm, case: Path<String>) -> Json<Vec<String>> {
    Json(crm.contacts_of(&case))
}

async fn revoke_key(crm: Crm) -> HttpResponse {
    crm.revoke_key(true);
    done()
}

async fn restore_key(crm: Crm) -> HttpResponse {
    crm.revoke_key(false);
    done()
}

async fn queued_events(crm: Crm) -> Json<Vec<Event>> {
    Json(crm.queued_events())
}

async fn send_webhooks(crm: Crm) -> Json<Vec<Delivery>> {
    Json(crm.send_webhooks().await)
}
