//! The source files as the rules see them.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Words that a room must not hold.
pub const ROOMS: [(&str, &[&str]); 4] = [
    ("rules", &["diesel", "actix_web", "reqwest", "Utc::now", "crate::db", "crate::http"]),
    ("store", &["actix_web", "reqwest", "Utc::now", "crate::http"]),
    ("service", &["actix_web", "reqwest", "schema::", "sql_query", "Utc::now"]),
    ("http", &["diesel", "schema::", "reqwest", "sql_query"]),
];

pub struct Source {
    /// Below `src/`.
    pub path: String,
    pub lines: usize,
    /// Without comments and without unit tests.
    pub code: String,
}

impl Source {
    /// The module of `src/lib.rs` that it belongs to.
    pub fn module(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap()
    }

    /// The room of a feature that it is, such as `store` for `tickets/store.rs` and `tickets/store/list.rs`.
    pub fn room(&self) -> Option<&'static str> {
        let inside: Vec<&str> = self.path.split(['/', '.']).skip(1).collect();
        ROOMS.iter().map(|(room, _)| *room).find(|room| inside.contains(room))
    }
}

pub fn complain(wrong: bool, what: &str) -> Vec<String> {
    if wrong { vec![what.to_owned()] } else { Vec::new() }
}

pub fn fails_for_none(sources: &[Source], check: impl Fn(&Source) -> Vec<String>) {
    let mut wrong: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for source in sources {
        let found = check(source);
        if !found.is_empty() {
            wrong.insert(&source.path, found);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

pub fn sources() -> Vec<Source> {
    let source = |(path, text): (String, String)| {
        let path = path.strip_prefix("src/").unwrap().to_owned();
        // Unit tests in a file of their own answer to nobody's rules.
        let is_test = path.ends_with("tests.rs");
        Source {
            path,
            lines: text.lines().count(),
            code: if is_test { String::new() } else { without_comments(&text) },
        }
    };
    files("src", "rs").into_iter().map(source).collect()
}

pub fn without_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines =
        code.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
    lines.map(|line| line.split(" // ").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// Every file of this kind in a folder: its path and its text.
pub fn files(folder: &str, kind: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(folder).to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == kind) {
                found.push((
                    path.to_string_lossy().into_owned(),
                    fs::read_to_string(&path).unwrap(),
                ));
            }
        }
    }
    found
}

/// What follows each `prefix`, with the names in braces one by one.
pub fn imported(code: &str, prefix: &str) -> Vec<String> {
    let rests = code.split(prefix).skip(1);
    let names = rests.flat_map(|rest| match rest.strip_prefix('{') {
        Some(group) => group
            .split('}')
            .next()
            .unwrap()
            .split(',')
            .map(|name| identifier(name.trim()))
            .collect(),
        None => vec![identifier(rest)],
    });
    names.filter(|name| !name.is_empty()).collect()
}

pub fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}
