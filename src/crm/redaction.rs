//! Text that was taken out at the desk and that the CRM may still have. Pure.
use super::case::{Case, Field};
use super::merge::Agreement;
use super::provenance::Provenances;

/// Stands for what the CRM shows, which must not be stored. It is no text of the desk's, so that the desk's is written.
const MASK: &str = "[taken out at the desk, not yet written here]";

/// Where a ticket's texts are in a case; a long subject is in the description too.
const TEXTS: [Field; 2] = [Field::Subject, Field::Description];

/// Hides the texts of a case.
pub fn mask(case: &mut Case) {
    for field in TEXTS.into_iter().filter(|field| case.get(*field).is_some()).collect::<Vec<_>>() {
        case.set(field, MASK);
    }
}

/// Hides the texts of a case, except those that are the desk's.
pub fn mask_others(case: &mut Case, desk: &Case) {
    for field in TEXTS {
        if case.get(field).is_some() && case.get(field) != desk.get(field) {
            case.set(field, MASK);
        }
    }
}

/// Forgets the texts that both sides had agreed on: what the CRM has now is written over.
pub fn forget(agreement: &mut Agreement) {
    mask(&mut agreement.base);
    for field in TEXTS {
        agreement.base.set(field, MASK);
        agreement.altered.remove(&field);
    }
}

/// Forgets what the texts replaced.
pub fn forget_replaced(provenances: &mut Provenances) {
    for field in TEXTS {
        if let Some(provenance) = provenances.get_mut(&field) {
            provenance.replaced = provenance.replaced.take().map(|_| MASK.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::crm::merge::{Rules, Times, merge};

    #[test]
    fn what_is_hidden_is_written_over_and_leaves_no_conflict() {
        let case =
            |text: &str| Case::from_iter([(Field::Description, text), (Field::Priority, "P1")]);
        let mut agreement = Agreement { base: case("card 4111"), ..Agreement::default() };
        let mut shown = case("card 4111");
        mask(&mut shown);
        forget(&mut agreement);
        let desk = case("card [redacted]");
        let times = Times { desk: Utc::now(), crm: Utc::now() };
        let merge = merge(&agreement, &desk, &shown, &Rules::default(), times);
        assert_eq!(merge.push, Case::from_iter([(Field::Description, "card [redacted]")]));
        assert!(merge.conflicts.is_empty() && merge.apply_to_desk.is_empty());
    }
}
