//! The attributes that the mirror writes against those that cases have.
use super::{Outcome, Report, Subject};
use crate::crm::case::{Attribute, Field};
use crate::crm::vocabulary::FieldNames;

/// Configured attributes that cases do not have: the place in the settings, and the name.
pub fn missing_attributes(fields: &FieldNames, there: &[Attribute]) -> Vec<(String, String)> {
    let of_fields = fields.attributes.iter().map(|(field, name)| (format!("fields/{field}"), name));
    let state = fields.state.as_ref().map(|name| ("state_field".to_owned(), name));
    let key = fields.key.as_ref().map(|name| ("key_field".to_owned(), name));
    let wanted = of_fields.chain(state).chain(key);
    wanted
        .filter(|(_, name)| there.iter().all(|attribute| attribute.name != **name))
        .map(|(place, name)| (place, name.clone()))
        .collect()
}

pub(super) async fn check(subject: Subject<'_>, report: &mut Report) {
    let check = "cases have the configured attributes";
    let there = match subject.crm.case_attributes().await {
        Ok(Some(there)) => there,
        Ok(None) => return report.add(Outcome::Skipped, check, "this CRM does not list them"),
        Err(error) => return report.add(Outcome::Failed, check, error.to_string()),
    };
    let fields = subject.words.field_names();
    let missing = missing_attributes(&fields, &there);
    if missing.is_empty() {
        report.add(Outcome::Ok, check, "");
    }
    for (place, name) in missing {
        report.add(Outcome::Failed, check, format!("there is no {name}"));
        report.suggest(format!("put the right name into settings/{place}, or an empty one"));
    }
    // Without attributes of their own number and link go into the description; a product has no other place.
    if !fields.attributes.contains_key(&Field::Product) {
        unmapped(Field::Product, &there, report);
    }
    required(&fields, &there, report);
}

/// A field that the desk has and the connection does not mirror.
fn unmapped(field: Field, there: &[Attribute], report: &mut Report) {
    let check = format!("mirror the {field}");
    report.add(Outcome::Warning, &check, "no attribute is configured; it is left out");
    let alike = there.iter().find(|attribute| attribute.name.contains(field.as_str()));
    report.suggest(match alike {
        Some(attribute) => format!("is it {}? Set settings/fields/{field}", attribute.name),
        None => format!("add a text attribute to cases and name it in settings/fields/{field}"),
    });
}

/// What the CRM wants filled and nobody fills.
fn required(fields: &FieldNames, there: &[Attribute], report: &mut Report) {
    let ours = |name: &String| {
        let names = fields.attributes.values().chain(&fields.state).chain(&fields.key);
        names.into_iter().any(|own| own == name)
    };
    let open = there.iter().filter(|attribute| attribute.required && !ours(&attribute.name));
    let open: Vec<&str> = open.map(|attribute| attribute.name.as_str()).collect();
    let check = "everything that cases require is filled";
    if open.is_empty() {
        report.add(Outcome::Ok, check, "");
    } else {
        report.add(
            Outcome::Warning,
            check,
            format!("required, but not mirrored: {}", open.join(", ")),
        );
        report.suggest("give them a default in the CRM; people there cannot save a case without");
    }
}
