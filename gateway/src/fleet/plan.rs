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
    /// New shards.
    pub(crate) start: Specs,
    /// Shards whose process stays and is only seen in a new way.
    pub(crate) review: Specs,
    /// Shards that need another process.
    pub(crate) replace: Specs,
    /// Shards whose next process is only seen in a new way.
    pub(crate) review_next: Specs,
    /// Shards that after all keep the process that they have.
    pub(crate) keep: Vec<ShardName>,
}

/// `running` has a process; `next` is what was, or is being, tried for the place of some of them; `wanted` is what the
/// files say.
pub(crate) fn plan(running: &Specs, next: &Specs, wanted: &Specs) -> Plan {
    let is_wanted = |name: &ShardName| wanted.get(name).is_some_and(|spec| spec.enabled);
    let mut plan = Plan { stop: running.keys().filter(|name| !is_wanted(name)).cloned().collect(), ..Plan::default() };
    for (name, spec) in wanted.iter().filter(|(_, spec)| spec.enabled) {
        let named = |spec: &Arc<ShardSpec>| (name.clone(), Arc::clone(spec));
        let Some(old) = running.get(name) else {
            plan.start.extend([named(spec)]);
            continue;
        };
        // What the file hides is hidden at once, whether or not the new process comes up.
        let seen = old.seen_as(spec);
        if **old != seen {
            plan.review.extend([named(&Arc::new(seen))]);
        }
        match next.get(name) {
            Some(_) if old.process == spec.process => plan.keep.push(name.clone()),
            None if old.process == spec.process => {}
            Some(next) if next == spec => {}
            Some(next) if next.process == spec.process && next.reload == spec.reload => {
                plan.review_next.extend([named(spec)]);
            }
            _ => plan.replace.extend([named(spec)]),
        }
    }
    plan
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

    fn told(running: &[(&str, &str)], next: &[(&str, &str)], wanted: &[(&str, &str)]) -> String {
        let plan = plan(&specs(running), &specs(next), &specs(wanted));
        let list = |what: &str, names: Vec<&ShardName>| {
            let names = names.into_iter().map(|name| format!("{what} {name}"));
            names.collect::<Vec<_>>()
        };
        let Plan { stop, start, review, replace, review_next, keep } = &plan;
        let told = [
            list("stop", stop.iter().collect()),
            list("start", start.keys().collect()),
            list("review", review.keys().collect()),
            list("replace", replace.keys().collect()),
            list("review next", review_next.keys().collect()),
            list("keep", keep.iter().collect()),
        ];
        told.concat().join(", ")
    }

    #[test]
    fn only_command_args_env_cwd_protocol_and_instances_need_a_new_process() {
        let a = ("a", "command: sh");
        let cases: [(&[_], &[_], &str); 12] = [
            (&[], &[a], "start a"),
            (&[a], &[a], ""),
            (&[a], &[], "stop a"),
            (&[a], &[("a", "command: sh\nargs: [x]")], "replace a"),
            (&[a], &[("a", "command: sh\nenv: { A: x }")], "replace a"),
            (&[a], &[("a", "command: sh\ncwd: /")], "replace a"),
            (&[a], &[("a", "command: sh\nprotocol: legacy")], "replace a"),
            (&[a], &[("a", "command: sh\ninstances: exclusive")], "replace a"),
            (&[a], &[("a", "command: sh\nprefix: b\nlimits: { in_flight: 1 }\ndeclare: []")], "review a"),
            (&[a], &[("a", "command: sh\ntimeouts: { call: 1s }\nreload: restart\nidle_stop: 1m")], "review a"),
            (&[a], &[("a", "command: sh\nargs: [x]\ntools: { deny: [y] }")], "review a, replace a"),
            (&[a, ("b", "command: sh")], &[("a", "command: sh\nenabled: false"), ("b", "command: sh")], "stop a"),
        ];
        for (running, wanted, expected) in cases {
            assert_eq!(told(running, &[], wanted), expected, "{wanted:?}");
        }
    }

    #[test]
    fn a_process_that_is_being_tried_or_has_failed_is_not_tried_again() {
        let (a, next) = (("a", "command: sh"), ("a", "command: sh\nargs: [x]"));
        let cases: [(&str, &str); 5] = [
            (next.1, ""),
            ("command: sh\nargs: [x]\nreload: restart", "review a, replace a"),
            ("command: sh\nargs: [x]\nprefix: b", "review a, review next a"),
            ("command: sh\nargs: [y]", "replace a"),
            (a.1, "keep a"),
        ];
        for (wanted, expected) in cases {
            assert_eq!(told(&[a], &[next], &[("a", wanted)]), expected, "{wanted}");
        }
        assert_eq!(told(&[a], &[next], &[]), "stop a");
    }
}
