//! How often somebody failed to sign in of late.
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use crate::kernel::ClientId;

/// Attempts that may fail within [`WINDOW`]: enough for typing errors, too few to search.
const FAILURES: u32 = 10;
pub const WINDOW: Duration = Duration::from_mins(5);
/// More than this many are forgotten early: what is counted must not fill the memory.
const CAPACITY: u64 = 100_000;

/// Who tries: an address, and the client whose secret it tries, if it does not try tokens. Counted apart, so that behind
/// one proxy nobody locks out others.
type Who = (IpAddr, Option<ClientId>);

/// Counts in this process alone; cheap to clone.
#[derive(Clone)]
pub struct Attempts(Cache<Who, Arc<AtomicU32>>);

impl Default for Attempts {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(CAPACITY).time_to_live(WINDOW).build())
    }
}

impl Attempts {
    /// Counts an attempt before its outcome is known, so that many at once cannot slip through; false when it is one too many.
    pub fn begin(&self, address: IpAddr, client: Option<ClientId>) -> bool {
        let count = self.0.get_with((network(address), client), Arc::default);
        count.fetch_add(1, Ordering::Relaxed) < FAILURES
    }

    /// The attempt succeeded: those that failed before are forgiven.
    pub fn succeed(&self, address: IpAddr, client: Option<ClientId>) {
        self.0.invalidate(&(network(address), client));
    }
}

/// Whoever has an IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_failure_is_refused_whoever_shares_the_network() {
        let attempts = Attempts::default();
        let client = Some(ClientId::new());
        for last in 0..FAILURES {
            let address = format!("2001:db8::{last}").parse().unwrap();
            assert!(attempts.begin(address, client), "{last}");
        }
        let near: IpAddr = "2001:db8::ffff".parse().unwrap();
        assert!(!attempts.begin(near, client));
        assert!(attempts.begin(near, Some(ClientId::new())), "another client is counted apart");
        assert!(attempts.begin("2001:db8:0:1::1".parse().unwrap(), client));
        assert!(attempts.begin("192.0.2.1".parse().unwrap(), client));
        attempts.succeed(near, client);
        assert!(attempts.begin(near, client));
    }
}
