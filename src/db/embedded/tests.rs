//! These start real servers, each in a folder of its own.
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use diesel::sql_query;

use super::*;

/// Names the data folder for the run of this test program that is going to be killed.
const HOLD: &str = "CASEBRIDGE_TEST_HOLD_SERVER_IN";

/// Removed at the end of the test.
pub struct TempDir(pub PathBuf);

impl TempDir {
    pub fn new() -> Self {
        Self(std::env::temp_dir().join(format!("cb-{}", Uuid::now_v7().simple())))
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn execute(url: &str, sql: &str) {
    let mut conn = PgConnection::establish(url).unwrap();
    sql_query(sql).execute(&mut conn).unwrap();
}

/// Whether the row of `write_row` is there.
fn has_row(url: &str) -> bool {
    let mut conn = PgConnection::establish(url).unwrap();
    let sql = "select exists (select from kept where id = 1) as found";
    sql_query(sql).get_result::<Found>(&mut conn).unwrap().found
}

fn write_row(url: &str) {
    execute(url, "create table kept (id int primary key)");
    execute(url, "insert into kept values (1)");
}

fn signal(name: &str, pid: u32) -> bool {
    let script = format!("kill -{name} {pid} 2>/dev/null");
    Command::new("/bin/sh").args(["-c", &script]).status().unwrap().success()
}

fn postmaster(data_dir: &Path) -> u32 {
    let cluster = home(&data_dir.canonicalize().unwrap()).unwrap().0.join("cluster");
    let text = fs::read_to_string(cluster.join("postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

/// A zombie, which waits for its parent to notice, no longer runs.
fn runs(pid: u32) -> bool {
    signal("0", pid) && !fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.is_empty())
}

fn wait_until_gone(pid: u32) {
    let started = Instant::now();
    while runs(pid) {
        assert!(started.elapsed() < Duration::from_secs(20), "process {pid} still runs");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn data_outlives_a_stop_and_the_stop_leaves_no_process() {
    let dir = TempDir::new();
    let first = Embedded::start(&dir.0, "it's \"quoted\" / 50%").await.unwrap();
    write_row(first.url());
    let (server, guardian) = (postmaster(&dir.0), first.guardian.pid());
    first.stop().await.unwrap();
    assert!(!runs(server), "the server still runs");
    assert!(!runs(guardian), "the guardian still runs");

    let second = Embedded::start(&dir.0, "it's \"quoted\" / 50%").await.unwrap();
    assert!(has_row(second.url()));
    second.stop().await.unwrap();
}

#[tokio::test]
async fn two_services_cannot_share_a_data_folder() {
    let dir = TempDir::new();
    let first = Embedded::start_for_tests(&dir.0, "casebridge").await.unwrap();
    let refused = Embedded::start_for_tests(&dir.0, "casebridge").await.err().unwrap();
    assert!(refused.to_string().contains("another process"), "{refused}");
    execute(first.url(), "select 1");
    first.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_server_recovers_at_the_next_start() {
    let dir = TempDir::new();
    let first = Embedded::start(&dir.0, "casebridge").await.unwrap();
    write_row(first.url());
    let server = postmaster(&dir.0);
    assert!(signal("KILL", server));
    drop(first);

    let second = Embedded::start(&dir.0, "casebridge").await.unwrap();
    assert!(has_row(second.url()));
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_stale_process_id_that_now_belongs_to_another_program_is_left_in_peace() {
    let dir = TempDir::new();
    let first = Embedded::start(&dir.0, "casebridge").await.unwrap();
    let pid_file = first.cluster.directory.join("postmaster.pid");
    first.stop().await.unwrap();
    let mut other = Command::new("sleep").arg("60").spawn().unwrap();
    fs::write(&pid_file, format!("{}\n", other.id())).unwrap();

    let second = Embedded::start(&dir.0, "casebridge").await.unwrap();
    assert_eq!(other.try_wait().unwrap(), None);
    second.stop().await.unwrap();
    other.kill().unwrap();
    other.wait().unwrap();
}

/// Runs itself in a second process, which holds the server until it is killed.
#[tokio::test]
async fn the_server_of_a_killed_service_stops_and_its_data_is_kept() {
    if let Some(dir) = std::env::var_os(HOLD) {
        let held = Embedded::start(Path::new(&dir), "casebridge").await.unwrap();
        write_row(held.url());
        println!("\nheld");
        return std::future::pending().await;
    }
    for guardian_dies_too in [false, true] {
        let dir = TempDir::new();
        let mut service = Command::new(std::env::current_exe().unwrap())
            .args(["--nocapture", "the_server_of_a_killed_service"])
            .env(HOLD, &dir.0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(service.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "held"), "the service did not start");
        let server = postmaster(&dir.0);
        if guardian_dies_too {
            for child in children(service.id()) {
                signal("KILL", child);
            }
        }
        service.kill().unwrap();
        service.wait().unwrap();
        if guardian_dies_too {
            assert!(runs(server), "nothing was left behind to take over");
        } else {
            wait_until_gone(server);
        }

        let next = Embedded::start(&dir.0, "casebridge").await.unwrap();
        wait_until_gone(server);
        assert!(has_row(next.url()));
        next.stop().await.unwrap();
    }
}

/// The service's only child is its guardian: `pg_ctl` detaches the server.
fn children(parent: u32) -> Vec<u32> {
    let output = Command::new("ps").args(["-A", "-o", "ppid=,pid="]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let pairs = text.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
    pairs
        .filter(|(ppid, _)| ppid.parse() == Ok(parent))
        .map(|(_, pid)| pid.trim().parse().unwrap())
        .collect()
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_served_from_a_private_folder() {
    let dir = TempDir::new();
    let deep = dir.0.join("long folder name ".repeat(8));
    let server = Embedded::start_for_tests(&deep, "casebridge").await.unwrap();
    write_row(server.url());
    let socket_dir = server.cluster.socket_dir.clone();
    assert!(socket_dir.starts_with("/tmp"));
    assert_eq!(fs::metadata(&socket_dir).unwrap().mode() & 0o777, 0o700);
    server.stop().await.unwrap();

    fs::set_permissions(&socket_dir, Permissions::from_mode(0o755)).unwrap();
    assert!(Embedded::start_for_tests(&deep, "casebridge").await.is_err(), "others could enter");
    fs::remove_dir(&socket_dir).unwrap();
}

#[tokio::test]
async fn only_the_service_can_reach_the_cluster() {
    let dir = TempDir::new();
    let server = Embedded::start_for_tests(&dir.0, "casebridge").await.unwrap();
    let home = server.cluster.directory.parent().unwrap();
    assert_eq!(fs::metadata(home).unwrap().mode() & 0o777, 0o700);
    assert_ne!(fs::metadata(home).unwrap().uid(), 0, "PostgreSQL must not run as root");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_data_folder_out_of_the_accounts_reach_is_replaced_and_stays_so() {
    let dir = TempDir::new();
    Account::current().unwrap().create_private_dir(&dir.0).unwrap();
    let data_dir = dir.0.join("data");
    let first = Embedded::start_for_tests(&data_dir, "casebridge").await.unwrap();
    write_row(first.url());
    let home = first.cluster.directory.parent().unwrap().to_owned();
    assert_eq!(home.starts_with(FALLBACK), account::is_root().unwrap(), "{}", home.display());
    first.stop().await.unwrap();

    // An empty cluster in the data folder would look like lost data.
    fs::set_permissions(&dir.0, Permissions::from_mode(0o755)).unwrap();
    let second = Embedded::start_for_tests(&data_dir, "casebridge").await.unwrap();
    assert!(has_row(second.url()));
    second.stop().await.unwrap();
    fs::remove_dir_all(home).unwrap();
}
