//! [`Lab`]'s methods over HTTP under `/_control`, in JSON, for a CRM in a process of its own.
use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::error::ErrorBadRequest;
use actix_web::web::{Data, Json, ServiceConfig, resource};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::json;

use crate::faults::FaultRule;
use crate::journal::Call;
use crate::lab::Lab;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/clock").put(set_clock))
        .service(resource("/latency").put(set_latency))
        .service(resource("/faults").get(pending_faults).post(fail).delete(clear_faults))
        .service(resource("/calls").get(calls).delete(clear_calls))
        .service(resource("/counters").get(counters));
}

#[derive(Deserialize)]
struct Clock {
    offset_seconds: i64,
}

#[derive(Deserialize)]
struct Latency {
    milliseconds: u64,
}

async fn set_clock(lab: Data<Lab>, clock: Json<Clock>) -> actix_web::Result<HttpResponse> {
    let offset = TimeDelta::try_seconds(clock.offset_seconds)
        .ok_or_else(|| ErrorBadRequest("offset_seconds is out of range"))?;
    lab.set_clock_offset(offset);
    Ok(done())
}

async fn set_latency(lab: Data<Lab>, latency: Json<Latency>) -> HttpResponse {
    lab.set_latency(Duration::from_millis(latency.milliseconds));
    done()
}

async fn fail(lab: Data<Lab>, rule: Json<FaultRule>) -> HttpResponse {
    lab.fail(rule.into_inner());
    done()
}

async fn pending_faults(lab: Data<Lab>) -> Json<Vec<FaultRule>> {
    Json(lab.pending_faults())
}

async fn clear_faults(lab: Data<Lab>) -> HttpResponse {
    lab.clear_faults();
    done()
}

async fn calls(lab: Data<Lab>) -> Json<Vec<Call>> {
    Json(lab.calls())
}

async fn clear_calls(lab: Data<Lab>) -> HttpResponse {
    lab.clear_calls();
    done()
}

async fn counters(lab: Data<Lab>) -> Json<BTreeMap<String, u64>> {
    Json(lab.counters())
}

pub fn created(id: &str) -> HttpResponse {
    HttpResponse::Created().json(json!({ "id": id }))
}

pub fn done() -> HttpResponse {
    HttpResponse::NoContent().finish()
}
