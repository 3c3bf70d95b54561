//! A workflow as a picture. Pure: the same workflow is always drawn the same.
mod mermaid;
mod svg;

use std::collections::BTreeMap;

use super::rules::{Requirement, Transition, Trigger, Workflow};
use crate::kernel::text_enum;

pub use mermaid::mermaid;
pub use svg::svg;

text_enum! {
    /// How a workflow is drawn.
    Format {
        /// A picture that browsers show.
        Svg = "svg",
        /// Text that Markdown renders as a picture: a Mermaid state diagram.
        Mermaid = "mermaid",
    }
}

/// All ways from one status to another: one arrow.
struct Arrow<'a> {
    from: &'a str,
    to: &'a str,
    /// What causes or needs it, a line for each way; empty for an agent who needs nothing.
    label: Vec<String>,
    /// Nobody has to do anything for it.
    by_itself: bool,
}

/// In the order of the statuses that they lead from and to.
fn arrows(workflow: &Workflow) -> Vec<Arrow<'_>> {
    let place = |code: &str| workflow.statuses.iter().position(|status| status.code == code);
    let mut ways: BTreeMap<_, Vec<&Transition>> = BTreeMap::new();
    for way in &workflow.transitions {
        ways.entry((place(&way.from), place(&way.to))).or_default().push(way);
    }
    ways.into_values().filter_map(arrow).collect()
}

fn arrow(ways: Vec<&Transition>) -> Option<Arrow<'_>> {
    let first = ways.first()?;
    let label = ways.iter().map(|way| words(way)).filter(|line| !line.is_empty()).collect();
    let by_itself = |way: &&Transition| {
        matches!(way.trigger, Trigger::Automatic | Trigger::Assignment | Trigger::NoFeedback)
    };
    let by_itself = ways.iter().all(by_itself);
    Some(Arrow { from: &first.from, to: &first.to, label, by_itself })
}

/// What causes a transition and what it requires.
fn words(way: &Transition) -> String {
    let cause = match way.trigger {
        Trigger::Agent => None,
        Trigger::Submit => Some("submitted".to_owned()),
        Trigger::Automatic => Some("at once".to_owned()),
        Trigger::CustomerReply => Some("customer replies".to_owned()),
        Trigger::Assignment => Some("assigned".to_owned()),
        Trigger::NoFeedback => {
            Some(format!("no reply for {} days", way.after_days.unwrap_or_default()))
        }
        Trigger::Conversion => Some("converted".to_owned()),
    };
    let needs = way.requires.iter().map(|requirement| match requirement {
        Requirement::PublicNote => "public note".to_owned(),
        Requirement::InternalNote => "internal note".to_owned(),
        Requirement::Resolution => "resolution".to_owned(),
        Requirement::VendorReference => "vendor reference".to_owned(),
    });
    let window = way.within_days.map(|days| format!("within {days} days"));
    cause.into_iter().chain(needs).chain(window).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rules::shipped_as as shipped;
    use super::*;

    #[test]
    fn several_ways_between_two_statuses_are_one_arrow() {
        let workflow = shipped("consultancy");
        let arrows = arrows(&workflow);
        let reopening = arrows.iter().find(|a| (a.from, a.to) == ("050", "017")).unwrap();
        assert_eq!(reopening.label, ["customer replies, within 30 days", "within 30 days"]);
        assert!(!reopening.by_itself);
        let plain = arrows.iter().find(|a| (a.from, a.to) == ("012", "016")).unwrap();
        assert!(plain.label.is_empty());
        let closing = arrows.iter().find(|a| (a.from, a.to) == ("035", "050")).unwrap();
        assert!(closing.label.contains(&"no reply for 14 days".to_owned()), "{:?}", closing.label);
    }

    #[test]
    fn every_status_and_every_pair_with_a_way_is_drawn() {
        for key in ["consultancy", "simple"] {
            let workflow = shipped(key);
            let (text, picture) = (mermaid(&workflow), svg(&workflow));
            for status in &workflow.statuses {
                assert!(text.contains(&format!("\"{} {}\"", status.code, status.name)), "{text}");
                assert!(picture.contains(&format!(">{} {}<", status.code, status.name)));
            }
            let arrows = arrows(&workflow).len();
            assert_eq!(text.matches("-->").count(), arrows + 1, "and one for the start");
            assert_eq!(picture.matches("<path class=\"p").count(), arrows);
        }
    }

    proptest! {
        #[test]
        fn names_never_break_out_of_the_picture(name in "\\PC{1,40}") {
            let mut workflow = shipped("simple");
            name.clone_into(&mut workflow.statuses[2].name);
            let (text, picture) = (mermaid(&workflow), svg(&workflow));
            prop_assert_eq!(text.lines().count(), mermaid(&shipped("simple")).lines().count());
            let elements = |svg: &str| svg.matches('<').count();
            prop_assert_eq!(elements(&picture), elements(&svg(&shipped("simple"))));
            prop_assert_eq!(picture.matches('"').count() % 2, 0);
        }
    }
}
