//! How tickets belong together, and which may be merged.
use crate::kernel::{AppError, text_enum};
use crate::tickets::store::Ticket;
use crate::workflow::Category;

text_enum! {
    /// What a ticket is to another one.
    Relation {
        Related = "related",
        DuplicateOf = "duplicate_of",
        DuplicatedBy = "duplicated_by",
        ChildOf = "child_of",
        ParentOf = "parent_of",
        FollowUpOf = "follow_up_of",
        FollowedUpBy = "followed_up_by",
    }
}

impl Relation {
    /// What the other one is to this one.
    pub fn opposite(self) -> Self {
        match self {
            Self::Related => Self::Related,
            Self::DuplicateOf => Self::DuplicatedBy,
            Self::DuplicatedBy => Self::DuplicateOf,
            Self::ChildOf => Self::ParentOf,
            Self::ParentOf => Self::ChildOf,
            Self::FollowUpOf => Self::FollowedUpBy,
            Self::FollowedUpBy => Self::FollowUpOf,
        }
    }

    /// True for the side from which a link is stored; the other side is its opposite.
    pub fn is_stored(self) -> bool {
        matches!(self, Self::Related | Self::DuplicateOf | Self::ChildOf | Self::FollowUpOf)
    }

    /// True between parent and child: such links make a tree.
    pub fn is_hierarchy(self) -> bool {
        matches!(self, Self::ChildOf | Self::ParentOf)
    }
}

/// Refuses a merge that would mix up customers or hide open work. Neither was merged before, so no circle can come about.
pub fn check_merge(source: &Ticket, target: &Ticket) -> Result<(), AppError> {
    if source.account_id != target.account_id {
        return Err(AppError::field("/into", "the ticket belongs to another account"));
    }
    if source.category.is_open() && target.category == Category::Closed {
        let detail = format!("CB-{} is closed; reopen it first", target.number);
        return Err(AppError::conflict("ticket_closed", detail));
    }
    Ok(())
}

/// The resolution of a ticket that was merged.
pub fn merged_into(target: &Ticket) -> String {
    format!("Merged into CB-{}", target.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_stored_from_one_side_and_seen_from_both() {
        for kind in Relation::ALL.iter().copied() {
            assert_eq!(kind.opposite().opposite(), kind);
            let symmetric = kind == kind.opposite();
            assert_eq!(kind.is_stored() && kind.opposite().is_stored(), symmetric, "{kind}");
            assert!(kind.is_stored() || kind.opposite().is_stored(), "{kind}");
            assert_eq!(kind.is_hierarchy(), kind.opposite().is_hierarchy(), "{kind}");
        }
    }
}
