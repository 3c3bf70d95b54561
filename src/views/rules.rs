//! Who sees and who changes a view.
use uuid::Uuid;

use crate::kernel::{Actor, AppError, DepartmentId, FieldError, Role, text_enum};

text_enum! {
    /// Whom a view is for.
    Audience {
        /// Whoever made it.
        Personal = "personal",
        /// The agents of a department.
        Department = "department",
        /// Everybody who works at the desk.
        Desk = "desk",
        /// Every contact.
        Customers = "customers",
    }
}

/// How many personal views somebody may have.
pub const PERSONAL_MAX: i64 = 50;
/// How many shared views there may be.
pub const SHARED_MAX: i64 = 100;

/// Who may change a view with this audience and owner, or make one. Sharing is for coordinators and administrators.
pub fn may_change(actor: &Actor, audience: Audience, owner: Option<Uuid>) -> Result<(), AppError> {
    let shares = matches!(actor.role, Role::Coordinator | Role::Admin);
    let may = match audience {
        Audience::Personal => owner == Some(actor.id),
        Audience::Department | Audience::Desk | Audience::Customers => shares,
    };
    let refusal = "shared views are for coordinators and administrators to change";
    if may { Ok(()) } else { Err(AppError::rule("may_not_share", refusal)) }
}

/// A department is named exactly when the view is for one.
pub fn check_department(
    audience: Audience,
    department: Option<DepartmentId>,
) -> Result<(), FieldError> {
    let pointer = "/department_id";
    match (audience, department) {
        (Audience::Department, None) => Err(FieldError::new(pointer, "which department?")),
        (Audience::Department, Some(_)) | (_, None) => Ok(()),
        (_, Some(_)) => Err(FieldError::new(pointer, "only with the audience department")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(role: Role) -> Actor {
        Actor { role, id: Uuid::from_u128(1), ..Actor::system() }
    }

    #[test]
    fn everybody_changes_their_own_and_coordinators_what_is_shared() {
        let (own, other) = (Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
        for role in Role::ALL.iter().copied() {
            let shares = matches!(role, Role::Coordinator | Role::Admin);
            let actor = actor(role);
            assert!(may_change(&actor, Audience::Personal, own).is_ok());
            assert!(may_change(&actor, Audience::Personal, other).is_err());
            for audience in [Audience::Department, Audience::Desk, Audience::Customers] {
                for owner in [own, other, None] {
                    assert_eq!(may_change(&actor, audience, owner).is_ok(), shares);
                }
            }
        }
    }

    #[test]
    fn a_department_is_named_exactly_when_it_is_the_audience() {
        for audience in Audience::ALL.iter().copied() {
            let of_department = audience == Audience::Department;
            assert_eq!(check_department(audience, None).is_ok(), !of_department);
            let named = check_department(audience, Some(DepartmentId::EXAMPLE));
            assert_eq!(named.is_ok(), of_department);
        }
    }
}
