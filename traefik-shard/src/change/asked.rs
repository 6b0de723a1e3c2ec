//! What a managed file asks of Traefik, and whether Traefik serves exactly that.
//!
//! Pure: values in, a verdict out. A router that is there with yesterday's values is not yet live.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::api::{EntryPoint, HealthCheck, Router, RouterTls, Service, Snapshot};
use crate::document::go_seconds;
pub(crate) use crate::parts::parts;

/// The provider of everything that a file defines.
const PROVIDER: &str = "@file";

/// The definitions of one managed file, by their names in the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    pub(crate) routers: BTreeMap<String, Router>,
    pub(crate) services: BTreeMap<String, Service>,
    pub(crate) middlewares: BTreeMap<String, Value>,
    /// Routers that an earlier version of the file had and this one has not.
    #[serde(skip)]
    absent: BTreeSet<String>,
}

/// What Traefik says at one moment.
pub(crate) struct Live<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) entry_points: &'a [EntryPoint],
    /// The options of the asked middlewares, by full name; those of others are not needed.
    pub(crate) middlewares: &'a BTreeMap<String, Value>,
}

/// Whether Traefik serves what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not, or not yet; with the first difference.
    Differs(String),
    /// Yes, though Traefik may have something to say about it.
    Live { warnings: Vec<String> },
    /// Traefik read it and refuses to serve it.
    Refused { errors: Vec<String> },
}

impl Asked {
    /// Reads the text of a file; `None`: it is not of the shape that this shard writes.
    pub(crate) fn read(text: &str) -> Option<Self> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct File {
            http: Asked,
        }
        serde_yaml::from_str::<File>(text).ok().map(|file| file.http)
    }

    /// The same, in the place of an earlier version: what only that one had must be gone.
    pub(crate) fn replacing(mut self, earlier: &Self) -> Self {
        self.absent = earlier.routers.keys().filter(|name| !self.routers.contains_key(*name)).cloned().collect();
        self
    }

    /// Whether the live router of this whole name is one of these.
    pub(crate) fn owns(&self, whole: &str) -> bool {
        whole.strip_suffix(PROVIDER).is_some_and(|name| self.routers.contains_key(name))
    }

    /// The full names of the middlewares, whose options must be asked for one by one.
    pub(crate) fn full_middlewares(&self) -> impl Iterator<Item = String> {
        self.middlewares.keys().map(|name| qualified(name))
    }

    /// Compares all definitions with what is live.
    pub(crate) fn judge(&self, live: &Live<'_>) -> Verdict {
        if let Some(name) = self.absent.iter().find(|name| !parts(live.snapshot, name).is_empty()) {
            return Verdict::Differs(format!("router `{}` is still there", qualified(name)));
        }
        let mut complaints = Complaints::default();
        for (name, asked) in &self.routers {
            if let Err(difference) = compare_router(name, asked, live, &mut complaints) {
                return Verdict::Differs(difference);
            }
        }
        for (name, asked) in &self.services {
            if let Err(difference) = compare_service(name, asked, live, &mut complaints) {
                return Verdict::Differs(difference);
            }
        }
        for (name, asked) in &self.middlewares {
            let full = qualified(name);
            if !live.middlewares.get(&full).is_some_and(|seen| contains(seen, asked)) {
                return Verdict::Differs(format!("middleware `{full}` is not there with these options"));
            }
        }
        complaints.verdict()
    }

    /// Whether none of the routers is live in any of its parts.
    pub(crate) fn gone(&self, snapshot: &Snapshot) -> bool {
        self.routers.keys().all(|name| parts(snapshot, name).is_empty())
    }
}

/// What Traefik says about the definitions that it has.
#[derive(Default)]
struct Complaints {
    disabled: bool,
    texts: Vec<String>,
}

impl Complaints {
    fn note(&mut self, status: &str, errors: &[String]) {
        self.disabled |= status == "disabled";
        for error in errors {
            if !self.texts.contains(error) {
                self.texts.push(error.clone());
            }
        }
    }

    fn verdict(self) -> Verdict {
        match self.disabled {
            true => Verdict::Refused { errors: self.texts },
            false => Verdict::Live { warnings: self.texts },
        }
    }
}

fn compare_router(name: &str, asked: &Router, live: &Live<'_>, complaints: &mut Complaints) -> Result<(), String> {
    let parts = parts(live.snapshot, name);
    let full = qualified(name);
    if parts.is_empty() {
        return Err(format!("router `{full}` is not there"));
    }
    let seen: BTreeSet<&str> = parts.iter().flat_map(|part| part.entry_points.iter().map(String::as_str)).collect();
    let wanted: BTreeSet<&str> = asked.entry_points.iter().map(String::as_str).collect();
    if !wanted.is_empty() && seen != wanted {
        return Err(format!("router `{full}` still has other entry points"));
    }
    for part in parts {
        compare_part(asked, part, live.entry_points)
            .map_err(|field| format!("router `{full}` still has another {field}"))?;
        complaints.note(&part.status, &part.error);
    }
    Ok(())
}

/// Compares what the file says with one live part; the error names the field.
fn compare_part(asked: &Router, part: &Router, entry_points: &[EntryPoint]) -> Result<(), &'static str> {
    // Only a part on a single entry point takes over the settings of that entry point.
    let defaults = match part.entry_points.as_slice() {
        [only] => entry_points.iter().find(|entry_point| entry_point.name == *only),
        _ => None,
    };
    let inherited = defaults.map(|entry_point| entry_point.http.middlewares.as_slice()).unwrap_or_default();
    let middlewares: Vec<String> = inherited.iter().chain(&asked.middlewares).map(|name| qualified(name)).collect();
    let default_tls = defaults.and_then(|entry_point| entry_point.http.tls.as_ref());
    let unbuilt = part.status == "disabled" && part.priority.unwrap_or_default() == 0;
    let priority_holds = match asked.priority.filter(|priority| *priority != 0) {
        _ if unbuilt => true,
        Some(priority) => part.priority == Some(priority),
        None => part.priority.is_none_or(|seen| seen == 0 || i64::try_from(asked.rule.len()) == Ok(seen)),
    };
    let checks = [
        (part.rule == asked.rule, "rule"),
        (qualified(&part.service) == qualified(&asked.service), "service"),
        (part.middlewares.iter().map(|name| qualified(name)).eq(middlewares), "list of middlewares"),
        (priority_holds, "priority"),
        (same_tls(asked.tls.as_ref().or(default_tls), part.tls.as_ref()), "kind of TLS"),
    ];
    checks.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, field)| Err(field))
}

fn same_tls(asked: Option<&RouterTls>, seen: Option<&RouterTls>) -> bool {
    let (asked, seen) = match (asked, seen) {
        (None, None) => return true,
        (Some(asked), Some(seen)) => (asked, seen),
        _ => return false,
    };
    let options = |tls: &RouterTls| qualified(tls.options.as_deref().unwrap_or("default"));
    let resolver = |tls: &RouterTls| tls.cert_resolver.clone().unwrap_or_default();
    let domains = asked.domains.iter().map(|domain| (&domain.main, &domain.sans));
    options(asked) == options(seen)
        && resolver(asked) == resolver(seen)
        && domains.eq(seen.domains.iter().map(|domain| (&domain.main, &domain.sans)))
}

fn compare_service(name: &str, asked: &Service, live: &Live<'_>, complaints: &mut Complaints) -> Result<(), String> {
    let full = qualified(name);
    let Some(seen) = live.snapshot.services.get(&full) else {
        return Err(format!("service `{full}` is not there"));
    };
    complaints.note(&seen.status, &seen.error);
    let (Some(asked), Some(seen)) = (&asked.load_balancer, &seen.load_balancer) else {
        return match asked.load_balancer.is_none() && seen.load_balancer.is_none() {
            true => Ok(()),
            false => Err(format!("service `{full}` is still of another kind")),
        };
    };
    let servers = asked.servers.iter().map(|server| (server.place(), server.weight.unwrap_or(1)));
    let checks = [
        (servers.eq(seen.servers.iter().map(|server| (server.place(), server.weight.unwrap_or(1)))), "servers"),
        (asked.pass_host_header.unwrap_or(true) == seen.pass_host_header.unwrap_or(true), "passHostHeader"),
        (
            asked.servers_transport.as_deref().map(qualified) == seen.servers_transport.as_deref().map(qualified),
            "transport",
        ),
        (same_health_check(asked.health_check.as_ref(), seen.health_check.as_ref()), "health check"),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, field)) => Err(format!("service `{full}` still has other {field}")),
        None => Ok(()),
    }
}

/// What the file leaves out has Traefik's default, which may be anything.
fn same_health_check(asked: Option<&HealthCheck>, seen: Option<&HealthCheck>) -> bool {
    let (asked, seen) = match (asked, seen) {
        (None, None) => return true,
        (Some(asked), Some(seen)) => (asked, seen),
        _ => return false,
    };
    let fields = [(&asked.path, &seen.path), (&asked.interval, &seen.interval), (&asked.timeout, &seen.timeout)];
    fields.iter().all(|(asked, seen)| match (asked, seen) {
        (None, _) => true,
        (Some(asked), Some(seen)) => same_text(asked, seen),
        (Some(_), None) => false,
    })
}

/// Equal, or the same duration in other words: Traefik writes 90s as `1m30s`.
fn same_text(asked: &str, seen: &str) -> bool {
    let nanoseconds = |text| go_seconds(text).map(|seconds| (seconds * 1e9).round());
    asked == seen || nanoseconds(asked).is_some_and(|asked| nanoseconds(seen) == Some(asked))
}

/// Whether `seen` says all that `asked` says; it may say more, such as defaults.
fn contains(seen: &Value, asked: &Value) -> bool {
    match (seen, asked) {
        (Value::Object(seen), Value::Object(asked)) => {
            asked.iter().all(|(key, asked)| seen.get(key).map_or(is_nothing(asked), |seen| contains(seen, asked)))
        }
        (Value::Array(seen), Value::Array(asked)) => {
            seen.len() == asked.len() && seen.iter().zip(asked).all(|(seen, asked)| contains(seen, asked))
        }
        (Value::String(seen), Value::String(asked)) => same_text(asked, seen),
        _ => seen == asked,
    }
}

/// What Traefik's API leaves out.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        _ => false,
    }
}

/// The name with its provider.
pub(crate) fn qualified(name: &str) -> String {
    match name.contains('@') {
        true => name.to_owned(),
        false => format!("{name}{PROVIDER}"),
    }
}

#[cfg(test)]
mod tests;
