//! [`Control`]'s methods over HTTP under `/_control`, in JSON, for an organization in a process of its own.
use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, ServiceConfig, resource};
use actix_web::{HttpResponse, ResponseError};
use serde::Deserialize;
use serde_json::Value;

use super::control::Control;
use super::org::Record;
use super::refusal::Refusal;
use crate::lab_http::{created, done};

type Crm = Data<Control>;
type Outcome = Result<HttpResponse, Refusal>;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/seed").post(seed))
        .service(resource("/records/{object}").get(records).post(create))
        .service(resource("/records/{object}/{id}").patch(edit).delete(delete))
        .service(resource("/cases/{id}/comments").post(write_comment))
        .service(resource("/recycle-bin").delete(purge))
        .service(resource("/quota").put(set_used_calls))
        .service(resource("/tokens").delete(revoke_tokens))
        .service(resource("/record-faults").post(fail_record).delete(clear_record_faults));
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::BAD_REQUEST
    }
}

/// What a person changes in a record, and who it is.
#[derive(Deserialize)]
struct Edit {
    fields: Value,
    user: String,
}

#[derive(Deserialize)]
struct NewComment {
    body: String,
    user: String,
}

#[derive(Deserialize)]
struct Quota {
    used: u64,
}

#[derive(Deserialize)]
struct RecordFault {
    contains: String,
    code: String,
    #[serde(default = "once")]
    times: u32,
}

fn once() -> u32 {
    1
}

async fn seed(crm: Crm, records: Json<BTreeMap<String, Vec<Value>>>) -> Outcome {
    crm.seed(records.into_inner())?;
    Ok(done())
}

async fn create(crm: Crm, object: Path<String>, fields: Json<Value>) -> Outcome {
    let id = crm.create(&object, fields.into_inner())?;
    Ok(created(&id))
}

async fn records(crm: Crm, object: Path<String>) -> Json<Vec<Record>> {
    Json(crm.records(&object))
}

async fn edit(crm: Crm, path: Path<(String, String)>, edit: Json<Edit>) -> Outcome {
    let Edit { fields, user } = edit.into_inner();
    crm.edit(&path.0, &path.1, fields, &user)?;
    Ok(done())
}

async fn delete(crm: Crm, path: Path<(String, String)>) -> Outcome {
    crm.delete(&path.0, &path.1)?;
    Ok(done())
}

async fn write_comment(crm: Crm, case: Path<String>, comment: Json<NewComment>) -> Outcome {
    let id = crm.write_comment(&case, &comment.body, &comment.user)?;
    Ok(created(&id))
}

async fn purge(crm: Crm) -> HttpResponse {
    crm.purge();
    done()
}

async fn set_used_calls(crm: Crm, quota: Json<Quota>) -> HttpResponse {
    crm.set_used_calls(quota.used);
    done()
}

async fn revoke_tokens(crm: Crm) -> HttpResponse {
    crm.revoke_tokens();
    done()
}

async fn fail_record(crm: Crm, fault: Json<RecordFault>) -> HttpResponse {
    crm.fail_record(&fault.contains, &fault.code, fault.times);
    done()
}

async fn clear_record_faults(crm: Crm) -> HttpResponse {
    crm.clear_record_faults();
    done()
}
