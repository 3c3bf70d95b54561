//! Random histories with each CRM: people at the desk, people in the CRM, and everything that can go wrong, in any order.
//! However it went, both sides end equal, nothing is there twice, and no edit is gone without a record of it.
mod crm;
mod model;
mod play;

use std::rc::Rc;

use actix_web::rt::SystemRunner;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Map, Value, json};

use self::crm::Simulated;
use self::model::{Field, Side, Step, Trouble, history, unheard};
use self::play::World;
use crate::crm_espocrm::desk::EspoDesk;
use crate::crm_salesforce::desk::SalesDesk;
use crate::support::mirror::Mirrored;

/// Histories that are played with each CRM when `HISTORIES` says nothing; the long run plays thousands.
const HISTORIES: u32 = 90;
/// A desk is used for so many of them: its agents have room for a limited number of tickets.
const ON_ONE_DESK: u32 = 30;
/// Each desk decides conflicts by the next of them.
const POLICIES: [&str; 3] = ["desk", "crm", "latest"];

#[test]
fn whatever_happens_desk_and_suitecrm_converge_and_no_edit_is_lost() {
    histories(Mirrored::start_with);
}

#[test]
fn whatever_happens_desk_and_espocrm_converge_and_no_edit_is_lost() {
    histories(EspoDesk::start_with);
}

#[test]
fn whatever_happens_desk_and_salesforce_converge_and_no_edit_is_lost() {
    histories(SalesDesk::start_with);
}

#[test]
fn what_somebody_chooses_in_suitecrm_is_not_taken_for_a_write_that_had_no_answer() {
    same_as_sent(Mirrored::start_with);
}

#[test]
fn what_somebody_chooses_in_espocrm_is_not_taken_for_a_write_that_had_no_answer() {
    same_as_sent(EspoDesk::start_with);
}

#[test]
fn what_somebody_chooses_in_salesforce_is_not_taken_for_a_write_that_had_no_answer() {
    same_as_sent(SalesDesk::start_with);
}

/// The desk has moved on from a value that was sent without an answer. In the CRM somebody puts that value back after another
/// one, or chooses it by themselves because the write never arrived.
fn same_as_sent<D: Simulated + 'static>(start: impl AsyncFn(Value) -> D) {
    let system = actix_web::rt::System::new();
    let world = Rc::new(World::new(Box::new(system.block_on(start(json!({}))))));
    let clerk = |value| Step::Edit(Side::Crm, Field::Priority, value);
    let put_back: &[Step] = &[clerk(1), clerk(0)];
    let chosen: &[Step] = &[clerk(0)];
    for (trouble, edits) in [(Trouble::LostUpdate, put_back), (Trouble::UnsentUpdate, chosen)] {
        let steps = [&unheard(trouble, Field::Priority, 0, 2), edits].concat();
        assert_eq!(play(&system, &world, &steps), Ok(()), "{trouble:?}");
    }
}

/// Plays histories on desks whose connections have these settings.
fn histories<D: Simulated + 'static>(start: impl AsyncFn(Value) -> D) {
    let histories = number("HISTORIES").unwrap_or(HISTORIES.into());
    let seed = number("SEED").unwrap_or_else(rand::random);
    let system = actix_web::rt::System::new();
    for desk in 0..histories.div_ceil(ON_ONE_DESK.into()) {
        let policy = POLICIES[usize::try_from(desk).unwrap() % POLICIES.len()];
        let policies = Field::ALL.map(|field| (field.name().to_owned(), json!(policy)));
        let settings = json!({ "policies": Map::from_iter(policies) });
        let world = Rc::new(World::new(Box::new(system.block_on(start(settings)))));
        let cases = u64::from(ON_ONE_DESK).min(histories - desk * u64::from(ON_ONE_DESK));
        let mut runner = runner(u32::try_from(cases).unwrap(), seed.wrapping_add(desk));
        let outcome = runner
            .run(&history(), |steps| play(&system, &world, &steps).map_err(TestCaseError::fail));
        if let Err(failure) = outcome {
            panic!("SEED={seed} HISTORIES={histories}, desk {desk}: {failure}");
        }
    }
}

fn play(system: &SystemRunner, world: &Rc<World>, steps: &[Step]) -> Result<(), String> {
    let (world, steps) = (Rc::clone(world), steps.to_vec());
    system.block_on(async move { world.play(&steps).await })
}

/// The same seed gives the same histories.
fn runner(cases: u32, seed: u64) -> TestRunner {
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}
