//! Topics whose page no search finds, because people call it otherwise than the site does.
//!
//! An alias never decides alone: its page is taken only if the site has it.

use crate::docs::words;

const HTTP: &str = "reference/routing-configuration/http/";
const INSTALL: &str = "reference/install-configuration/";
const ROUTING: &str = "reference/routing-configuration/";

/// Names of a topic, separated by commas, and its pages below a part of the site, best first.
const TABLE: [(&str, &str, &[&str]); 48] = [
    ("middlewares, http middlewares, middleware list, available middlewares", HTTP, &["middlewares/overview/"]),
    ("routers, router, http routers, routes", HTTP, &["routing/router/"]),
    ("services, service, http services, load balancer, load balancing, backends", HTTP, &["load-balancing/service/"]),
    ("rules, rule, router rules, matchers, routing rules", HTTP, &["routing/rules-and-priority/#rules"]),
    (
        "priority, priorities, router priority, rule priority",
        HTTP,
        &["routing/rules-and-priority/#priority-calculation"],
    ),
    ("host rule, host matcher, host header", HTTP, &["routing/rules-and-priority/#host-and-hostregexp"]),
    ("path prefix, pathprefix, path rule", HTTP, &["routing/rules-and-priority/#path-pathprefix-and-pathregexp"]),
    (
        "weighted round robin, weighted, weighted services, canary, canary deployment, blue green",
        HTTP,
        &["load-balancing/service/#weighted-round-robin"],
    ),
    ("healthcheck, health check, health checks, backend health", HTTP, &["load-balancing/service/#health-check"]),
    ("sticky, sticky cookie, session affinity", HTTP, &["load-balancing/service/#sticky-sessions"]),
    (
        "serversTransport, servers transport, self signed backend, insecureSkipVerify",
        HTTP,
        &["load-balancing/serverstransport/"],
    ),
    ("file provider, file, dynamic configuration directory, watch directory", INSTALL, &["providers/others/file/"]),
    ("http provider", INSTALL, &["providers/others/http/"]),
    ("providers", INSTALL, &["providers/overview/"]),
    (
        "providersThrottleDuration, throttle, throttle duration, configuration reload frequency",
        INSTALL,
        &["providers/overview/"],
    ),
    ("docker provider, docker", INSTALL, &["providers/docker/"]),
    ("docker labels, labels", ROUTING, &["other-providers/docker/"]),
    (
        "https redirect, redirect http to https, http to https, http to https redirect, redirect to https, force https",
        "",
        &[
            "reference/routing-configuration/http/middlewares/redirectscheme/",
            "reference/install-configuration/entrypoints/#configuration-options",
        ],
    ),
    ("redirect, redirects, redirections", HTTP, &["middlewares/redirectscheme/", "middlewares/redirectregex/"]),
    (
        "entry point redirect, entrypoint redirection, entrypoint redirections",
        INSTALL,
        &["entrypoints/#configuration-options"],
    ),
    (
        "trusted ips, forwarded headers, x-forwarded-for, real ip, client ip behind proxy",
        INSTALL,
        &["entrypoints/#forwarded-headers"],
    ),
    ("proxy protocol", INSTALL, &["entrypoints/#proxyprotocol-and-load-balancers"]),
    ("ports, listen", INSTALL, &["entrypoints/"]),
    (
        "letsencrypt, lets encrypt, let's encrypt, acme, automatic certificates, acme.json",
        INSTALL,
        &["tls/certificate-resolvers/acme/"],
    ),
    ("dns challenge, dns-01, dns01", INSTALL, &["tls/certificate-resolvers/acme/#dnschallenge"]),
    ("http challenge, http-01, http01", INSTALL, &["tls/certificate-resolvers/acme/#httpchallenge"]),
    ("tls challenge, tls-alpn-01", INSTALL, &["tls/certificate-resolvers/acme/#tlschallenge"]),
    ("wildcard certificate, wildcard certificates", INSTALL, &["tls/certificate-resolvers/acme/#wildcard-domains"]),
    (
        "certificate resolver, certresolver, cert resolver, certificatesResolvers",
        INSTALL,
        &["tls/certificate-resolvers/overview/", "tls/certificate-resolvers/acme/"],
    ),
    ("tls, https", HTTP, &["tls/overview/"]),
    (
        "certificates, tls certificates, default certificate, own certificate, tls store",
        HTTP,
        &["tls/tls-certificates/"],
    ),
    (
        "mtls, client certificates, client authentication, cipher suites, minimum tls version, sni strict",
        HTTP,
        &["tls/tls-options/"],
    ),
    ("api, traefik api, rest api", INSTALL, &["api-dashboard/"]),
    ("webui, web ui, ui", INSTALL, &["api-dashboard/#dashboard"]),
    ("ping, ping endpoint", INSTALL, &["observability/healthcheck/"]),
    ("metrics, prometheus", INSTALL, &["observability/metrics/"]),
    ("logs, log, access log, access logs, accesslog, log level", INSTALL, &["observability/logs-and-accesslogs/"]),
    ("tracing, opentelemetry, otlp", INSTALL, &["observability/tracing/"]),
    ("plugins, plugin", INSTALL, &["experimental/plugins/"]),
    ("static configuration, static config, install configuration", INSTALL, &["configuration-options/"]),
    ("cli, flags, cli flags, command line", "reference/static-configuration/", &["cli-ref/"]),
    ("environment variables, env", "reference/static-configuration/", &["env-ref/"]),
    ("rate limiting, throttling, requests per second", HTTP, &["middlewares/ratelimit/"]),
    ("authentication, auth, password, htpasswd", HTTP, &["middlewares/basicauth/", "middlewares/forwardauth/"]),
    ("authelia, authentik, sso, single sign on", HTTP, &["middlewares/forwardauth/"]),
    ("cors, hsts, security headers, custom headers, response headers", HTTP, &["middlewares/headers/"]),
    ("ip whitelist, whitelist, ipwhitelist, allow list, allowlist", HTTP, &["middlewares/ipallowlist/"]),
    ("rewrite, rewrite path, path rewrite", HTTP, &["middlewares/replacepathregex/", "middlewares/stripprefix/"]),
];

/// The pages that people mean by the topic, best first, as `path/` or `path/#section`.
pub(crate) fn pages(topic: &str) -> Vec<String> {
    let key = words::key(topic);
    let row = TABLE.iter().find(|(names, ..)| names.split(',').any(|name| words::key(name) == key));
    row.map(|(_, below, pages)| pages.iter().map(|page| format!("{below}{page}")).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_name_belongs_to_one_topic() {
        let mut seen = HashSet::new();
        for name in TABLE.iter().flat_map(|(names, ..)| names.split(',')) {
            let key = words::key(name);
            assert!(!key.is_empty() && (seen.insert(key.clone()) || same_row_twice(&key)), "{name}");
        }
    }

    /// Spellings that share a key are listed for the reader; they must not lie in two rows.
    fn same_row_twice(key: &str) -> bool {
        TABLE.iter().filter(|(names, ..)| names.split(',').any(|name| words::key(name) == key)).count() == 1
    }

    #[test]
    fn topics_are_found_whatever_their_spelling() {
        let overview = "reference/routing-configuration/http/middlewares/overview/";
        for topic in ["middlewares", "Middleware", "the middlewares", "HTTP middlewares"] {
            assert_eq!(pages(topic), [overview], "{topic}");
        }
        assert_eq!(pages("how to redirect HTTP to HTTPS").len(), 2);
        assert_eq!(pages("tcp middlewares"), Vec::<String>::new());
    }
}
