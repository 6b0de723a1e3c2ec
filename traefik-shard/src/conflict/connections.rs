//! TCP routers on the same entry points: who gets the connection, before any request is seen.
//!
//! Traefik's API shows both as enabled. With TLS an HTTP router that names the host comes before every TCP router;
//! without TLS a TCP router comes before every HTTP router.

use super::{Conflict, Kind};
use crate::api::{EntryPoint, Router, Snapshot};
use crate::route::Built;
use crate::rule::{self, Overlap, Protocol, Rule};

/// The live TCP routers that would lose connections to ours, or keep them from it.
pub(super) fn find(built: &Built, live: &Snapshot, entry_points: &[EntryPoint]) -> Vec<Conflict> {
    let has_tls = |name: &String| entry_points.iter().any(|point| point.name == *name && point.http.tls.is_some());
    let (secure, plain): (Vec<&String>, Vec<&String>) =
        built.entry_points.iter().partition(|name| built.tls || has_tls(name));
    let redirect = built.redirect.iter().flat_map(|redirect| &redirect.entry_points);
    let plain: Vec<&String> = plain.into_iter().chain(redirect).collect();
    let attached = live.tcp_routers.iter().filter(|(_, router)| router.status != "disabled");
    attached
        .filter_map(|(name, router)| {
            let parsed = rule::parse(&router.rule, Protocol::Tcp).ok()?;
            let (points, kind) = match &router.tls {
                Some(_) => (&secure, over_tls(built, &parsed)?),
                None => (&plain, if parsed.is_catch_all() { Kind::Shadowed } else { Kind::Yields }),
            };
            let shared = points.iter().filter(|point| router.using.contains(point));
            let shared: Vec<String> = shared.map(|point| (*point).clone()).collect();
            (!shared.is_empty()).then(|| conflict(name, router, kind, shared))
        })
        .collect()
}

/// What the hosts that our rule names take from a TCP router; `None`: nothing.
fn over_tls(built: &Built, theirs: &Rule) -> Option<Kind> {
    let hosts = built.parsed.hosts();
    let mut names = hosts.iter().filter_map(|host| rule::parse(&format!("HostSNI(`{host}`)"), Protocol::Tcp).ok());
    names.any(|ours| rule::overlap(&ours, theirs) != Overlap::None).then(|| match theirs.is_catch_all() {
        true => Kind::FromCatchAll,
        false => Kind::Hijack,
    })
}

fn conflict(name: &str, router: &Router, kind: Kind, shared: Vec<String>) -> Conflict {
    let blocking = matches!(kind, Kind::Hijack | Kind::Shadowed);
    let outcome = match kind {
        Kind::Hijack => {
            "would lose the TLS connections for our hosts, because Traefik gives them to HTTP routers first; choose other hosts; allow_overlap accepts that"
        }
        Kind::Shadowed => {
            "takes every connection before HTTP routers are asked, so ours would get no request; choose another entry point; allow_overlap accepts that"
        }
        Kind::FromCatchAll => "is there for every name, and ours comes before it",
        _ => "may take connections before HTTP routers are asked",
    };
    Conflict {
        kind,
        blocking,
        route: name.to_owned(),
        provider: name.rsplit_once('@').map_or("", |(_, provider)| provider).to_owned(),
        file: None,
        rule: Some(router.rule.clone()),
        priority: router.priority,
        message: format!("the TCP router `{name}` on {} {outcome}", shared.join(", ")),
        entry_points: shared,
        allowed_by: blocking.then_some("allow_overlap"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::route::{self, Request, RouteSettings};

    #[track_caller]
    fn meets(fields: &Value, other: &Value, expected: Option<Kind>) {
        let points: Vec<EntryPoint> = serde_json::from_value(json!([
            { "name": "web", "address": ":80" }, { "name": "websecure", "address": ":443" },
        ]))
        .unwrap();
        let mut all = json!({ "name": "app", "host": "app.test", "backend_url": "http://10.0.0.5:3000" });
        for (key, value) in fields.as_object().unwrap() {
            all[key] = value.clone();
        }
        let request: Request = serde_json::from_value(all).unwrap();
        let settings =
            RouteSettings { name_prefix: "mcp-", backend_nets: &[], api_url: None, entry_points: Some(&points) };
        let built = route::build(&request, &settings).unwrap();
        let live = serde_json::from_value(json!({ "tcpRouters": { "t@docker": other } })).unwrap();
        let found = find(&built, &live, &points);
        assert_eq!(found.first().map(|conflict| conflict.kind), expected, "{fields} and {other}: {found:?}");
    }

    #[test]
    fn over_tls_ours_takes_the_connections_of_its_hosts() {
        let tls = json!({ "tls": {} });
        let other = |rule: &str| json!({ "rule": rule, "using": ["websecure"], "tls": { "passthrough": true } });
        meets(&tls, &other("HostSNI(`app.test`)"), Some(Kind::Hijack));
        meets(&tls, &other("HostSNI(`*.test`)"), Some(Kind::Hijack));
        meets(&tls, &other("HostSNIRegexp(`^a`)"), Some(Kind::Hijack));
        meets(&tls, &other("HostSNI(`b.test`)"), None);
        meets(&tls, &other("HostSNI(`*`)"), Some(Kind::FromCatchAll));
        meets(&json!({}), &other("HostSNI(`app.test`)"), None);
        let two = json!({ "tls": {}, "host": null, "hosts": ["app.test", "b.test"] });
        meets(&two, &other("HostSNI(`b.test`)"), Some(Kind::Hijack));
    }

    #[test]
    fn without_tls_a_tcp_router_takes_every_connection() {
        let other = json!({ "rule": "HostSNI(`*`)", "using": ["web"] });
        meets(&json!({}), &other, Some(Kind::Shadowed));
        meets(&json!({ "redirect_https": true }), &other, Some(Kind::Shadowed));
        meets(&json!({ "tls": {} }), &other, None);
        let some = json!({ "rule": "HostSNI(`*`) && ClientIP(`10.0.0.1`)", "using": ["web"] });
        meets(&json!({}), &some, Some(Kind::Yields));
        meets(&json!({}), &json!({ "rule": "HostSNI(`*`)", "using": ["other"] }), None);
        meets(&json!({}), &json!({ "rule": "HostSNI(`*`)", "using": ["web"], "status": "disabled" }), None);
    }
}
