//! What a shard is to be, checked: the outcome of reading its file.
//!
//! [`ProcessSpec`] holds exactly the keys that make a new process; everything else is a new view of the same one.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use schemars::JsonSchema;
use sha2::{Digest, Sha256};

use super::{
    environment::Environment,
    name::{Prefix, ShardName},
    secret::{Mask, Secret},
    tools::ToolRules,
};

/// The variables that a child inherits, besides those of the locale (`LC_*`).
const INHERITED: [&str; 14] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "LANGUAGE",
    "TZ", // where and how
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY", // the way out
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy", // and as others spell it
];

/// One shard, as its file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardSpec {
    /// What the shard is called.
    pub name: ShardName,
    /// The file that describes it.
    pub source: PathBuf,
    /// False: the shard is known, but does not run.
    pub enabled: bool,
    /// What makes a new process when it changes.
    pub process: ProcessSpec,
    /// How its items are shown.
    pub view: ViewSpec,
    /// How a new process takes the place of the old one.
    pub reload: Reload,
    /// The `file://` URIs that a shared shard hears when it asks for roots.
    pub roots: Vec<String>,
    /// What is declared to a legacy shard.
    pub declare: BTreeSet<Capability>,
    /// When the process starts.
    pub start: Start,
    /// How long the process may be idle before it is stopped; `None` is for ever.
    pub idle_stop: Option<Duration>,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// How much there may be.
    pub limits: Limits,
    /// Hides the shard's secrets in text.
    pub mask: Mask,
}

/// The process of a shard. Two that are equal need no new process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSpec {
    /// The command as it was written.
    pub command: String,
    /// The program that it names: an absolute path, unless the shard is disabled.
    pub program: PathBuf,
    /// The arguments; they may hold secrets.
    pub args: Vec<Secret>,
    /// The variables that the file names.
    pub env: BTreeMap<String, Secret>,
    /// The working directory; `None` is the gateway's own.
    pub cwd: Option<PathBuf>,
    /// Which era of the protocol it speaks.
    pub protocol: Protocol,
    /// Who shares it.
    pub instances: Instances,
    /// See [`Self::command_key`].
    pub(super) command_key: String,
}

/// How a shard's items are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewSpec {
    /// What stands before the items' names.
    pub prefix: Prefix,
    /// Which tools are shown.
    pub tools: ToolRules,
}

/// Which era of the protocol a shard speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Protocol {
    /// It is asked.
    #[default]
    Auto,
    /// The handshake with `initialize`.
    Legacy,
    /// Stateless, from 2026-07-28 on.
    Modern,
}

/// Who shares a child process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Instances {
    /// One child for all.
    #[default]
    Shared,
    /// One call per child at a time.
    Exclusive,
    /// One child for each legacy session.
    PerSession,
}

/// How a new process takes the place of the old one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Reload {
    /// The new one must be ready first.
    #[default]
    Swap,
    /// The old one is stopped first.
    Restart,
}

/// When a process starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Start {
    /// At once.
    #[default]
    Eager,
    /// On the first call.
    Lazy,
}

/// What a client can do for a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Capability {
    /// Ask its model.
    Sampling,
    /// Ask its person.
    Elicitation,
    /// Name its folders.
    Roots,
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the start of the process to the end of the handshake.
    pub start: Duration,
    /// From a call, or its last progress, to its result.
    pub call: Duration,
    /// From a call to its result, whatever its progress.
    pub max: Duration,
    /// What an old process has to finish its calls.
    pub drain: Duration,
    /// What a process has to end by itself.
    pub stop: Duration,
}

/// How much there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The calls that the shard has at a time.
    pub in_flight: usize,
    /// The bytes of one message.
    pub message: usize,
}

impl ShardSpec {
    /// A shard whose file says nothing beyond `process` and `prefix`: here are the defaults.
    pub(super) fn new(name: ShardName, source: &Path, process: ProcessSpec, prefix: Prefix, mask: Mask) -> Self {
        Self {
            name,
            source: source.to_owned(),
            enabled: true,
            process,
            view: ViewSpec { prefix, tools: ToolRules::default() },
            reload: Reload::Swap,
            roots: Vec::new(),
            declare: Capability::ALL.into(),
            start: Start::Eager,
            idle_stop: None,
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            mask,
        }
    }

    /// This process, with everything else as `other` says.
    pub fn seen_as(&self, other: &Self) -> Self {
        Self { process: self.process.clone(), mask: self.mask.clone(), ..other.clone() }
    }

    /// All that the child's environment holds: a little of `parent`, and what the file names.
    pub fn child_env(&self, parent: &dyn Environment) -> BTreeMap<OsString, OsString> {
        let inherited = parent.vars().into_iter().filter(|(name, _)| {
            let name = name.to_string_lossy();
            INHERITED.contains(&&*name) || name.starts_with("LC_")
        });
        let named = self.process.env.iter();
        inherited.chain(named.map(|(name, value)| (name.into(), value.expose().into()))).collect()
    }
}

impl ProcessSpec {
    /// A stable name for what the file says of the shard's name, command and args, under which is kept
    /// what was learned of the shard. Neither variables nor secrets that are filled in go into it.
    pub fn command_key(&self) -> &str {
        &self.command_key
    }
}

/// Makes [`ProcessSpec::command_key`].
pub(super) fn command_key(name: &ShardName, command: &str, args: &[&str]) -> String {
    let mut hash = Sha256::new();
    // Lengths in front keep `["a b"]` and `["a", "b"]` apart.
    for part in [name.as_str(), command].iter().chain(args) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(30),
            call: Duration::from_secs(10 * 60),
            max: Duration::from_secs(2 * 3600),
            drain: Duration::from_secs(30),
            stop: Duration::from_secs(5),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight: 64, message: 16 << 20 }
    }
}

impl Limits {
    /// The most that `in_flight` can be.
    pub(super) const MOST_IN_FLIGHT: usize = 4096;
    /// What `message` can be.
    pub(super) const MESSAGE: RangeInclusive<usize> = 4096..=256 << 20;
}

impl Capability {
    /// All that can be declared.
    pub const ALL: [Self; 3] = [Self::Sampling, Self::Elicitation, Self::Roots];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_key_is_stable_and_tells_arguments_apart() {
        let name = ShardName::parse("time").unwrap();
        let key = |args: &[&str]| command_key(&name, "mcp-server-time", args);
        assert_eq!(key(&["a b"]), key(&["a b"]));
        assert_ne!(key(&["a b"]), key(&["a", "b"]));
        insta::assert_snapshot!(key(&["--local-timezone", "${TZ}"]), @"715f59fc7744b6b1a4f41ad7a919504c621d88e214f60ca0e8756040410b1b4e");
    }
}
