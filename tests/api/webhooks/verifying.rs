//! The reference implementations of Standard Webhooks believe what is sent.
use std::io::Write as _;
use std::process::{Command, Stdio};

use casebridge::kernel::Role;
use serde_json::{Map, Value, json};

use super::{desk, hook};
use crate::support::receiver::{Message, Receiver};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verifiers");

/// What a verifier says to a message.
fn judged(program: &str, script: &str, secret: &Value, message: &Message) -> String {
    let headers: Map<_, _> =
        message.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let given = json!({"secret": secret, "headers": headers, "text": message.text});
    let mut verifier = Command::new(program)
        .arg(format!("{FOLDER}/{script}"))
        .env("PYTHONPATH", format!("{FOLDER}/python"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{program}: {error}; `sh scripts/setup.sh verifiers` installs it")
        });
    verifier.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = verifier.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "`sh scripts/setup.sh verifiers` installs what is missing: {errors}"
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// One message while two secrets sign, and what this verifier says to it.
async fn is_believed_by(program: &str, script: &str) {
    let app = desk().await;
    let receiver = Receiver::start().await;
    let webhook = app.webhook(&receiver, json!({})).await;
    let admin = app.client(Role::Admin).await;
    let renewed = admin.post(&hook(&webhook, "/secret"), json!({})).await.expect(200);
    app.open_ticket(json!({"subject": "Grüße aus Zürich \u{1f4e7}"})).await;
    app.deliver().await;
    let message = receiver.received()[0].clone();
    for secret in [&webhook["secret"], &renewed["secret"]] {
        assert_eq!(judged(program, script, secret, &message), "good");
    }
    let strange = json!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    assert_ne!(judged(program, script, &strange, &message), "good");
    let mut changed = message.clone();
    changed.text = changed.text.replacen("ticket.opened", "ticket.closed", 1);
    assert_ne!(judged(program, script, &renewed["secret"], &changed), "good");
    let mut renamed = message;
    renamed
        .headers
        .iter_mut()
        .filter(|(name, _)| name == "webhook-id")
        .for_each(|(_, id)| id.push('x'));
    assert_ne!(judged(program, script, &renewed["secret"], &renamed), "good");
}

#[actix_web::test]
async fn the_reference_implementation_for_javascript_believes_it() {
    is_believed_by("node", "verify.mjs").await;
}

#[actix_web::test]
async fn the_reference_implementation_for_python_believes_it() {
    is_believed_by("python3", "verify.py").await;
}
