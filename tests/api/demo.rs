//! The main job, with the real processes.
use std::process::Command;

#[actix_web::test]
async fn the_demo_ends_with_both_sides_compared_and_equal() {
    let played = tokio::task::spawn_blocking(|| {
        // A test of this package alone does not build the CRM's program.
        let build = ["build", "--locked", "--quiet", "--package", "fake-crm", "--bins"];
        assert!(Command::new(env!("CARGO")).args(build).status().unwrap().success());
        Command::new(env!("CARGO_BIN_EXE_casebridge")).arg("demo").output()
    });
    let played = played.await.unwrap().unwrap();
    let story = String::from_utf8_lossy(&played.stdout);
    let errors = String::from_utf8_lossy(&played.stderr);
    assert!(played.status.success(), "{story}\n{errors}");
    let verdict = "25 tickets compared with their cases on both sides: 0 drift, 0 duplicates";
    assert!(story.trim_end().ends_with(verdict), "{story}");
}
