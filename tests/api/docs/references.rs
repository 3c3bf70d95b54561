//! Links and paths lead somewhere.
use std::collections::BTreeSet;
use std::path::Path;

use super::{documents, quoted};
use crate::support::casebridge;

/// Folders and files of the repository's root; what begins so and stands between backticks is a path.
const ROOTS: [&str; 9] = [
    "src/",
    "tests/",
    "docs/",
    "migrations/",
    "openapi/",
    "scripts/",
    "benches/",
    ".ci/",
    "Cargo.toml",
];

/// Targets of `[text](target)`.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0)).collect()
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        kept.collect::<String>().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

fn broken(path: &Path, link: &str) -> bool {
    if link.starts_with("http://") || link.starts_with("https://") {
        return false;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() { path.to_owned() } else { path.parent().unwrap().join(file) };
    if anchor.is_empty() {
        return !target.exists();
    }
    let found = std::fs::read_to_string(target)
        .is_ok_and(|text| anchors(&text).iter().any(|a| a == anchor));
    !found
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_exist() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (path, text) in documents() {
        let links = links(&text);
        seen += links.len();
        let broken = links.into_iter().filter(|link| broken(&path, link));
        wrong.extend(broken.map(|link| format!("{}: {link}", path.display())));
    }
    assert!(seen > 10 && wrong.is_empty(), "{wrong:#?}");
}

/// `src/people/{rules,store}.rs` stands for two paths.
fn spelled_out(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let Some((inside, after)) = rest.split_once('}') else { return vec![path.to_owned()] };
    inside.split(',').map(|part| format!("{before}{part}{after}")).collect()
}

#[test]
fn every_path_that_is_named_exists() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (document, text) in documents() {
        let named = quoted(&text).into_iter().filter(|name| {
            ROOTS.iter().any(|root| name.starts_with(root)) && !name.contains([' ', '<', '*'])
        });
        for path in named.flat_map(|name| spelled_out(&name)) {
            seen += 1;
            if !Path::new(&path).exists() {
                wrong.push(format!("{}: {path}", document.display()));
            }
        }
    }
    assert!(seen > 50 && wrong.is_empty(), "{wrong:#?}");
}

/// Every "`path` (`name`)" and "`name` in `path`": a file and what it holds.
fn items(text: &str) -> Vec<(&str, &str)> {
    let pairs = |joint: &'static str| {
        text.match_indices(joint).filter_map(move |(at, joint)| {
            let left = text[..at].rsplit('`').next()?;
            let right = text[at + joint.len()..].split('`').next()?;
            Some((left, right))
        })
    };
    let found = pairs("` (`").chain(pairs("` in `").map(|(name, path)| (path, name)));
    found.filter(|(path, _)| ROOTS.iter().any(|root| path.starts_with(root))).collect()
}

#[test]
fn what_a_file_is_said_to_hold_is_in_it() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (document, text) in documents() {
        for (path, name) in items(&text) {
            seen += 1;
            let source = std::fs::read_to_string(path).unwrap_or_default();
            let name = name.rsplit(':').next().unwrap();
            let defined = ["fn", "mod", "struct", "table", "trigger"].iter().any(|kind| {
                let definition = format!("{kind} {name}");
                let ends =
                    |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
                source.split(&definition).skip(1).any(ends)
            });
            if !defined {
                wrong.push(format!("{}: {path} ({name})", document.display()));
            }
        }
    }
    assert!(seen > 5 && wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_make_target_that_is_named_exists() {
    let makefile = super::document("Makefile");
    for (path, text) in documents() {
        for command in quoted(&text).iter().filter_map(|name| name.strip_prefix("make ")) {
            let target = command.split(' ').next().unwrap();
            let defined = makefile.lines().any(|line| line.starts_with(&format!("{target}:")));
            assert!(defined, "{}: make {target}", path.display());
        }
    }
}

#[test]
fn every_subcommand_that_is_named_exists() {
    let help = casebridge(&["--help"], &[]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let known = |command: &str| {
        help.lines().any(|line| line.trim_start().split(' ').next() == Some(command))
    };
    assert!(known("serve") && !known("Serve"));
    for (path, text) in documents() {
        let commands = quoted(&text).into_iter();
        for command in
            commands.filter_map(|text| text.strip_prefix("casebridge ").map(str::to_owned))
        {
            let name = command.split(' ').next().unwrap();
            assert!(known(name), "{}: casebridge {command}", path.display());
        }
    }
}

/// `/v1/clients/{id}?x=1` as `/v1/clients/{}`.
fn shape(path: &str) -> String {
    let path = path.split('?').next().unwrap();
    let segment =
        |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[test]
fn every_operation_that_is_named_is_in_the_specification() {
    let specification = serde_json::to_value(::casebridge::app::openapi()).unwrap();
    let mut known = BTreeSet::new();
    for (path, item) in specification["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys();
        known.extend(methods.map(|method| format!("{} {}", method.to_uppercase(), shape(path))));
    }
    let methods = ["GET ", "POST ", "PUT ", "PATCH ", "DELETE "];
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (document, text) in documents() {
        for name in quoted(&text) {
            if !methods.iter().any(|method| name.starts_with(method)) {
                continue;
            }
            seen += 1;
            if !known.contains(&shape(&name)) {
                wrong.push(format!("{}: {name}", document.display()));
            }
        }
    }
    assert!(seen > 10 && wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn these_checks_notice_what_is_broken() {
    let readme = Path::new("README.md");
    assert!(broken(readme, "docs/NOTHING.md"));
    assert!(broken(readme, "#no-such-heading"));
    assert!(!broken(readme, "#configuration"));
    assert_eq!(links("[a](b) and [c](d#e)"), ["b", "d#e"]);
    assert_eq!(items("`src/a.rs` (`b`), `c` (`d`)"), [("src/a.rs", "b")]);
    assert_eq!(items("`a::b` in `src/c.rs`"), [("src/c.rs", "a::b")]);
    assert_eq!(spelled_out("a/{b,c}.rs"), ["a/b.rs", "a/c.rs"]);
    assert_eq!(quoted("`a` b `c`\n```sh\n`d`\n```\n`e`"), ["a", "c", "e"]);
}
