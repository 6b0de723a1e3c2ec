//! The checks that need the running Traefik: entry points, names of other providers, rules that are taken.
//!
//! Without it nothing fails: one finding says that these checks were left out.

use std::collections::{BTreeMap, HashMap};

use crate::api::{EntryPoint, Router, Snapshot};
use crate::document::{Document, Entry, Kind, Node, references};
use crate::failure::Failure;
use crate::finding::{Finding, Severity};
use crate::parts::Parts;
use crate::server::Context;

/// The Traefik whose dynamic configuration the schema describes.
const CHECKED: (u32, u32) = (3, 7);

/// One look at the running Traefik.
pub(super) struct Running {
    pub(super) version: String,
    snapshot: Snapshot,
    entry_points: Vec<EntryPoint>,
    /// Those that the operator knows of.
    resolvers: Vec<String>,
}

/// Looks at Traefik; the finding says why that failed.
pub(super) async fn ask(context: &Context) -> Result<Running, Finding> {
    let api = &context.api;
    let asked = async { Ok::<_, Failure>((api.version().await?, api.raw().await?, api.entry_points().await?)) };
    let (version, snapshot, entry_points) = asked.await.map_err(|failure| {
        let message = format!("not compared with the running Traefik: {failure}");
        Finding::new(Severity::Info, "live_unchecked", message)
    })?;
    Ok(Running { version: version.version, snapshot, entry_points, resolvers: context.settings.cert_resolvers.clone() })
}

/// Running routers of one protocol by their rules, with the names that their files give them.
type ByRule<'a> = HashMap<&'a str, Vec<(&'a str, &'a Router)>>;

impl Running {
    /// Compares documents with what runs.
    pub(super) fn compare(&self, documents: &[(Option<String>, Document)]) -> Vec<Finding> {
        let of = [
            (Kind::HttpRouter, &self.snapshot.routers),
            (Kind::TcpRouter, &self.snapshot.tcp_routers),
            (Kind::UdpRouter, &self.snapshot.udp_routers),
        ];
        let running = of.map(|(kind, routers)| (kind, by_rule(kind, routers)));
        let mut findings: Vec<_> = self.too_old().into_iter().collect();
        for (file, document) in documents {
            let Some(root) = &document.root else { continue };
            let found = self.providers(root).into_iter().chain(self.routers(root, &running));
            findings.extend(found.map(|finding| match file {
                Some(file) => finding.in_file(file),
                None => finding,
            }));
        }
        findings
    }

    /// What is taken here is what Traefik takes since 3.7.
    fn too_old(&self) -> Option<Finding> {
        let mut numbers = self.version.trim_start_matches('v').split(['.', '-']).map(|part| part.parse().ok());
        let known: (u32, u32) = (numbers.next()??, numbers.next()??);
        let message = format!(
            "this is Traefik {}, and the check knows the fields of 3.7: it may take some that this Traefik refuses",
            self.version
        );
        (known < CHECKED).then(|| Finding::new(Severity::Info, "old_traefik", message))
    }

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

    fn routers(&self, root: &Node, running: &[(Kind, ByRule<'_>)]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (kind, running) in running {
            for entry in root.find(&kind.place()).map(Node::entries).unwrap_or_default() {
                let path = format!("{}.{}", kind.place().join("."), entry.key);
                findings.extend(self.entry_points(&entry.value, &path));
                findings.extend(self.resolver(&entry.value, &path));
                if let Some(name) = twin(entry, running) {
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

fn by_rule(kind: Kind, routers: &BTreeMap<String, Router>) -> ByRule<'_> {
    // Only HTTP routers have parts.
    let parts = if kind == Kind::HttpRouter { Parts::of(routers) } else { Parts::default() };
    let mut found = ByRule::new();
    for (full, router) in routers.iter().filter(|(_, router)| !router.rule.is_empty()) {
        found.entry(&router.rule).or_default().push((parts.whole(full), router));
    }
    found
}

/// Another running router with the rule of this one and an entry point in common.
fn twin<'a>(entry: &Entry, running: &ByRule<'a>) -> Option<&'a str> {
    let others = running.get(entry.value.get("rule").and_then(Node::text)?)?;
    let own = format!("{}@file", entry.key);
    let places = entry.value.get("entryPoints").map(Node::texts).unwrap_or_default();
    let is_shared = |other: &Router| {
        places.is_empty() || places.iter().any(|(name, _)| other.entry_points.iter().any(|point| point == name))
    };
    others.iter().find(|(name, other)| *name != own && is_shared(other)).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traefik_before_the_one_that_the_schema_describes_is_mentioned() {
        let running = |version: &str| Running {
            version: version.to_owned(),
            snapshot: Snapshot::default(),
            entry_points: Vec::new(),
            resolvers: Vec::new(),
        };
        for (version, is_old) in [
            ("3.6.9", true),
            ("v2.11.0", true),
            ("3.7.0", false),
            ("3.7.0-rc.1", false),
            ("4.0.0", false),
            ("dev", false),
        ] {
            let found = running(version).compare(&[]);
            let codes: Vec<_> = found.iter().map(|finding| finding.code.as_str()).collect();
            assert_eq!(codes == ["old_traefik"], is_old, "{version}: {found:?}");
        }
    }
}
