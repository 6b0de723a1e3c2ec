//! What one file of dynamic configuration holds, and what Traefik would say of it.
//!
//! `Loads::Yes` is a promise: Traefik takes the file. Where that is not sure, the answer is no.

mod decode;
mod health;
mod node;
mod references;
mod scalar;
mod schema;
mod shape;
mod text;
mod toml;
mod values;
mod yaml;

pub(crate) use node::{Entry, Node};
pub(crate) use references::references;
pub(crate) use scalar::go_seconds;

use rmcp::schemars::{self, JsonSchema};
use serde::Serialize;

use crate::finding::{Finding, Severity};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `.yml` and `.yaml`; JSON is YAML too.
    Yaml,
    /// `.toml`
    Toml,
}

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Ours: exactly as the schema says.
    Managed,
    /// A person's: read as leniently as Traefik reads it.
    Foreign,
}

/// Whether Traefik loads a file. One that it does not load freezes its whole file provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Loads {
    Yes,
    No,
    /// A template makes the file only when Traefik reads it.
    Unknown,
}

/// What can be defined by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    HttpRouter,
    HttpService,
    HttpMiddleware,
    HttpServersTransport,
    TcpRouter,
    TcpService,
    TcpMiddleware,
    TcpServersTransport,
    UdpRouter,
    UdpService,
    TlsOptions,
    TlsStore,
}

impl Kind {
    /// All kinds, in the order of the sections.
    pub(crate) const ALL: [Self; 12] = [
        Self::HttpRouter,
        Self::HttpService,
        Self::HttpMiddleware,
        Self::HttpServersTransport,
        Self::TcpRouter,
        Self::TcpService,
        Self::TcpMiddleware,
        Self::TcpServersTransport,
        Self::UdpRouter,
        Self::UdpService,
        Self::TlsOptions,
        Self::TlsStore,
    ];

    /// The section and the key below which it is defined.
    pub(crate) fn place(self) -> [&'static str; 2] {
        match self {
            Self::HttpRouter => ["http", "routers"],
            Self::HttpService => ["http", "services"],
            Self::HttpMiddleware => ["http", "middlewares"],
            Self::HttpServersTransport => ["http", "serversTransports"],
            Self::TcpRouter => ["tcp", "routers"],
            Self::TcpService => ["tcp", "services"],
            Self::TcpMiddleware => ["tcp", "middlewares"],
            Self::TcpServersTransport => ["tcp", "serversTransports"],
            Self::UdpRouter => ["udp", "routers"],
            Self::UdpService => ["udp", "services"],
            Self::TlsOptions => ["tls", "options"],
            Self::TlsStore => ["tls", "stores"],
        }
    }
}

/// One definition and its line, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Defined {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) line: u32,
}

/// One file, read and judged.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// Those that say why Traefik does not load it come first.
    pub(crate) findings: Vec<Finding>,
    /// How many of the findings say so; for an unknown verdict, why it is unknown.
    pub(crate) refusals: usize,
    pub(crate) loads: Loads,
    pub(crate) defined: Vec<Defined>,
    /// The content with the names of fields as Traefik spells them; `None` where it cannot be parsed.
    pub(crate) root: Option<Node>,
}

/// Why a text cannot be parsed.
#[derive(Debug)]
struct Fault {
    code: &'static str,
    line: u32,
    message: String,
}

impl Fault {
    fn new(code: &'static str, line: u32, message: impl Into<String>) -> Self {
        Self { code, line, message: message.into() }
    }

    fn finding(self) -> Finding {
        Finding::new(Severity::Error, self.code, self.message).on_line(self.line)
    }
}

/// Judges the text of one file; `file` is only named in the findings. Never reads another file.
pub(crate) fn check(file: &str, format: Format, origin: Origin, text: &[u8]) -> Document {
    let mut document = judge(format, origin, text);
    for finding in &mut document.findings {
        finding.file = Some(file.to_owned());
    }
    document
}

fn judge(format: Format, origin: Origin, text: &[u8]) -> Document {
    let text = match text::read(text) {
        Ok(text) => text,
        Err(fault) => return unreadable(fault),
    };
    let mut document = match parse(format, text) {
        Ok((root, notes)) => understood(origin, &root, notes),
        Err(fault) => unreadable(fault),
    };
    if let Some(line) = text::template(text) {
        mark_template(&mut document, origin, line);
    }
    document
}

fn parse(format: Format, text: &str) -> Result<(Node, Vec<Finding>), Fault> {
    match format {
        Format::Toml => Ok((toml::parse(text)?, Vec::new())),
        Format::Yaml => {
            let parsed = yaml::parse(text)?;
            let note = "only the first YAML document of this file is read; Traefik ignores the others";
            let notes = parsed.more.then(|| Finding::new(Severity::Warning, "more_documents", note));
            Ok((parsed.root, notes.into_iter().collect()))
        }
    }
}

fn unreadable(fault: Fault) -> Document {
    // A bound of ours says nothing about Traefik.
    let loads = if fault.code == "too_large" { Loads::Unknown } else { Loads::No };
    Document { findings: vec![fault.finding()], refusals: 1, loads, defined: Vec::new(), root: None }
}

fn understood(origin: Origin, root: &Node, mut notes: Vec<Finding>) -> Document {
    let decoded = decode::decode(root);
    let mut refusals = decoded.refusals;
    notes.extend(decoded.notes);
    // After a refusal the decoded tree has holes, about which the schema would only repeat the same.
    let judged = match origin {
        Origin::Managed => Some(root),
        Origin::Foreign => refusals.is_empty().then_some(&decoded.root),
    };
    for objection in judged.map(schema::check).unwrap_or_default() {
        if objection.is_harmless && origin == Origin::Foreign {
            notes.push(objection.finding);
        } else if !refusals.iter().any(|known| known.path == objection.finding.path) {
            refusals.push(objection.finding);
        }
    }
    let loads = if refusals.is_empty() { Loads::Yes } else { Loads::No };
    let values = values::check(&decoded.root).into_iter().chain(health::check(&decoded.root));
    let (count, defined) = (refusals.len(), defined(&decoded.root));
    let findings = refusals.into_iter().chain(notes).chain(values).collect();
    Document { findings, refusals: count, loads, defined, root: Some(decoded.root) }
}

fn defined(root: &Node) -> Vec<Defined> {
    let of_kind = |kind: Kind| {
        let entries = root.find(&kind.place()).map(Node::entries).unwrap_or_default();
        entries.iter().map(move |entry| Defined { kind, name: entry.key.clone(), line: entry.line })
    };
    Kind::ALL.into_iter().flat_map(of_kind).collect()
}

/// The text before the template runs proves nothing, so its other errors are only hints.
fn mark_template(document: &mut Document, origin: Origin, line: u32) {
    for finding in &mut document.findings {
        finding.severity = finding.severity.max(Severity::Warning);
    }
    let (severity, loads, message) = match origin {
        Origin::Managed => (
            Severity::Error,
            Loads::No,
            "Traefik would run `{{` as a template, which can read its environment; remove it",
        ),
        Origin::Foreign => {
            (Severity::Warning, Loads::Unknown, "Traefik runs this file as a template, so it cannot be checked fully")
        }
    };
    (document.loads, document.refusals) = (loads, 1);
    document.findings.insert(0, Finding::new(severity, "template", message).on_line(line));
}

#[cfg(test)]
mod tests;
