//! Claude Desktop's `mcpServers`: many shards in one JSON file, accepted as it is.
//!
//! The file belongs to another program, so what is unknown here is only warned of, and `${}` stays as it is.

use std::path::Path;

use super::{
    Entry,
    process::{Fill, Launch, Reader},
};
use crate::config::{
    environment::Environment,
    fields::{Fields, Unknown},
    name::{Prefix, ShardName},
    node::Node,
    problem::{At, Report, quote},
    spec::ShardSpec,
};

/// The key that tells such a file.
pub(super) const KEY: &str = "mcpServers";

const KEYS: [&str; 8] = ["command", "args", "env", "cwd", "disabled", "type", "url", "headers"];

/// Reads every entry of the file that `root` is.
pub(super) fn read(root: &Node, file: &Path, environment: &dyn Environment, report: &mut Report) -> Vec<Entry> {
    let servers = Fields::root(root, &[KEY], Unknown::Ignored, report);
    let servers = servers.and_then(|fields| fields.get(KEY));
    let mut entries = Vec::new();
    for (key, field) in servers.map(|field| field.pairs(report)).unwrap_or_default() {
        let Some(name) = ShardName::slug(&key.text) else {
            let name = quote(&key.text);
            let fault = format!("{name} cannot name a shard: it has no letter and no digit; rename it");
            report.error(key.at, fault);
            continue;
        };
        let before = report.errors();
        let spec = spec(&name, field.node, key.at, file, environment, report);
        let spec = spec.filter(|_| report.errors() == before);
        entries.push(Entry { name, spec, at: key.at });
    }
    entries
}

fn spec(
    name: &ShardName,
    node: &Node,
    at: At,
    file: &Path,
    environment: &dyn Environment,
    report: &mut Report,
) -> Option<ShardSpec> {
    let fields = Fields::root(node, &KEYS, Unknown::Warning, report)?;
    let disabled = fields.get("disabled").and_then(|field| field.flag(report)).unwrap_or(false);
    if is_remote(&fields) {
        let server = quote(name.as_str());
        let fault = format!("{server} is reached by URL, and the gateway runs stdio servers only");
        report.error(at, format!("{fault}; {BRIDGE}"));
        return None;
    }
    let process = Reader::new(file, environment, Fill::Never, report);
    let process = if disabled { process.disabled() } else { process };
    let Launch { process, mask } = process.read(name, &fields, at)?;
    let prefix = Prefix::parse(name.as_str()).expect("a slug can serve as a prefix");
    let plain = ShardSpec::new(name.clone(), file, process, prefix, mask);
    Some(ShardSpec { enabled: !disabled, ..plain })
}

const BRIDGE: &str = "give it a `command` that bridges, such as `npx` with `mcp-remote` and the URL";

fn is_remote(fields: &Fields<'_>) -> bool {
    let remote_type = fields.get("type").is_some_and(|field| !field.is("stdio"));
    fields.get("command").is_none() && (remote_type || fields.get("url").is_some())
}
