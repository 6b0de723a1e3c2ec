//! The keys of a shard file.
//!
//! A key that is left out has the default that is written here or in `config::spec`, nowhere else.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use super::{
    Entry,
    process::{Fill, Launch, Reader},
};
use crate::config::{
    environment::Environment,
    fields::{Field, Fields, Unknown},
    name::{Prefix, ShardName},
    node::{EMPTY, Node},
    problem::{At, Report, quote},
    spec::{Capability, Instances, Limits, ProcessSpec, Protocol, Reload, ShardSpec, Start, Timeouts, ViewSpec},
    tools::{Patterns, ToolRules},
};

/// Every key that there is.
pub(super) const KEYS: [&str; 16] = [
    "command",
    "args",
    "env",
    "cwd",
    "enabled",
    "prefix",
    "tools",
    "instances",
    "reload",
    "roots",
    "declare",
    "start",
    "idle_stop",
    "protocol",
    "timeouts",
    "limits",
];

const CAPABILITIES: [(&str, Capability); 3] =
    [("sampling", Capability::Sampling), ("elicitation", Capability::Elicitation), ("roots", Capability::Roots)];

/// Reads the shard that `root` describes.
pub(super) fn read(
    name: ShardName,
    root: &Node,
    known: &[&str],
    file: &Path,
    environment: &dyn Environment,
    report: &mut Report,
) -> Entry {
    let at = root.get("prefix").unwrap_or(root).at;
    if root.is_null() {
        report.error(root.at, EMPTY);
        return Entry { name, spec: None, at };
    }
    let spec = Fields::root(root, known, Unknown::Error, report)
        .and_then(|fields| spec(&name, &fields, root.at, file, environment, report));
    let spec = spec.filter(|_| report.errors() == 0);
    Entry { name, spec, at }
}

fn spec(
    name: &ShardName,
    fields: &Fields<'_>,
    at: At,
    file: &Path,
    environment: &dyn Environment,
    report: &mut Report,
) -> Option<ShardSpec> {
    let enabled = fields.get("enabled").and_then(|field| field.flag(report)).unwrap_or(true);
    let process = Reader::new(file, environment, Fill::In, report);
    let process = if enabled { process } else { process.disabled() };
    let launch = process.read(name, fields, at);

    let protocol = choice(fields, "protocol", &PROTOCOLS, report);
    let instances = choice(fields, "instances", &INSTANCES, report);
    let reload = choice(fields, "reload", &RELOADS, report);
    let start = choice(fields, "start", &STARTS, report);
    let idle_stop = fields.get("idle_stop").and_then(|field| idle_stop(&field, report));
    let prefix = prefix(name, fields, at, report);
    let tools = fields.get("tools").map(|field| tools(&field, report)).unwrap_or_default();
    let roots = roots(fields, report);
    let declare = declare(fields, report);
    let timeouts = timeouts(fields, report);
    let limits = limits(fields, report);

    let Launch { process, mask } = launch?;
    let process = ProcessSpec { protocol, instances, ..process };
    let plain = ShardSpec::new(name.clone(), file, process, prefix?, mask);
    Some(ShardSpec {
        view: ViewSpec { tools, ..plain.view },
        enabled,
        reload,
        roots,
        declare,
        start,
        idle_stop,
        timeouts,
        limits,
        ..plain
    })
}

// The first of each is the default.
const PROTOCOLS: [(&str, Protocol); 3] =
    [("auto", Protocol::Auto), ("legacy", Protocol::Legacy), ("modern", Protocol::Modern)];
const INSTANCES: [(&str, Instances); 3] =
    [("shared", Instances::Shared), ("exclusive", Instances::Exclusive), ("per_session", Instances::PerSession)];
const RELOADS: [(&str, Reload); 2] = [("swap", Reload::Swap), ("restart", Reload::Restart)];
const STARTS: [(&str, Start); 2] = [("eager", Start::Eager), ("lazy", Start::Lazy)];

fn choice<T: Copy>(fields: &Fields<'_>, key: &str, options: &[(&str, T)], report: &mut Report) -> T {
    let chosen = fields.get(key).and_then(|field| field.choice(options, report));
    chosen.unwrap_or(options[0].1)
}

fn idle_stop(field: &Field<'_>, report: &mut Report) -> Option<Duration> {
    if field.is("never") {
        return None;
    }
    field.duration(Duration::from_secs(1), report)
}

fn prefix(name: &ShardName, fields: &Fields<'_>, at: At, report: &mut Report) -> Option<Prefix> {
    let Some(field) = fields.get("prefix") else {
        let fault = |fault| {
            let name = quote(name.as_str());
            report.error(at, format!("the name {name} cannot serve as prefix: {fault}; set `prefix`"));
        };
        return Prefix::parse(name.as_str()).map_err(fault).ok();
    };
    let text = field.as_written(report)?;
    let fault = |fault| field.error(report, format!("{}: {fault}; write another", quote(text)));
    Prefix::parse(text).map_err(fault).ok()
}

fn tools(field: &Field<'_>, report: &mut Report) -> ToolRules {
    let fields = field.fields(&["allow", "deny", "rename"], report);
    let allow = match fields.get("allow") {
        Some(field) if field.node.is_null() => {
            field.error(report, "has no value; write `[\"*\"]` for all tools or `[]` for none");
            Patterns::everything()
        }
        Some(field) => patterns(&field, report),
        None => Patterns::everything(),
    };
    let deny = fields.get("deny").map(|field| patterns(&field, report));
    let rename = fields.get("rename").map(|field| rename(&field, report));
    ToolRules::new(allow, deny.unwrap_or_else(Patterns::nothing), rename.unwrap_or_default())
}

fn patterns(field: &Field<'_>, report: &mut Report) -> Patterns {
    let mut globs = Vec::new();
    for item in field.items(report) {
        let Some(text) = item.as_written(report) else {
            continue;
        };
        match Patterns::check(text) {
            Ok(glob) => globs.push(glob),
            Err(fault) => item.error(report, format!("{} is not a pattern: {fault}", quote(text))),
        }
    }
    Patterns::new(&globs).unwrap_or_else(|fault| {
        field.error(report, fault);
        Patterns::nothing()
    })
}

fn rename(field: &Field<'_>, report: &mut Report) -> BTreeMap<String, String> {
    let mut new_names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut renames = BTreeMap::new();
    for (own, value) in field.pairs(report) {
        let Some(new) = value.as_written(report) else {
            continue;
        };
        if new.is_empty() {
            value.error(report, "is empty; write the tool's new name");
        } else if let Some(other) = new_names.insert(new, &own.text) {
            let (new, other) = (quote(new), quote(other));
            value.error(report, format!("{new} is the new name of {other} already; choose another"));
        }
        renames.insert(own.text.clone(), new.to_owned());
    }
    renames
}

fn declare(fields: &Fields<'_>, report: &mut Report) -> BTreeSet<Capability> {
    let Some(field) = fields.get("declare") else {
        return Capability::ALL.into();
    };
    if field.node.is_null() {
        field.error(report, "has no value; write `[]` for nothing, or remove the key for all");
    }
    let items = field.items(report);
    items.iter().filter_map(|item| item.choice(&CAPABILITIES, report)).collect()
}

fn roots(fields: &Fields<'_>, report: &mut Report) -> Vec<String> {
    let items = fields.get("roots").map(|field| field.items(report)).unwrap_or_default();
    items.iter().filter_map(|item| root(item, report)).collect()
}

/// A root as a URI, which is what shards are told.
fn root(item: &Field<'_>, report: &mut Report) -> Option<String> {
    let text = item.text(report)?;
    if text.starts_with("file:///") {
        return Some(text.to_owned());
    }
    if !text.starts_with('/') {
        item.error(report, format!("{} is not a root; write an absolute path", quote(text)));
        return None;
    }
    let mut uri = String::from("file://");
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(byte.into());
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    Some(uri)
}

fn timeouts(fields: &Fields<'_>, report: &mut Report) -> Timeouts {
    let default = Timeouts::default();
    let Some(field) = fields.get("timeouts") else {
        return default;
    };
    let fields = field.fields(&["start", "call", "max", "drain", "stop"], report);
    let mut read = |key: &str, least: Duration, default: Duration| {
        let duration = fields.get(key).and_then(|field| field.duration(least, report));
        duration.unwrap_or(default)
    };
    let moment = Duration::from_millis(1);
    let timeouts = Timeouts {
        start: read("start", moment, default.start),
        call: read("call", moment, default.call),
        max: read("max", moment, default.max),
        drain: read("drain", Duration::ZERO, default.drain),
        stop: read("stop", Duration::ZERO, default.stop),
    };
    if timeouts.call > timeouts.max {
        let call = humantime::format_duration(timeouts.call);
        let max = humantime::format_duration(timeouts.max);
        field.error(report, format!("`call` ({call}) is longer than `max` ({max}); raise `max` too"));
    }
    timeouts
}

fn limits(fields: &Fields<'_>, report: &mut Report) -> Limits {
    let default = Limits::default();
    let Some(field) = fields.get("limits") else {
        return default;
    };
    let fields = field.fields(&["in_flight", "message"], report);
    let in_flight = fields.get("in_flight").and_then(|field| field.count(Limits::MOST_IN_FLIGHT, report));
    let message = fields.get("message").and_then(|field| field.size(Limits::MESSAGE, report));
    Limits { in_flight: in_flight.unwrap_or(default.in_flight), message: message.unwrap_or(default.message) }
}
