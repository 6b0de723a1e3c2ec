//! The file of one route: typed structures, written as YAML.
//!
//! Only what is set is written, because Traefik refuses empty maps.

use std::collections::BTreeMap;

use serde::Serialize;

use super::entry_points::Places;
use super::{HealthCheck, Redirect, Request, Tls};
use crate::failure::{Code, Failure};

/// What the file is made of; everything in it has been checked.
pub(super) struct Plan<'a> {
    pub(super) request: &'a Request,
    pub(super) prefix: &'a str,
    pub(super) rule: &'a str,
    pub(super) servers: &'a [super::backends::Server],
    pub(super) places: &'a Places,
}

/// The file's text and the names in it.
pub(super) struct Written {
    pub(super) body: String,
    pub(super) router: String,
    pub(super) service: String,
    pub(super) redirect: Option<Redirect>,
    pub(super) middlewares: Vec<String>,
}

#[derive(Serialize)]
struct File<'a> {
    http: Http<'a>,
}

#[derive(Serialize)]
struct Http<'a> {
    routers: BTreeMap<String, Router<'a>>,
    services: BTreeMap<String, Service<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    middlewares: BTreeMap<String, Middleware<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Router<'a> {
    rule: &'a str,
    entry_points: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    middlewares: Vec<String>,
    service: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<RouterTls<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RouterTls<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cert_resolver: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    domains: Vec<TlsDomain>,
}

#[derive(Serialize)]
struct TlsDomain {
    main: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sans: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Service<'a> {
    load_balancer: LoadBalancer<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoadBalancer<'a> {
    servers: Vec<Server<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pass_host_header: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    health_check: Option<Health<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Server<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    preserve_path: Option<bool>,
}

#[derive(Serialize)]
struct Health<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<&'a str>,
}

/// Exactly one of them is set.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Middleware<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    strip_prefix: Option<StripPrefix<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_scheme: Option<RedirectScheme>,
}

#[derive(Serialize)]
struct StripPrefix<'a> {
    prefixes: [&'a str; 1],
}

#[derive(Serialize)]
struct RedirectScheme {
    scheme: &'static str,
}

/// Writes the file; the text holds no template marker.
pub(super) fn write(plan: &Plan<'_>) -> Result<Written, Failure> {
    let base = format!("{}{}", plan.prefix, plan.request.name);
    let mut own = BTreeMap::new();
    let mut chain = plan.request.middlewares.clone();
    if let Some(prefix) = plan.request.path_prefix.as_deref().filter(|_| plan.request.strip_prefix) {
        let name = format!("{base}-strip");
        let strip_prefix = Some(StripPrefix { prefixes: [prefix] });
        own.insert(name.clone(), Middleware { strip_prefix, ..Middleware::default() });
        chain.push(name);
    }
    let tls = plan.request.tls.as_ref();
    let router = Router {
        rule: plan.rule,
        entry_points: &plan.places.main,
        middlewares: chain,
        service: base.clone(),
        priority: plan.request.priority.filter(|&priority| priority != 0),
        tls: plan.places.tls.then(|| router_tls(tls)),
    };
    let mut routers = BTreeMap::from([(base.clone(), router)]);
    let redirect = (!plan.places.plain.is_empty()).then(|| Redirect {
        router: format!("{base}-http"),
        middleware: format!("{base}-redirect"),
        entry_points: plan.places.plain.clone(),
    });
    if let Some(redirect) = &redirect {
        let redirect_scheme = Some(RedirectScheme { scheme: "https" });
        own.insert(redirect.middleware.clone(), Middleware { redirect_scheme, ..Middleware::default() });
        routers.insert(redirect.router.clone(), redirecting(plan, redirect, &base));
    }
    let middlewares = own.keys().cloned().collect();
    let services = BTreeMap::from([(base.clone(), service(plan))]);
    let body = text(&File { http: Http { routers, services, middlewares: own } })?;
    Ok(Written { body, router: base.clone(), service: base, redirect, middlewares })
}

fn redirecting<'a>(plan: &Plan<'a>, redirect: &Redirect, service: &str) -> Router<'a> {
    Router {
        rule: plan.rule,
        entry_points: &plan.places.plain,
        middlewares: vec![redirect.middleware.clone()],
        service: service.to_owned(),
        priority: plan.request.priority.filter(|&priority| priority != 0),
        tls: None,
    }
}

fn router_tls(tls: Option<&Tls>) -> RouterTls<'_> {
    // Names that have been checked are normal; the fallback is what was given.
    let normal = |name: &String| super::hosts::normal(name).unwrap_or_else(|_| name.clone());
    let domains = tls.map(|tls| &tls.domains[..]).unwrap_or_default().iter();
    RouterTls {
        options: tls.and_then(|tls| tls.options.as_deref()),
        cert_resolver: tls.and_then(|tls| tls.cert_resolver.as_deref()),
        domains: domains
            .map(|domain| TlsDomain { main: normal(&domain.main), sans: domain.sans.iter().map(normal).collect() })
            .collect(),
    }
}

fn service<'a>(plan: &Plan<'a>) -> Service<'a> {
    let servers = plan.servers.iter();
    let health = |check: &'a HealthCheck| Health {
        path: &check.path,
        interval: check.interval.as_deref(),
        timeout: check.timeout.as_deref(),
    };
    Service {
        load_balancer: LoadBalancer {
            servers: servers
                .map(|server| Server { url: &server.url, preserve_path: server.has_path.then_some(true) })
                .collect(),
            pass_host_header: plan.request.pass_host_header,
            health_check: plan.request.health_check.as_ref().map(health),
        },
    }
}

fn text(file: &File<'_>) -> Result<String, Failure> {
    let refuse = |fault: &str| Failure::new(Code::InvalidInput, fault, "use plain names, hosts and paths");
    let body = serde_yaml::to_string(file).map_err(|_| refuse("the route cannot be written as YAML"))?;
    if body.contains("{{") {
        return Err(refuse("the file would hold `{{`, which Traefik runs as a template"));
    }
    Ok(body)
}
