//! The main job, with the real processes.
use std::process::Command;

#[actix_web::test]
async fn the_demo_ends_with_both_sides_compared_and_equal() {
    let program = env!("CARGO_BIN_EXE_casebridge");
    // `cargo test` builds the CRM of a workspace's run beside the service.
    let played = tokio::task::spawn_blocking(move || Command::new(program).arg("demo").output());
    let played = played.await.unwrap().unwrap();
    let story = String::from_utf8_lossy(&played.stdout);
    let errors = String::from_utf8_lossy(&played.stderr);
    assert!(played.status.success(), "{story}\n{errors}");
    let verdict = "24 tickets compared with their cases on both sides: 0 drift, 0 duplicates";
    assert!(story.trim_end().ends_with(verdict), "{story}");
}
