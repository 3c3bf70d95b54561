//! The process that a ticket follows, as a checklist. The service checks itself what it can.
use chrono::{DateTime, Utc};

use crate::catalog::StepCheck;
use crate::kernel::text_enum;

text_enum! {
    /// How it was found that a step was done.
    CheckedBy {
        /// The service looked itself.
        Service = "service",
        /// Somebody said so.
        Person = "person",
    }
}

/// What shows that something was done, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub at: DateTime<Utc>,
    /// Where it is to be seen, such as `note 3`.
    pub reference: String,
}

/// What the service knows about a ticket since it was routed. A new check adds what it looks at here, and a line to
/// [`Facts::find`].
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The first side conversation that was opened.
    pub side_conversation: Option<Seen>,
    /// The first message to somebody outside with the customer's details and the request.
    pub ticket_summary: Option<Seen>,
    /// The desk's first public note.
    pub public_note: Option<Seen>,
    /// False when nobody is named as the account's manager: then a note cannot be held to it.
    pub manager_known: bool,
    /// The desk's first public note with the manager's name and address.
    pub names_manager: Option<Seen>,
    /// The first macro that was applied.
    pub macro_applied: Option<Seen>,
    /// The macro that closed the ticket, while it is closed.
    pub macro_closed: Option<Seen>,
}

/// What the service finds out about a step by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    Done(Seen),
    NotYet,
    /// Only a person can tell.
    Unknown,
}

impl From<Option<&Seen>> for Finding {
    fn from(seen: Option<&Seen>) -> Self {
        seen.map_or(Self::NotYet, |seen| Self::Done(seen.clone()))
    }
}

impl Facts {
    /// Looks at what the check word stands for; `last` is true of the step that ends the process.
    pub fn find(&self, check: StepCheck, last: bool) -> Finding {
        match check {
            StepCheck::SideConversation => self.side_conversation.as_ref().into(),
            StepCheck::SideConversationHasTicketSummary => self.ticket_summary.as_ref().into(),
            StepCheck::PublicNote => self.public_note.as_ref().into(),
            StepCheck::PublicNoteNamesAccountManager if self.manager_known => {
                self.names_manager.as_ref().into()
            }
            // The last step closes the ticket: a macro that did something else before is not it.
            StepCheck::MacroApplied if last => self.macro_closed.as_ref().into(),
            StepCheck::MacroApplied => self.macro_applied.as_ref().into(),
            StepCheck::PublicNoteNamesAccountManager | StepCheck::Person => Finding::Unknown,
        }
    }
}

/// What a person said who did a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub at: DateTime<Utc>,
    pub by: String,
    /// Where it is to be seen: a message, a call, another system's number.
    pub reference: String,
}

/// A step of a ticket's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketStep {
    pub number: i32,
    pub task: String,
    pub check: StepCheck,
    pub mark: Option<Mark>,
}

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Open,
    Done { by: CheckedBy, at: DateTime<Utc>, name: Option<String>, reference: String },
}

impl TicketStep {
    /// What the service sees goes before what a person said.
    pub fn state(&self, facts: &Facts, last: bool) -> State {
        let seen = facts.find(self.check, last);
        match (seen, &self.mark) {
            (Finding::Done(seen), _) => State::Done {
                by: CheckedBy::Service,
                at: seen.at,
                name: None,
                reference: seen.reference,
            },
            (_, Some(mark)) => State::Done {
                by: CheckedBy::Person,
                at: mark.at,
                name: Some(mark.by.clone()),
                reference: mark.reference.clone(),
            },
            (_, None) => State::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Seen {
        Seen { at: DateTime::UNIX_EPOCH, reference: "note 1".into() }
    }

    fn step(check: StepCheck, mark: Option<Mark>) -> TicketStep {
        TicketStep { number: 1, task: "do it".into(), check, mark }
    }

    #[test]
    fn a_public_note_is_seen_by_the_service() {
        let mut facts = Facts { manager_known: true, ..Facts::default() };
        assert_eq!(facts.find(StepCheck::PublicNote, false), Finding::NotYet);
        facts.public_note = Some(seen());
        assert_eq!(facts.find(StepCheck::PublicNote, false), Finding::Done(seen()));
        assert_eq!(facts.find(StepCheck::PublicNoteNamesAccountManager, false), Finding::NotYet);
        facts.names_manager = Some(seen());
        assert_eq!(
            facts.find(StepCheck::PublicNoteNamesAccountManager, false),
            Finding::Done(seen())
        );
    }

    #[test]
    fn a_side_conversation_is_seen_by_the_service_and_so_is_what_it_tells_of_the_ticket() {
        let mut facts = Facts::default();
        let find = |facts: &Facts, check| facts.find(check, false);
        let (opened, told) =
            (StepCheck::SideConversation, StepCheck::SideConversationHasTicketSummary);
        assert_eq!([find(&facts, opened), find(&facts, told)], [Finding::NotYet, Finding::NotYet]);
        facts.side_conversation = Some(seen());
        assert_eq!(
            [find(&facts, opened), find(&facts, told)],
            [Finding::Done(seen()), Finding::NotYet]
        );
        facts.ticket_summary = Some(seen());
        assert_eq!(find(&facts, told), Finding::Done(seen()));
    }

    #[test]
    fn without_a_manager_only_a_person_can_tell_that_they_were_named() {
        let facts = Facts::default();
        assert_eq!(facts.find(StepCheck::PublicNoteNamesAccountManager, false), Finding::Unknown);
    }

    #[test]
    fn any_macro_is_a_step_but_the_last_step_is_one_that_closes_the_ticket() {
        let applied = Facts { macro_applied: Some(seen()), ..Facts::default() };
        assert_eq!(applied.find(StepCheck::MacroApplied, false), Finding::Done(seen()));
        assert_eq!(applied.find(StepCheck::MacroApplied, true), Finding::NotYet);
        let closed = Facts { macro_closed: Some(seen()), ..applied };
        assert_eq!(closed.find(StepCheck::MacroApplied, true), Finding::Done(seen()));
        assert_eq!(Facts::default().find(StepCheck::MacroApplied, false), Finding::NotYet);
    }

    #[test]
    fn what_the_service_sees_goes_before_what_a_person_said() {
        let mark =
            Mark { at: DateTime::UNIX_EPOCH, by: "Coordinator".into(), reference: "call".into() };
        let facts = Facts { public_note: Some(seen()), ..Facts::default() };
        let by = |step: &TicketStep, facts: &Facts| match step.state(facts, false) {
            State::Done { by, .. } => Some(by),
            State::Open => None,
        };
        let marked = step(StepCheck::PublicNote, Some(mark));
        assert_eq!(by(&marked, &facts), Some(CheckedBy::Service));
        assert_eq!(by(&marked, &Facts::default()), Some(CheckedBy::Person));
        assert_eq!(by(&step(StepCheck::Person, None), &facts), None);
    }

    #[test]
    fn no_check_is_done_before_anything_has_happened() {
        for check in StepCheck::ALL {
            for last in [false, true] {
                assert_eq!(step(*check, None).state(&Facts::default(), last), State::Open);
            }
        }
    }
}
