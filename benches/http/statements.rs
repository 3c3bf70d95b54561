//! Proves that a script does what a request does: PostgreSQL counts the statements of both.
use std::collections::BTreeMap;

use super::database::Database;
use super::load::Connection;
use super::scenarios::Scenario;
use super::service::Service;

const REQUESTS: i64 = 20;

/// Sends requests one by one and compares what arrives at the database with the script. Returns the round trips of a
/// request. Fails when the script is not what the service sends.
pub async fn check(
    database: &Database,
    service: &Service,
    scenario: &Scenario,
    print: bool,
) -> anyhow::Result<i64> {
    let mut connection = Connection::open(&service.address).await?;
    let mut send = async |times: i64| {
        for _ in 0..times {
            let (status, body) = connection.send(&(scenario.request)(0)).await?;
            let body = String::from_utf8_lossy(body);
            anyhow::ensure!((200..300).contains(&status), "{}: {status} {body}", scenario.name);
        }
        Ok(())
    };
    // What is remembered after the first request, such as the caller, is not counted.
    send(1).await?;
    database.forget_statements()?;
    send(REQUESTS).await?;
    let mut sent = BTreeMap::new();
    for (sql, calls) in database.statements()? {
        if print {
            println!("-- {}: {calls} calls in {REQUESTS} requests\n{sql};\n", scenario.name);
        }
        *sent.entry(shape(&sql)).or_default() += calls;
    }
    let round_trips = sent.values().sum::<i64>() / REQUESTS;
    let script = std::fs::read_to_string(scenario.script_path()).unwrap_or_default();
    let mut scripted: BTreeMap<String, i64> = BTreeMap::new();
    for sql in statements(&script) {
        *scripted.entry(shape(&sql)).or_default() += REQUESTS;
    }
    if !print {
        let script = scenario.script;
        anyhow::ensure!(
            scripted == sent,
            "{script}.sql: {scripted:#?}\nis not what the service sends: {sent:#?}"
        );
    }
    Ok(round_trips)
}

/// The statements of a script, without comments and pgbench's own commands.
fn statements(script: &str) -> Vec<String> {
    let lines = script.lines().filter(|line| !line.starts_with("--") && !line.starts_with("\\set"));
    let text = lines.collect::<Vec<_>>().join(" ");
    let text =
        text.replace("\\gset route_", ";").replace("\\aset agent_", ";").replace("\\gset", ";");
    text.split(';').map(str::trim).filter(|sql| !sql.is_empty()).map(str::to_owned).collect()
}

/// A statement with every value replaced by `?`: `$1`, `:name`, `'text'`, `42`, `null`, a cast of any of them, and
/// what a script makes of what it knows: `lpad(:name, 32, '0')` for an id, `array[:name]`, `now()`.
fn shape(sql: &str) -> String {
    let mut shape = String::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let inside_word = shape.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let word = |text: &str| {
            text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
        };
        let value = match first {
            '\'' => rest[1..].find('\'').map(|end| end + 2),
            '$' | ':' if word(&rest[1..]) > 0 => Some(1 + word(&rest[1..])),
            ':' if rest.starts_with("::") && shape.ends_with('?') => {
                rest = &rest[2 + word(&rest[2..])..];
                continue;
            }
            '0'..='9' if !inside_word => Some(word(rest)),
            'n' if !inside_word && &rest[..word(rest)] == "null" => Some(4),
            _ => None,
        };
        match value {
            Some(length) => {
                shape.push('?');
                rest = &rest[length..];
            }
            None => {
                let length =
                    if first == ':' && rest.starts_with("::") { 2 } else { first.len_utf8() };
                shape.push_str(&rest[..length]);
                rest = &rest[length..];
            }
        }
    }
    let shape = shape.split_whitespace().collect::<Vec<_>>().join(" ");
    let shape = shape.replace("lpad(?, ?, ?)", "?").replace("?::uuid", "?").replace("now()", "?");
    shape.replace("array[?]", "?").replace("DEFAULT", "?")
}
