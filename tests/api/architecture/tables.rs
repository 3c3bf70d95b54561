//! Who keeps which tables.
use std::collections::BTreeSet;
use std::fs;

use super::sources::{Source, complain, fails_for_none, identifier, imported, sources};

/// Which feature keeps which tables. Nobody else writes them.
const OWNERS: &[(&str, &[&str])] = &[
    ("http", &["idempotency_keys"]),
    ("auth", &["signing_keys", "clients"]),
    ("events", &["events", "event_feed"]),
    (
        "people",
        &[
            "departments",
            "accounts",
            "account_products",
            "contacts",
            "contact_accounts",
            "agents",
            "agent_departments",
        ],
    ),
    (
        "catalog",
        &[
            "products",
            "categories",
            "ticket_types",
            "components",
            "processes",
            // What components say about routing is kept with every change of them.
            "routing_versions",
            "routing_head",
            "routing_entries",
        ],
    ),
    ("triage", &["triage_matrix"]),
    ("workflow", &["workflows", "statuses", "transitions"]),
    ("assignment", &["assignments"]),
    (
        "tickets",
        &[
            "tickets",
            "ticket_texts",
            "elevations",
            "conversions",
            "ticket_processes",
            "process_steps",
            "ticket_links",
            "ticket_merges",
            "ticket_watchers",
            "redactions",
            "reply_drafts",
        ],
    ),
    ("views", &["views"]),
    ("canned_replies", &["canned_replies"]),
    ("macros", &["macros"]),
    ("bulk", &["bulk_jobs", "bulk_items"]),
    ("notes", &["notes"]),
    ("attachments", &["attachments", "files", "file_parts"]),
    ("appointments", &["appointments"]),
    ("time_entries", &["time_entries", "hourly_rates", "timers"]),
    ("jobs", &["jobs"]),
    (
        "mail",
        &[
            "outgoing_mails",
            "received_references",
            "automatic_deliveries",
            "suppressed_addresses",
            "mail_templates",
        ],
    ),
    ("side_conversations", &["side_conversations", "side_messages"]),
    ("inbound", &["inbound_mails", "inbound_mailboxes", "inbound_settings"]),
    ("surveys", &["surveys", "survey_cursor"]),
    ("export", &["export_marks", "export_head", "export_touches"]),
    ("webhooks", &["webhooks", "webhook_deliveries", "webhook_attempts"]),
    ("sla", &["calendars", "calendar_versions"]),
    ("schedule", &["delays", "calendar_feeds"]),
    (
        "reports",
        &[
            "report_tickets",
            "report_cycles",
            "report_assignments",
            "report_cursor",
            "report_statuses",
        ],
    ),
    (
        "notifications",
        &[
            "notifications",
            "notification_preferences",
            "notification_cursor",
            "waiting_mails",
            "department_mailboxes",
        ],
    ),
];
/// Tables that begin so belong to this feature.
const OWNED_PREFIXES: &[(&str, &str)] = &[("crm", "crm_"), ("crm", "mirror"), ("sla", "sla_")];

/// Joins over the border: what a feature may read beside its own tables, because one query is the point.
const READS: &[(&str, &[&str])] = &[
    // Who may see an event depends on its ticket.
    ("events", &["tickets"]),
    // What a component leads to, now or in an earlier version, in one query.
    (
        "routing",
        &[
            "components",
            "products",
            "processes",
            "departments",
            "workflows",
            "routing_versions",
            "routing_head",
            "routing_entries",
            "ticket_types",
        ],
    ),
    // Who may see a mail depends on its ticket.
    ("inbound", &["tickets"]),
    // Who may see an entry, and what it costs, depends on its ticket; a line of a spreadsheet has names.
    ("time_entries", &["tickets", "agents", "accounts"]),
    // Everything that a hundred tickets have, in a query for each kind of it; in which order they changed.
    (
        "export",
        &[
            "event_feed",
            "events",
            "tickets",
            "notes",
            "attachments",
            "files",
            "assignments",
            "sla_clocks",
            "time_entries",
            "surveys",
            "ticket_links",
            "ticket_watchers",
            "crm_mirrors",
        ],
    ),
    // Who may see a survey depends on its ticket.
    ("surveys", &["tickets"]),
    // What happened to tickets, and what clocks do in their statuses, in one query for many; what accounts have agreed.
    ("sla", &["events", "tickets", "statuses", "accounts"]),
    // A calendar names its tickets, a load counts them, and a reminder asks whether they are open.
    ("schedule", &["tickets"]),
    // What happened to tickets and what they are now, in one query for many; whose names figures have; what clocks and surveys
    // came to.
    (
        "reports",
        &[
            "events",
            "tickets",
            "departments",
            "agents",
            "accounts",
            "products",
            "components",
            "surveys",
            "sla_tickets",
            "sla_clocks",
            "sla_policy_versions",
            "time_entries",
        ],
    ),
    // Who may see a mail depends on its ticket.
    ("mail", &["tickets"]),
    // Whom many events concern, who of them may see the tickets, and what they want, in a query for each kind of thing.
    (
        "notifications",
        &[
            "tickets",
            "ticket_watchers",
            "statuses",
            "accounts",
            "agents",
            "agent_departments",
            "contacts",
            "contact_accounts",
        ],
    ),
    // Whether a status can go.
    ("workflow", &["tickets"]),
    // A filter asks whose turn it is; a row brings the revision of its workflow; a watcher has a name, and a contact's watching
    // ends with their account.
    ("tickets", &["statuses", "workflows", "agents", "contacts", "contact_accounts"]),
    // A ticket with the names of what it refers to, and its notes, as a case has them; what records of a CRM are recognized
    // as; whether an import is at work.
    (
        "crm",
        &[
            "tickets",
            "notes",
            "accounts",
            "contacts",
            "contact_accounts",
            "agents",
            "products",
            "workflows",
            "jobs",
        ],
    ),
    // What an agent's restrictions and an account's products name must exist; who is in an appointment is not free.
    ("people", &["products", "categories", "ticket_types", "appointments"]),
];

#[test]
fn every_table_has_an_owner_and_only_the_owner_writes_it() {
    let schema = fs::read_to_string("src/db/schema.rs").unwrap();
    let tables = tables(&schema);
    assert!(tables.len() > 5);
    let orphans: Vec<_> = tables.iter().filter(|table| owner(table).is_none()).collect();
    assert!(orphans.is_empty(), "no feature owns {orphans:?}");
    fails_for_none(&sources(), |source| foreign_tables(source, &tables));
}

pub fn tables(schema: &str) -> BTreeSet<String> {
    let lines =
        schema.lines().filter(|line| line.starts_with("    ") && !line.starts_with("     "));
    lines.filter(|line| line.ends_with(") {")).map(|line| identifier(line.trim())).collect()
}

fn owner(table: &str) -> Option<&'static str> {
    let named =
        OWNERS.iter().find(|(_, tables)| tables.contains(&table)).map(|(feature, _)| *feature);
    named.or_else(|| {
        OWNED_PREFIXES
            .iter()
            .find(|(_, prefix)| table.starts_with(prefix))
            .map(|(feature, _)| *feature)
    })
}

pub fn foreign_tables(source: &Source, tables: &BTreeSet<String>) -> Vec<String> {
    let feature = source.module();
    // The seed writes into an empty database, before there is anybody to bypass.
    if ["db", "seed"].contains(&feature) {
        return Vec::new();
    }
    let reads =
        READS.iter().find(|(name, _)| *name == feature).map_or(&[][..], |(_, tables)| tables);
    let imports = imported(&source.code, "schema::");
    let mentioned =
        tables.iter().filter(|table| imports.contains(table) || sql_reads(&source.code, table));
    let mut wrong = Vec::new();
    for table in mentioned.filter(|table| owner(table) != Some(feature)) {
        let writes = ["insert_into(", "update(", "delete("]
            .iter()
            .any(|verb| source.code.contains(&format!("{verb}{table}::")));
        let writes = writes
            || ["update ", "insert into ", "delete from "]
                .iter()
                .any(|verb| has_word(&source.code, verb, table));
        if writes {
            wrong.push(format!("it writes {table}, which another feature owns"));
        } else if !reads.contains(&table.as_str()) {
            wrong.push(format!("it reads {table}, which READS does not allow"));
        }
    }
    let queries = imports.iter().any(|name| tables.contains(name))
        && source.room() != Some("store")
        && feature != "http";
    wrong.extend(complain(queries, "tables are used in store only"));
    wrong
}

fn sql_reads(code: &str, table: &str) -> bool {
    code.contains("sql_query")
        && ["from ", "join ", "update ", "into "].iter().any(|verb| has_word(code, verb, table))
}

fn has_word(code: &str, verb: &str, table: &str) -> bool {
    code.split(verb).skip(1).any(|rest| identifier(rest) == table)
}
