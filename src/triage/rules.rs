//! What becomes of a ticket's priority. Pure.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::Priority;

/// How many severities and how many impacts there are; 1 is the worst.
pub const GRADES: usize = 4;

/// The priority of each severity (row) and impact (column): every one of them has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Vec<Vec<Priority>>")]
#[schema(value_type = Vec<Vec<Priority>>, example = json!([
    ["critical", "critical", "high", "high"], ["critical", "high", "high", "normal"],
    ["high", "normal", "normal", "low"], ["normal", "normal", "low", "low"],
]))]
pub struct Priorities(pub [[Priority; GRADES]; GRADES]);

impl TryFrom<Vec<Vec<Priority>>> for Priorities {
    type Error = &'static str;

    fn try_from(rows: Vec<Vec<Priority>>) -> Result<Self, Self::Error> {
        let refusal = "must be four rows of four priorities";
        let row = |row: Vec<Priority>| <[Priority; GRADES]>::try_from(row).ok();
        let rows = rows.into_iter().map(row).collect::<Option<Vec<_>>>().ok_or(refusal)?;
        Ok(Self(rows.try_into().map_err(|_| refusal)?))
    }
}

impl Priorities {
    /// The priority of a severity and an impact, 1 (worst) to 4 each; what is beyond counts as the nearest.
    pub fn priority(&self, severity: i16, impact: i16) -> Priority {
        let place = |grade: i16| usize::from(grade.clamp(1, 4).unsigned_abs()) - 1;
        self.0[place(severity)][place(impact)]
    }
}

/// What whoever triages wants of the priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// One that somebody chose by hand is kept; any other comes from the matrix.
    Usual,
    /// From the matrix, whatever it was.
    Matrix,
    /// This one, by hand.
    Manual(Priority),
}

/// The priority, and whether it is one by hand: `present` says both of the ticket as it is, `matrix` what the matrix says.
pub fn decide(choice: Choice, present: (Priority, bool), matrix: Priority) -> (Priority, bool) {
    match (choice, present) {
        (Choice::Manual(priority), _) => (priority, true),
        (Choice::Usual, (priority, true)) => (priority, true),
        (Choice::Usual, (_, false)) | (Choice::Matrix, _) => (matrix, false),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_priority() -> impl Strategy<Value = Priority> {
        prop::sample::select(Priority::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn every_severity_and_impact_has_the_priority_of_its_cell(
            cells in prop::array::uniform4(prop::array::uniform4(any_priority())),
        ) {
            let priorities = Priorities(cells);
            for severity in 1..=4_i16 {
                for impact in 1..=4_i16 {
                    let cell = cells[severity as usize - 1][impact as usize - 1];
                    prop_assert_eq!(priorities.priority(severity, impact), cell);
                }
            }
        }

        #[test]
        fn a_priority_by_hand_is_kept_until_it_is_given_back(
            own in any_priority(), matrix in any_priority(),
        ) {
            prop_assert_eq!(decide(Choice::Usual, (own, true), matrix), (own, true));
            prop_assert_eq!(decide(Choice::Usual, (own, false), matrix), (matrix, false));
            for manual in [false, true] {
                prop_assert_eq!(decide(Choice::Matrix, (own, manual), matrix), (matrix, false));
                prop_assert_eq!(decide(Choice::Manual(own), (matrix, manual), matrix), (own, true));
            }
        }
    }
}
