//! Values that Traefik loads but cannot use: each disables the routers that depend on it and nothing else.
//!
//! A finding here never changes whether a document loads.

use url::Url;

use super::Kind;
use super::node::{Entry, Node, Value};
use crate::finding::{Finding, Severity};
use crate::rule::{self, MAX_PRIORITY, Protocol};

/// The lists and strings that are regular expressions, in HTTP middlewares.
const PATTERNS: [[&str; 2]; 5] = [
    ["redirectRegex", "regex"],
    ["replacePathRegex", "regex"],
    ["stripPrefixRegex", "regex"],
    ["headers", "accessControlAllowOriginListRegex"],
    ["forwardAuth", "authResponseHeadersRegex"],
];

/// The lists of addresses and networks, in HTTP and TCP middlewares.
const NETWORKS: [[&str; 2]; 2] = [["ipAllowList", "sourceRange"], ["ipWhiteList", "sourceRange"]];

/// The lists whose members carry a weight.
const WEIGHTED: [[&str; 2]; 3] =
    [["weighted", "services"], ["highestRandomWeight", "services"], ["loadBalancer", "servers"]];

/// What is wrong with the values of a document that was decoded.
pub(super) fn check(root: &Node) -> Vec<Finding> {
    let mut checker = Checker { findings: Vec::new(), path: String::new() };
    checker.each(root, Kind::HttpRouter, |checker, router| checker.router(router, Some(Protocol::Http)));
    checker.each(root, Kind::TcpRouter, |checker, router| checker.router(router, Some(Protocol::Tcp)));
    checker.each(root, Kind::UdpRouter, |checker, router| checker.router(router, None));
    checker.each(root, Kind::HttpService, |checker, service| {
        checker.weights(&service.value);
        checker.servers(&service.value);
    });
    checker.each(root, Kind::TcpService, |checker, service| {
        checker.one_type(service);
        checker.weights(&service.value);
        checker.addresses(&service.value);
    });
    checker.each(root, Kind::UdpService, |checker, service| {
        checker.one_type(service);
        checker.weights(&service.value);
        checker.addresses(&service.value);
    });
    checker.each(root, Kind::HttpMiddleware, |checker, middleware| checker.middleware(&middleware.value));
    checker.each(root, Kind::TcpMiddleware, |checker, middleware| {
        checker.one_type(middleware);
        checker.middleware(&middleware.value);
    });
    checker.findings
}

struct Checker {
    findings: Vec<Finding>,
    path: String,
}

impl Checker {
    fn each(&mut self, root: &Node, kind: Kind, mut look: impl FnMut(&mut Self, &Entry)) {
        for entry in root.find(&kind.place()).map(Node::entries).unwrap_or_default() {
            self.path = format!("{}.{}", kind.place().join("."), entry.key);
            look(self, entry);
        }
    }

    fn say(&mut self, severity: Severity, code: &str, field: &str, line: u32, message: String) {
        let path = if field.is_empty() { self.path.clone() } else { format!("{}.{field}", self.path) };
        self.findings.push(Finding::new(severity, code, message).at(&path).on_line(line));
    }

    /// `None`: a UDP router, which has no rule.
    fn router(&mut self, entry: &Entry, protocol: Option<Protocol>) {
        let router = &entry.value;
        if router.get("service").and_then(Node::text).is_none_or(str::is_empty) {
            let message = "this router has no service, so Traefik disables it; name one".into();
            self.say(Severity::Error, "no_service", "", entry.line, message);
        }
        let Some(protocol) = protocol else { return };
        match router.get("rule").and_then(|rule| Some((rule.text()?, rule.line))) {
            None | Some(("", _)) => {
                let message = "this router has no rule, so Traefik disables it".into();
                self.say(Severity::Error, "no_rule", "", entry.line, message);
            }
            Some((rule, line)) => self.rule(rule, line, router, protocol),
        }
        if let Some((priority, line)) = integer(router.get("priority"))
            && priority > i128::from(MAX_PRIORITY)
        {
            let message = format!("Traefik keeps priorities above {MAX_PRIORITY} for itself and disables this router");
            self.say(Severity::Error, "bad_priority", "priority", line, message);
        }
    }

    fn rule(&mut self, text: &str, line: u32, router: &Node, protocol: Protocol) {
        if router.get("ruleSyntax").and_then(Node::text) == Some("v2") {
            let message = "this rule is in the old syntax `v2`, which is not checked here and will go".into();
            return self.say(Severity::Info, "old_rule_syntax", "ruleSyntax", line, message);
        }
        match rule::parse(text, protocol) {
            Ok(rule) => {
                let path = format!("{}.rule", self.path);
                self.findings.extend(rule.warnings().into_iter().map(|warning| warning.at(&path).on_line(line)));
                let has_tls =
                    router.get("tls").is_some_and(|tls| !matches!(tls.value, Value::Null | Value::Bool(false)));
                if rule.needs_tls() && !has_tls {
                    let message = "a server name is only known with TLS, so Traefik disables this router; give it `tls`, \
                                   or match HostSNI(`*`)";
                    self.say(Severity::Error, "no_tls", "rule", line, message.into());
                }
            }
            Err(error) => {
                let message = format!(
                    "the rule fails in column {}: {}; Traefik disables this router",
                    error.column, error.message
                );
                self.say(Severity::Error, "bad_rule", "rule", line, message);
            }
        }
    }

    fn one_type(&mut self, entry: &Entry) {
        if entry.value.entries().len() != 1 {
            let message =
                format!("`{}` must have exactly one type; Traefik disables every router that uses it", entry.key);
            self.say(Severity::Error, "not_one_type", "", entry.line, message);
        }
    }

    fn weights(&mut self, service: &Node) {
        for path in WEIGHTED {
            for (place, member) in service.find(&path).map(Node::items).unwrap_or_default().iter().enumerate() {
                if let Some((weight, line)) = integer(member.get("weight"))
                    && weight < 0
                {
                    let field = format!("{}.{place}.weight", path.join("."));
                    self.say(Severity::Error, "bad_weight", &field, line, "a weight is not negative".into());
                }
            }
        }
        for (place, mirror) in
            service.find(&["mirroring", "mirrors"]).map(Node::items).unwrap_or_default().iter().enumerate()
        {
            if let Some((percent, line)) = integer(mirror.get("percent"))
                && !(0..=100).contains(&percent)
            {
                let field = format!("mirroring.mirrors.{place}.percent");
                self.say(Severity::Error, "bad_weight", &field, line, "a percentage lies between 0 and 100".into());
            }
        }
    }

    fn servers(&mut self, service: &Node) {
        let Some(balancer) = service.get("loadBalancer") else { return };
        let servers = balancer.get("servers").map(Node::items).unwrap_or_default();
        if servers.is_empty() {
            let message = "this service has no servers, so every request gets 503".into();
            self.say(Severity::Warning, "no_servers", "loadBalancer", balancer.line, message);
        }
        for (place, server) in servers.iter().enumerate() {
            let field = format!("loadBalancer.servers.{place}.url");
            match server.get("url").and_then(|url| Some((url.text()?, url.line))) {
                Some((text, line)) => self.url(&field, text, line),
                None => self.say(Severity::Error, "bad_url", &field, server.line, "this server has no url".into()),
            }
        }
    }

    /// Never shows the URL, which may hold a password.
    fn url(&mut self, field: &str, text: &str, line: u32) {
        let is_good =
            Url::parse(text).is_ok_and(|url| url.has_host() && ["http", "https", "h2c"].contains(&url.scheme()));
        if !is_good {
            let message = "this is not a URL such as http://10.0.0.7:8080; Traefik disables what uses it".into();
            self.say(Severity::Error, "bad_url", field, line, message);
        }
    }

    fn addresses(&mut self, service: &Node) {
        for (place, server) in
            service.find(&["loadBalancer", "servers"]).map(Node::items).unwrap_or_default().iter().enumerate()
        {
            let address = server.get("address").and_then(Node::text).unwrap_or_default();
            let is_good =
                address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
            if !is_good {
                let field = format!("loadBalancer.servers.{place}.address");
                let message = "a server needs an address such as 10.0.0.7:5432".into();
                self.say(Severity::Error, "bad_address", &field, server.line, message);
            }
        }
    }

    fn middleware(&mut self, middleware: &Node) {
        for path in PATTERNS {
            for (text, line) in middleware.find(&path).map(Node::texts).unwrap_or_default() {
                if let Err(fault) = rule::check_expression(text) {
                    let message = format!("Traefik does not take this regular expression: {fault}");
                    self.say(Severity::Error, "bad_regex", &path.join("."), line, message);
                }
            }
        }
        for path in NETWORKS {
            for (text, line) in middleware.find(&path).map(Node::texts).unwrap_or_default() {
                if text.parse::<std::net::IpAddr>().is_err() && text.parse::<ipnet::IpNet>().is_err() {
                    let message = format!("`{text}` is neither an address nor a network such as 10.0.0.0/8");
                    self.say(Severity::Error, "bad_cidr", &path.join("."), line, message);
                }
            }
        }
        if let Some(address) = middleware.find(&["forwardAuth", "address"]) {
            self.url("forwardAuth.address", address.text().unwrap_or_default(), address.line);
        }
    }
}

fn integer(node: Option<&Node>) -> Option<(i128, u32)> {
    let node = node?;
    match node.value {
        Value::Integer(value) => Some((value, node.line)),
        _ => None,
    }
}
