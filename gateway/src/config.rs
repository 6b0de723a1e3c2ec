//! Shard files: from what a person wrote in a folder to checked specs and a list of all problems.
//!
//! Bad input is a value here: a file that is broken yields [`Problem`]s and harms no other shard.

mod command;
mod environment;
mod excerpt;
mod expand;
mod fields;
mod name;
mod node;
mod problem;
mod secret;
mod spec;
mod tools;

pub mod dir;
pub mod draft;
pub mod file;
pub mod schema;
pub mod watch;

pub use environment::{Environment, Host, PathKind};
pub use excerpt::{Excerpt, excerpt};
pub use name::{BadName, BadPrefix, Prefix, ShardName};
pub use problem::{Problem, Severity};
pub(crate) use problem::{path_as_text, steers};
pub use secret::{Mask, Secret};
pub use spec::{Capability, Instances, Limits, ProcessSpec, Protocol, Reload, ShardSpec, Start, Timeouts, ViewSpec};
pub use tools::ToolRules;

#[cfg(test)]
pub(crate) use environment::fake;
