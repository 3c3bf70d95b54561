//! Both sides, compared field by field and note by note, from what each side itself says.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::crm::{Crm, Record, crm_id};
use super::desk::{Desk, text};

/// A line of the final table.
struct Line {
    ticket: String,
    status: String,
    assignee: String,
    case: String,
    agreed: usize,
    fields: usize,
    notes_here: usize,
    notes_there: usize,
    drift: Vec<String>,
}

/// What the comparison found.
pub struct Verdict {
    lines: Vec<Line>,
    /// Cases and notes that the CRM has more than once, or that belong to no ticket.
    duplicates: Vec<String>,
}

impl Verdict {
    pub fn clean(&self) -> bool {
        self.duplicates.is_empty() && self.lines.iter().all(|line| line.drift.is_empty())
    }
}

/// The names behind the desk's ids.
pub type Names = BTreeMap<String, String>;

/// Reads every ticket and every case, and compares them.
pub async fn compare(desk: &Desk, crm: &Crm, names: &Names) -> anyhow::Result<Verdict> {
    let mut tickets = desk.all("/v1/tickets?sort=created_at").await?;
    tickets.retain(|ticket| ticket["status"]["category"] != "draft");
    let (cases, notes) = (crm.records("Cases").await?, crm.records("Notes").await?);
    let mut lines = Vec::new();
    let mut known = BTreeSet::new();
    for ticket in &tickets {
        let mirror = desk.get(&format!("/v1/tickets/{}/mirror", text(ticket, "id"))).await?;
        let case_id = text(&mirror["items"][0], "remote_id").to_owned();
        let case = cases.iter().find(|case| case.id == case_id);
        known.insert(case_id.clone());
        let written = desk.all(&format!("/v1/tickets/{}/notes", text(ticket, "id"))).await?;
        let mirrored: Vec<&Record> =
            notes.iter().filter(|note| note.value("parent_id") == case_id).collect();
        let contacts = crm.contacts_of(&case_id).await?;
        lines.push(line(ticket, case, &contacts, names, &written, &mirrored));
    }
    let strays = cases.iter().filter(|case| !known.contains(&case.id));
    let strays = strays.map(|case| format!("case {} belongs to no ticket", case.id));
    let mut numbers = BTreeSet::new();
    let twice = cases.iter().filter(|case| !numbers.insert(case.value("ticket_number_c")));
    let twice = twice.map(|case| format!("{} has two cases", case.value("ticket_number_c")));
    Ok(Verdict { lines, duplicates: strays.chain(twice).collect() })
}

fn line(
    ticket: &Value,
    case: Option<&Record>,
    contacts: &[String],
    names: &Names,
    written: &[Value],
    mirrored: &[&Record],
) -> Line {
    let name = |field: &str| names.get(text(ticket, field)).map_or("", String::as_str);
    let id = |field: &str| {
        Some(name(field)).filter(|name| !name.is_empty()).map(crm_id).unwrap_or_default()
    };
    let mut drift = Vec::new();
    let value = |field: &str| case.map_or(String::new(), |case| plain(case.value(field)));
    let (state, status) = crm_status(text(&ticket["status"], "category"));
    let pairs = [
        ("subject", text(ticket, "subject").to_owned(), value("name")),
        ("number", text(ticket, "number").to_owned(), value("ticket_number_c")),
        ("state", state.to_owned(), value("state")),
        ("status", status.to_owned(), value("status")),
        ("priority", crm_priority(text(ticket, "priority")).to_owned(), value("priority")),
        ("assignee", id("assignee_id"), value("assigned_user_id")),
        ("account", id("account_id"), value("account_id")),
        ("product", id("product_id"), value("product_c")),
        ("contact", id("contact_id"), contacts.join(",")),
    ];
    let fields = pairs.len();
    for (field, here, there) in pairs {
        if here != there {
            drift.push(format!("{field}: desk {here:?}, CRM {there:?}"));
        }
    }
    let agreed = fields - drift.len();
    drift.extend(note_drift(written, mirrored));
    Line {
        ticket: text(ticket, "number").to_owned(),
        status: format!("{} {}", text(&ticket["status"], "code"), text(&ticket["status"], "name")),
        assignee: name("assignee_id").to_owned(),
        case: case.map_or(String::new(), |case| case.id.clone()),
        agreed,
        fields,
        notes_here: written.len(),
        notes_there: mirrored.len(),
        drift,
    }
}

/// Every note stands on the other side exactly once.
fn note_drift(written: &[Value], mirrored: &[&Record]) -> Vec<String> {
    let mut drift = Vec::new();
    for note in written {
        let body = text(note, "body");
        let copies = mirrored.iter().filter(|copy| holds(copy, body)).count();
        if copies != 1 {
            drift.push(format!("note {} stands {copies} times in the CRM", note["seq"]));
        }
    }
    if written.len() != mirrored.len() {
        drift.push(format!("{} notes here, {} there", written.len(), mirrored.len()));
    }
    drift
}

/// A note that came from the CRM begins with its title there.
fn holds(copy: &Record, body: &str) -> bool {
    let text = plain(copy.value("description"));
    body == text || body.ends_with(&text) && body.starts_with(&plain(copy.value("name")))
}

/// A stored text as a person reads it: entities decoded, without the marks that keep `<` alive.
fn plain(text: &str) -> String {
    let text = text.replace('\u{200b}', "").replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&quot;", "\"").replace("&#039;", "'").replace("&amp;", "&").trim().to_owned()
}

/// The connection's default map of statuses.
fn crm_status(category: &str) -> (&'static str, &'static str) {
    match category {
        "new" => ("Open", "Open_New"),
        "open" => ("Open", "Open_Assigned"),
        "pending" | "on_hold" => ("Open", "Open_Pending Input"),
        _ => ("Closed", "Closed_Closed"),
    }
}

/// The connection's default map of priorities.
fn crm_priority(priority: &str) -> &'static str {
    match priority {
        "high" | "critical" => "P1",
        "low" => "P3",
        _ => "P2",
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "{:<8}  {:<26}  {:<20}  {:<36}  {:>6}  {:>7}  drift",
            "ticket", "status", "assignee", "case", "fields", "notes"
        )?;
        for line in &self.lines {
            writeln!(
                f,
                "{:<8}  {:<26}  {:<20}  {:<36}  {:>6}  {:>7}  {}",
                line.ticket,
                line.status,
                line.assignee,
                line.case,
                format!("{}/{}", line.agreed, line.fields),
                format!("{}/{}", line.notes_there, line.notes_here),
                line.drift.len()
            )?;
            for drift in &line.drift {
                writeln!(f, "          {drift}")?;
            }
        }
        for duplicate in &self.duplicates {
            writeln!(f, "{duplicate}")?;
        }
        let drift: usize = self.lines.iter().map(|line| line.drift.len()).sum();
        let (tickets, duplicates) = (self.lines.len(), self.duplicates.len());
        write!(
            f,
            "{tickets} tickets compared with their cases on both sides: {drift} drift, {duplicates} duplicates"
        )
    }
}
