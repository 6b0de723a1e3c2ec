//! Who may come in by name: the rules for `Host` and `Origin` (DESIGN D10).
//!
//! Invariant: a page on a name that an attacker controls can neither reach the gateway by DNS rebinding (its name would
//! stand in `Host`) nor read an answer across origins (its name stands in `Origin`), and a LAN needs no configuration.

use std::collections::HashSet;
use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, Uri, header};

mod authority;
mod layer;

use authority::Authority;
pub use layer::check_and_share;

/// The names under which the gateway is reached and the pages that may call it.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    hosts: HashSet<String>,
    origins: HashSet<String>,
}

/// A name in the settings that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unnamed {
    /// For `--allow-host`.
    #[error("`{0}` is no host name; write it like `mcp.example.com`")]
    Host(String),
    /// For `--allow-origin` and `--public-url`.
    #[error("`{0}` is no origin; write it like `https://chat.example.com`")]
    Origin(String),
}

/// Why a request is not let in. The text names the flag that would let it in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no `Host`, or it is no host name.
    #[error("a request needs one `Host` header that holds a host name")]
    NoHost,
    /// The header stands more than once, or holds bytes that are not visible ASCII.
    #[error("the header `{0}` must stand once and hold visible ASCII only")]
    Unreadable(HeaderName),
    /// A name that is not known to be local.
    #[error("host `{0}` is not allowed; start the gateway with `--allow-host {0}` if it is reached under this name")]
    Host(String),
    /// A page from elsewhere.
    #[error("origin `{0}` is not allowed; start the gateway with `--allow-origin {0}` if this page may call it")]
    Origin(String),
}

impl Guard {
    /// Beside the names that are local by rule, these are allowed. `public_url` allows its host and its origin.
    ///
    /// # Errors
    /// [`Unnamed`] for the first value that is no name.
    pub fn new(allow_hosts: &[String], allow_origins: &[String], public_url: Option<&str>) -> Result<Self, Unnamed> {
        let mut guard = Self::default();
        for host in allow_hosts {
            let authority = Authority::parse(host).ok_or_else(|| Unnamed::Host(host.clone()))?;
            guard.hosts.insert(authority.name());
        }
        for origin in allow_origins {
            let origin = normal_origin(origin).ok_or_else(|| Unnamed::Origin(origin.clone()))?;
            guard.origins.insert(origin);
        }
        if let Some(url) = public_url {
            let unnamed = || Unnamed::Origin(url.to_owned());
            let uri: Uri = url.parse().map_err(|_| unnamed())?;
            let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(unnamed()) };
            let host = Authority::parse(authority.as_str()).ok_or_else(unnamed)?;
            guard.hosts.insert(host.name());
            guard.origins.extend(normal_origin(&format!("{scheme}://{authority}")));
        }
        Ok(guard)
    }

    /// Judges the values of the two headers.
    ///
    /// # Errors
    /// [`Refusal`] if the host is none of the gateway's names, or the origin is there and is not allowed.
    pub fn check(&self, host: Option<&str>, origin: Option<&str>) -> Result<(), Refusal> {
        let host = host.and_then(Authority::parse).ok_or(Refusal::NoHost)?;
        if !self.is_own(&host) {
            return Err(Refusal::Host(host.name()));
        }
        match origin {
            Some(origin) if !self.may_call(origin, &host) => Err(Refusal::Origin(shown(origin))),
            _ => Ok(()),
        }
    }

    /// Judges a whole request; an absolute-form target is a second `Host` and must pass as well.
    ///
    /// # Errors
    /// [`Refusal`], also if one of the headers stands twice: two readers could then see two different values.
    pub fn check_request(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = only(headers, header::HOST)?;
        if let Some(target) = uri.authority() {
            self.check(Some(target.as_str()), None)?;
        }
        self.check(host, only(headers, header::ORIGIN)?)
    }

    fn is_own(&self, host: &Authority) -> bool {
        match host {
            Authority::Address { .. } => true,
            Authority::Name { name, .. } => is_local(name) || self.hosts.contains(name),
        }
    }

    /// An address is enough for `Host`, since nobody can rebind it, but not for `Origin`: anyone can serve a page from a
    /// public address. There it must be a private one, or the very one that the request came to.
    fn may_call(&self, origin: &str, host: &Authority) -> bool {
        if normal_origin(origin).is_some_and(|origin| self.origins.contains(&origin)) {
            return true;
        }
        let Some(page) = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")) else {
            return false;
        };
        match Authority::parse(page) {
            Some(page) if page == *host => true,
            Some(Authority::Address { ip, .. }) => is_private(ip),
            Some(page) => self.is_own(&page),
            None => false,
        }
    }
}

/// Names that no public DNS zone can hold, so that no attacker can point them at us.
fn is_local(name: &str) -> bool {
    const ZONES: [&str; 5] = [".localhost", ".local", ".internal", ".home.arpa", ".lan"];
    !name.contains('.') || ZONES.iter().any(|zone| name.ends_with(zone))
}

fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || shared
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

fn only(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(&name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Refusal::Unreadable(name)),
        (Some(_), Some(_)) => Err(Refusal::Unreadable(name)),
    }
}

/// `scheme://authority` in lower case. Schemes other than http are allowed only if they are named (`vscode-webview://…`).
fn normal_origin(origin: &str) -> Option<String> {
    let (scheme, authority) = origin.trim_end_matches('/').split_once("://")?;
    let is_scheme =
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    (is_scheme && Authority::parse(authority).is_some()).then(|| format!("{scheme}://{authority}").to_ascii_lowercase())
}

/// What a message may repeat of a value that anybody can send.
fn shown(origin: &str) -> String {
    origin.chars().take(200).collect()
}

#[cfg(test)]
mod tests;
