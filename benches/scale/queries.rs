//! What is asked.
use std::ops::Range;

pub const ROLES: [&str; 3] = ["agent", "coordinator", "contact"];

/// The views that every desk begins with, by the ends of their ids, and common filters.
pub fn pages(role: &str) -> Vec<(&'static str, String)> {
    let view = |(name, end): (&'static str, &str)| {
        (name, format!("/v1/views/0199f0c2-b1c9-7000-8000-0000000001{end}/tickets"))
    };
    let of_customers =
        [("Active tickets", "0a"), ("Waiting for your reply", "0b"), ("Closed tickets", "0c")];
    let of_the_desk = [
        ("Active tickets", "01"),
        ("My open tickets", "02"),
        ("Unassigned", "03"),
        ("To be triaged", "04"),
        ("Waiting for the customer", "05"),
        ("Waiting for a vendor", "06"),
        ("Due today", "07"),
        ("Overdue", "08"),
        ("Reopened", "09"),
    ];
    let mut pages: Vec<_> = match role {
        "contact" => of_customers.into_iter().map(view).collect(),
        _ => of_the_desk.into_iter().map(view).collect(),
    };
    let filters = [
        ("newest", ""),
        ("-updated_at", "sort=-updated_at"),
        ("deadline, active", "sort=deadline&category=active"),
        ("priority=critical", "priority=critical&category=active"),
        ("tag=export", "tag=export"),
        ("closed", "category=closed&sort=-updated_at"),
    ];
    pages.extend(filters.map(|(name, query)| (name, format!("/v1/tickets?{query}"))));
    if role != "contact" {
        let by_service_level = [
            ("sla_due, active", "sort=sla_due&category=active"),
            ("sla=breached, active", "sla=breached&category=active"),
            ("sla=breached", "sla=breached"),
            ("sla=due_soon", "sla=due_soon&sort=sla_due"),
        ];
        let page = |(name, query)| (name, format!("/v1/tickets?{query}"));
        pages.extend(by_service_level.map(page));
    }
    pages
}

/// How a search is made of one of the 20,000 words, which are as common as Zipf's law has it.
pub type Search = (&'static str, Range<u64>, fn(u64) -> String);

pub const SEARCHES: [Search; 9] = [
    ("one ticket's own word", 1..10_000, |word| format!("/v1/search?q=ref{word}+")),
    ("a number", 2_000..10_000, |word| format!("/v1/search?q=CB-{word}")),
    ("a rare word, of 1 in 1,000", 10_000..20_000, |word| format!("/v1/search?q=word{word}+")),
    ("a medium word, of 1 in 100", 250..400, |word| format!("/v1/search?q=word{word}+")),
    ("a common word, of 1 in 10", 8..14, |word| format!("/v1/search?q=word{word}+")),
    ("two common words", 8..14, |word| format!("/v1/search?q=word{word}+word{}+", word + 1)),
    ("the beginning of a word", 250..400, |word| format!("/v1/search?q=word{word}")),
    ("a phrase of a common and a medium word", 250..400, |word| {
        format!("/v1/search?q=%22word8+word{word}%22")
    }),
    ("a phrase of two common words", 8..14, |word| {
        format!("/v1/search?q=%22word{word}+word{}%22", word / 4)
    }),
];
