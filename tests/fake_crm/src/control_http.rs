//! [`Control`]'s methods over HTTP under `/_control`, in JSON, for a CRM in a process of its own.
use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, ServiceConfig, resource};
use actix_web::{HttpResponse, ResponseError};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Refusal;
use crate::control::Control;
use crate::faults::FaultRule;
use crate::journal::Call;
use crate::record::Record;

type Crm = Data<Control>;
type Outcome = Result<HttpResponse, Refusal>;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/seed").post(seed))
        .service(resource("/records/{module}").get(records).post(create))
        .service(resource("/records/{module}/{id}").patch(edit).delete(delete))
        .service(resource("/cases/{id}/notes").post(write_note))
        .service(resource("/cases/{id}/contacts").get(contacts))
        .service(resource("/clock").put(set_clock))
        .service(resource("/latency").put(set_latency))
        .service(resource("/tokens").delete(revoke_tokens))
        .service(resource("/faults").get(pending_faults).post(fail).delete(clear_faults))
        .service(resource("/calls").get(calls).delete(clear_calls))
        .service(resource("/counters").get(counters));
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

#[derive(Deserialize)]
struct Clock {
    offset_seconds: i64,
}

#[derive(Deserialize)]
struct Latency {
    milliseconds: u64,
}

async fn seed(crm: Crm, records: Json<BTreeMap<String, Vec<Value>>>) -> Outcome {
    crm.seed(records.into_inner())?;
    Ok(done())
}

async fn create(crm: Crm, module: Path<String>, attributes: Json<Value>) -> Outcome {
    let id = crm.create(&module, attributes.into_inner())?;
    Ok(HttpResponse::Created().json(json!({ "id": id })))
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
    Ok(HttpResponse::Created().json(json!({ "id": id })))
}

async fn contacts(crm: Crm, case: Path<String>) -> Json<Vec<String>> {
    Json(crm.contacts_of(&case))
}

async fn set_clock(crm: Crm, clock: Json<Clock>) -> Outcome {
    let offset = TimeDelta::try_seconds(clock.offset_seconds)
        .ok_or_else(|| Refusal::Invalid("offset_seconds is out of range".into()))?;
    crm.set_clock_offset(offset);
    Ok(done())
}

async fn set_latency(crm: Crm, latency: Json<Latency>) -> HttpResponse {
    crm.set_latency(Duration::from_millis(latency.milliseconds));
    done()
}

async fn revoke_tokens(crm: Crm) -> HttpResponse {
    crm.revoke_tokens();
    done()
}

async fn fail(crm: Crm, rule: Json<FaultRule>) -> HttpResponse {
    crm.fail(rule.into_inner());
    done()
}

async fn pending_faults(crm: Crm) -> Json<Vec<FaultRule>> {
    Json(crm.pending_faults())
}

async fn clear_faults(crm: Crm) -> HttpResponse {
    crm.clear_faults();
    done()
}

async fn calls(crm: Crm) -> Json<Vec<Call>> {
    Json(crm.calls())
}

async fn clear_calls(crm: Crm) -> HttpResponse {
    crm.clear_calls();
    done()
}

async fn counters(crm: Crm) -> Json<BTreeMap<String, u64>> {
    Json(crm.counters())
}

fn done() -> HttpResponse {
    HttpResponse::NoContent().finish()
}
