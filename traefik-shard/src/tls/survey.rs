//! Many handshakes: what is tried, and what was seen.
//!
//! At most [`AT_ONCE`] run at a time and at most [`MOST`] in one call; dropping the future ends them.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::ServerName;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::tls::address::Address;
use crate::tls::handshake::{Limits, Refusal, look};
use crate::tls::host::Host;
use crate::tls::leaf::Leaf;
use crate::tls::serving::{Serving, TlsRouter};

/// Handshakes that run at the same time.
const AT_ONCE: usize = 8;

/// The most checks of one call.
pub(crate) const MOST: usize = 64;

/// One host, at one place.
#[derive(Clone)]
pub(crate) struct Check {
    pub(crate) host: Host,
    /// Without a place there is no handshake.
    pub(crate) place: Option<Place>,
    pub(crate) routers: Vec<TlsRouter>,
}

/// Where a handshake goes.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) address: Address,
    /// None where the address was given.
    pub(crate) entry_point: Option<String>,
}

/// What a check saw.
pub(crate) enum Seen {
    /// Nothing was tried.
    Nothing,
    /// No certificate.
    Refused(Refusal),
    /// Bytes that are not a certificate, and the fault.
    Unreadable(String),
    /// A certificate.
    Certificate { leaf: Box<Leaf>, chain_length: usize, version: Option<&'static str> },
}

/// Where the handshakes of a call go.
pub(crate) enum Way {
    /// There are none.
    None,
    /// All to one address.
    To(Address),
    /// To this host, on the ports of the entry points.
    ByEntryPoint(String),
}

/// The checks for these hosts, and the hosts that are too many.
pub(crate) fn plan(hosts: Vec<Host>, serving: Option<&Serving>, way: &Way) -> (Vec<Check>, Vec<Host>) {
    let mut checks = Vec::new();
    let mut left = Vec::new();
    for host in hosts {
        // Who serves a host is not even asked once there is no room for it.
        let wanted = if left.is_empty() { checks_of(&host, serving, way) } else { Vec::new() };
        if !left.is_empty() || checks.len() + wanted.len() > MOST {
            left.push(host);
        } else {
            checks.extend(wanted);
        }
    }
    (checks, left)
}

fn checks_of(host: &Host, serving: Option<&Serving>, way: &Way) -> Vec<Check> {
    let routers: Vec<_> = serving.map(|serving| serving.of(host)).unwrap_or_default();
    let check = |place, routers: Vec<&TlsRouter>| Check {
        host: host.clone(),
        place,
        routers: routers.into_iter().cloned().collect(),
    };
    let api_host = match way {
        Way::None => return vec![check(None, routers)],
        Way::To(address) => {
            return vec![check(Some(Place { address: address.clone(), entry_point: None }), routers)];
        }
        Way::ByEntryPoint(host) => host,
    };
    let mut points: Vec<&str> = routers.iter().flat_map(|router| &router.entry_points).map(String::as_str).collect();
    points.sort_unstable();
    points.dedup();
    let mut checks = Vec::new();
    for point in points {
        let Some(port) = serving.and_then(|serving| serving.port(point)) else { continue };
        let here = routers.iter().filter(|router| router.entry_points.iter().any(|name| name == point)).copied();
        let address = Address { host: api_host.clone(), port };
        checks.push(check(Some(Place { address, entry_point: Some(point.to_owned()) }), here.collect()));
    }
    if checks.is_empty() { vec![check(None, routers)] } else { checks }
}

/// Carries the checks out; the answers are in the order of the checks.
pub(crate) async fn carry_out(checks: &[Check], limits: Limits) -> Vec<Seen> {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let silent = Arc::new(Silent::default());
    let mut tasks = JoinSet::new();
    let mut seen: Vec<Seen> = checks.iter().map(|_| Seen::Nothing).collect();
    for (index, check) in checks.iter().enumerate() {
        let Some(place) = check.place.clone() else { continue };
        let (name, turns, silent) = (check.host.probe(), Arc::clone(&turns), Arc::clone(&silent));
        tasks.spawn(async move {
            let _turn = turns.acquire().await.expect("the semaphore is never closed");
            if let Some(refusal) = silent.recall(&place.address) {
                return (index, Seen::Refused(refusal));
            }
            let seen = see(&place.address, &name, limits).await;
            silent.remember(&place.address, &seen);
            (index, seen)
        });
    }
    while let Some(ended) = tasks.join_next().await {
        if let Ok((index, saw)) = ended {
            seen[index] = saw;
        }
    }
    seen
}

/// Addresses that let a connection time out, or whose name does not resolve: the others who wait for one need not wait as well.
#[derive(Default)]
struct Silent(Mutex<Vec<(Address, Refusal)>>);

impl Silent {
    fn recall(&self, address: &Address) -> Option<Refusal> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(silent, _)| silent == address).map(|(_, refusal)| refusal.clone())
    }

    fn remember(&self, address: &Address, seen: &Seen) {
        if let Seen::Refused(refusal @ (Refusal::ConnectTimeout(_) | Refusal::Resolve(_))) = seen {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((address.clone(), refusal.clone()));
        }
    }
}

async fn see(address: &Address, name: &str, limits: Limits) -> Seen {
    let Ok(name) = ServerName::try_from(name.to_owned()) else {
        return Seen::Unreadable("the host cannot be asked for in a TLS handshake".into());
    };
    let chain = match look(address, &name, limits).await {
        Ok(chain) => chain,
        Err(refusal) => return Seen::Refused(refusal),
    };
    let leaf = chain.certificates.first().map_or(&[][..], |certificate| certificate.as_ref());
    match Leaf::read(leaf) {
        Ok(leaf) => {
            Seen::Certificate { leaf: Box::new(leaf), chain_length: chain.certificates.len(), version: chain.version }
        }
        Err(fault) => Seen::Unreadable(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<Host> {
        (0..count).map(|i| Host::parse(&format!("a{i}.test")).unwrap()).collect()
    }

    #[test]
    fn what_is_over_the_limit_is_left_in_its_order() {
        let (checks, left) = plan(names(MOST + 3), None, &Way::None);
        assert_eq!((checks.len(), &left[..]), (MOST, &names(MOST + 3)[MOST..]));
        let (checks, left) = plan(names(MOST), None, &Way::None);
        assert_eq!((checks.len(), left.len()), (MOST, 0));
    }

    #[test]
    fn an_address_that_let_one_connection_time_out_is_not_tried_again() {
        let silent = Silent::default();
        let address = Address { host: "192.0.2.1".into(), port: 443 };
        silent.remember(&address, &Seen::Refused(Refusal::Refused));
        assert!(silent.recall(&address).is_none());
        silent.remember(&address, &Seen::Refused(Refusal::ConnectTimeout(std::time::Duration::from_secs(1))));
        assert!(matches!(silent.recall(&address), Some(Refusal::ConnectTimeout(_))));
        assert!(silent.recall(&Address { port: 444, ..address }).is_none());
    }
}
