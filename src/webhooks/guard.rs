//! Where webhooks may be sent: to public addresses, and into the networks that the operator names.
//!
//! A name is resolved here, each address that it has is judged, and the connection is made to those very addresses: a name that leads
//! elsewhere the next time gains nothing. An address that stands in the URL itself is never resolved, so it is judged before
//! ([`Guard::check`]).
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use ipnet::IpNet;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Finds the addresses of a name.
type Lookup = fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

/// Which addresses may be connected to.
#[derive(Clone)]
pub struct Guard {
    networks: Arc<[IpNet]>,
    public: bool,
    lookup: Lookup,
}

fn system(name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
    async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }.boxed()
}

impl Guard {
    /// Public addresses, and these networks.
    pub fn new(networks: &[IpNet]) -> Self {
        Self { networks: networks.into(), public: true, lookup: system }
    }

    /// These networks alone: for what is not encrypted.
    pub fn inside(&self) -> Self {
        Self { public: false, ..self.clone() }
    }

    fn permits(&self, address: IpAddr) -> bool {
        let plain = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&plain))
            || self.public && is_public(plain)
    }

    /// Refuses a URL that webhooks cannot go to, with the reason.
    pub fn check(&self, url: &Url) -> Result<(), String> {
        match url.scheme() {
            "https" => {}
            "http" if !self.networks.is_empty() => {}
            _ => return Err("must begin with https://".into()),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user or a password".into());
        }
        if url.fragment().is_some() {
            return Err("must have no fragment".into());
        }
        let judged = if url.scheme() == "http" { self.inside() } else { self.clone() };
        let host = url.host_str().unwrap_or_default();
        match host.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(address) if !judged.permits(address) => Err(refused(host)),
            _ => Ok(()),
        }
    }

    /// The addresses of a name, if all of them are permitted.
    async fn addresses(self, name: String) -> io::Result<Vec<SocketAddr>> {
        let found = (self.lookup)(name.clone()).await?;
        if found.is_empty() {
            return Err(io::Error::other(format!("{name} has no address")));
        }
        match found.iter().any(|address| !self.permits(address.ip())) {
            true => Err(io::Error::new(io::ErrorKind::PermissionDenied, refused(&name))),
            false => Ok(found),
        }
    }
}

fn refused(host: &str) -> String {
    format!("{host} is not a public address, nor in webhook_networks")
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.clone().addresses(name.as_str().to_owned());
        Box::pin(async move { Ok(Box::new(found.await?.into_iter()) as Addrs) })
    }
}

/// Whether an address is one of the internet: none of the registries of special addresses (RFC 6890) has it.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast();
    let reserved = match a {
        0 | 240..=255 => true,
        // Shared between a carrier and its customers.
        100 => b & 0xc0 == 64,
        192 => (b, c) == (0, 0) || (b, c) == (88, 99),
        // Measurements.
        198 => b & 0xfe == 18,
        _ => false,
    };
    !special && !reserved
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let (segments, octets) = (address.segments(), address.octets());
    let inner =
        |at: usize| Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]);
    match (segments[0], segments[1]) {
        // What is translated to an address of version 4 is as good as that.
        (0x64, 0xff9b) => segments[2..6] == [0; 4] && is_public_v4(inner(12)),
        (0x2002, _) => is_public_v4(inner(2)),
        // Tunnels, measurements, documentation.
        (0x2001, second) => second >= 0x200 && second != 0xdb8,
        (0x3fff, second) => second >= 0x1000,
        (first, _) => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests;
