//! Whom a new route would meet: names that are taken and routes that answer the same requests.
//!
//! A name is never shared. Requests may be, but only when the caller says so.

mod connections;
mod names;
mod requests;
#[cfg(test)]
mod tests;

use rmcp::schemars::{self, JsonSchema};
use serde::Serialize;

use crate::api::{EntryPoint, Snapshot};
use crate::route::Built;
use crate::tree::Tree;

/// What the conflict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A router, service or middleware of this name is somebody else's.
    Name,
    /// Both match the same requests with the same priority: which one answers is undefined.
    Tie,
    /// Ours would take requests that the other answers now.
    Hijack,
    /// The other would go on answering everything that ours is for.
    Shadowed,
    /// The other goes on answering some requests that ours matches too; nobody loses any.
    Yields,
    /// Ours would take requests from a route that matches everything and is there for what is left over.
    FromCatchAll,
}

/// One other definition that ours meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Conflict {
    pub(crate) kind: Kind,
    /// Whether the write is refused for it; otherwise it is only worth a warning.
    pub(crate) blocking: bool,
    /// The other's full name, such as `app@docker`.
    pub(crate) route: String,
    pub(crate) provider: String,
    /// The file that defines it, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<i64>,
    /// The entry points that both listen on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) entry_points: Vec<String>,
    /// What would happen, and the way out.
    pub(crate) message: String,
    /// The argument of create_route that lets it through, if any does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allowed_by: Option<&'static str>,
}

/// Everything that the route meets, the blocking ones first. `own_file` is the file that will be
/// written, relative to the watched directory: what it defines is ours.
pub(crate) fn find(
    built: &Built,
    live: &Snapshot,
    entry_points: &[EntryPoint],
    tree: &Tree,
    own_file: &str,
) -> Vec<Conflict> {
    let mut found = names::find(built, live, tree, own_file);
    found.extend(requests::find(built, live, entry_points));
    found.extend(connections::find(built, live, entry_points));
    found.sort_by_key(|conflict| !conflict.blocking);
    found
}
