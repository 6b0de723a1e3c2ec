//! Routers that Traefik has split, and the name that their configuration gives them.
//!
//! Where an entry point has settings for all its HTTP routers (TLS, middlewares, observability), Traefik
//! makes of a router on several entry points one more for that one: `app@file` becomes
//! `websecure-app@file`, and where each of its entry points has settings `app@file` is gone.

use std::collections::BTreeMap;

use crate::api::{Router, Snapshot};

/// Which live HTTP routers are parts, and of which router.
#[derive(Debug, Default)]
pub(crate) struct Parts<'a> {
    wholes: BTreeMap<&'a str, &'a str>,
}

impl<'a> Parts<'a> {
    /// Finds the parts. A router of a name such as `web-app` that a person chose is none: a part never is alone.
    pub(crate) fn of(routers: &'a BTreeMap<String, Router>) -> Self {
        let mut groups: BTreeMap<&str, Vec<(&str, &Router)>> = BTreeMap::new();
        for (full, router) in routers {
            if let Some(whole) = without_entry_point(full, router) {
                groups.entry(whole).or_default().push((full, router));
            }
        }
        let mut wholes = BTreeMap::new();
        for (whole, group) in groups {
            let rest = routers.get(whole).filter(|rest| group.iter().all(|(_, part)| is_apart(rest, part)));
            for (full, part) in &group {
                let others = group.iter().filter(|(other, _)| other != full).map(|(_, other)| *other);
                if others.chain(rest).any(|other| is_alike(part, other)) {
                    wholes.insert(*full, whole);
                }
            }
        }
        Self { wholes }
    }

    /// The full name of the router that this one is, or is a part of.
    pub(crate) fn whole(&self, full: &'a str) -> &'a str {
        self.wholes.get(full).copied().unwrap_or(full)
    }
}

/// The live routers of a file's router `name`. Who knows the name takes a part for one even when it is alone.
pub(crate) fn parts<'a>(snapshot: &'a Snapshot, name: &str) -> Vec<&'a Router> {
    let wanted = format!("{name}@file");
    let is_own = |full: &str, router: &Router| full == wanted || without_entry_point(full, router) == Some(&wanted);
    snapshot.routers.iter().filter(|(full, router)| is_own(full, router)).map(|(_, router)| router).collect()
}

/// The full name that a router would be a part of, if it is one.
fn without_entry_point<'a>(full: &'a str, router: &Router) -> Option<&'a str> {
    let [only] = router.entry_points.as_slice() else { return None };
    full.strip_prefix(only.as_str())?.strip_prefix('-')
}

/// Traefik gives an entry point either to the rest or to a part.
fn is_apart(rest: &Router, part: &Router) -> bool {
    part.entry_points.iter().all(|name| !rest.entry_points.contains(name))
}

/// Parts of one router differ in what their entry points add: middlewares and TLS.
fn is_alike(one: &Router, two: &Router) -> bool {
    one.rule == two.rule && one.service == two.service
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wholes(routers: &[(&str, &[&str], &str)]) -> Vec<(String, String)> {
        let router = |(full, entry_points, service): &(&str, &[&str], &str)| {
            let router = json!({"entryPoints": entry_points, "rule": "Host(`a`)", "service": service});
            ((*full).to_owned(), serde_json::from_value(router).unwrap())
        };
        let routers: BTreeMap<String, Router> = routers.iter().map(router).collect();
        let parts = Parts::of(&routers);
        routers.keys().map(|full| (full.clone(), parts.whole(full).to_owned())).filter(|(f, w)| f != w).collect()
    }

    #[test]
    fn a_part_has_the_name_of_its_entry_point_before_its_own_and_is_not_alone() {
        let pair = |full: &str, whole: &str| (full.to_owned(), whole.to_owned());
        let both: &[(&str, &[&str], &str)] = &[("web-app@file", &["web"], "s"), ("tls-app@file", &["tls"], "s")];
        assert_eq!(wholes(both), [pair("tls-app@file", "app@file"), pair("web-app@file", "app@file")]);
        let rest: &[(&str, &[&str], &str)] = &[("app@docker", &["web", "x"], "s"), ("tls-app@docker", &["tls"], "s")];
        assert_eq!(wholes(rest), [pair("tls-app@docker", "app@docker")]);
        let twice: &[(&str, &[&str], &str)] =
            &[("web-web-app@file", &["web"], "s"), ("tls-web-app@file", &["tls"], "s")];
        let of_twice = [pair("tls-web-app@file", "web-app@file"), pair("web-web-app@file", "web-app@file")];
        assert_eq!(wholes(twice), of_twice);
    }

    #[test]
    fn a_name_that_only_looks_like_a_part_is_left() {
        let cases: [&[(&str, &[&str], &str)]; 5] = [
            &[("web-app@file", &["web"], "s")],
            &[("web-app@file", &["web"], "s"), ("app@file", &["tls"], "other")],
            &[("web-app@file", &["web"], "s"), ("app@file", &["web"], "s")],
            &[("web-app@file", &["web", "tls"], "s"), ("app@file", &["tcp"], "s")],
            &[("web-app@file", &["web"], "s"), ("tls-app@docker", &["tls"], "s")],
        ];
        for routers in cases {
            assert_eq!(wholes(routers), [], "{routers:?}");
        }
    }
}
