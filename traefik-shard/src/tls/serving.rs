//! Which routers answer TLS for a host, on which ports, and which certificate resolver they ask.
//!
//! Pure: made from one answer of the API. A router counts where it is attached and does TLS, be it
//! by itself or by its entry point; Traefik's own routers and disabled ones never count.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::{EntryPoint, Router, RouterTls, Snapshot};
use crate::parts::Parts;
use crate::redact;
use crate::rule::{self, Overlap, Protocol, Rule};
use crate::tls::address::tcp_port;
use crate::tls::host::{Host, NotAHost};
use crate::tls::shown;

/// All routers of one Traefik, as far as TLS goes.
pub(crate) struct Serving {
    routers: Vec<TlsRouter>,
    idle: Vec<Idle>,
    ports: BTreeMap<String, u16>,
    /// Hosts of rules that are no host names.
    odd: BTreeSet<String>,
}

/// A router that answers TLS.
#[derive(Clone)]
pub(crate) struct TlsRouter {
    pub(crate) name: String,
    pub(crate) cert_resolver: Option<String>,
    /// The backend does TLS.
    pub(crate) passthrough: bool,
    /// Where it does TLS.
    pub(crate) entry_points: Vec<String>,
    hosts: BTreeSet<Host>,
    protocol: Protocol,
    rule: Option<Rule>,
    /// It may match hosts that it does not name.
    wide: bool,
}

/// A router that names hosts and does not answer TLS for them.
struct Idle {
    hosts: BTreeSet<Host>,
    why: String,
}

impl Serving {
    /// Sorts the routers of a snapshot.
    pub(crate) fn read(snapshot: &Snapshot, entry_points: &[EntryPoint]) -> Self {
        let ports = entry_points.iter().filter_map(|point| Some((point.name.clone(), tcp_port(&point.address)?)));
        let mut serving = Self { routers: Vec::new(), idle: Vec::new(), ports: ports.collect(), odd: BTreeSet::new() };
        for (name, router) in &snapshot.tcp_routers {
            serving.add(name, router, Protocol::Tcp, entry_points);
        }
        let parts = Parts::of(&snapshot.routers);
        for (full, router) in &snapshot.routers {
            serving.add(parts.whole(full), router, Protocol::Http, entry_points);
        }
        serving.join();
        serving
    }

    fn add(&mut self, name: &str, router: &Router, protocol: Protocol, entry_points: &[EntryPoint]) {
        if name.ends_with("@internal") {
            return;
        }
        let rule = rule::parse(&router.rule, protocol).ok();
        let places = tls_places(router, protocol, entry_points);
        let mut hosts = BTreeSet::new();
        for text in rule.iter().flat_map(Rule::hosts) {
            self.take(&text, &mut hosts);
        }
        let disabled = router.status == "disabled";
        if disabled || places.is_empty() {
            let why = match router.error.first().filter(|_| disabled) {
                Some(error) => format!("its router `{}` is disabled: {}", shown(name), shown(&redact::text(error))),
                None if disabled => format!("its router `{}` is disabled", shown(name)),
                None => format!("its router `{}` does no TLS", shown(name)),
            };
            self.idle.push(Idle { hosts, why });
            return;
        }
        for domain in places.iter().flat_map(|(_, tls)| &tls.domains) {
            for text in std::iter::once(&domain.main).chain(&domain.sans).filter(|text| !text.is_empty()) {
                self.take(text, &mut hosts);
            }
        }
        // Found out once: asking 5,000 rules for each host would take seconds.
        let nobody = asked_for("nobody.invalid", protocol);
        let wide =
            rule.as_ref().is_none_or(|rule| !rule.host_patterns().is_empty() || may_match(rule, nobody.as_ref()));
        self.routers.push(TlsRouter {
            name: name.to_owned(),
            cert_resolver: places.iter().find_map(|(_, tls)| tls.cert_resolver.clone()).filter(|name| !name.is_empty()),
            passthrough: protocol == Protocol::Tcp && places.iter().any(|(_, tls)| tls.passthrough),
            entry_points: places.into_iter().map(|(point, _)| point.to_owned()).collect(),
            hosts,
            protocol,
            rule,
            wide,
        });
    }

    /// Makes one of the parts of a router that do the same TLS.
    fn join(&mut self) {
        let mut whole: Vec<TlsRouter> = Vec::with_capacity(self.routers.len());
        let mut places: BTreeMap<(String, bool, Option<String>, BTreeSet<Host>), usize> = BTreeMap::new();
        for part in self.routers.drain(..) {
            let is_http = part.protocol == Protocol::Http;
            let key = (part.name.clone(), is_http, part.cert_resolver.clone(), part.hosts.clone());
            match places.get(&key) {
                Some(&place) => whole[place].entry_points.extend(part.entry_points),
                None => {
                    places.insert(key, whole.len());
                    whole.push(part);
                }
            }
        }
        self.routers = whole;
    }

    /// Keeps a host of a rule; `*` alone is no host but every host.
    fn take(&mut self, text: &str, hosts: &mut BTreeSet<Host>) {
        match Host::parse(text) {
            Ok(host) => {
                hosts.insert(host);
            }
            Err(NotAHost::Star) if text == "*" => {}
            Err(_) => {
                self.odd.insert(shown(text));
            }
        }
    }

    /// Every host that a TLS router names.
    pub(crate) fn hosts(&self) -> BTreeSet<Host> {
        self.routers.iter().flat_map(|router| router.hosts.iter().cloned()).collect()
    }

    /// Hosts of rules that cannot be checked, because no client could ask for them.
    pub(crate) fn odd(&self) -> impl Iterator<Item = &str> {
        self.odd.iter().map(String::as_str)
    }

    /// TLS routers that name no host, by their names.
    pub(crate) fn nameless(&self) -> impl Iterator<Item = &str> {
        let mut told = BTreeSet::new();
        let nameless = self.routers.iter().filter(|router| router.hosts.is_empty());
        nameless.map(|router| router.name.as_str()).filter(move |name| told.insert(*name))
    }

    /// The TLS routers of a host, the one that gets it first: those that name it, or else those whose rule may match it.
    pub(crate) fn of(&self, host: &Host) -> Vec<&TlsRouter> {
        let names_it = |router: &&TlsRouter| router.hosts.iter().any(|pattern| host.is_covered_by(pattern));
        let mut named: Vec<_> = self.routers.iter().filter(names_it).collect();
        if !named.is_empty() {
            // With TLS an HTTP router that names the host gets it from every TCP router.
            named.sort_by_key(|router| router.protocol == Protocol::Tcp);
            return named;
        }
        let (http, tcp) = (asked_for(&host.probe(), Protocol::Http), asked_for(&host.probe(), Protocol::Tcp));
        let matches = |router: &&TlsRouter| {
            let asked = if router.protocol == Protocol::Http { &http } else { &tcp };
            // A rule that we cannot read may match anything.
            router.wide && router.rule.as_ref().is_none_or(|rule| may_match(rule, asked.as_ref()))
        };
        self.routers.iter().filter(matches).collect()
    }

    /// The port of an entry point, if it speaks TCP.
    pub(crate) fn port(&self, entry_point: &str) -> Option<u16> {
        self.ports.get(entry_point).copied()
    }

    /// Why nothing answers TLS for this host.
    pub(crate) fn why_not(&self, host: &Host) -> String {
        let idle = self.idle.iter().find(|idle| idle.hosts.iter().any(|pattern| host.is_covered_by(pattern)));
        idle.map_or_else(|| "no router has this host".into(), |idle| idle.why.clone())
    }
}

/// The rule that matches every request for this host.
fn asked_for(host: &str, protocol: Protocol) -> Option<Rule> {
    let function = if protocol == Protocol::Http { "Host" } else { "HostSNI" };
    rule::parse(&format!("{function}(`{host}`)"), protocol).ok()
}

/// May a rule match a request for the host? What cannot be asked for may match.
fn may_match(rule: &Rule, asked: Option<&Rule>) -> bool {
    asked.is_none_or(|asked| !matches!(rule::overlap(rule, asked), Overlap::None))
}

/// The entry points where a router does TLS, with the options that hold there.
fn tls_places<'a>(
    router: &'a Router,
    protocol: Protocol,
    entry_points: &'a [EntryPoint],
) -> Vec<(&'a str, &'a RouterTls)> {
    let attached = if router.using.is_empty() { &router.entry_points } else { &router.using };
    let tls_at = |name: &'a String| match (&router.tls, protocol) {
        (Some(tls), _) => Some((name.as_str(), tls)),
        // An entry point's TLS is for HTTP routers alone.
        (None, Protocol::Http) => {
            let point = entry_points.iter().find(|point| point.name == *name)?;
            Some((name.as_str(), point.http.tls.as_ref()?))
        }
        (None, Protocol::Tcp) => None,
    };
    attached.iter().filter_map(tls_at).collect()
}

#[cfg(test)]
mod tests;
