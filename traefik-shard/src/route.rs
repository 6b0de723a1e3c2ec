//! A route as a caller asks for it, and the configuration that it becomes.
//!
//! Pure: what is asked and what is known of Traefik go in, a file's text or all problems at once
//! come out. No text of a caller reaches the file but through typed fields.

mod backends;
mod checks;
mod entry_points;
mod file;
mod hosts;
#[cfg(test)]
mod tests;

use ipnet::IpNet;
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use url::Url;

use self::checks::Problems;
use crate::api::EntryPoint;
use crate::failure::Failure;
use crate::finding::Finding;
use crate::rule::{self, Protocol, Rule};

/// A new HTTP route, or a change of one that is managed here.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// Name of the route: lower-case letters, digits and `-`, at most 63 characters, such as `grafana`.
    /// The router and the service in Traefik get it with a prefix, as `mcp-grafana@file`.
    pub(crate) name: String,
    /// The host name to expose, such as `grafana.example.com`, without scheme, port or path.
    /// `*.example.com` stands for every name one level below. Give exactly one of `host`, `hosts` and `rule`.
    #[serde(default)]
    pub(crate) host: Option<String>,
    /// Several host names for the same backend.
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    /// A whole rule of Traefik 3, where hosts and a path prefix are not enough, such as
    /// ``Host(`a.example.com`) && !Path(`/admin`)``. Strings stand between backticks; join with `&&`, `||` and `!`.
    #[serde(default)]
    pub(crate) rule: Option<String>,
    /// Only requests whose path begins with this, such as `/api`. Traefik compares characters, so `/api`
    /// also matches `/apix`; `/api/` matches only what lies below.
    #[serde(default)]
    pub(crate) path_prefix: Option<String>,
    /// Where requests go: `http://`, `https://` or `h2c://`, host and port, as Traefik reaches it, such as
    /// `http://192.168.1.20:3000`. Give exactly one of `backend_url` and `backend_urls`.
    #[serde(default)]
    pub(crate) backend_url: Option<String>,
    /// Several servers that share the requests.
    #[serde(default)]
    pub(crate) backend_urls: Vec<String>,
    /// Traefik's entry points to listen on, such as `["websecure"]`. Without it: the TLS ones if TLS is on,
    /// else the plain HTTP one.
    #[serde(default)]
    pub(crate) entry_points: Vec<String>,
    /// Present: the route is served over TLS.
    #[serde(default)]
    pub(crate) tls: Option<Tls>,
    /// Middlewares that exist already, in the order in which requests pass them, such as `auth@file`.
    /// Without `@` they are looked for in the file provider.
    #[serde(default)]
    pub(crate) middlewares: Vec<String>,
    /// Take `path_prefix` off the path before the backend sees it.
    #[serde(default)]
    pub(crate) strip_prefix: bool,
    /// Also listen on the plain HTTP entry point and redirect from there to https. Turns TLS on.
    #[serde(default)]
    pub(crate) redirect_https: bool,
    /// Which route wins where several match: the higher one. Without it, or with 0, the length of the rule counts.
    #[serde(default)]
    pub(crate) priority: Option<i64>,
    /// Whether the backend sees the client's `Host` header (true, the default) or its own address (false).
    #[serde(default)]
    pub(crate) pass_host_header: Option<bool>,
    /// Let Traefik ask the backends whether they are well; without it they count as up for ever.
    #[serde(default)]
    pub(crate) health_check: Option<HealthCheck>,
    /// Allow replacing a managed route of the same name. Everything is written anew: repeat what should stay.
    #[serde(default)]
    pub(crate) overwrite: bool,
    /// Only replace the file if its SHA-256 is still this one, as an earlier call gave it; implies `overwrite`.
    #[serde(default)]
    pub(crate) if_match: Option<String>,
    /// With `overwrite`: replace a managed file even if a person has edited it by hand since.
    #[serde(default)]
    pub(crate) force: bool,
    /// Go on although another route answers some of the same requests. Ask the person first.
    #[serde(default)]
    pub(crate) allow_overlap: bool,
    /// Check everything and show the file, but write nothing. Works without Traefik too.
    #[serde(default)]
    pub(crate) dry_run: bool,
    /// How long to wait until the route is live, 1 to 120 seconds; by default what the operator set.
    #[serde(default)]
    #[schemars(range(min = 1, max = 120))]
    pub(crate) wait_seconds: Option<u64>,
}

/// How the route does TLS.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// False: plain HTTP. Default: true.
    #[serde(default)]
    pub(crate) enabled: Option<bool>,
    /// The certificate resolver of Traefik's static configuration that gets the certificate, such as
    /// `letsencrypt`. Without it Traefik uses the certificates that it has.
    #[serde(default)]
    pub(crate) cert_resolver: Option<String>,
    /// Existing TLS options, such as `modern@file`.
    #[serde(default)]
    pub(crate) options: Option<String>,
    /// The names that the resolver asks a certificate for, where they are not the route's hosts, such as a wildcard.
    #[serde(default)]
    pub(crate) domains: Vec<Domain>,
}

/// The names on one certificate.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Domain {
    /// The first name, such as `example.com`.
    pub(crate) main: String,
    /// Further names, such as `*.example.com`.
    #[serde(default)]
    pub(crate) sans: Vec<String>,
}

/// How Traefik asks the backends whether they are well.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HealthCheck {
    /// What is asked for, such as `/health`; an answer of 2xx or 3xx is well.
    pub(crate) path: String,
    /// Time between two questions, such as `10s`. Default: 30s.
    #[serde(default)]
    pub(crate) interval: Option<String>,
    /// How long an answer may take, such as `3s`. Default: 5s.
    #[serde(default)]
    pub(crate) timeout: Option<String>,
}

/// What the operator has set, and what is known of Traefik.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RouteSettings<'a> {
    /// What every name in Traefik begins with.
    pub(crate) name_prefix: &'a str,
    /// Backends must lie in one of these; empty: anywhere.
    pub(crate) backend_nets: &'a [IpNet],
    /// Where Traefik's API is: no place for requests to go.
    pub(crate) api_url: Option<&'a Url>,
    /// `None`: Traefik could not be asked.
    pub(crate) entry_points: Option<&'a [EntryPoint]>,
}

/// A route as it will be written.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    /// The router's name in the file; live it ends in `@file`.
    pub(crate) router: String,
    /// The router that redirects from plain HTTP, if any.
    pub(crate) redirect: Option<Redirect>,
    pub(crate) service: String,
    /// Names of the middlewares that the file defines.
    pub(crate) middlewares: Vec<String>,
    pub(crate) rule: String,
    pub(crate) parsed: Rule,
    pub(crate) entry_points: Vec<String>,
    /// `None`: Traefik's default.
    pub(crate) priority: Option<i64>,
    /// Whether the router itself says `tls`.
    pub(crate) tls: bool,
    /// The file without our header.
    pub(crate) body: String,
    pub(crate) warnings: Vec<Finding>,
}

/// The second router of a route that redirects to https; it has the same rule and priority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redirect {
    pub(crate) router: String,
    pub(crate) middleware: String,
    pub(crate) entry_points: Vec<String>,
}

impl Built {
    /// The priority that Traefik will compare.
    pub(crate) fn effective_priority(&self) -> i64 {
        self.priority.unwrap_or_else(|| rule::default_priority(&self.rule, Protocol::Http))
    }
}

/// Checks the request and makes the file's text; a refusal names every problem.
pub(crate) fn build(request: &Request, settings: &RouteSettings<'_>) -> Result<Built, Failure> {
    let mut problems = Problems::default();
    let mut warnings = Vec::new();
    checks::plain_fields(request, settings, &mut problems);
    let matched = hosts::rule_of(request, &mut problems, &mut warnings);
    let servers = backends::check(request, settings.backend_nets, &mut problems);
    let places = entry_points::choose(request, settings.entry_points, &mut problems, &mut warnings);
    let (Some((text, parsed)), Some(places)) = (matched, places) else { return Err(problems.into_failure()) };
    problems.none()?;
    warnings.extend(parsed.warnings().into_iter().map(|finding| finding.at("rule")));
    warnings.extend(backends::remarks(&servers, settings, &parsed));
    let plan = file::Plan { request, prefix: settings.name_prefix, rule: &text, servers: &servers, places: &places };
    let written = file::write(&plan)?;
    Ok(Built {
        router: written.router,
        redirect: written.redirect,
        service: written.service,
        middlewares: written.middlewares,
        rule: text,
        parsed,
        entry_points: places.main,
        priority: request.priority.filter(|&priority| priority != 0),
        tls: places.tls,
        body: written.body,
        warnings,
    })
}
