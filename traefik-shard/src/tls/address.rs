//! Where a handshake goes.
//!
//! An `Address` always has a port; its host is a name or an IP address, never a wildcard.

use std::fmt;
use std::net::IpAddr;

use crate::tls::host::Host;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Address {
    /// Reads `HOST:PORT` or `[IPv6]:PORT`; the message is the fault.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (host, port) = text.trim().rsplit_once(':').ok_or("it has no port")?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or("its port is not a number from 1 to 65535")?;
        if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
            return Err("an IPv6 address needs brackets, as in [::1]:443".into());
        }
        match Host::parse(host) {
            Ok(Host::Wildcard(_)) => Err("its host is a wildcard".into()),
            Ok(host) => Ok(Self { host: host.to_string(), port }),
            Err(fault) => Err(format!("its host: {fault}")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.parse() {
            Ok(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// The TCP port of an entry point's address, such as `:443`, `[::]:443` or `127.0.0.1:53/udp` (none).
pub(crate) fn tcp_port(entry_point: &str) -> Option<u16> {
    let (address, protocol) = entry_point.split_once('/').unwrap_or((entry_point, "tcp"));
    if !protocol.eq_ignore_ascii_case("tcp") {
        return None;
    }
    address.rsplit_once(':')?.1.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for text in ["127.0.0.1:8443", "traefik.lan:443", "[::1]:443"] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
        for text in ["traefik.lan", "::1:443", "traefik.lan:0", "traefik.lan:65536", ":443", "https://a:443", "*.a:1"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_entry_point_that_speaks_udp_has_no_tcp_port() {
        let cases = [
            (":443", Some(443)),
            ("[::]:8443", Some(8443)),
            ("0.0.0.0:443/tcp", Some(443)),
            (":443/udp", None),
            ("127.0.0.1:0", None),
            ("443", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(tcp_port(text), expected, "{text}");
        }
    }
}
