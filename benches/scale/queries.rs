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
    pages
}

/// Which of the 20,000 words, by Zipf's law.
pub const SEARCHES: [(&str, Range<u64>); 6] = [
    ("one ticket's own word", 1..10_000),
    ("a rare word", 10_000..20_000),
    ("a medium word, of 1 in 100", 250..400),
    ("a common word, of 1 in 10", 8..14),
    ("two common words", 8..14),
    ("a phrase", 8..14),
];

pub fn search(name: &str, word: u64) -> String {
    let words = match name {
        "one ticket's own word" => format!("ref{word}"),
        "two common words" => format!("word{word}+word{}+", word + 1),
        "a phrase" => format!("%22word{word}+word{}%22", word / 4),
        _ => format!("word{word}+"),
    };
    format!("/v1/search?q={words}")
}
