//! What clients are told that can be asked of the gateway (2025-11-25, basic/lifecycle; 2026-07-28, server/discover).
//!
//! Invariant: what the gateway itself serves is declared whatever the shards declare, so that hot reload never changes it;
//! only `tasks`, `experimental` and `extensions` are merged, and of a key that several have the first shard's value counts.

use crate::catalogue::Catalogue;
use crate::shard::roster::Roster;
use crate::wire::{Era, Kind, Raw, Revision, TASKS, flatten};

/// What one merged capability may hold, in bytes: it is sent with each `initialize`. What does not fit is left out.
const LONGEST: usize = 64 * 1024;
/// Listing tasks would show those of other clients, since shards do not tell them apart.
const TASK_LISTS: &str = "list";

/// The capabilities that depend on the shards, each a JSON object; `None` where no shard declares any.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    tasks: Option<String>,
    experimental: Option<String>,
    extensions: Option<String>,
    /// The same for modern clients: only there, and by modern shards only, tasks are an extension.
    modern_extensions: Option<String>,
}

impl Merged {
    /// What these declare, in the order of the shards.
    pub(crate) fn of(rosters: &[&Roster]) -> Self {
        let is_newest = |roster: &Roster| roster.revision == Revision::LATEST_LEGACY.as_str();
        let extensions = union(&declared(rosters, "extensions", |_| true), |key| key != TASKS, Depth::Members);
        let of_modern = declared(rosters, "extensions", |roster| roster.era() == Era::Modern);
        let tasks = union(&of_modern, |key| key == TASKS, Depth::Members);
        let both: Vec<_> = [&extensions, &tasks].into_iter().flatten().map(|text| read(text)).collect();
        Self {
            tasks: union(&declared(rosters, "tasks", is_newest), |key| key != TASK_LISTS, Depth::Whole),
            experimental: union(&declared(rosters, "experimental", |_| true), EVERY, Depth::Members),
            modern_extensions: union(&both, EVERY, Depth::Members),
            extensions,
        }
    }
}

impl Catalogue {
    /// The server capabilities for clients of a revision, a JSON object on one line.
    pub fn capabilities(&self, revision: Revision) -> String {
        let Merged { tasks, experimental, extensions, modern_extensions } = &self.merged;
        let is_legacy = revision.era() == Era::Legacy;
        let mut text = Self::OWN_CAPABILITIES.to_owned();
        let mut declare = |key: &str, value: &Option<String>| {
            if let Some(value) = value {
                text.truncate(text.len() - 1);
                text += &format!(r#","{key}":{value}}}"#);
            }
        };
        if revision == Revision::LATEST_LEGACY {
            declare("tasks", tasks);
        }
        if is_legacy {
            declare("experimental", experimental);
        }
        declare("extensions", if is_legacy { extensions } else { modern_extensions });
        text
    }

    /// Whether a modern shard runs tasks.
    pub(crate) fn has_task_extension(&self) -> bool {
        self.merged.modern_extensions.as_deref().is_some_and(|text| read(text).get(TASKS).is_some())
    }
}

fn read(union: &str) -> Raw<'_> {
    Raw::parse(union.as_bytes()).expect("it was put together here")
}

/// The objects that those of the rosters declare under a key.
fn declared<'r>(rosters: &[&'r Roster], key: &str, counts: impl Fn(&Roster) -> bool) -> Vec<Raw<'r>> {
    let counting = rosters.iter().filter(|roster| counts(roster));
    let values = counting.filter_map(|roster| Raw::parse(roster.capabilities.as_bytes()).ok()?.get(key));
    values.filter(|value| value.kind() == Kind::Object).collect()
}

const EVERY: fn(&str) -> bool = |_| true;

/// How deep objects under the same key become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Not at all: the first counts.
    Members,
    /// As far as they are objects.
    Whole,
}

/// One object with those members of all whose keys are wanted; `None` if there is no object.
fn union(objects: &[Raw<'_>], is_wanted: impl Fn(&str) -> bool, depth: Depth) -> Option<String> {
    let mut members: Vec<(String, Vec<Raw<'_>>)> = Vec::new();
    for member in objects.iter().flat_map(|object| object.members()) {
        let key = member.key();
        if !is_wanted(&key) || member.value.lone_surrogate().is_some() || member.literal.lone_surrogate().is_some() {
            continue;
        }
        match members.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(member.value),
            None => members.push((key.into_owned(), vec![member.value])),
        }
    }
    let mut text = b"{".to_vec();
    for (key, values) in &members {
        let objects: Vec<_> = values.iter().copied().filter(|value| value.kind() == Kind::Object).collect();
        let is_deep = depth == Depth::Whole && values[0].kind() == Kind::Object;
        let inner = is_deep.then(|| union(&objects, EVERY, depth));
        let value = inner.flatten().unwrap_or_else(|| values[0].as_str().to_owned());
        let member = format!("{}:{value}", serde_json::Value::from(key.as_str()));
        if text.len() + member.len() > LONGEST {
            tracing::warn!(key, limit = LONGEST, "a capability of the shards does not fit and is left out");
            continue;
        }
        if text.len() > 1 {
            text.push(b',');
        }
        text.extend_from_slice(member.as_bytes());
    }
    text.push(b'}');
    flatten(&mut text);
    (!objects.is_empty()).then(|| String::from_utf8(text).expect("pieces of JSON text are UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(revision: &str, capabilities: &str) -> Roster {
        Roster {
            server_info: "{}".into(),
            revision: revision.into(),
            modern: revision == Revision::MODERN.as_str(),
            capabilities: capabilities.into(),
            instructions: None,
            lists: Default::default(),
        }
    }

    fn shown(capabilities: &[(&str, &str)], revision: Revision) -> String {
        let rosters: Vec<_> = capabilities.iter().map(|(revision, text)| roster(revision, text)).collect();
        let mut catalogue = crate::catalogue::merge(None, &[]).0;
        catalogue.merged = Merged::of(&rosters.iter().collect::<Vec<_>>());
        let text = catalogue.capabilities(revision);
        assert!(Raw::parse(text.as_bytes()).is_ok(), "{text}");
        let always = Catalogue::OWN_CAPABILITIES;
        text.strip_prefix(&always[..always.len() - 1]).unwrap().strip_suffix('}').unwrap().to_owned()
    }

    #[test]
    fn what_no_shard_declares_is_not_declared() {
        for declared in ["{}", r#"{"tools":{},"tasks":true,"extensions":[]}"#] {
            assert_eq!(shown(&[("2025-11-25", declared)], Revision::LATEST_LEGACY), "");
        }
    }

    #[test]
    fn tasks_are_what_any_shard_of_that_revision_can_do_but_for_lists() {
        let one = r#"{"tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}},"x":1}}}"#;
        let two = r#"{"tasks":{"requests":{"tools":{"other":{ "a" :1e2}},"x":2}}}"#;
        let old = r#"{"tasks":{"old":{}}}"#;
        let shards = [("2025-11-25", one), ("2025-06-18", old), ("2025-11-25", two)];
        let expected = r#","tasks":{"cancel":{},"requests":{"tools":{"call":{},"other":{"a":1e2}},"x":1}}"#;
        assert_eq!(shown(&shards, Revision::LATEST_LEGACY), expected);
        assert_eq!(shown(&shards, Revision::parse("2025-06-18").unwrap()), "");
        assert_eq!(shown(&shards, Revision::MODERN), "");
    }

    #[test]
    fn the_first_shard_keeps_an_extension_that_two_have() {
        let one =
            r#"{"extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["a"]}},"experimental":{"x":{"n": 1.0}}}"#;
        let two = r#"{"extensions":{"io.modelcontextprotocol/ui":{"b":1},"io.modelcontextprotocol/tasks":{},"y":{}}}"#;
        let shards = [("2025-11-25", one), ("2026-07-28", two)];
        let extensions = r#","extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["a"]},"y":{}}"#;
        let modern = r#","extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["a"]},"y":{},"io.modelcontextprotocol/tasks":{}}"#;
        assert_eq!(shown(&shards, Revision::MODERN), modern);
        assert_eq!(
            shown(&shards, Revision::LATEST_LEGACY),
            format!(r#","experimental":{{"x":{{"n": 1.0}}}}{extensions}"#)
        );
    }

    #[test]
    fn tasks_are_an_extension_for_modern_clients_of_modern_shards_only() {
        let tasks = r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;
        let modern = ("2026-07-28", tasks);
        let declared = r#","extensions":{"io.modelcontextprotocol/tasks":{}}"#;
        assert_eq!(shown(&[("2025-11-25", tasks)], Revision::MODERN), r#","extensions":{}"#);
        assert_eq!(shown(&[("2026-07-28", "{}"), modern], Revision::MODERN), declared);
        assert_eq!(shown(&[modern], Revision::LATEST_LEGACY), r#","extensions":{}"#);
        assert_eq!(shown(&[("2026-07-28", r#"{"tasks":{"cancel":{}}}"#)], Revision::MODERN), "");
    }

    #[test]
    fn what_is_too_long_or_cannot_be_read_by_all_is_left_out() {
        let long = format!(r#"{{"experimental":{{"long":"{}","half":"\ud83d","y":"a\rb"}}}}"#, "x".repeat(LONGEST));
        let long = long.replace(r"a\rb", "c").replace(r#","y""#, ",\r\"y\"");
        assert_eq!(shown(&[("2025-11-25", &long)], Revision::LATEST_LEGACY), r#","experimental":{"y":"c"}"#);
    }
}
