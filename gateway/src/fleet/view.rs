//! What a client wants to see: every shard, some of them, or one alone under its own names.
//!
//! Invariant: a view says what is shown, never what may be done; it grants nothing that `/mcp` does not. It only holds
//! names: their shards come and go while clients keep the view.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::catalogue::Catalogue;

/// How many views are kept ready between two changes, and how many bytes of lists all together; beyond that any of them
/// is forgotten, and made anew when it is asked for.
const KEPT: usize = 64;
const KEPT_BYTES: usize = 64 * 1024 * 1024;
/// How many shards an error names.
const NAMED: usize = 8;

/// What a client wants to see. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum View {
    /// Every shard.
    #[default]
    All,
    /// Only these shards, under the names that they have in [`View::All`].
    Only(Arc<BTreeSet<Arc<str>>>),
    /// One shard under its own names, without a prefix.
    Alone(Arc<str>),
}

/// There is nothing to see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoView {
    /// It is not known yet which shards there are.
    #[error("the folder of shard files has not been read yet; try again")]
    Unread,
    /// No file describes such a shard.
    #[error("there is no shard `{name}`{}", way_out(.nearest, .others))]
    Unknown {
        /// What was asked for, cut if it is long.
        name: String,
        /// The shards that may have been meant, the likeliest first.
        nearest: Vec<String>,
        /// All that there are.
        others: Vec<String>,
    },
    /// Its file says so.
    #[error("shard `{name}` is disabled; take `enabled: false` out of `{file}`")]
    Disabled {
        /// The shard.
        name: String,
        /// The name of its file.
        file: String,
    },
    /// Its file is broken, and never was right.
    #[error("the file of shard `{name}` is broken{}", .fault.as_ref().map_or_else(|| "; `/health` tells of its file".into(), |fault| format!(": {fault}")))]
    Broken {
        /// The shard.
        name: String,
        /// File, line and fault, if it can be told which one it is.
        fault: Option<String>,
    },
}

impl View {
    /// The view of one shard under its own names.
    pub fn alone(shard: &str) -> Self {
        Self::Alone(shard.into())
    }

    /// The view of some shards under the names that all see.
    pub fn only<'n>(shards: impl IntoIterator<Item = &'n str>) -> Self {
        Self::Only(Arc::new(shards.into_iter().map(Arc::from).collect()))
    }

    /// Whether `shard` is to be seen.
    pub fn includes(&self, shard: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(shards) => shards.contains(shard),
            Self::Alone(name) => **name == *shard,
        }
    }

    /// The shards that it names; none if it is all that there are.
    pub(super) fn named(&self) -> impl Iterator<Item = &str> {
        let (some, one) = match self {
            Self::All => (None, None),
            Self::Only(shards) => (Some(shards.iter()), None),
            Self::Alone(name) => (None, Some(name)),
        };
        some.into_iter().flatten().chain(one).map(|name| &**name)
    }
}

/// The path at which clients find it.
impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("/mcp"),
            Self::Only(shards) => {
                let names: Vec<&str> = shards.iter().map(|name| &**name).collect();
                write!(f, "/mcp?shards={}", names.join(","))
            }
            Self::Alone(name) => write!(f, "/mcp/{name}"),
        }
    }
}

impl NoView {
    /// The same for programs.
    pub fn facts(&self) -> Value {
        match self {
            Self::Unread => json!({}),
            Self::Unknown { name, nearest, .. } => json!({"shard": name, "state": null, "nearest": nearest}),
            Self::Disabled { name, .. } => json!({"shard": name, "state": "disabled"}),
            Self::Broken { name, .. } => json!({"shard": name, "state": "invalid"}),
        }
    }
}

fn way_out(nearest: &[String], others: &[String]) -> String {
    let quoted =
        |names: &[String], link: &str| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(link);
    match (nearest, others) {
        ([], []) => ", nor any other; `/health` tells of the folder of shard files".into(),
        ([], others) if others.len() > NAMED => {
            format!("; there are {} and {} more", quoted(&others[..NAMED], ", "), others.len() - NAMED)
        }
        ([], others) => format!("; there are only {}", quoted(others, ", ")),
        (nearest, _) => format!("; did you mean {}?", quoted(nearest, " or ")),
    }
}

/// The views that clients have asked for since the last change, as catalogues. Bounded.
#[derive(Debug, Default)]
pub(super) struct Views(Mutex<HashMap<View, Arc<Catalogue>>>);

impl Views {
    /// The catalogue of a view, made by `make` if it is not there. Two that ask at once may both make it; both get the same.
    pub(super) fn of(&self, view: &View, make: impl FnOnce() -> Catalogue) -> Arc<Catalogue> {
        const LOCK: &str = "nothing panics while it holds this lock";
        if let Some(made) = self.0.lock().expect(LOCK).get(view) {
            return Arc::clone(made);
        }
        let made = Arc::new(make());
        let mut kept = self.0.lock().expect(LOCK);
        if let Some(first) = kept.get(view) {
            return Arc::clone(first);
        }
        kept.insert(view.clone(), Arc::clone(&made));
        while kept.len() > KEPT || kept.values().map(|catalogue| catalogue.size()).sum::<usize>() > KEPT_BYTES {
            let Some(any) = kept.keys().next().cloned() else { break };
            kept.remove(&any);
        }
        made
    }
}

#[cfg(test)]
mod tests;
