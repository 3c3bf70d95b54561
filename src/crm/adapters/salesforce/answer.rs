//! Salesforce's answers: failures of calls and of single records.
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::crm::CrmError;
use crate::crm::adapters::wire::Answer;

/// When the day's calls are used up, some come back as the 24 hours roll on.
pub(super) const QUOTA_PAUSE: Duration = Duration::from_secs(15 * 60);

/// Classifies an answer that is no success: `[{"errorCode", "message", "fields"}]` ("REST API Developer Guide: Status Codes
/// and Error Responses"), or `{"error", "error_description"}` of a sign-in.
pub(super) fn refusal(answer: &Answer) -> CrmError {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let first = body.get(0).unwrap_or(&body);
    let said = |names: [&str; 2]| names.iter().find_map(|name| first[*name].as_str());
    let code = said(["errorCode", "error"]).unwrap_or_default();
    let message = said(["message", "error_description"]).unwrap_or_default();
    let retry_after = answer.retry_after();
    let detail = match code {
        "" => answer.status.to_string(),
        code => format!("{code}: {message}"),
    };
    match by_code(code, message, &detail) {
        Some(CrmError::Throttled { retry_after: None }) => {
            return CrmError::Throttled { retry_after };
        }
        Some(error) => return error,
        None => {}
    }
    match answer.status.as_u16() {
        401 => CrmError::auth(&detail),
        429 => CrmError::Throttled { retry_after },
        503 if retry_after.is_some() => CrmError::Throttled { retry_after },
        408 | 500..=599 => CrmError::transient(&detail),
        404 => CrmError::not_found(&detail),
        _ => CrmError::permanent(&detail),
    }
}

/// The outcome for one record of several: its id, or why not ("sObject Collections": `id`, `success`, `errors`).
pub(super) fn saved(result: &Value) -> Result<String, CrmError> {
    if result["success"] == true {
        let id = result["id"].as_str();
        return id.map(str::to_owned).ok_or_else(|| CrmError::transient("no id in the answer"));
    }
    let error = &result["errors"][0];
    let code = error["statusCode"].as_str().unwrap_or("UNKNOWN_EXCEPTION");
    let message = error["message"].as_str().unwrap_or_default();
    let detail = format!("{code}: {message}");
    Err(by_code(code, message, &detail).unwrap_or_else(|| CrmError::permanent(&detail)))
}

/// What a code says by itself ("SOAP API Developer Guide: Core Data Types", the codes of both APIs).
fn by_code(code: &str, message: &str, detail: &str) -> Option<CrmError> {
    Some(match code {
        "INVALID_SESSION_ID" | "API_CURRENTLY_DISABLED" | "API_DISABLED_FOR_ORG" => {
            CrmError::auth(detail)
        }
        // The same code stands for too many long calls at a time, which is over in a moment.
        "REQUEST_LIMIT_EXCEEDED" => {
            let a_moment = message.contains("Concurrent");
            CrmError::Throttled { retry_after: (!a_moment).then_some(QUOTA_PAUSE) }
        }
        "UNABLE_TO_LOCK_ROW" | "QUERY_TIMEOUT" | "UNKNOWN_EXCEPTION" => CrmError::transient(detail),
        "NOT_FOUND" | "ENTITY_IS_DELETED" => CrmError::not_found(detail),
        _ => return None,
    })
}

/// A field as text; empty for null, `None` if the answer does not have it.
pub(super) fn text(record: &Value, name: &str) -> Option<String> {
    record.get(name).map(|value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

/// A field as text if it is there and not empty.
pub(super) fn filled(record: &Value, name: &str) -> Option<String> {
    text(record, name).filter(|text| !text.is_empty())
}

/// A time: `2013-05-07T22:07:19.000+0000`.
pub(super) fn time(record: &Value, name: &str) -> Result<DateTime<Utc>, CrmError> {
    let text = text(record, name).unwrap_or_default();
    let read = DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f%z");
    read.map(|time| time.to_utc())
        .map_err(|_| CrmError::permanent(&format!("{name} is not a time: {text:?}")))
}

/// Fails unless there is a result for each record.
pub(super) fn results(answer: &Value, expected: usize) -> Result<&[Value], CrmError> {
    let results = answer.as_array().filter(|results| results.len() == expected);
    let missing = || CrmError::transient("the answer has not one result for each record");
    results.map(Vec::as_slice).ok_or_else(missing)
}

/// Whether the key was taken in the moment between looking for it and writing it.
pub(super) fn key_is_taken(error: &CrmError, key_field: &str) -> bool {
    matches!(error, CrmError::Permanent { detail }
        if detail.starts_with("DUPLICATE_VALUE") && detail.contains(key_field))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
    use serde_json::json;

    use super::*;

    fn refused(status: u16, body: &Value) -> CrmError {
        let status = StatusCode::from_u16(status).unwrap();
        refusal(&Answer { status, headers: HeaderMap::new(), body: body.to_string() })
    }

    fn code(code: &str, message: &str) -> Value {
        json!([{ "errorCode": code, "message": message, "fields": [] }])
    }

    #[test]
    fn the_code_tells_the_causes_apart_and_then_the_status() {
        for (status, body, class) in [
            (401, code("INVALID_SESSION_ID", "Session expired or invalid"), "auth"),
            (403, code("API_CURRENTLY_DISABLED", "no"), "auth"),
            (400, json!({ "error": "invalid_client" }), "permanent"),
            (401, json!({ "error": "invalid_client" }), "auth"),
            (403, code("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), "throttled"),
            (404, code("NOT_FOUND", "The requested resource does not exist"), "not_found"),
            (404, code("ENTITY_IS_DELETED", "entity is deleted"), "not_found"),
            (400, code("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access"), "transient"),
            (400, code("STRING_TOO_LONG", "Subject: data value too large"), "permanent"),
            (400, code("DUPLICATES_DETECTED", "Use one of these records?"), "permanent"),
            (400, code("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Close it first"), "permanent"),
            (403, code("INSUFFICIENT_ACCESS", "no"), "permanent"),
            (503, code("SERVER_UNAVAILABLE", "later"), "transient"),
            (500, code("UNKNOWN_EXCEPTION", "An unexpected error occurred"), "transient"),
            (502, json!("a page of a proxy"), "transient"),
            (429, json!(null), "throttled"),
        ] {
            assert_eq!(refused(status, &body).class(), class, "{status} {body}");
        }
    }

    #[test]
    fn a_used_up_day_takes_longer_than_a_moment_of_too_many_calls() {
        let day = refused(403, &code("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."));
        assert_eq!(day, CrmError::Throttled { retry_after: Some(QUOTA_PAUSE) });
        let message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded.";
        let moment = refused(403, &code("REQUEST_LIMIT_EXCEEDED", message));
        assert_eq!(moment, CrmError::Throttled { retry_after: None });
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("7"))]);
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let told = refusal(&Answer { status, headers, body: String::new() });
        assert_eq!(told, CrmError::Throttled { retry_after: Some(Duration::from_secs(7)) });
    }

    #[test]
    fn each_record_has_its_own_outcome() {
        let good = json!({ "id": "500D0000003MaCXIA0", "success": true, "errors": [] });
        assert_eq!(saved(&good).unwrap(), "500D0000003MaCXIA0");
        let bad = json!({ "success": false, "errors": [
            { "statusCode": "STRING_TOO_LONG", "message": "Subject: data value too large", "fields": ["Subject"] },
        ]});
        let error = saved(&bad).unwrap_err();
        assert_eq!(error.class(), "permanent");
        assert!(error.to_string().contains("Subject"));
        let taken = json!({ "success": false, "errors": [{ "statusCode": "DUPLICATE_VALUE",
            "message": "duplicate value found: Casebridge_Key__c duplicates value on record with id: 500" }]});
        let taken = saved(&taken).unwrap_err();
        assert!(key_is_taken(&taken, "Casebridge_Key__c") && !key_is_taken(&taken, "Other__c"));
        assert_eq!(results(&json!([1]), 2).unwrap_err().class(), "transient");
    }

    #[test]
    fn a_time_has_milliseconds_and_an_offset_without_a_colon() {
        let record = json!({ "SystemModstamp": "2013-05-07T22:07:19.250+0000", "Subject": null });
        let stamp = time(&record, "SystemModstamp").unwrap();
        assert_eq!(stamp.to_rfc3339(), "2013-05-07T22:07:19.250+00:00");
        assert_eq!(text(&record, "Subject").as_deref(), Some(""));
        assert_eq!((text(&record, "Other"), filled(&record, "Subject")), (None, None));
        assert!(time(&record, "Subject").is_err());
    }
}
