//! What Traefik demands of the arguments of each matcher.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Matcher, Term, pattern};

/// The position of the argument at fault, and the fault.
pub(super) type Fault = (usize, String);

/// Agrees with Traefik, which takes some arguments that no request can match; see `warnings`.
pub(super) fn check(term: &Term) -> Result<(), Fault> {
    let name = term.matcher.name();
    let (arity, count) = (term.matcher.arity(), term.arguments.len());
    if count == 0 {
        return Err((0, format!("`{name}` needs an argument, as in {name}(`…`)")));
    }
    if let Some(empty) = term.arguments.iter().position(String::is_empty) {
        return Err((empty, format!("an argument of `{name}` is empty")));
    }
    if !arity.contains(&count) {
        let wanted = arity.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        let way_out =
            if arity == [1] { format!("; write {name}(`…`) || {name}(`…`) for several") } else { String::new() };
        let first_wrong = arity.last().copied().unwrap_or_default().min(count - 1);
        return Err((first_wrong, format!("`{name}` takes {wanted} argument(s), not {count}{way_out}")));
    }
    let first = &term.arguments[0];
    match term.matcher {
        Matcher::Host => ascii(name, first),
        Matcher::HostRegexp | Matcher::HostSniRegexp => ascii(name, first).and_then(|()| regex(0, first)),
        Matcher::Path | Matcher::PathPrefix if !first.starts_with('/') => {
            Err((0, format!("the path `{first}` does not begin with `/`")))
        }
        Matcher::PathRegexp => regex(0, first),
        Matcher::HeaderRegexp | Matcher::QueryRegexp if count == 2 => regex(1, &term.arguments[1]),
        Matcher::ClientIp if network(first).is_none() => {
            Err((0, format!("`{first}` is neither an IP address nor a network such as 192.168.1.0/24")))
        }
        Matcher::HostSni => server_name(first),
        Matcher::Alpn if first == "acme-tls/1" => Err((0, "Traefik keeps the protocol `acme-tls/1` for itself".into())),
        _ => Ok(()),
    }
}

/// An address or a network, as Go reads them: no zone, no leading zeros in the address.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let Some((address, length)) = text.split_once('/') else { return text.parse::<IpAddr>().ok().map(IpNet::from) };
    if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    IpNet::new(address.parse().ok()?, length.trim_start_matches('0').parse().or(zeros(length)).ok()?).ok()
}

/// The length of zeros alone, whose trimmed text is empty.
fn zeros(length: &str) -> Result<u8, ()> {
    if length.bytes().all(|byte| byte == b'0') { Ok(0) } else { Err(()) }
}

fn ascii(name: &str, host: &str) -> Result<(), Fault> {
    if host.is_ascii() {
        return Ok(());
    }
    Err((0, format!("`{name}` takes ASCII only; write `{host}` in its `xn--` form")))
}

fn regex(position: usize, text: &str) -> Result<(), Fault> {
    let fault = |message| (position, format!("`{text}` is no regular expression for Traefik: {message}"));
    pattern::check(text).map_err(fault)
}

fn server_name(host: &str) -> Result<(), Fault> {
    ascii("HostSNI", host)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-:".contains(&byte);
    let name = host.strip_prefix("*.").unwrap_or(host);
    if host == "*" || !name.is_empty() && name.bytes().all(plain) {
        return Ok(());
    }
    Err((0, format!("`{host}` is no host name")))
}
