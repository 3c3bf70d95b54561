//! Who sees and who changes a canned reply.
use crate::kernel::{Actor, AppError, DepartmentId, Role, text_enum};

text_enum! {
    /// Whom a canned reply is for.
    ReplyAudience {
        /// Whoever made it.
        Personal = "personal",
        /// The agents of a department.
        Department = "department",
        /// Everybody who works at the desk.
        Desk = "desk",
    }
}

/// How many personal ones somebody may have.
pub const PERSONAL_MAX: i64 = 200;
/// How many shared ones there may be.
pub const SHARED_MAX: i64 = 1_000;

/// Fails with `may_not_share` unless the caller may make and change what is shared.
pub fn require_to_share(actor: &Actor) -> Result<(), AppError> {
    match actor.role {
        Role::Coordinator | Role::Admin => Ok(()),
        Role::Contact | Role::Agent | Role::Integration => {
            let refusal = "what is shared is for coordinators and administrators to change";
            Err(AppError::rule("may_not_share", refusal))
        }
    }
}

/// A department is named exactly when the reply is for one.
pub fn check_department(
    audience: ReplyAudience,
    department: Option<DepartmentId>,
) -> Result<(), AppError> {
    match (audience, department) {
        (ReplyAudience::Department, None) => {
            Err(AppError::field("/department_id", "which department?"))
        }
        (ReplyAudience::Personal | ReplyAudience::Desk, Some(_)) => {
            Err(AppError::field("/department_id", "only with the audience department"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_coordinators_and_administrators_share() {
        for role in Role::ALL.iter().copied() {
            let shares = matches!(role, Role::Coordinator | Role::Admin);
            let actor = Actor { role, ..Actor::system() };
            assert_eq!(require_to_share(&actor).is_ok(), shares, "{role}");
        }
    }

    #[test]
    fn a_department_is_named_exactly_when_the_reply_is_for_one() {
        for audience in ReplyAudience::ALL.iter().copied() {
            let for_one = audience == ReplyAudience::Department;
            assert_eq!(check_department(audience, Some(DepartmentId::EXAMPLE)).is_ok(), for_one);
            assert_eq!(check_department(audience, None).is_ok(), !for_one);
        }
    }
}
