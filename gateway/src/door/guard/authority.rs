//! The `host[:port]` of `Host`, `Origin` and `--allow-host`.
//!
//! Invariant: what does not have exactly this form is no authority at all; nothing is guessed from a part of it, so
//! `evil.example@localhost` and `localhost/evil.example` are refused rather than read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host, in lower case and without the dot at its end, and its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Authority {
    /// An IP literal; IPv6 stands in brackets on the wire.
    Address { ip: IpAddr, port: Option<u16> },
    /// A DNS name, or one label of one.
    Name { name: String, port: Option<u16> },
}

impl Authority {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']')?;
            let ip = address.parse::<Ipv6Addr>().ok()?.into();
            return Some(Self::Address { ip, port: port_of(port)? });
        }
        let colon = text.find(':').unwrap_or(text.len());
        let (host, port) = text.split_at(colon);
        let port = port_of(port)?;
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if let Ok(ip) = host.parse::<Ipv4Addr>() {
            return Some(Self::Address { ip: ip.into(), port });
        }
        (host.len() <= 253 && host.split('.').all(is_label)).then_some(Self::Name { name: host, port })
    }

    /// The host without its port.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Address { ip, .. } => ip.to_string(),
            Self::Name { name, .. } => name.clone(),
        }
    }
}

/// `None` if the text is neither empty nor a colon and a port; an empty port is none.
fn port_of(text: &str) -> Option<Option<u16>> {
    let Some(digits) = text.strip_prefix(':') else { return text.is_empty().then_some(None) };
    if digits.is_empty() {
        return Some(None);
    }
    let only_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    only_digits.then(|| digits.parse().ok()).flatten().map(Some)
}

/// Underscores are no part of DNS host names, but container networks hand them out.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
