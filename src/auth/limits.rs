//! How much of the service one caller may have, and how often credentials may be tried. Each process counts by itself.
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderValue;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::{StateInformationMiddleware, StateSnapshot};
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{NotUntil, Quota, RateLimiter};
use ipnet::IpNet;
use uuid::Uuid;

use crate::config::Config;
use crate::kernel::{AppError, ClientId};

/// How often in a minute one address may try to get a token for one client.
const TRIES: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// How often in a minute one address may try to get a token at all.
const TRIES_OF_ADDRESS: NonZeroU32 = NonZeroU32::new(120).unwrap();

type Keyed<K> = RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// The limits of this process.
pub struct Limits {
    callers: Option<Keyed<Uuid>>,
    tries: Keyed<(ClientId, IpAddr)>,
    addresses: Keyed<IpAddr>,
    trusted_proxies: Vec<IpNet>,
}

/// A limit as it stands after a request that it counted, as the headers tell it (draft-ietf-httpapi-ratelimit-headers).
#[derive(Debug, Clone, Copy)]
struct Standing {
    name: &'static str,
    /// Requests at once, given back evenly over a minute.
    quota: u32,
    left: u32,
    /// Until all are there again.
    full: Duration,
}

impl Limits {
    pub fn new(config: &Config) -> Self {
        let callers = NonZeroU32::new(config.requests_per_minute);
        Self {
            callers: callers.map(a_minute),
            tries: a_minute(TRIES),
            addresses: a_minute(TRIES_OF_ADDRESS),
            trusted_proxies: config.trusted_proxies.clone(),
        }
    }

    /// Counts a request of the caller; fails with [`AppError::TooManyRequests`] when it is one too many.
    pub(super) fn count(&self, request: &HttpRequest, caller: Uuid) -> Result<(), AppError> {
        let Some(callers) = &self.callers else { return Ok(()) };
        spend(request, "caller", callers.check_key(&caller))
    }

    /// Counts an attempt to sign in, as this client if it is one; fails with [`AppError::TooManyRequests`] when it is one too many.
    pub fn count_try(
        &self,
        request: &HttpRequest,
        client: Option<ClientId>,
    ) -> Result<(), AppError> {
        let address = network(self.address(request));
        spend(request, "address", self.addresses.check_key(&address))?;
        match client {
            Some(client) => spend(request, "client", self.tries.check_key(&(client, address))),
            None => Ok(()),
        }
    }

    /// Forgets who has all of their requests again.
    pub fn sweep(&self) {
        self.callers.iter().for_each(RateLimiter::retain_recent);
        self.tries.retain_recent();
        self.addresses.retain_recent();
    }

    /// Where the request comes from: behind proxies that are trusted, what the last of them saw.
    fn address(&self, request: &HttpRequest) -> IpAddr {
        let peer = request.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip());
        let hops = request.headers().get_all("x-forwarded-for").filter_map(|hop| hop.to_str().ok());
        let hops: Vec<IpAddr> = hops
            .flat_map(|hops| hops.split(','))
            .map_while(|hop| hop.trim().parse().ok())
            .collect();
        behind(peer, &hops, &self.trusted_proxies)
    }
}

/// The first address, seen from here, that is no proxy of ours: everything before it may be invented.
fn behind(peer: IpAddr, hops: &[IpAddr], trusted: &[IpNet]) -> IpAddr {
    let is_ours = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_ours(&peer) {
        return peer;
    }
    hops.iter().rev().find(|hop| !is_ours(hop)).copied().unwrap_or(peer)
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

fn a_minute<K: std::hash::Hash + Eq + Clone>(requests: NonZeroU32) -> Keyed<K> {
    let quota = Quota::per_minute(requests);
    RateLimiter::dashmap(quota).with_middleware::<StateInformationMiddleware>()
}

/// Keeps how a limit stands for the headers of the answer: the one that is nearest to its end.
fn spend(
    request: &HttpRequest,
    name: &'static str,
    counted: Result<StateSnapshot, NotUntil<governor::clock::QuantaInstant>>,
) -> Result<(), AppError> {
    let (quota, left) = match &counted {
        Ok(state) => (state.quota(), state.remaining_burst_capacity()),
        Err(refused) => (refused.quota(), 0),
    };
    let spent = quota.burst_size().get() - left;
    let full = quota.replenish_interval() * spent;
    let standing = Standing { name, quota: quota.burst_size().get(), left, full };
    let mut extensions = request.extensions_mut();
    if extensions.get::<Standing>().is_none_or(|other| standing.left < other.left) {
        extensions.insert(standing);
    }
    counted.map(|_| ()).map_err(|refused| {
        let wait = refused.wait_time_from(DefaultClock::default().now());
        AppError::TooManyRequests { seconds: wait.as_secs() + 1 }
    })
}

/// Middleware: answers tell how the limit stands that counted the request.
pub async fn tell<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let mut response = next.call(request).await?;
    let standing = response.request().extensions().get::<Standing>().copied();
    if let Some(Standing { name, quota, left, full }) = standing {
        let full = full.as_secs_f64().ceil();
        let told = [
            ("ratelimit-policy", format!("\"{name}\";q={quota};w=60")),
            ("ratelimit", format!("\"{name}\";r={left};t={full}")),
        ];
        for (header, value) in told {
            if let Ok(value) = HeaderValue::try_from(value) {
                let header = actix_web::http::header::HeaderName::from_static(header);
                response.headers_mut().insert(header, value);
            }
        }
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_an_ipv6_network_is_one() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn what_no_trusted_proxy_says_is_not_believed() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let ours: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let hops = [ip("1.1.1.1"), ip("203.0.113.9"), ip("10.0.0.7")];
        assert_eq!(behind(ip("10.0.0.1"), &hops, &ours), ip("203.0.113.9"));
        assert_eq!(behind(ip("203.0.113.8"), &hops, &ours), ip("203.0.113.8"));
        assert_eq!(behind(ip("10.0.0.1"), &[], &ours), ip("10.0.0.1"));
        assert_eq!(behind(ip("10.0.0.1"), &hops, &[]), ip("10.0.0.1"));
    }
}
