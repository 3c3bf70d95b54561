//! What tags a ticket may have, and which are used most.
use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::kernel::{AppError, FieldError};

/// Tags of a ticket at the most.
const MOST: usize = 50;
/// Characters of a tag at the most.
const LONGEST: usize = 60;

/// The tags after some were put on and others taken off, each once. A tag that is to be added and removed is removed.
pub fn tagged(
    before: &[String],
    add: &[String],
    remove: &[String],
) -> Result<Vec<String>, AppError> {
    let errors: Vec<FieldError> = (0..)
        .zip(add)
        .filter(|(_, tag)| tag.trim().is_empty() || tag.chars().count() > LONGEST)
        .map(|(at, _)| {
            FieldError::new(format!("/add/{at}"), "a tag has 1 to 60 characters and is not blank")
        })
        .collect();
    if !errors.is_empty() {
        return Err(AppError::Invalid(errors));
    }
    let mut tags: Vec<String> = Vec::new();
    for tag in before.iter().chain(add).filter(|tag| !remove.contains(tag)) {
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    if tags.len() > MOST && tags.len() > before.len() {
        return Err(AppError::field("/add", format!("a ticket has {MOST} tags at the most")));
    }
    Ok(tags)
}

/// A tag, and how many tickets have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TagCount {
    #[schema(example = "export")]
    pub tag: String,
    #[schema(example = 17)]
    pub tickets: i64,
}

/// Up to `limit` of these tickets' tags that begin with `prefix`, most used first, equals by name.
pub fn most_used(tickets: Vec<Vec<String>>, prefix: &str, limit: usize) -> Vec<TagCount> {
    let mut counts = HashMap::<String, i64>::new();
    for tag in tickets.into_iter().flatten().filter(|tag| tag.starts_with(prefix)) {
        *counts.entry(tag).or_default() += 1;
    }
    let mut tags: Vec<TagCount> =
        counts.into_iter().map(|(tag, tickets)| TagCount { tag, tickets }).collect();
    tags.sort_unstable_by(|a, b| b.tickets.cmp(&a.tickets).then_with(|| a.tag.cmp(&b.tag)));
    tags.truncate(limit);
    tags
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(count: usize) -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[a-f]", 0..count)
    }

    proptest! {
        #[test]
        fn what_was_asked_for_is_so_and_the_rest_stays(
            before in words(6), add in words(4), remove in words(4),
        ) {
            let after = tagged(&before, &add, &remove).unwrap();
            prop_assert!(remove.iter().all(|tag| !after.contains(tag)));
            let kept = before.iter().chain(&add).filter(|tag| !remove.contains(tag));
            prop_assert!(kept.clone().all(|tag| after.contains(tag)));
            prop_assert!(after.iter().all(|tag| kept.clone().any(|kept| kept == tag)));
            prop_assert_eq!(&tagged(&after, &add, &remove).unwrap(), &after);
        }
    }

    #[test]
    fn the_most_used_tags_come_first_and_equals_by_name() {
        let of = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        let tickets = vec![of(&["b", "ab"]), of(&["a", "b"]), of(&["c"])];
        let found = most_used(tickets.clone(), "", 3);
        let found: Vec<_> = found.iter().map(|count| (count.tag.as_str(), count.tickets)).collect();
        assert_eq!(found, [("b", 2), ("a", 1), ("ab", 1)]);
        assert_eq!(most_used(tickets, "a", 9).len(), 2);
    }

    #[test]
    fn blank_tags_long_tags_and_too_many_are_refused() {
        let tag = |text: &str| vec![text.to_owned()];
        assert!(tagged(&[], &tag(" "), &[]).is_err());
        assert!(tagged(&[], &tag(&"a".repeat(61)), &[]).is_err());
        let full: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        assert!(tagged(&full, &tag("one more"), &[]).is_err());
        assert!(tagged(&full, &tag("one more"), &tag("7")).is_ok());
        assert!(tagged(&full, &tag("7"), &[]).is_ok());
    }
}
