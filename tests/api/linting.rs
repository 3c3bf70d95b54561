//! The linters of other people find nothing wrong with the specification, by their own recommended rules.
use std::process::Command;

use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verifiers");
const SPECIFICATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");

/// What a linter prints of the specification, as JSON.
fn said(linter: &str, arguments: &[&str]) -> Value {
    let program = format!("{FOLDER}/node_modules/.bin/{linter}");
    let output = Command::new(&program)
        .args(["lint", SPECIFICATION])
        .args(arguments)
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        .output()
        .unwrap_or_else(|error| {
            panic!("{program}: {error}; `sh scripts/setup.sh verifiers` installs it")
        });
    let printed = String::from_utf8(output.stdout).unwrap();
    // What stands behind the JSON is for people.
    let json = serde_json::Deserializer::from_str(&printed).into_iter().next().and_then(Result::ok);
    json.unwrap_or_else(|| panic!("{printed}{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn spectral_finds_nothing() {
    let ruleset = format!("{FOLDER}/spectral.yaml");
    let found = said("spectral", &["--ruleset", &ruleset, "--format", "json", "--quiet"]);
    assert_eq!(found, serde_json::json!([]));
}

#[test]
fn redocly_finds_nothing() {
    let found = said("redocly", &["--extends=recommended", "--format=json"]);
    assert_eq!(found["problems"], serde_json::json!([]));
}
