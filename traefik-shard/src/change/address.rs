//! Where a route should answer, as a URL that a person can open.
//!
//! A guess from what Traefik tells: a port that is published under another number is not known here.

use crate::api::{EntryPoint, Router};

/// The first host and path of the rule on the first entry point; `None` where the rule names no plain host.
pub(crate) fn of(router: &Router, hosts: &[String], paths: &[String], entry_points: &[EntryPoint]) -> Option<String> {
    let host = hosts.iter().find(|host| !host.contains('*'))?;
    let entry_point = match router.entry_points.first() {
        Some(first) => entry_points.iter().find(|entry_point| entry_point.name == *first),
        None => None,
    };
    let tls = router.tls.is_some() || entry_point.is_some_and(|entry_point| entry_point.http.tls.is_some());
    let (scheme, usual) = if tls { ("https", "443") } else { ("http", "80") };
    let port = entry_point.and_then(|entry_point| port(&entry_point.address)).filter(|port| *port != usual);
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let path = paths.first().map_or("/", String::as_str);
    Some(format!("{scheme}://{host}{port}{path}"))
}

/// The port of an address such as `:443`, `127.0.0.1:80` or `[::]:443/tcp`.
fn port(address: &str) -> Option<&str> {
    let address = address.split_once('/').map_or(address, |(address, _)| address);
    let (_, port) = address.rsplit_once(':')?;
    port.bytes().all(|byte| byte.is_ascii_digit()).then_some(port)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(router: serde_json::Value, host: &str, path: &[&str], expected: Option<&str>) {
        let entry_points: Vec<EntryPoint> = serde_json::from_value(json!([
            {"name": "web", "address": ":80"}, {"name": "odd", "address": "[::]:8080/tcp"}, {"name": "websecure", "address": ":443"},
            {"name": "tls", "address": "127.0.0.1:8443", "http": {"tls": {}}}]))
        .unwrap();
        let router = serde_json::from_value(router).unwrap();
        let paths: Vec<String> = path.iter().map(|&path| path.into()).collect();
        assert_eq!(of(&router, &[host.into()], &paths, &entry_points).as_deref(), expected);
    }

    #[test]
    fn scheme_and_port_are_those_of_the_entry_point() {
        check(json!({"entryPoints": ["web"]}), "a.test", &[], Some("http://a.test/"));
        check(json!({"entryPoints": ["odd"]}), "a.test", &["/x"], Some("http://a.test:8080/x"));
        check(json!({"entryPoints": ["websecure"], "tls": {}}), "a.test", &[], Some("https://a.test/"));
        check(json!({"entryPoints": ["tls"]}), "a.test", &[], Some("https://a.test:8443/"));
        check(json!({}), "a.test", &[], Some("http://a.test/"));
    }

    #[test]
    fn a_wildcard_is_no_address() {
        check(json!({"entryPoints": ["web"]}), "*.test", &[], None);
    }
}
