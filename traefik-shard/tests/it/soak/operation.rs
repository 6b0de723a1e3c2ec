//! What is done next, drawn at random: an operation, and the end of the shard that carries it out.
//!
//! Everything is drawn from one generator per process, so that a seed gives the same operations again.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use super::model::Model;
use super::version::Version;

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// What is wanted; for a deletion only the name counts.
    pub(crate) version: Version,
    pub(crate) action: Action,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Refused where there is a route.
    Create,
    Overwrite,
    /// With the digest last heard of, which may be an old one.
    Update(String),
    Delete,
}

/// How the shard ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doom {
    Lives,
    /// As soon as the file is changed and while the journal is there.
    KilledWhenApplied,
    KilledAfter(Duration),
}

impl Operation {
    /// Draws one that mostly makes sense for what the file may be.
    pub(crate) fn draw(rng: &mut Rng, model: &Model, name: &str, serial: usize) -> Self {
        let is_there = model.allowed(name).iter().any(Option::is_some);
        let action = match (is_there, rng.u32(..100), model.latest(name)) {
            (false, 0..85, _) | (true, 0..8, _) => Action::Create,
            (true, 8..35, Some(sha256)) => Action::Update(sha256.to_owned()),
            (true, 8..75, _) => Action::Overwrite,
            _ => Action::Delete,
        };
        Self { version: Version { name: name.to_owned(), serial }, action }
    }

    /// The tool and its arguments.
    pub(crate) fn call(&self, backends: &[String]) -> (&'static str, Value) {
        let mut arguments = self.version.arguments(backends);
        match &self.action {
            Action::Create => {}
            Action::Overwrite => arguments["overwrite"] = json!(true),
            Action::Update(sha256) => arguments["if_match"] = json!(sha256),
            Action::Delete => return ("delete_route", json!({"name": self.version.name})),
        }
        ("create_route", arguments)
    }

    /// The state that it leads to.
    pub(crate) fn target(&self) -> super::model::State {
        (self.action != Action::Delete).then_some(self.version.serial)
    }
}

impl Doom {
    /// Draws one: every third shard is killed.
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        match rng.u32(..100) {
            0..28 => Self::KilledWhenApplied,
            28..36 => Self::KilledAfter(Duration::from_millis(rng.u64(..300))),
            _ => Self::Lives,
        }
    }
}
