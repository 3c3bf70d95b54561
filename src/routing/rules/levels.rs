//! From one level of support to another.
use crate::kernel::{Level, text_enum};

text_enum! {
    /// Why a ticket's level changed.
    LevelChange {
        /// One level up: L1 to L2, L2 to the third line.
        Elevation = "elevation",
        /// An elevation was taken back.
        DeElevation = "de_elevation",
        /// Its component changed, and belongs to another level.
        Rerouting = "rerouting",
    }
}

/// The desk's own levels, lowest first; what is external is reached by its component only.
const LADDER: [Level; 3] = [Level::L1, Level::L2, Level::ThirdLine];

impl LevelChange {
    /// What a step on the ladder is. `before` are the ticket's changes so far, in their order: it goes down only as often
    /// as it went up since it was routed. The error says what is wrong with `to`.
    pub fn step(from: Level, to: Level, before: &[Self]) -> Result<Self, &'static str> {
        let rung = |level| LADDER.iter().position(|rung| *rung == level);
        let (Some(from), Some(to)) = (rung(from), rung(to)) else {
            return Err("a ticket goes to or from a team outside by a change of its component");
        };
        if to == from + 1 {
            Ok(Self::Elevation)
        } else if to + 1 != from {
            Err("a ticket goes one level at a time, from L1 to L2 to third_line or back")
        } else if height(before) > 0 {
            Ok(Self::DeElevation)
        } else {
            Err("the ticket's component belongs to the level where the ticket is")
        }
    }
}

/// How many levels above that of its component.
fn height(changes: &[LevelChange]) -> i32 {
    let since_routed = changes.rsplit(|change| *change == LevelChange::Rerouting).next();
    let steps = since_routed.unwrap_or_default().iter();
    steps.map(|change| if *change == LevelChange::Elevation { 1 } else { -1 }).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::LevelChange::{DeElevation, Elevation, Rerouting};
    use super::*;

    #[test]
    fn a_ticket_climbs_one_level_at_a_time_and_not_beyond_the_third_line() {
        use Level::*;
        assert_eq!(LevelChange::step(L1, L2, &[]), Ok(Elevation));
        assert_eq!(LevelChange::step(L2, ThirdLine, &[Elevation]), Ok(Elevation));
        for (from, to) in [(L1, ThirdLine), (ThirdLine, L1), (L1, L1), (ThirdLine, ThirdLine)] {
            assert!(LevelChange::step(from, to, &[Elevation]).is_err(), "{from} to {to}");
        }
        for level in Level::ALL {
            assert!(LevelChange::step(External, *level, &[Elevation]).is_err());
            assert!(LevelChange::step(*level, External, &[Elevation]).is_err());
        }
    }

    #[test]
    fn only_an_elevation_since_the_last_routing_is_taken_back() {
        use Level::*;
        assert_eq!(LevelChange::step(L2, L1, &[Elevation]), Ok(DeElevation));
        assert!(LevelChange::step(L2, L1, &[]).is_err());
        assert!(LevelChange::step(L2, L1, &[Elevation, DeElevation]).is_err());
        assert!(LevelChange::step(L2, L1, &[Elevation, Rerouting]).is_err());
        assert_eq!(LevelChange::step(ThirdLine, L2, &[Rerouting, Elevation]), Ok(DeElevation));
    }

    proptest! {
        #[test]
        fn no_history_brings_a_ticket_below_the_level_of_its_component(
            start in 0_usize..3, wanted in prop::collection::vec(0_usize..4, 0..30),
        ) {
            let (mut level, mut history) = (LADDER[start], Vec::new());
            for to in wanted {
                if let Ok(change) = LevelChange::step(level, Level::ALL[to], &history) {
                    level = Level::ALL[to];
                    history.push(change);
                }
                prop_assert!(LADDER.iter().position(|rung| *rung == level) >= Some(start));
            }
        }
    }
}
