//! Whether everything that a new route refers to is there: Traefik would disable a router for what is not.
//!
//! Pure: what was asked and one look at the API in, a refusal or warnings out.

use crate::api::{EntryPoint, Router, Snapshot};
use crate::change::asked::{Asked, qualified};
use crate::document::Kind;
use crate::failure::{Code, Failure};
use crate::tree::Tree;

/// What is known of the world that a route comes into.
pub(crate) struct World<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) entry_points: &'a [EntryPoint],
    pub(crate) tree: Option<&'a Tree>,
    /// Certificate resolvers that the operator knows of.
    pub(crate) resolvers: &'a [String],
}

/// Refuses what cannot work; returns warnings about what cannot be known.
pub(crate) fn check(asked: &Asked, world: &World<'_>) -> Result<Vec<String>, Failure> {
    let mut warnings = Vec::new();
    for router in asked.routers.values() {
        for name in &router.entry_points {
            entry_point(name, world.entry_points)?;
        }
        for name in &router.middlewares {
            middleware(name, asked, world.snapshot, &mut warnings)?;
        }
        let service = qualified(&router.service);
        if !asked.services.contains_key(&router.service) && !world.snapshot.services.contains_key(&service) {
            return Err(unknown("service", &service, world.snapshot.services.keys()));
        }
        tls(router, world, &mut warnings)?;
    }
    Ok(warnings)
}

fn entry_point(name: &str, known: &[EntryPoint]) -> Result<(), Failure> {
    let streams = || known.iter().filter(|entry_point| !entry_point.address.ends_with("/udp"));
    match streams().any(|entry_point| entry_point.name == name) {
        true => Ok(()),
        false => Err(unknown("entry point for HTTP", name, streams().map(|entry_point| &entry_point.name))),
    }
}

fn middleware(name: &str, asked: &Asked, snapshot: &Snapshot, warnings: &mut Vec<String>) -> Result<(), Failure> {
    let full = qualified(name);
    let own = full.strip_suffix("@file").is_some_and(|own| asked.middlewares.contains_key(own));
    match snapshot.middlewares.get(&full) {
        _ if own => Ok(()),
        None => Err(unknown("middleware", &full, snapshot.middlewares.keys())),
        Some(seen) => {
            if !seen.error.is_empty() {
                warnings.push(format!("Traefik has something against middleware `{full}`: {}", seen.error.join(", ")));
            }
            Ok(())
        }
    }
}

fn tls(router: &Router, world: &World<'_>, warnings: &mut Vec<String>) -> Result<(), Failure> {
    let Some(tls) = &router.tls else { return Ok(()) };
    if let Some(resolver) = tls.cert_resolver.as_deref().filter(|resolver| !resolver.is_empty())
        && !is_known_resolver(resolver, world)
    {
        warnings.push(format!(
            "no route uses the certificate resolver `{resolver}` yet, and Traefik's API does not tell whether there is one: \
             if there is none, Traefik serves its default certificate"
        ));
    }
    let Some(options) = tls.options.as_deref().filter(|options| !options.is_empty()) else { return Ok(()) };
    match (options.rsplit_once('@'), world.tree) {
        (None, _) if options == "default" => Ok(()),
        (None | Some((_, "file")), Some(tree)) => {
            let name = options.strip_suffix("@file").unwrap_or(options);
            match tree.definitions(Kind::TlsOptions, name).is_empty() {
                false => Ok(()),
                true => {
                    let defined = tree.files.iter().flat_map(|file| &file.document.defined);
                    let options = defined.filter(|defined| defined.kind == Kind::TlsOptions);
                    Err(unknown("set of TLS options", name, options.map(|defined| &defined.name)))
                }
            }
        }
        _ => {
            warnings.push(format!("whether there are TLS options `{options}` cannot be seen from here"));
            Ok(())
        }
    }
}

fn is_known_resolver(resolver: &str, world: &World<'_>) -> bool {
    let routers = world.snapshot.routers.values().chain(world.snapshot.tcp_routers.values());
    let of_routers = routers.filter_map(|router| router.tls.as_ref());
    let of_entry_points = world.entry_points.iter().filter_map(|entry_point| entry_point.http.tls.as_ref());
    let mut in_use = of_routers.chain(of_entry_points).filter_map(|tls| tls.cert_resolver.as_deref());
    world.resolvers.iter().any(|known| known == resolver) || in_use.any(|known| known == resolver)
}

fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a String>) -> Failure {
    let mut known: Vec<&String> = known.collect();
    known.sort();
    known.dedup();
    let near = known.iter().map(|other| (strsim::damerau_levenshtein(name, other), other));
    let nearest =
        near.filter(|(distance, _)| *distance <= 3).min().map(|(_, other)| format!("did you mean `{other}`? "));
    let shown = known.iter().take(30).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let rest = known.len().saturating_sub(30);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    let hint = match known.is_empty() {
        true => "Traefik knows none at all".to_owned(),
        false => format!("{}Traefik knows {shown}{more}", nearest.unwrap_or_default()),
    };
    Failure::new(Code::InvalidInput, format!("there is no {kind} `{name}`"), hint).with("missing", name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judge(router: &str) -> Result<Vec<String>, String> {
        let snapshot = serde_json::from_value(json!({
            "routers": {"old@docker": {"service": "s", "tls": {"certResolver": "used"}}},
            "middlewares": {"auth@file": {"status": "enabled"}, "bad@file": {"status": "disabled", "error": ["broken"]}},
            "services": {"s@docker": {}}}))
        .unwrap();
        let entry_points: Vec<EntryPoint> = serde_json::from_value(json!([
            {"name": "web", "address": ":80"}, {"name": "dns", "address": ":53/udp"}]))
        .unwrap();
        let text = format!(
            "http: {{routers: {{r: {{rule: 'Host(`a`)', {router}}}}}, services: {{own: {{}}}}, middlewares: {{m: {{}}}}}}"
        );
        let world =
            World { snapshot: &snapshot, entry_points: &entry_points, tree: None, resolvers: &["set".to_owned()] };
        check(&Asked::read(&text).unwrap(), &world).map_err(|failure| failure.to_string())
    }

    #[test]
    fn what_is_there_passes() {
        let router = "service: own, entryPoints: [web], middlewares: [m, m@file, auth, auth@file]";
        assert_eq!(judge(router), Ok(vec![]));
        assert_eq!(judge("service: s@docker"), Ok(vec![]));
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        for (router, expected) in [
            ("service: own, entryPoints: [wab]", "no entry point for HTTP `wab`; did you mean `web`?"),
            ("service: own, entryPoints: [dns]", "no entry point for HTTP `dns`"),
            ("service: own, middlewares: [aut]", "no middleware `aut@file`; did you mean `auth@file`?"),
            ("service: own, middlewares: [auth@docker]", "no middleware `auth@docker`"),
            ("service: s", "no service `s@file`"),
        ] {
            let refusal = judge(router).unwrap_err();
            assert!(refusal.contains(expected), "{refusal}");
        }
    }

    #[test]
    fn only_an_unknown_resolver_is_warned_of() {
        for (resolver, warnings) in [("used", 0), ("set", 0), ("other", 1)] {
            let judged = judge(&format!("service: own, tls: {{certResolver: {resolver}}}")).unwrap();
            assert_eq!(judged.len(), warnings, "{resolver}");
        }
    }

    #[test]
    fn a_broken_middleware_is_warned_of() {
        assert_eq!(judge("service: own, middlewares: [bad]").unwrap().len(), 1);
    }
}
