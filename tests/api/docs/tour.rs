//! The commands of the README's tour, run as they stand there.
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use fake_crm::FakeCrm;
use tokio::process::Command;
use tokio::time::timeout;

use crate::docs::{between, document};
use crate::support::{Database, Process};

const MARK: &str = "<!-- test: tour -->\n```sh\n";
const SERVICE: &str = "http://127.0.0.1:8080";
const CRM: &str = "http://127.0.0.1:8090";

/// The marked blocks, in order.
fn blocks(text: &str) -> Vec<&str> {
    text.match_indices(MARK).map(|(at, _)| between(&text[at..], MARK, "```")).collect()
}

/// Runs the script in bash, which stops where a command fails; returns what it printed.
async fn run(script: &str, folder: &Path, environment: &[(&str, &str)]) -> String {
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", script]).current_dir(folder);
    bash.envs(environment.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(Duration::from_secs(120), bash.output()).await;
    let output = output.expect("the tour does not come to its end").unwrap();
    let (printed, complaints) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{printed}\n{complaints}", output.status);
    printed
}

#[actix_web::test]
async fn the_tour_of_the_readme_can_be_taken() {
    let (database, crm) = (Database::create().await, FakeCrm::start().await.unwrap());
    let process = Process::serve(&database, &[]).await;
    let folder = tempfolder();
    let program = folder.join("target/release");
    std::fs::create_dir_all(&program).unwrap();
    symlink(env!("CARGO_BIN_EXE_casebridge"), program.join("casebridge")).unwrap();
    let text = document("README.md");
    let script = blocks(&text).join("\n");
    assert!(script.contains(SERVICE) && script.contains(CRM));
    let script = script.replace(SERVICE, &process.url).replace(CRM, &crm.url());
    let printed = run(&script, &folder, &process.environment()).await;
    std::fs::remove_dir_all(&folder).unwrap();

    let cases = crm.records("Cases");
    assert_eq!(cases.len(), 1, "{printed}");
    assert_eq!(cases[0].value("priority"), "P1");
    assert_eq!(cases[0].value("account_id"), "a-1");
    assert_eq!(cases[0].value("state"), "Open");
    assert!(printed.contains("\"name\":\"The export stops after 100 rows\""), "{printed}");
}

#[actix_web::test]
#[should_panic(expected = "exit status: 22")]
async fn a_command_that_is_refused_ends_the_tour() {
    let crm = FakeCrm::start().await.unwrap();
    let script = format!("curl -fsS {}/Api/V8/module/Cases\necho done", crm.url());
    run(&script, &std::env::temp_dir(), &[]).await;
}

#[test]
fn every_block_of_commands_parses() {
    for (path, text) in super::documents() {
        for (at, _) in text.match_indices("\n```sh\n") {
            let script = between(&text[at..], "```sh\n", "```");
            let mut bash = std::process::Command::new("bash");
            let status = bash.args(["-n", "-c", script]).status().unwrap();
            assert!(status.success(), "{}: {script}", path.display());
        }
    }
}

fn tempfolder() -> std::path::PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tour-{}", uuid::Uuid::now_v7()))
}
