//! The checks that need the running Traefik: entry points, names of other providers, rules that are taken.
//!
//! Without it nothing fails: one finding says that these checks were left out.

use crate::api::{EntryPoint, Router, Snapshot};
use crate::document::{Document, Kind, Node, references};
use crate::failure::Failure;
use crate::finding::{Finding, Severity};
use crate::parts::Parts;
use crate::server::Context;

/// Compares documents with what runs.
pub(super) async fn check(context: &Context, documents: &[(Option<String>, Document)]) -> Vec<Finding> {
    let asked = async { Ok::<_, Failure>((context.api.raw().await?, context.api.entry_points().await?)) };
    let (snapshot, entry_points) = match asked.await {
        Ok(answers) => answers,
        Err(failure) => {
            let message = format!("not compared with the running Traefik: {failure}");
            return vec![Finding::new(Severity::Info, "live_unchecked", message)];
        }
    };
    let live = Live { snapshot: &snapshot, entry_points: &entry_points, resolvers: &context.settings.cert_resolvers };
    let mut findings = Vec::new();
    for (file, document) in documents {
        let Some(root) = &document.root else { continue };
        let found = live.providers(root).into_iter().chain(live.routers(root));
        findings.extend(found.map(|finding| match file {
            Some(file) => finding.in_file(file),
            None => finding,
        }));
    }
    findings
}

struct Live<'a> {
    snapshot: &'a Snapshot,
    entry_points: &'a [EntryPoint],
    resolvers: &'a [String],
}

impl Live<'_> {
    /// Names of other providers; those of the file provider are looked up in the files.
    fn providers(&self, root: &Node) -> Vec<Finding> {
        let is_missing = |kind: Kind, name: &str| match kind {
            Kind::HttpRouter => !self.snapshot.routers.contains_key(name),
            Kind::HttpService => !self.snapshot.services.contains_key(name),
            Kind::HttpMiddleware => !self.snapshot.middlewares.contains_key(name),
            Kind::TcpRouter => !self.snapshot.tcp_routers.contains_key(name),
            Kind::TcpService => !self.snapshot.tcp_services.contains_key(name),
            Kind::TcpMiddleware => !self.snapshot.tcp_middlewares.contains_key(name),
            Kind::UdpRouter => !self.snapshot.udp_routers.contains_key(name),
            Kind::UdpService => !self.snapshot.udp_services.contains_key(name),
            // Traefik's API does not list these.
            Kind::HttpServersTransport | Kind::TcpServersTransport | Kind::TlsOptions | Kind::TlsStore => false,
        };
        let mut findings = Vec::new();
        for reference in references(root) {
            let is_foreign = reference.name.contains('@') && !reference.name.ends_with("@file");
            if is_foreign && is_missing(reference.kind, &reference.name) {
                let message =
                    format!("Traefik does not know `{}` at present and disables what uses it", reference.name);
                let finding = Finding::new(Severity::Error, "missing_reference", message);
                findings.push(finding.at(&reference.path).on_line(reference.line));
            }
        }
        findings
    }

    fn routers(&self, root: &Node) -> Vec<Finding> {
        let mut findings = Vec::new();
        let of = [
            (Kind::HttpRouter, &self.snapshot.routers),
            (Kind::TcpRouter, &self.snapshot.tcp_routers),
            (Kind::UdpRouter, &self.snapshot.udp_routers),
        ];
        for (kind, running) in of {
            let parts = if kind == Kind::HttpRouter { Parts::of(running) } else { Parts::default() };
            for entry in root.find(&kind.place()).map(Node::entries).unwrap_or_default() {
                let path = format!("{}.{}", kind.place().join("."), entry.key);
                findings.extend(self.entry_points(&entry.value, &path));
                findings.extend(self.resolver(&entry.value, &path));
                let own = format!("{}@file", entry.key);
                let mut others = running.iter().map(|(full, other)| (parts.whole(full), other));
                let twin = others.find(|(name, other)| *name != own && is_same(&entry.value, other));
                if let Some((name, _)) = twin {
                    let message =
                        format!("`{name}` has the same rule on the same entry point; which one wins is not defined");
                    findings
                        .push(Finding::new(Severity::Warning, "rule_conflict", message).at(&path).on_line(entry.line));
                }
            }
        }
        findings
    }

    fn entry_points(&self, router: &Node, path: &str) -> Vec<Finding> {
        let Some(node) = router.get("entryPoints") else { return Vec::new() };
        let is_known = |name: &str| self.entry_points.iter().any(|entry_point| entry_point.name == name);
        let names = node.texts();
        let none = names.iter().all(|(name, _)| !is_known(name));
        let severity = if none { Severity::Error } else { Severity::Warning };
        let known: Vec<_> = self.entry_points.iter().map(|entry_point| entry_point.name.as_str()).collect();
        let unknown = names.iter().filter(|(name, _)| !is_known(name));
        let finding = |(name, line): &(&str, u32)| {
            let message = format!("Traefik has no entry point `{name}`; it has {}", known.join(", "));
            Finding::new(severity, "unknown_entry_point", message).at(&format!("{path}.entryPoints")).on_line(*line)
        };
        unknown.map(finding).collect()
    }

    /// The API does not list resolvers, so only one that is in use is known to exist.
    fn resolver(&self, router: &Node, path: &str) -> Option<Finding> {
        let node = router.find(&["tls", "certResolver"])?;
        let name = node.text()?;
        let routers = self.snapshot.routers.values().chain(self.snapshot.tcp_routers.values());
        let mut used = routers.filter_map(|router| router.tls.as_ref()?.cert_resolver.as_deref());
        if self.resolvers.iter().any(|known| known == name) || used.any(|known| known == name) {
            return None;
        }
        let message = format!("whether Traefik has the certificate resolver `{name}` cannot be seen from here");
        let finding = Finding::new(Severity::Info, "unknown_resolver", message);
        Some(finding.at(&format!("{path}.tls.certResolver")).on_line(node.line))
    }
}

/// Whether a running router has the rule of this one, and an entry point in common.
fn is_same(router: &Node, running: &Router) -> bool {
    let rule = router.get("rule").and_then(Node::text).unwrap_or_default();
    let own = router.get("entryPoints").map(Node::texts).unwrap_or_default();
    let shares = own.is_empty() || own.iter().any(|(name, _)| running.entry_points.iter().any(|other| other == name));
    !rule.is_empty() && rule == running.rule && shares
}
