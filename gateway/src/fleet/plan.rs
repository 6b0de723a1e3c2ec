//! What must happen so that the shards that run are the shards that the files describe.
//!
//! Pure: values in, a value out.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{ShardName, ShardSpec};

type Specs = BTreeMap<ShardName, Arc<ShardSpec>>;

/// The difference, as things to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Shards without a file, or disabled.
    pub(crate) stop: Vec<ShardName>,
    /// New shards, and those that need another process.
    pub(crate) start: Specs,
    /// Shards whose process stays and is only seen in a new way.
    pub(crate) review: Specs,
}

pub(crate) fn plan(running: &Specs, wanted: &Specs) -> Plan {
    let is_wanted = |name: &ShardName| wanted.get(name).is_some_and(|spec| spec.enabled);
    let mut plan = Plan { stop: running.keys().filter(|name| !is_wanted(name)).cloned().collect(), ..Plan::default() };
    for (name, spec) in wanted.iter().filter(|(_, spec)| spec.enabled) {
        match running.get(name) {
            Some(old) if old == spec => {}
            Some(old) if needs_no_process(old, spec) => {
                plan.review.insert(name.clone(), Arc::clone(spec));
            }
            _ => {
                plan.start.insert(name.clone(), Arc::clone(spec));
            }
        }
    }
    plan
}

/// The process is the same, and so is what was agreed with it when it started.
fn needs_no_process(old: &ShardSpec, new: &ShardSpec) -> bool {
    old.process == new.process && old.limits == new.limits && old.declare == new.declare
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Host, file};

    fn specs(files: &[(&str, &str)]) -> Specs {
        let parse = |(stem, text): &(&str, &str)| {
            let (mut entries, problems) = file::parse(Path::new(&format!("{stem}.yaml")), text, &Host);
            let spec = entries.remove(0).spec;
            let spec = spec.unwrap_or_else(|| panic!("{problems:?}"));
            (spec.name.clone(), Arc::new(spec))
        };
        files.iter().map(parse).collect()
    }

    fn told(running: &[(&str, &str)], wanted: &[(&str, &str)]) -> String {
        let plan = plan(&specs(running), &specs(wanted));
        let names = |specs: &Specs| specs.keys().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let stop = plan.stop.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        format!("stop {stop}; start {}; review {}", names(&plan.start), names(&plan.review))
    }

    #[test]
    fn only_a_new_process_needs_a_start() {
        let a = ("a", "command: sh");
        let cases: [(&[_], &[_], &str); 7] = [
            (&[], &[a], "stop ; start a; review "),
            (&[a], &[a], "stop ; start ; review "),
            (&[a], &[], "stop a; start ; review "),
            (&[a], &[("a", "command: sh\nargs: [x]")], "stop ; start a; review "),
            (&[a], &[("a", "command: sh\nprefix: b")], "stop ; start ; review a"),
            (&[a], &[("a", "command: sh\ntimeouts: { call: 1s }")], "stop ; start ; review a"),
            (
                &[a, ("b", "command: sh")],
                &[("a", "command: sh\nenabled: false"), ("b", "command: sh")],
                "stop a; start ; review ",
            ),
        ];
        for (running, wanted, expected) in cases {
            assert_eq!(told(running, wanted), expected, "{wanted:?}");
        }
    }
}
