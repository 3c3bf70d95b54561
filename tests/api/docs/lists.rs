//! Lists in the documents are complete and true.
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use casebridge::kernel::{Permission, Role};

use super::{between, document, documents, quoted};

/// The rows of the first table behind `heading`, each as its cells.
fn table(text: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, rest) = text.split_once(heading).unwrap_or_else(|| panic!("there is no {heading}"));
    let rows = rest.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| {
        row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    };
    rows.map(cells).collect()
}

fn bare(cell: &str) -> &str {
    cell.trim_matches('`')
}

/// The text of every source file below a folder, without its tests.
fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false if path.ends_with("tests.rs") => Vec::new(),
            false => {
                let text = fs::read_to_string(&path).unwrap();
                vec![text.split("#[cfg(test)]").next().unwrap().to_owned()]
            }
        })
        .collect()
}

/// The name in quotes that an expression begins with.
fn literal(text: &str) -> Option<String> {
    let name = text.trim_start().strip_prefix('"')?.split('"').next()?;
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    plain.then(|| name.to_owned())
}

/// Every code that a problem document can have.
fn problem_codes() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    let error = document("src/kernel/error.rs");
    let own = between(&error, "fn code(&self)", "\n    }\n");
    codes.extend(own.split("=>").skip(1).filter_map(literal));
    for source in sources(Path::new("src")) {
        for call in ["::conflict(", "::rule(", "error: "] {
            codes.extend(source.split(call).skip(1).filter_map(literal));
        }
    }
    codes
}

#[test]
fn every_problem_code_is_documented_and_every_documented_one_exists() {
    let codes = problem_codes();
    assert!(codes.contains("stale_version") && codes.contains("name_taken"), "{codes:?}");
    assert!(codes.contains("invalid_client") && codes.len() > 25, "{codes:?}");
    let rows = table(&document("docs/API-DESIGN.md"), "## Problem codes");
    let listed: BTreeSet<String> = rows.iter().map(|row| bare(&row[0]).to_owned()).collect();
    assert_eq!(listed, codes);
}

/// The fields of the configuration, each with its doc comment.
fn configuration() -> Vec<(String, String)> {
    let source = document("src/config.rs");
    let body = between(&source, "pub struct Config {", "\n}");
    let mut comment = Vec::new();
    let mut keys = Vec::new();
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            comment.push(text);
        } else if let Some(field) = line.strip_prefix("pub ") {
            keys.push((field.split(':').next().unwrap().to_owned(), comment.join(" ")));
            comment.clear();
        }
    }
    keys
}

#[test]
fn the_configuration_table_says_what_the_code_says() {
    let rows = table(&document("README.md"), "## Configuration");
    let listed = rows.iter().map(|row| (bare(&row[0]).to_owned(), row[2].clone()));
    let keys = configuration();
    assert!(keys.len() > 10);
    assert_eq!(listed.collect::<Vec<_>>(), keys);
}

#[test]
fn the_defaults_of_the_configuration_table_are_the_programs() {
    let config = casebridge::config::Config::default();
    let defaults = [
        ("listen", config.listen.to_string()),
        ("public_url", config.public_url),
        ("data_dir", config.data_dir.display().to_string()),
        ("token_seconds", config.token_seconds.to_string()),
        ("log", config.log),
        ("log_format", format!("{:?}", config.log_format).to_lowercase()),
        ("workers", config.workers.to_string()),
        ("seed", config.seed.to_string()),
        ("surveys", format!("{:?}", config.surveys).to_lowercase()),
        ("shutdown_seconds", config.shutdown_seconds.to_string()),
    ];
    let rows = table(&document("README.md"), "## Configuration");
    for (key, value) in defaults {
        let row = rows.iter().find(|row| bare(&row[0]) == key).unwrap();
        assert_eq!(bare(&row[1]), value, "{key}");
    }
}

#[test]
fn the_map_names_every_module_in_order() {
    let lib = document("src/lib.rs");
    let modules = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.split(';').next());
    let rows = table(&document("docs/ARCHITECTURE.md"), "## The map");
    let listed: Vec<&str> = rows.iter().map(|row| bare(&row[0])).collect();
    assert_eq!(listed, modules.collect::<Vec<_>>());
}

#[test]
fn every_loop_of_background_work_is_listed() {
    let started = document("src/app/background.rs") + &document("src/app/run.rs");
    let started = started.replace(".every_of(", ".every(");
    let started = started.split(".every(").skip(1);
    let started: BTreeSet<&str> = started.map(|call| between(call, "\"", "\"")).collect();
    assert!(started.contains("relay"));
    let text = document("docs/ARCHITECTURE.md");
    let rows = table(&text, "## Background work");
    let listed: BTreeSet<&str> = rows.iter().map(|row| bare(&row[0])).collect();
    assert_eq!(listed, started);
}

#[test]
fn the_table_of_permissions_is_the_codes() {
    let rows = table(&document("docs/API-DESIGN.md"), "## Who may do what");
    assert_eq!(rows.len(), Permission::ALL.len());
    let roles = [Role::Contact, Role::Agent, Role::Coordinator, Role::Admin];
    for (row, permission) in rows.iter().zip(Permission::ALL) {
        assert_eq!(bare(&row[0]), permission.as_str());
        for (cell, role) in row[1..].iter().zip(roles) {
            let may = role.permissions().contains(permission);
            assert_eq!(cell == "yes", may, "{role}: {permission}");
        }
    }
}

#[test]
fn every_metric_is_documented_and_every_documented_one_exists() {
    let mut metrics = BTreeSet::new();
    for source in sources(Path::new("src")) {
        for kind in ["metrics::gauge!(", "metrics::counter!(", "metrics::histogram!("] {
            metrics.extend(source.split(kind).skip(1).filter_map(literal));
        }
    }
    let rows = table(&document("docs/OPERATIONS.md"), "## Metrics");
    let listed: BTreeSet<String> = rows.iter().map(|row| bare(&row[0]).to_owned()).collect();
    assert_eq!(listed, metrics);
}

#[test]
fn every_event_type_is_documented() {
    let text = document("docs/API-DESIGN.md");
    let quoted = quoted(&text);
    for kind in casebridge::events::EventType::ALL {
        assert!(quoted.iter().any(|name| name == kind.as_str()), "{kind}");
    }
}

#[test]
fn every_decision_is_one_page_with_context_decision_and_consequences() {
    let decisions = documents().into_iter().filter(|(path, _)| path.starts_with("docs/adr"));
    let mut numbers = BTreeSet::new();
    for (path, text) in decisions {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let number: u32 = name[..4].parse().unwrap();
        assert!(numbers.insert(number), "{name}: another decision has this number");
        assert!(text.starts_with(&format!("# {number:04} ")), "{name}: title");
        let sections: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(sections, ["Context", "Decision", "Consequences"], "{name}");
        assert!(text.lines().count() <= 60, "{name} is longer than a page");
    }
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u32), "{numbers:?}");
}
