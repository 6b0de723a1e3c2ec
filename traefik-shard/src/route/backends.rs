//! The servers that requests go to.
//!
//! A route can publish what was internal: where the operator has named networks, a backend must be
//! an address in one of them. A name is refused then, because it may resolve to anything later.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use super::checks::{MAX_LIST, Problems, unsafe_text, without_secrets};
use super::{Request, RouteSettings};
use crate::finding::{Finding, Severity};
use crate::rule::Rule;

/// One server as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) url: String,
    /// Whether the URL has a path, which Traefik drops unless told otherwise.
    pub(super) has_path: bool,
}

/// The servers that are in order; problems are added for the others.
pub(super) fn check(request: &Request, nets: &[IpNet], problems: &mut Problems) -> Vec<Server> {
    let field = if request.backend_url.is_some() { "backend_url" } else { "backend_urls" };
    if request.backend_url.is_some() != request.backend_urls.is_empty() {
        let fault = if request.backend_url.is_some() { "given together with backend_urls" } else { "missing" };
        problems.about("backend_url", fault, "give exactly one of backend_url and backend_urls");
    }
    if request.backend_urls.len() > MAX_LIST {
        problems.about("backend_urls", "too many servers", format!("give at most {MAX_LIST}"));
        return Vec::new();
    }
    let mut servers: Vec<Server> = Vec::new();
    for given in request.backend_url.iter().chain(&request.backend_urls) {
        match server(given, nets) {
            Ok(server) if servers.contains(&server) => {
                problems.add(field, &without_secrets(given), "given twice", "name each server once");
            }
            Ok(server) => servers.push(server),
            Err((fault, hint)) => problems.add(field, &without_secrets(given), fault, hint),
        }
    }
    servers
}

fn server(given: &str, nets: &[IpNet]) -> Result<Server, (String, String)> {
    let form = "write it as http://192.168.1.20:3000";
    let refuse = |fault: &str, hint: &str| Err((fault.to_owned(), hint.to_owned()));
    if let Some(fault) = unsafe_text(given) {
        return refuse(fault, form);
    }
    if given.contains(char::is_whitespace) || !given.is_ascii() || given.contains(['\\', '"', '\'', '{', '}', '<', '>'])
    {
        return refuse("no URL", form);
    }
    let Ok(url) = Url::parse(given) else { return refuse("no URL", form) };
    if !["http", "https", "h2c"].contains(&url.scheme()) {
        return refuse("only http, https and h2c reach a backend", form);
    }
    if !given.contains("://") || !url.has_host() {
        return refuse("there is no host", form);
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || given.split(['/', '?', '#']).nth(2).is_some_and(|authority| authority.contains('@'))
    {
        return refuse(
            "user and password do not belong into a URL",
            "add the credentials with a headers middleware instead",
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("a backend has no query and no fragment", form);
    }
    if url.port() == Some(0) {
        return refuse("port 0 is no port", form);
    }
    let host = url.host_str().unwrap_or_default();
    if host.is_empty()
        || host.contains('%')
        || !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(&byte))
    {
        return refuse("no host name", form);
    }
    in_nets(&url, nets)?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().trim_end_matches('/');
    // Ends in no slash, like an origin, unless a path says otherwise.
    let path = if path.is_empty() { "" } else { url.path() };
    Ok(Server { url: format!("{}://{host}{port}{path}", url.scheme()), has_path: !path.is_empty() })
}

fn in_nets(url: &Url, nets: &[IpNet]) -> Result<(), (String, String)> {
    if nets.is_empty() {
        return Ok(());
    }
    let allowed = nets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    // A scheme that browsers do not know keeps its host as text.
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(name)) => name.parse::<IpAddr>().ok(),
        None => None,
    };
    match address.map(|address| address.to_canonical()) {
        Some(address) if nets.iter().any(|net| net.contains(&address)) => Ok(()),
        Some(_) => Err((
            format!("the address lies in none of the allowed networks ({allowed})"),
            "use a backend inside of them, or ask the operator to extend --backend-net".into(),
        )),
        None => Err((
            format!("a name may resolve to anything, and backends must lie in {allowed}"),
            "give the IP address instead of the name".into(),
        )),
    }
}

/// Servers that are Traefik itself: its API would be public, and its entry points would ask themselves.
pub(super) fn remarks(servers: &[Server], settings: &RouteSettings<'_>, rule: &Rule) -> Vec<Finding> {
    let entry_points = settings.entry_points.unwrap_or_default();
    let remark = |server: &Server| {
        let url = Url::parse(&server.url.replacen("h2c://", "http://", 1)).ok()?;
        let (host, port) = (url.host_str()?, url.port_or_known_default()?);
        let is_here = is_loopback(&url) || settings.api_url.is_some_and(|api| api.host_str() == Some(host));
        let listens = |name: &str| {
            let address = entry_points.iter().find(|point| point.name == name).map(|point| point.address.as_str());
            address.and_then(|address| address.rsplit(':').next()?.parse().ok()) == Some(port)
        };
        let (code, fault) = if is_here
            && (settings.api_url.and_then(Url::port_or_known_default) == Some(port) || listens("traefik"))
        {
            ("backend_is_api", "is Traefik's own API: whoever reaches this route reads the whole configuration")
        } else if is_here && entry_points.iter().any(|point| listens(&point.name)) {
            ("backend_is_traefik", "is an entry point of Traefik: requests may go round in a circle")
        } else if rule.hosts().iter().any(|own| own == host) {
            ("backend_is_route", "has the name of this route: if that leads to Traefik, requests go round in a circle")
        } else {
            return None;
        };
        Some(Finding::new(Severity::Warning, code, format!("the backend `{}` {fault}", server.url)).at("backend_url"))
    };
    servers.iter().filter_map(remark).collect()
}

fn is_loopback(url: &Url) -> bool {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).to_canonical(),
        Some(Host::Domain(name)) => return name == "localhost" || name.ends_with(".localhost"),
        None => return false,
    };
    address.is_loopback() || address.is_unspecified()
}
