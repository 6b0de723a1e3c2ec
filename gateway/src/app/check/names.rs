//! Under which names clients see the tools of shards that are known from an earlier run.
//!
//! Invariant: the names are those of the catalogue; nothing of its rules is repeated here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::catalogue::{Member, Reason, Saved, Store, merge};
use crate::config::dir::Specs;
use crate::config::{Problem, Severity, ShardSpec, path_as_text};
use crate::fleet::member;
use crate::shard::roster::List;

/// What OpenAI and those like it take in one request.
const MOST_TOOLS: usize = 128;
/// What Open WebUI adds of its own to a chat.
const BUILT_IN: usize = 28;

/// A shard whose file is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Its name.
    pub shard: String,
    /// Its file.
    #[serde(serialize_with = "path_as_text")]
    pub file: PathBuf,
    /// Whether it runs.
    pub enabled: bool,
    /// Its tools, in the order of the list; `None` if it has not run yet with this command and these arguments.
    pub tools: Option<Vec<Exposed>>,
}

/// A tool as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exposed {
    /// The name that clients see.
    pub name: String,
    /// Its length, of which there are 64 at most.
    pub length: usize,
    /// What the shard calls it.
    pub own: String,
}

/// What the shards of `specs` are known to offer, and what is doubtful about it; `folder` is where they lie.
pub(super) fn look(specs: &Specs, folder: &Path, state_dir: Option<&Path>) -> (Vec<Seen>, Vec<Problem>) {
    let known = |spec: &Arc<ShardSpec>| Store::glance(state_dir?, spec.process.command_key());
    let saved: Vec<(&Arc<ShardSpec>, Option<Saved>)> =
        specs.values().map(|spec| (spec, if spec.enabled { known(spec) } else { None })).collect();
    let members: Vec<Member<'_>> =
        saved.iter().filter_map(|(spec, saved)| Some(member(spec, &saved.as_ref()?.roster))).collect();
    let (catalogue, left_out) = merge(None, &members);

    let mut problems = Vec::new();
    for left in left_out {
        let held = matches!(left.reason, Reason::NameHeld { .. });
        let severity = if held { Severity::Error } else { Severity::Warning };
        let file = specs.get(&*left.shard).map(|spec| spec.source.clone()).unwrap_or_default();
        problems.push(whole_file(file, severity, left.to_string()));
    }
    let mut seen = Vec::new();
    for (spec, saved) in &saved {
        let name = spec.name.as_str();
        let own = catalogue.exposed(List::Tools).filter(|(_, target)| &*target.shard == name);
        let tools: Vec<Exposed> = own.map(|(exposed, target)| Exposed::new(exposed, &target.own)).collect();
        problems.extend(tools.iter().filter_map(|tool| shortened(spec, tool)));
        seen.push(Seen {
            shard: name.to_owned(),
            file: spec.source.clone(),
            enabled: spec.enabled,
            tools: saved.is_some().then_some(tools),
        });
    }
    problems.extend(too_many(catalogue.exposed(List::Tools).len(), folder));
    (seen, problems)
}

impl Exposed {
    fn new(name: &str, own: &str) -> Self {
        Self { name: name.to_owned(), length: name.len(), own: own.to_owned() }
    }
}

/// Warns of a name that ends in a hash, since a model does not know what it stands for.
fn shortened(spec: &ShardSpec, tool: &Exposed) -> Option<Problem> {
    let prefix = &spec.view.prefix;
    let separator = if prefix.is_empty() { "" } else { "__" };
    let whole = format!("{prefix}{separator}{}", spec.view.tools.renamed(&tool.own));
    // Replaced characters keep their number; a hash in place of some changes the length or follows it.
    if whole.is_ascii() && whole.len() == tool.length {
        return None;
    }
    let Exposed { name, own, .. } = tool;
    let own: String = own.chars().take(80).flat_map(char::escape_debug).collect();
    let cure = "give it a short name with `tools.rename`, or set a shorter `prefix`";
    let fault =
        format!("tool `{own}` is seen as `{name}`, because its name is too long, not ASCII, or met another; {cure}");
    Some(whole_file(spec.source.clone(), Severity::Warning, fault))
}

fn too_many(tools: usize, folder: &Path) -> Option<Problem> {
    const CURE: &str =
        "connect clients to `/mcp/{shard}` or `/mcp?shards=a,b`, or hide some with `tools: { deny: [..] }`";
    let fault = match tools {
        _ if tools > MOST_TOOLS => {
            format!("{tools} tools, and OpenAI-like providers take {MOST_TOOLS} at most; {CURE}")
        }
        _ if tools > MOST_TOOLS - BUILT_IN => {
            format!("{tools} tools, and with the {BUILT_IN} of Open WebUI providers take {MOST_TOOLS} at most; {CURE}")
        }
        _ => return None,
    };
    Some(whole_file(folder.to_owned(), Severity::Warning, fault))
}

fn whole_file(file: PathBuf, severity: Severity, message: String) -> Problem {
    Problem { file, line: 0, column: 0, severity, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_tools_that_providers_refuse_them_are_warned_of() {
        let told = |tools| too_many(tools, Path::new("shards.d")).map(|problem| problem.to_string());
        assert_eq!(told(100), None);
        let near = told(101).unwrap();
        assert!(near.starts_with("shards.d: warning: 101 tools, and with the 28 of Open WebUI"), "{near}");
        assert!(told(128).unwrap().contains("with the 28"));
        let over = told(129).unwrap();
        assert!(over.starts_with("shards.d: warning: 129 tools, and OpenAI-like providers take 128"), "{over}");
    }
}
