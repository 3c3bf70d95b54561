//! The house plan, held by `cargo test` instead of by reviewers' memory.
pub mod sources;
mod tables;

use std::collections::BTreeSet;
use std::fs;

use self::sources::{
    ROOMS, Source, complain, fails_for_none, files, identifier, imported, sources, without_comments,
};
use self::tables::{foreign_tables, tables};

/// Where the clock may be read; everything else is told what time it is.
const CLOCKS: [&str; 13] = [
    "http/",
    "workers/",
    "app/",
    "cli.rs",
    "cli/",
    "demo/",
    "seed/",
    "auth/caller.rs",
    "auth/tokens.rs",
    "crm/adapters/",
    "crm/engine",
    "crm/workers",
    "inbound/imap",
];

const MAX_LINES: usize = 400;

#[test]
fn modules_use_only_the_modules_above_them() {
    let lib = fs::read_to_string("src/lib.rs").unwrap();
    let order = module_list(&lib);
    assert!(order.len() > 5);
    fails_for_none(&sources(), |source| broken_layers(source, &order));
}

fn module_list(lib: &str) -> Vec<&str> {
    lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.split(';').next()).collect()
}

fn broken_layers(source: &Source, order: &[&str]) -> Vec<String> {
    let rank = |module: &str| order.iter().position(|listed| *listed == module);
    let Some(own) = rank(source.module()) else {
        // The program uses the library from outside.
        let program = ["lib", "main", "cli", "demo"].contains(&source.module());
        return complain(!program, "its module is not in src/lib.rs");
    };
    let used = used_modules(&source.code);
    let below = used.iter().filter(|used| rank(used).is_some_and(|used| used > own));
    let mut wrong: Vec<String> = below.map(|used| format!("it uses crate::{used}")).collect();
    let top = !source.path.contains('/')
        || source.path.ends_with("/mod.rs") && source.path.matches('/').count() == 1;
    wrong
        .extend(complain(top && source.code.contains("super::"), "super:: hides a use of crate::"));
    wrong
}

/// The modules behind `crate::a` and `crate::{a, b::{c, d}}`.
fn used_modules(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            used.insert(identifier(rest));
            continue;
        };
        let mut depth = 1;
        let mut expects = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 1 => break,
                '}' => depth -= 1,
                ',' if depth == 1 => expects = true,
                c if expects && !c.is_whitespace() => {
                    used.insert(identifier(&group[at..]));
                    expects = false;
                }
                _ => {}
            }
        }
    }
    used
}

#[test]
fn rooms_keep_to_their_role() {
    fails_for_none(&sources(), broken_room);
}

fn broken_room(source: &Source) -> Vec<String> {
    let Some(room) = source.room() else { return Vec::new() };
    let banned = ROOMS.iter().find(|(name, _)| *name == room).unwrap().1;
    let found = banned.iter().filter(|word| source.code.contains(**word));
    let mut wrong: Vec<String> = found.map(|word| format!("{room} must not use {word}")).collect();
    // Types of the store may pass through; its queries are the service's.
    if room == "http" {
        let queries = imported(&source.code, "store::")
            .into_iter()
            .filter(|name| name.starts_with(char::is_lowercase));
        wrong.extend(queries.map(|name| format!("http must call the service, not store::{name}")));
    }
    wrong
}

#[test]
fn the_clock_is_read_at_the_edges_only() {
    fails_for_none(&sources(), |source| {
        let edge = source.room() == Some("http")
            || CLOCKS.iter().any(|place| source.path.starts_with(place));
        complain(
            !edge && source.code.contains("Utc::now"),
            "it reads the clock; take `now` as an argument",
        )
    });
}

#[test]
fn no_file_is_too_long() {
    let own = [files("src", "rs"), files("tests", "rs"), files("benches", "rs")].concat();
    let long = own
        .iter()
        .filter(|(path, text)| !path.ends_with("schema.rs") && text.lines().count() > MAX_LINES);
    let long: Vec<_> = long.map(|(path, _)| path).collect();
    assert!(long.is_empty(), "longer than {MAX_LINES} lines: {long:?}");
    assert!(sources().iter().all(|source| source.lines > 0));
}

#[test]
fn nothing_is_left_to_be_done() {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[ig", "nore"),
    ];
    let mut wrong = Vec::new();
    for (folder, kind) in [
        ("src", "rs"),
        ("tests", "rs"),
        ("benches", "rs"),
        ("docs", "md"),
        ("migrations", "sql"),
        ("scripts", "sh"),
    ] {
        for (path, text) in files(folder, kind) {
            let found = words.iter().filter(|word| text.contains(**word));
            wrong.extend(found.map(|word| format!("{path}: {word}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn these_rules_notice_when_they_are_broken() {
    let source = |path: &str, code: &str| Source {
        path: path.into(),
        lines: 1,
        code: without_comments(code),
    };
    let order = ["kernel", "db", "http", "events", "tickets"];
    let layers = |path, code| broken_layers(&source(path, code), &order).len();
    assert_eq!(layers("events/store.rs", "use crate::tickets::x;"), 1);
    assert_eq!(layers("events/store.rs", "use crate::{db::{self, schema}, tickets};"), 1);
    assert_eq!(layers("events/mod.rs", "use super::tickets;"), 1);
    assert_eq!(layers("secrets/mod.rs", ""), 1);
    assert_eq!(layers("events/store.rs", "// as crate::tickets does\nuse crate::kernel::x;"), 0);

    let room = |path, code| broken_room(&source(path, code)).len();
    assert_eq!(room("tickets/rules.rs", "use diesel::prelude::*;"), 1);
    assert_eq!(room("tickets/http/list.rs", "super::super::store::list(conn)"), 1);
    assert_eq!(room("tickets/http.rs", "use super::store::{self, Ticket};"), 1);
    assert_eq!(room("tickets/http.rs", "use super::store::{Ticket, Filter};"), 0);
    assert_eq!(room("tickets/service/open.rs", "use crate::db::schema::tickets;"), 1);

    let tables = tables(
        "diesel::table! {\n    tickets (id) {\n        id -> Uuid,\n    }\n}\n    notes (id) {\n",
    );
    let foreign = |path, code| foreign_tables(&source(path, code), &tables).len();
    assert_eq!(
        foreign("events/store.rs", "use schema::{events, tickets}; delete(tickets::table)"),
        1
    );
    assert_eq!(foreign("events/store.rs", "use schema::{events, tickets};"), 0);
    assert_eq!(foreign("events/store.rs", "use schema::notes;"), 1);
    assert_eq!(foreign("events/store.rs", "sql_query(\"update notes set x = 1\")"), 1);
    assert_eq!(foreign("tickets/service.rs", "use schema::tickets;"), 1);
}
