//! Who may be given a ticket, and who of them gets it. Pure.
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::kernel::{AgentId, CategoryId, DepartmentId, Level, ProductId, text_enum};
use crate::people::PoolMember;

text_enum! {
    /// How an assignment was decided.
    Rule {
        /// The fewest open tickets among those who may and can; ties at random.
        LeastLoaded = "least_loaded",
        /// Somebody chose.
        Manual = "manual",
        /// The agent took it.
        Own = "self",
        /// It went back to the agent who had it before.
        Returned = "returned",
        /// The CRM's users chose.
        Crm = "crm",
        /// Nobody may or can: the ticket waits.
        Waiting = "waiting",
    }
}

text_enum! {
    /// Why a candidate was, or was not, considered.
    Verdict {
        Chosen = "chosen",
        Eligible = "eligible",
        Inactive = "inactive",
        NotPermitted = "not_permitted",
        /// Away, on leave, or outside of their working hours.
        Unavailable = "unavailable",
        AtCapacity = "at_capacity",
        /// An appointment has begun: they get nothing by itself until it ends.
        InAppointment = "in_appointment",
        /// The ticket is to go to somebody else than them.
        HandsOver = "hands_over",
    }
}

/// What a ticket needs of its agent: an agent works in departments and levels, and can be limited to some products,
/// categories and types.
#[derive(Debug, Clone)]
pub struct Need {
    pub department: DepartmentId,
    pub level: Level,
    pub product: Option<ProductId>,
    pub category: Option<CategoryId>,
    pub type_key: String,
    /// Who has the ticket.
    pub holder: Option<AgentId>,
    /// The ticket is among the holder's open ones: to leave it with them takes no room.
    pub counted: bool,
    /// Who hands it over: anybody but them.
    pub except: Option<AgentId>,
}

/// One line of the explanation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Candidate {
    pub agent_id: AgentId,
    pub name: String,
    pub load: i32,
    pub capacity: i32,
    pub verdict: Verdict,
}

/// Judges every candidate on their own.
pub fn judge(agents: &[PoolMember], need: &Need, now: DateTime<Utc>) -> Vec<Candidate> {
    agents.iter().map(|agent| candidate(agent, verdict(agent, need, now))).collect()
}

/// What is recorded of an agent who was looked at.
pub fn candidate(agent: &PoolMember, verdict: Verdict) -> Candidate {
    Candidate {
        agent_id: agent.id,
        name: agent.name.clone(),
        load: agent.open_tickets,
        capacity: agent.capacity,
        verdict,
    }
}

pub fn verdict(agent: &PoolMember, need: &Need, now: DateTime<Utc>) -> Verdict {
    let own = i32::from(need.counted && need.holder == Some(agent.id));
    match () {
        () if !agent.active => Verdict::Inactive,
        () if !permitted(agent, need) => Verdict::NotPermitted,
        () if need.except == Some(agent.id) => Verdict::HandsOver,
        () if !agent.on_duty(now) => Verdict::Unavailable,
        () if agent.open_tickets - own >= agent.capacity => Verdict::AtCapacity,
        () if agent.in_appointment => Verdict::InAppointment,
        () => Verdict::Eligible,
    }
}

fn permitted(agent: &PoolMember, need: &Need) -> bool {
    agent.in_pool
        && agent.type_keys.as_ref().is_none_or(|keys| keys.contains(&need.type_key))
        && allows(agent.product_ids.as_deref(), need.product)
        && allows(agent.category_ids.as_deref(), need.category)
}

/// An agent whom somebody chose, and how.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    pub agent: AgentId,
    pub rule: Rule,
    /// Whoever coordinates may take a ticket of any kind.
    pub coordinates: bool,
    /// Even if the agent is absent, full, or (taking it themselves) not permitted.
    pub insists: bool,
}

/// What speaks against the chosen agent. Who takes a ticket is there, whatever their working hours say; whom others choose
/// may be of another department or level, for they know why.
pub fn objection(
    agent: &PoolMember,
    need: &Need,
    choice: Choice,
    now: DateTime<Utc>,
) -> Option<Verdict> {
    let own = choice.rule == Rule::Own;
    match () {
        () if own && !choice.coordinates && !permitted(agent, need) => Some(Verdict::NotPermitted),
        () if !own && !agent.on_duty(now) => Some(Verdict::Unavailable),
        () if agent.open_tickets >= agent.capacity => Some(Verdict::AtCapacity),
        () => None,
    }
}

/// A limit that is absent allows all; a ticket that has none of the kind is nobody's exclusively.
fn allows<T: PartialEq>(limit: Option<&[T]>, id: Option<T>) -> bool {
    limit.zip(id).is_none_or(|(allowed, id)| allowed.contains(&id))
}

/// Chooses the least loaded among the eligible; `tie` picks one of n equals. Marks and returns the chosen.
pub fn choose(candidates: &mut [Candidate], tie: impl FnOnce(usize) -> usize) -> Option<AgentId> {
    let eligible = |c: &&mut Candidate| c.verdict == Verdict::Eligible;
    let least = candidates.iter_mut().filter(eligible).map(|c| c.load).min()?;
    let mut equals: Vec<&mut Candidate> =
        candidates.iter_mut().filter(eligible).filter(|c| c.load == least).collect();
    let index = tie(equals.len()).min(equals.len() - 1);
    equals[index].verdict = Verdict::Chosen;
    Some(equals[index].agent_id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::TimeZone;
    use crate::people::{Leaves, PoolAgent};

    fn candidates(loads: &[i32], capacity: i32) -> Vec<Candidate> {
        let candidate = |load: &i32| Candidate {
            agent_id: AgentId::new(),
            name: String::new(),
            load: *load,
            capacity,
            verdict: if *load < capacity { Verdict::Eligible } else { Verdict::AtCapacity },
        };
        loads.iter().map(candidate).collect()
    }

    fn member(in_pool: bool, load: i32) -> PoolMember {
        PoolMember {
            agent: PoolAgent {
                id: AgentId::new(),
                name: String::new(),
                product_ids: None,
                category_ids: None,
                type_keys: None,
                time_zone: TimeZone::UTC,
                working_hours: None,
                capacity: 5,
                away: false,
                leave_until: None,
                leaves: Leaves::default(),
                open_tickets: load,
                active: true,
            },
            in_pool,
            in_appointment: false,
        }
    }

    fn need(except: Option<AgentId>) -> Need {
        Need {
            department: DepartmentId::EXAMPLE,
            level: Level::L1,
            product: None,
            category: None,
            type_key: "question".into(),
            holder: None,
            counted: false,
            except,
        }
    }

    #[test]
    fn who_hands_over_is_away_full_or_in_an_appointment_is_not_eligible() {
        let now = DateTime::UNIX_EPOCH;
        let free = member(true, 4);
        let said = |agent: &PoolMember, except| verdict(agent, &need(except), now);
        assert_eq!(said(&free, None), Verdict::Eligible);
        assert_eq!(said(&free, Some(free.id)), Verdict::HandsOver);
        assert_eq!(said(&member(false, 0), None), Verdict::NotPermitted);
        let full = member(true, 5);
        assert_eq!(said(&full, None), Verdict::AtCapacity);
        let stays = Need { holder: Some(full.id), counted: true, ..need(None) };
        assert_eq!(verdict(&full, &stays, now), Verdict::Eligible);
        let mut busy = member(true, 0);
        busy.in_appointment = true;
        assert_eq!(said(&busy, None), Verdict::InAppointment);
        busy.agent.away = true;
        assert_eq!(said(&busy, None), Verdict::Unavailable);
    }

    #[test]
    fn what_speaks_against_a_choice_depends_on_who_chooses() {
        let objects = |agent: &PoolMember, rule, coordinates| {
            let choice = Choice { agent: agent.id, rule, coordinates, insists: false };
            objection(agent, &need(None), choice, DateTime::UNIX_EPOCH)
        };
        let (other, full) = (member(false, 0), member(true, 5));
        let mut away = member(true, 0);
        away.agent.away = true;
        assert_eq!(objects(&other, Rule::Manual, false), None);
        assert_eq!(objects(&other, Rule::Own, false), Some(Verdict::NotPermitted));
        assert_eq!(objects(&other, Rule::Own, true), None);
        assert_eq!(objects(&away, Rule::Own, false), None);
        assert_eq!(objects(&away, Rule::Manual, true), Some(Verdict::Unavailable));
        for rule in [Rule::Own, Rule::Manual, Rule::Crm] {
            assert_eq!(objects(&full, rule, true), Some(Verdict::AtCapacity));
        }
    }

    #[test]
    fn nobody_is_chosen_when_nobody_is_eligible() {
        assert_eq!(choose(&mut candidates(&[5, 7], 5), |_| 0), None);
        assert_eq!(choose(&mut [], |_| 0), None);
    }

    #[test]
    fn every_equal_can_win_a_tie() {
        for winner in 0..3 {
            let mut equals = candidates(&[1, 1, 1], 9);
            let chosen = choose(&mut equals, |n| {
                assert_eq!(n, 3);
                winner
            });
            assert_eq!(chosen, Some(equals[winner].agent_id));
        }
    }

    proptest! {
        #[test]
        fn giving_out_tickets_one_by_one_keeps_equal_agents_within_one(
            mut loads in proptest::collection::vec(0..3_i32, 1..8), picks in 0..60_usize, tie in any::<usize>(),
        ) {
            // Enough to level any difference there was at the start.
            for turn in 0..picks + 24 {
                let mut pool = candidates(&loads, 1000);
                let chosen = choose(&mut pool, |n| (tie.wrapping_add(turn)) % n).unwrap();
                let index = pool.iter().position(|c| c.agent_id == chosen).unwrap();
                loads[index] += 1;
            }
            prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1);
        }
    }
}
