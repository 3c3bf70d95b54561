//! What an event says.
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::kernel::{TicketId, text_enum};

text_enum! {
    /// What happened.
    EventType {
        TicketOpened = "ticket.opened",
        TicketSubmitted = "ticket.submitted",
        TicketChanged = "ticket.changed",
        TicketStatusChanged = "ticket.status_changed",
        TicketAssigned = "ticket.assigned",
        TicketHandedOver = "ticket.handed_over",
        TicketTransferred = "ticket.transferred",
        TicketElevated = "ticket.elevated",
        TicketDeElevated = "ticket.de_elevated",
        TicketTriaged = "ticket.triaged",
        ProcessStepMarked = "ticket.process_step_marked",
        TicketDeleted = "ticket.deleted",
        TicketRestored = "ticket.restored",
        TicketConverted = "ticket.converted",
        TicketMerged = "ticket.merged",
        TicketMergeUndone = "ticket.merge_undone",
        TicketLinked = "ticket.linked",
        TicketUnlinked = "ticket.unlinked",
        TicketRedacted = "ticket.redacted",
        TicketWatched = "ticket.watched",
        TicketUnwatched = "ticket.unwatched",
        NoteAdded = "ticket.note_added",
        MacroApplied = "ticket.macro_applied",
        SurveyRequested = "ticket.survey_requested",
        TicketReminded = "ticket.reminded",
        SlaWarning = "sla.warning",
        SlaBreached = "sla.breached",
        SurveyAnswered = "survey.answered",
        TicketDelayed = "ticket.delayed",
        AppointmentScheduled = "appointment.scheduled",
        AppointmentRescheduled = "appointment.rescheduled",
        AppointmentDelayed = "appointment.delayed",
        AppointmentCancelled = "appointment.cancelled",
        AppointmentReminderDue = "appointment.reminder_due",
        DelayNoticed = "delay.noticed",
        TimeLogged = "time.logged",
        TimeChanged = "time.changed",
        TimeRemoved = "time.removed",
        SideConversationOpened = "side_conversation.opened",
        SideMessageSent = "side_conversation.message_sent",
        SideConversationReplied = "side_conversation.replied",
        SideConversationChanged = "side_conversation.changed",
        SideConversationClosed = "side_conversation.closed",
        SideConversationReopened = "side_conversation.reopened",
        AttachmentAdded = "ticket.attachment_added",
        MirrorConflict = "mirror.conflict_recorded",
        MirrorConflictDecided = "mirror.conflict_decided",
        MirrorConflictRestored = "mirror.conflict_restored",
        MirrorNoteGone = "mirror.note_gone",
        NotificationCreated = "notification.created",
        ResourceCreated = "resource.created",
        ResourceChanged = "resource.changed",
        ResourceDeleted = "resource.deleted",
    }
}

/// What an event is about.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A ticket, at the version that the change gave it.
    Ticket(TicketId, i32),
    /// Any other resource, as `account/<id>`.
    Resource(String),
}

/// `{field: {from, to}}`
pub type Changes = Map<String, Value>;

/// An event to be appended.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub kind: EventType,
    pub subject: Subject,
    /// True when the customer may see it.
    pub public: bool,
    pub changes: Changes,
    /// What else a reader needs: the note's id, the reason.
    pub data: Value,
    pub occurred_at: DateTime<Utc>,
}

/// What differs between two states of a resource, by field.
pub fn diff<T: Serialize>(before: &T, after: &T) -> Changes {
    let object = |value: &T| match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let (before, after) = (object(before), object(after));
    let changed = after.into_iter().filter_map(|(field, to)| {
        let from = before.get(&field).cloned().unwrap_or(Value::Null);
        (from != to).then(|| (field, json!({ "from": from, "to": to })))
    });
    changed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_names_only_what_changed() {
        let before = json!({"priority": "low", "tags": ["a"], "url": null});
        let after = json!({"priority": "high", "tags": ["a"], "url": null});
        let changes = diff(&before, &after);
        assert_eq!(Value::Object(changes), json!({"priority": {"from": "low", "to": "high"}}));
    }
}
