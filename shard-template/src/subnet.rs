//! IPv4 subnets.
//!
//! Pure arithmetic: an address and a prefix length decide everything.

use std::net::Ipv4Addr;

use rmcp::schemars::{self, JsonSchema};
use serde::Serialize;

/// One subnet, as text that people write in configuration files.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Subnet {
    network: String,
    netmask: String,
    /// None for /31 and /32, which have no broadcast address.
    #[serde(skip_serializing_if = "Option::is_none")]
    broadcast: Option<String>,
    first_host: String,
    last_host: String,
    hosts: u64,
    /// Whether the address is one of RFC 1918.
    private: bool,
}

/// Why a text names no subnet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("`{0}` lacks a prefix length; write it like `192.168.1.77/26`")]
    NoPrefix(String),
    #[error("`{0}` is not an IPv4 address; write four numbers up to 255, like `192.168.1.77`")]
    Address(String),
    #[error("`/{0}` is not a prefix length; it is a number from 0 to 32")]
    Prefix(String),
}

/// Reads `address/prefix` and computes the subnet that holds the address.
pub(crate) fn parse(cidr: &str) -> Result<Subnet, Problem> {
    let cidr = cidr.trim();
    let (address, prefix) = cidr.split_once('/').ok_or_else(|| Problem::NoPrefix(cidr.into()))?;
    let address: Ipv4Addr = address.parse().map_err(|_| Problem::Address(address.into()))?;
    let prefix = match prefix.parse::<u32>() {
        Ok(length) if length <= 32 => length,
        _ => return Err(Problem::Prefix(prefix.into())),
    };
    Ok(Subnet::new(address, prefix))
}

impl Subnet {
    fn new(address: Ipv4Addr, prefix: u32) -> Self {
        let host_bits = u32::MAX.checked_shr(prefix).unwrap_or(0);
        let network = address.to_bits() & !host_bits;
        let last = network | host_bits;
        let text = |bits: u32| Ipv4Addr::from_bits(bits).to_string();
        // In a /31 and a /32 every address is a host's.
        let spare = u32::from(prefix <= 30);
        Self {
            network: text(network),
            netmask: text(!host_bits),
            broadcast: (spare == 1).then(|| text(last)),
            first_host: text(network + spare),
            last_host: text(last - spare),
            hosts: u64::from(host_bits) + 1 - 2 * u64::from(spare),
            private: address.is_private(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cidr: &str, network: &str, first: &str, last: &str, hosts: u64) {
        let subnet = parse(cidr).unwrap();
        let found = (subnet.network.as_str(), subnet.first_host.as_str(), subnet.last_host.as_str());
        assert_eq!(found, (network, first, last), "{cidr}");
        assert_eq!(subnet.hosts, hosts, "{cidr}");
    }

    #[test]
    fn every_prefix_length_has_its_hosts() {
        check("192.168.1.77/26", "192.168.1.64", "192.168.1.65", "192.168.1.126", 62);
        check("10.0.0.9/31", "10.0.0.8", "10.0.0.8", "10.0.0.9", 2);
        check("10.0.0.9/32", "10.0.0.9", "10.0.0.9", "10.0.0.9", 1);
        check("1.2.3.4/0", "0.0.0.0", "0.0.0.1", "255.255.255.254", 4_294_967_294);
    }

    #[test]
    fn only_subnets_with_spare_addresses_have_a_broadcast_address() {
        assert_eq!(parse("10.0.0.9/30").unwrap().broadcast.as_deref(), Some("10.0.0.11"));
        assert_eq!(parse("10.0.0.9/31").unwrap().broadcast, None);
    }

    #[test]
    fn a_bad_text_is_told_apart_by_what_is_wrong_with_it() {
        let problem = |cidr| parse(cidr).unwrap_err().to_string();
        assert!(problem("10.0.0.1").contains("lacks a prefix length"));
        assert!(problem("10.0.0.256/8").contains("`10.0.0.256` is not an IPv4 address"));
        assert!(problem("10.0.0.1/33").contains("`/33` is not a prefix length"));
    }
}
