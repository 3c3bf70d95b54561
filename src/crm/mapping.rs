//! Between the desk's words and the CRM's, both ways. Pure.
use super::case::{Case, Field};
use super::vocabulary::Vocabulary;
use crate::kernel::Priority;

/// A ticket as the mirror sees it, people and companies already as the CRM's ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub number: i64,
    pub subject: String,
    pub description: String,
    pub url: Option<String>,
    /// Name and address of each attachment, in order.
    pub attachments: Vec<(String, String)>,
    /// Where the ticket is at the desk.
    pub link: String,
    pub type_key: String,
    pub status: String,
    pub category: String,
    pub priority: Priority,
    /// Empty for nobody.
    pub assignee: String,
    /// Empty for none.
    pub account: String,
    /// Empty for none.
    pub product: String,
}

/// A value that the connection's maps do not know; the text names it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unmapped(pub String);

/// The ticket in the CRM's words. `known` are the statuses that the CRM shows now and that were agreed on last: the first
/// that stands for the ticket's status stays, so that a finer word of the CRM (`Closed_Duplicate`) is not written over.
pub fn to_case(ticket: &Facts, words: Vocabulary<'_>, known: &[&str]) -> Result<Case, Unmapped> {
    let priority = words.priority(ticket.priority);
    let priority = priority.ok_or_else(|| unmapped("priority", ticket.priority.as_str()))?;
    Ok(Case::from_iter([
        (Field::Subject, ticket.subject.clone()),
        (Field::Description, description(ticket, words)),
        (Field::Type, words.case_type(&ticket.type_key).to_owned()),
        (Field::Number, number(ticket)),
        (Field::Link, ticket.link.clone()),
        (Field::Status, status(ticket, words, known)?),
        (Field::Priority, priority.to_owned()),
        (Field::Assignee, ticket.assignee.clone()),
        (Field::Account, ticket.account.clone()),
        (Field::Product, ticket.product.clone()),
    ]))
}

fn unmapped(what: &str, value: &str) -> Unmapped {
    Unmapped(format!("the {what} {value} is mapped to no value of the CRM"))
}

/// The ticket's number as people say it.
fn number(ticket: &Facts) -> String {
    format!("CB-{}", ticket.number)
}

/// The ticket's text; what the CRM has no field for follows in lines of its own.
fn description(ticket: &Facts, words: Vocabulary<'_>) -> String {
    let mut lines = Vec::new();
    let cut =
        words.subject_limit.is_some_and(|limit| ticket.subject.chars().count() > limit as usize);
    if cut {
        lines.push(format!("Subject: {}", ticket.subject));
    }
    if let Some(url) = &ticket.url {
        lines.push(format!("URL: {url}"));
    }
    let attachments = ticket.attachments.iter();
    lines.extend(attachments.map(|(name, url)| format!("Attachment: {name} {url}")));
    if !words.has(Field::Number) || !words.has(Field::Link) {
        lines.push(format!("Ticket: {} {}", number(ticket), ticket.link));
    }
    let text = ticket.description.trim_end();
    if lines.is_empty() { text.to_owned() } else { format!("{text}\n\n{}", lines.join("\n")) }
}

fn status(ticket: &Facts, words: Vocabulary<'_>, known: &[&str]) -> Result<String, Unmapped> {
    if let Some(own) = words.status(&ticket.status) {
        return Ok(own.to_owned());
    }
    let fitting = known.iter().find(|known| words.stands_for(known, &ticket.category));
    if let Some(fitting) = fitting {
        return Ok((*fitting).to_owned());
    }
    let value = words.category(&ticket.category);
    value.map(str::to_owned).ok_or_else(|| unmapped("status", &ticket.status))
}

/// A status that a ticket could go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<'a> {
    pub code: &'a str,
    pub category: &'a str,
}

/// The first of the candidates that a status of the CRM stands for.
pub fn status_for<'a>(
    words: Vocabulary<'_>,
    value: &str,
    candidates: &[Candidate<'a>],
) -> Option<&'a str> {
    let own = |c: &&Candidate<'_>| words.status(c.code) == Some(value);
    let by_category =
        |c: &&Candidate<'_>| words.status(c.code).is_none() && words.stands_for(value, c.category);
    let found = candidates.iter().find(own).or_else(|| candidates.iter().find(by_category));
    found.map(|candidate| candidate.code)
}

/// The lowest priority that a priority of the CRM stands for: P1 is high until somebody says critical.
pub fn priority_for(words: Vocabulary<'_>, value: &str) -> Option<Priority> {
    Priority::ALL.into_iter().find(|priority| words.priority(*priority) == Some(value))
}

/// The type that a case type of the CRM stands for: the first in the order of the keys.
pub fn type_for<'a>(words: Vocabulary<'a>, value: &str) -> Option<&'a str> {
    words.type_keys().into_iter().find(|key| words.case_type(key) == value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::adapters::suitecrm;
    use crate::crm::settings::Settings;

    fn words(settings: &Settings) -> Vocabulary<'_> {
        Vocabulary::new(settings, &suitecrm::KIND.defaults)
    }

    fn facts() -> Facts {
        Facts {
            number: 1042,
            subject: "Printer".into(),
            description: "It smokes.\n".into(),
            url: Some("https://shop.example/cart".into()),
            attachments: Vec::new(),
            link: "https://desk.example/v1/tickets/7".into(),
            type_key: "incident".into(),
            status: "030".into(),
            category: "open".into(),
            priority: Priority::Critical,
            assignee: String::new(),
            account: "a-1".into(),
            product: String::new(),
        }
    }

    #[test]
    fn a_ticket_becomes_a_case_in_the_crms_words() {
        let case = to_case(&facts(), words(&Settings::default()), &[]).unwrap();
        assert_eq!(case.get(Field::Status), Some("Open/Open_Assigned"));
        assert_eq!(case.get(Field::Priority), Some("P1"));
        assert_eq!(case.get(Field::Type), Some("Product"));
        assert_eq!(case.get(Field::Assignee), Some(""));
        assert_eq!(
            case.get(Field::Description),
            Some(
                "It smokes.\n\nURL: https://shop.example/cart\n\
                 Ticket: CB-1042 https://desk.example/v1/tickets/7"
            )
        );
    }

    #[test]
    fn number_and_link_are_not_repeated_in_the_text_where_the_crm_has_fields_for_them() {
        let mut settings = Settings::default();
        settings.fields.insert(Field::Number, "ticket_number_c".into());
        settings.fields.insert(Field::Link, "ticket_id_c".into());
        let case = to_case(&Facts { url: None, ..facts() }, words(&settings), &[]).unwrap();
        assert_eq!(case.get(Field::Description), Some("It smokes."));
        assert_eq!(case.get(Field::Number), Some("CB-1042"));
    }

    #[test]
    fn each_attachment_is_a_line_with_its_name_and_link_in_order() {
        let files =
            ["b.png", "a b.log"].map(|n| (n.to_owned(), format!("https://files.example/{n}")));
        let ticket = Facts { attachments: files.to_vec(), url: None, ..facts() };
        let case = to_case(&ticket, words(&Settings::default()), &[]).unwrap();
        let lines: Vec<_> = case.get(Field::Description).unwrap().lines().skip(2).collect();
        assert_eq!(lines[0], "Attachment: b.png https://files.example/b.png");
        assert_eq!(lines[1], "Attachment: a b.log https://files.example/a b.log");
        assert!(lines[2].starts_with("Ticket: CB-1042"), "{lines:?}");
    }

    #[test]
    fn a_subject_that_the_crm_would_cut_is_whole_in_the_description() {
        let settings = Settings::default();
        let words = words(&settings).with_subject_limit(Some(6));
        let case = to_case(&facts(), words, &[]).unwrap();
        assert!(case.get(Field::Description).unwrap().contains("\n\nSubject: Printer\nURL:"));
        let enough = words.with_subject_limit(Some(7));
        let case = to_case(&facts(), enough, &[]).unwrap();
        assert!(!case.get(Field::Description).unwrap().contains("Subject:"));
    }

    #[test]
    fn a_finer_word_of_the_crm_for_the_same_status_stays() {
        let settings = Settings::default();
        let closed = Facts { category: "closed".into(), status: "050".into(), ..facts() };
        let status = |ticket: &Facts, shown: &[&str]| {
            to_case(ticket, words(&settings), shown).unwrap().get(Field::Status).unwrap().to_owned()
        };
        let duplicate = "Closed/Closed_Duplicate";
        assert_eq!(status(&closed, &[duplicate]), duplicate);
        assert_eq!(status(&closed, &["Open/Open_Assigned", duplicate]), duplicate);
        assert_eq!(status(&closed, &["Open/Open_New"]), "Closed/Closed_Closed");
        assert_eq!(status(&facts(), &[duplicate]), "Open/Open_Assigned");
    }

    #[test]
    fn a_status_of_the_crm_finds_the_first_status_that_it_stands_for() {
        let mut settings = Settings::default();
        settings.statuses.insert("099".into(), "Open/Open_Vendor".into());
        let candidates =
            [("025", "open"), ("035", "pending"), ("099", "on_hold"), ("050", "closed")]
                .map(|(code, category)| Candidate { code, category });
        let found = |value| status_for(words(&settings), value, &candidates);
        assert_eq!(found("Open/Open_Assigned"), Some("025"));
        assert_eq!(found("Open/Open_Pending Input"), Some("035"));
        assert_eq!(found("Open/Open_Vendor"), Some("099"));
        assert_eq!(found("Closed/Closed_Rejected"), Some("050"));
        assert_eq!(found("Open/Made up"), None);
    }

    #[test]
    fn a_priority_comes_back_as_the_lowest_that_it_stands_for() {
        let mut settings = Settings::default();
        assert_eq!(priority_for(words(&settings), "P1"), Some(Priority::High));
        assert_eq!(priority_for(words(&settings), "P9"), None);
        settings.priorities.insert(Priority::Low, String::new());
        assert_eq!(priority_for(words(&settings), "P3"), None);
        let low = Facts { priority: Priority::Low, ..facts() };
        let refused = to_case(&low, words(&settings), &[]).unwrap_err();
        assert!(refused.to_string().contains("priority low"));
    }
}
