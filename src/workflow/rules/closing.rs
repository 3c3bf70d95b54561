//! The way to the end.
use std::collections::HashSet;

use super::{Category, Status, Trigger, Workflow};

impl Workflow {
    /// The closed status that is the fewest transitions away, the first in the workflow's order; `None` in a workflow without
    /// one. A ticket that becomes something else ends elsewhere, so that is no way.
    pub fn nearest_closed(&self, from: &str) -> Option<&Status> {
        let mut seen = HashSet::from([from]);
        let mut here = vec![from];
        while !here.is_empty() {
            let ways = self.transitions.iter().filter(|way| {
                way.trigger != Trigger::Conversion && here.contains(&way.from.as_str())
            });
            let next: Vec<&str> =
                ways.map(|way| way.to.as_str()).filter(|to| seen.insert(to)).collect();
            if let Some(closed) = self.first_closed(|code| next.contains(&code)) {
                return Some(closed);
            }
            here = next;
        }
        self.first_closed(|_| true)
    }

    fn first_closed(&self, is_wanted: impl Fn(&str) -> bool) -> Option<&Status> {
        let mut closed = self.statuses.iter().filter(|s| s.category == Category::Closed);
        closed.find(|status| is_wanted(&status.code))
    }
}
