//! The templates that the program brings. A feature adds its keys here, and their files beside this one.
use serde_json::{Value, json};

use super::Source;
use crate::kernel::AppError;

/// The language that every template has.
pub const DEFAULT_LANGUAGE: &str = "en";

/// A kind of mail.
pub struct Template {
    pub key: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// Its language, text and HTML.
    defaults: &'static [(&'static str, &'static str, &'static str)],
    sample: fn() -> Value,
}

/// The texts of a key in these languages.
macro_rules! texts {
    ($key:literal: $($language:literal),+) => {
        &[$((
            $language,
            include_str!(concat!($key, ".", $language, ".txt")),
            include_str!(concat!($key, ".", $language, ".html")),
        )),+]
    };
}

/// Every kind of mail there is.
pub const TEMPLATES: &[Template] = &[
    FEEDBACK_REMINDER,
    NOTIFICATION,
    NOTIFICATION_DIGEST,
    SURVEY,
    SLA_ALARM,
    SIDE_CONVERSATION,
    TICKET_DELAYED,
    TICKET_OPENED,
    TICKET_STATUS,
    Template {
        key: "ticket_reply",
        purpose: "What the desk answers on a ticket, for the customer",
        defaults: texts!("ticket_reply": "en", "de"),
        sample: || {
            json!({
                "ticket": {"number": "CB-1042", "subject": "The printer on floor 3 does not print", "url": "https://desk.example/tickets/CB-1042"},
                "recipient": {"name": "Ann Lee"},
                "note": {
                    "author": "Support",
                    "text": "Please switch it off and on again.\nDoes it print now?",
                    "html": "<p>Please switch it off and on again.<br>Does it print now?</p>",
                },
            })
        },
    },
];

const FEEDBACK_REMINDER: Template = Template {
    key: "feedback_reminder",
    purpose: "A customer who does not reply is reminded that the desk waits",
    defaults: texts!("feedback_reminder": "en", "de"),
    sample: || {
        json!({
            "ticket": {"number": "CB-1042", "subject": "The printer on floor 3 does not print"},
            "recipient": {"name": "Ann Lee"},
            "days": 7,
            "until": "2026-12-06",
        })
    },
};

const NOTIFICATION: Template = Template {
    key: "notification",
    purpose: "Somebody of the desk, or a department, is told of what happened to a ticket",
    defaults: texts!("notification": "en", "de"),
    sample: || {
        json!({
            "ticket": {
                "number": "CB-1042", "subject": "The printer on floor 3 does not print",
                "status": "Under investigation", "resolution": null,
            },
            "recipient": {"name": "Ann Lee"},
            "kind": "customer_replied",
            "actor": "Purchasing contact",
            "fields": ["status"],
            "note": {"author": "Purchasing contact", "text": "It still does not.", "html": "<p>It still does not.</p>"},
        })
    },
};

const NOTIFICATION_DIGEST: Template = Template {
    key: "notification_digest",
    purpose: "Somebody is told of several things at once",
    defaults: texts!("notification_digest": "en", "de"),
    sample: || {
        let ticket = |number: &str, subject: &str| json!({"number": number, "subject": subject, "status": "Under investigation", "resolution": null});
        json!({
            "recipient": {"name": "Ann Lee"},
            "count": 2,
            "more": 0,
            "entries": [
                {
                    "ticket": ticket("CB-1042", "The printer on floor 3 does not print"),
                    "kind": "customer_replied", "actor": "Purchasing contact", "fields": ["status"],
                },
                {
                    "ticket": ticket("CB-1043", "The export stops"),
                    "kind": "assigned", "actor": "Coordinator", "fields": ["assignee_id"],
                },
            ],
        })
    },
};

const TICKET_DELAYED: Template = Template {
    key: "ticket_delayed",
    purpose: "A customer is told that an answer (`delay.metric` is `first_response` or `next_response`) or the solution (`resolution`) takes longer",
    defaults: texts!("ticket_delayed": "en", "de"),
    sample: || {
        json!({
            "ticket": {"number": "CB-1042", "subject": "The printer on floor 3 does not print", "status": "Under investigation"},
            "recipient": {"name": "Ann Lee"},
            "delay": {
                "metric": "resolution",
                "due_at": "2026-12-06 15:00 CET",
                "expected_at": "2026-12-08 12:00 CET",
            },
        })
    },
};

const TICKET_OPENED: Template = Template {
    key: "ticket_opened",
    purpose: "A customer is told that the desk has their ticket",
    defaults: texts!("ticket_opened": "en", "de"),
    sample: || {
        json!({
            "ticket": {"number": "CB-1042", "subject": "The printer on floor 3 does not print", "status": "Received"},
            "recipient": {"name": "Ann Lee"},
        })
    },
};

const TICKET_STATUS: Template = Template {
    key: "ticket_status",
    purpose: "A customer is told that their ticket has got another status",
    defaults: texts!("ticket_status": "en", "de"),
    sample: || {
        json!({
            "ticket": {
                "number": "CB-1042", "subject": "The printer on floor 3 does not print",
                "status": "Closed", "resolution": "The driver was renewed.",
            },
            "recipient": {"name": "Ann Lee"},
        })
    },
};

const SLA_ALARM: Template = Template {
    key: "sla_alarm",
    purpose: "The desk is told that a ticket's target is in danger (`alarm` is `warning`) or was missed (`breach`)",
    defaults: texts!("sla_alarm": "en", "de"),
    sample: || {
        json!({
            "ticket": {"number": "CB-1042", "subject": "The printer on floor 3 does not print"},
            "recipient": {"name": "Coordinator"},
            "alarm": "warning",
            "metric": "first response",
            "policy": "Standard",
            "due_at": "2026-12-06 15:00 UTC",
        })
    },
};

const SURVEY: Template = Template {
    key: "survey",
    purpose: "A customer is asked how satisfied they are with a closed ticket",
    defaults: texts!("survey": "en", "de"),
    sample: || {
        json!({
            "ticket": {
                "number": "CB-1042", "subject": "The printer on floor 3 does not print",
                "resolution": "The driver was renewed.",
            },
            "recipient": {"name": "Ann Lee"},
            "survey": {"url": "https://desk.example/s/AZnwwrHJfV6LH1o8fZ4vEA", "until": "2026-12-22"},
        })
    },
};

const SIDE_CONVERSATION: Template = Template {
    key: "side_conversation",
    purpose: "What the desk writes to people outside; with `ticket`, what the customer asked for",
    defaults: texts!("side_conversation": "en", "de"),
    sample: || {
        json!({
            "conversation": {"subject": "Managed upgrade"},
            "message": {
                "author": "L1 agent A",
                "text": "Could you take care of this?",
                "html": "<p>Could you take care of this?</p>",
            },
            "ticket": {
                "number": "CB-1042", "subject": "Please upgrade us", "description": "We are on version 7.",
                "account": "Northwind Services", "contact": "Purchasing contact",
                "contact_email": "purchasing@customer.example", "contact_phone": "+43 1 0000000",
            },
        })
    },
};

impl Template {
    /// Fails for a key that is not registered.
    pub fn find(key: &str) -> Result<&'static Self, AppError> {
        let found = TEMPLATES.iter().find(|template| template.key == key);
        found.ok_or(AppError::NotFound("the mail template"))
    }

    /// The languages that the program brings.
    pub fn languages(&self) -> impl Iterator<Item = &'static str> {
        self.defaults.iter().map(|(language, ..)| *language)
    }

    /// The program's text in this language.
    pub fn source(&self, language: &str) -> Option<Source> {
        let (_, text, html) = self.defaults.iter().find(|(of, ..)| *of == language)?;
        let (subject, text) = text.split_once('\n').unwrap_or((text, ""));
        let subject = subject.strip_prefix("Subject:").unwrap_or(subject).trim();
        Some(Source {
            subject: subject.to_owned(),
            text: text.trim_start().to_owned(),
            html: (*html).to_owned(),
        })
    }

    /// Data as a mail of this kind has them.
    pub fn sample(&self) -> Value {
        (self.sample)()
    }
}
