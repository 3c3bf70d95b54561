//! [`Control`]'s methods over HTTP under `/_control`, in JSON, for a CRM in a process of its own.
use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, ServiceConfig, resource};
use actix_web::{HttpResponse, ResponseError};
use serde::Deserialize;
use serde_json::Value;

use crate::answer::Refusal;
use crate::control::Control;
use crate::lab_http::{created, done};
use crate::record::Record;

type Crm = Data<Control>;
type Outcome = Result<HttpResponse, Refusal>;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/seed").post(seed))
        .service(resource("/records/{module}").get(records).post(create))
        .service(resource("/records/{module}/{id}").patch(edit).delete(delete))
        .service(resource("/cases/{id}/notes").post(write_note))
        .service(resource("/cases/{id}/contacts").get(contacts))
        .service(resource("/tokens").delete(revoke_tokens));
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
struct NewNote {
    name: String,
    #[serde(default)]
    description: String,
    user: String,
}

async fn seed(crm: Crm, records: Json<BTreeMap<String, Vec<Value>>>) -> Outcome {
    crm.seed(records.into_inner())?;
    Ok(done())
}

async fn create(crm: Crm, module: Path<String>, attributes: Json<Value>) -> Outcome {
    let id = crm.create(&module, attributes.into_inner())?;
    Ok(created(&id))
}

async fn records(crm: Crm, module: Path<String>) -> Json<Vec<Record>> {
    Json(crm.records(&module))
}

async fn edit(crm: Crm, path: Path<(String, String)>, edit: Json<Edit>) -> Outcome {
    let Edit { attributes, user } = edit.into_inner();
    crm.edit(&path.0, &path.1, attributes, &user)?;
    Ok(done())
}

async fn delete(crm: Crm, path: Path<(String, String)>) -> Outcome {
    crm.delete(&path.0, &path.1)?;
    Ok(done())
}

async fn write_note(crm: Crm, case: Path<String>, note: Json<NewNote>) -> Outcome {
    let id = crm.write_note(&case, &note.name, &note.description, &note.user)?;
    Ok(created(&id))
}

async fn contacts(crm: Crm, case: Path<String>) -> Json<Vec<String>> {
    Json(crm.contacts_of(&case))
}

async fn revoke_tokens(crm: Crm) -> HttpResponse {
    crm.revoke_tokens();
    done()
}
