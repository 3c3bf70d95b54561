//! What the CRM makes of text.
use super::{Outcome, Report, Subject};
use crate::crm::CrmError;
use crate::crm::case::{Case, Field, RemoteCase};

/// Of every class something.
pub(super) const DIFFICULT: &str = "Casebridge probe: email <bob@customer.example>, vec<int>, 1 < 2 && \"quotes\", it's, \u{e9}\u{1f642}";

/// Kinds of text, each with a text in which nothing may change.
const CLASSES: &[(&str, &str)] = &[
    ("tags", "email <bob@customer.example>, vec<int>, <b>bold</b>, <!-- x -->"),
    ("entities", "&lt;b&gt; &amp; &#60;i> AT&T Q & A"),
    ("quotes", "\"double\", 'single', it's, `back`, \\slash\\"),
    ("comparisons", "1 < 2, a<3, 4 > 3, x && y || z"),
    ("accents", "\u{e9}\u{fc}\u{df} \u{416}\u{443}\u{43a} \u{65e5}\u{672c} \u{5d0}\u{5d1}"),
    ("emoji", "fine \u{1f642} \u{1f468}\u{200d}\u{1f4bb}!"),
    ("line breaks", "first\nsecond\n\n\tindented"),
];

/// Characters that are tried for each field.
const LENGTHS: &[(Field, usize)] = &[(Field::Subject, 400), (Field::Description, 70_000)];

pub(super) async fn check(subject: Subject<'_>, case: &RemoteCase, report: &mut Report) {
    let mut seen = case.clone();
    for (class, text) in CLASSES {
        let written = write(subject, &mut seen, &[(Field::Description, text)]).await;
        let check = format!("keep {class}");
        match written {
            Ok((sent, got)) => {
                if compare(&check, &sent, &got, report) {
                    continue;
                }
                report.findings.lossy_text.push((*class).to_owned());
            }
            Err(error) => report.add(Outcome::Failed, &check, error.to_string()),
        }
        if *class == "emoji" {
            report.suggest("store text with four bytes a character (MySQL: utf8mb4) to keep them");
        }
    }
    for (field, length) in LENGTHS {
        limit(subject, &mut seen, *field, *length, report).await;
    }
}

/// Adds whether the text came back as it was sent.
pub(super) fn compare(check: &str, sent: &str, got: &str, report: &mut Report) -> bool {
    if sent == got {
        report.add(Outcome::Ok, check, "");
    } else {
        report.add(Outcome::Warning, check, format!("sent {sent:?}, got {got:?}"));
    }
    sent == got
}

/// Writes text into one field; returns what was sent, in normal form, and what came back.
async fn write(
    subject: Subject<'_>,
    seen: &mut RemoteCase,
    values: &[(Field, &str)],
) -> Result<(String, String), CrmError> {
    let sent = subject.crm.normal_form(&values.iter().copied().collect::<Case>());
    *seen = subject.crm.update_case(seen, &sent).await?;
    let field = values[0].0;
    let text = |case: &Case| case.get(field).unwrap_or_default().to_owned();
    Ok((text(&sent), text(&seen.fields)))
}

async fn limit(
    subject: Subject<'_>,
    seen: &mut RemoteCase,
    field: Field,
    length: usize,
    report: &mut Report,
) {
    let check = format!("find the longest {field}");
    let long = "x".repeat(length);
    match write(subject, seen, &[(field, &long)]).await {
        Ok((sent, got)) if got == sent => {
            report.add(Outcome::Ok, &check, format!("{length} characters and more"));
        }
        Ok((_, got)) => {
            let kept = got.chars().count();
            let limit = u32::try_from(kept).ok();
            match field {
                Field::Subject => report.findings.subject_limit = limit,
                _ => report.findings.description_limit = limit,
            }
            report.add(Outcome::Ok, &check, format!("{kept} characters; longer ones are cut"));
        }
        Err(error) => report.add(Outcome::Warning, &check, error.to_string()),
    }
}
