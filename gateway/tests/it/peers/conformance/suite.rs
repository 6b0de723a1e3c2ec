//! The two releases of the suite as they are run against servers, at which revision, and how two runs compare.
//!
//! Invariant: nothing is expected to fail. What may be missing behind a gateway is named, check by check, and has to be
//! missing.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::outcome::{Outcome, program, successes};

/// One release, and what of it is run.
pub(super) struct Suite {
    version: &'static str,
    pub(super) package: &'static str,
    flags: &'static [&'static str],
    scenarios: usize,
    /// The checks that succeed directly, so that the yardstick cannot shrink unseen.
    checks: usize,
    /// The checks that a gateway cannot have succeed: scenario and check.
    exempt: &'static [(&'static str, &'static str)],
}

/// The newest release, with what it calls pending.
pub(super) const RELEASED: Suite = Suite {
    version: "0.1.16",
    package: "@modelcontextprotocol/conformance",
    flags: &["--suite", "all"],
    scenarios: 32,
    checks: 44,
    exempt: &[],
};

/// The one to come, at the last revision of the legacy era. The exempt check wants the server to end the stream of a call
/// before its answer is there. A tool asks that of its SDK's HTTP; there is no message by which a shard could ask it on
/// stdio.
pub(super) const NEXT: Suite = Suite {
    version: "0.2.0-alpha.12",
    package: "conformance-next",
    flags: &["--suite", "all", "--spec-version", "2025-11-25"],
    scenarios: 33,
    checks: 84,
    exempt: &[("server-sse-polling", "server-sse-disconnect-resume")],
};

/// What conforms to a revision, what the suite calls pending, and the extensions that servers are tried for.
const REQUIRED: &[&str] = &["--requirements", "2026-07-28"];
/// How the scenarios about the extension `io.modelcontextprotocol/tasks` are called, which run with the rest.
pub(super) const ABOUT_TASKS: &str = "tasks-";

/// The one to come at 2026-07-28, but for the extension.
pub(super) const MODERN: Suite = Suite {
    version: "0.2.0-alpha.12 at 2026-07-28",
    package: "conformance-next",
    flags: REQUIRED,
    scenarios: 40,
    checks: 152,
    exempt: &[],
};

/// The extension. One scenario has no check yet; the suite says so.
pub(super) const TASKS: Suite =
    Suite { version: "0.2.0-alpha.12 at 2026-07-28, tasks", scenarios: 10, checks: 44, ..MODERN };

/// What of that suite can pass on a shard that asks its client itself, in the middle of the call.
pub(super) const BRIDGED: Suite = Suite {
    version: "0.2.0-alpha.12 at 2026-07-28, bridged",
    flags: &["--suite", "all", "--spec-version", "2026-07-28"],
    scenarios: 36,
    checks: 115,
    ..MODERN
};
/// What cannot. The questions of such a shard have no keys, and one scenario wants a key by name. Two give answers to what
/// has not been asked. And whether a tool needs a capability such a shard finds out when it asks.
pub(super) const NOT_BRIDGED: &[&str] = &[
    "input-required-result-basic-elicitation",
    "input-required-result-ignore-extra-params",
    "input-required-result-missing-input-response",
    "server-stateless",
];

impl Suite {
    /// Runs it to the end against the server at `url`.
    pub(super) async fn run(&self, url: &str) -> Outcome {
        let mut command = program(self.package);
        command.args(["server", "--url", url]).args(self.flags);
        Outcome::of(command, "server-").await
    }

    /// What went wrong: checks that fail, checks that succeed only without a gateway, scenarios that were not run.
    pub(super) fn complaints(&self, direct: &Outcome, behind: &Outcome) -> Vec<String> {
        let mut found = Vec::new();
        for (name, outcome) in [("direct", direct), ("gateway", behind)] {
            found.extend(outcome.failures(self.scenarios).into_iter().map(|failure| format!("{name}: {failure}")));
        }
        if direct.successes() != self.checks {
            found.push(format!("direct: {} checks succeed, not {}", direct.successes(), self.checks));
        }
        for (scenario, checks) in &direct.scenarios {
            let there = behind.checks(scenario);
            let ids: BTreeSet<&str> = checks.iter().map(|check| check.id.as_str()).collect();
            for id in ids {
                let (without, with) = (successes(checks, Some(id)), successes(there, Some(id)));
                let is_exempt = self.exempt.contains(&(scenario, id));
                if with < without && !is_exempt {
                    let told: Vec<_> = there.iter().filter(|check| check.id == id).collect();
                    found.push(format!("{scenario}: {id} succeeds {without} times directly, {with} behind: {told:?}"));
                } else if with >= without && is_exempt {
                    found.push(format!("{scenario}: {id} is exempt and does not need to be"));
                }
            }
        }
        found
    }

    /// The successful checks of each scenario, both ways.
    pub(super) fn table(&self, direct: &Outcome, behind: &Outcome) -> String {
        let mut table = format!("suite {}\n{:<46}{:>7}{:>9}\n", self.version, "scenario", "direct", "gateway");
        let scenarios: BTreeSet<&String> = direct.scenarios.keys().chain(behind.scenarios.keys()).collect();
        let mut passed = 0;
        for scenario in scenarios {
            let there = behind.checks(scenario);
            let (without, with) = (successes(direct.checks(scenario), None), successes(there, None));
            passed += usize::from(!there.is_empty() && there.iter().all(|check| check.status != "FAILURE"));
            let exempt: Vec<_> = self.exempt.iter().filter(|(name, _)| name == scenario).map(|(_, id)| *id).collect();
            let note = if exempt.is_empty() { String::new() } else { format!("  exempt: {}", exempt.join(", ")) };
            writeln!(table, "{scenario:<46}{without:>7}{with:>9}{note}").unwrap();
        }
        let sums = (direct.successes(), behind.successes());
        writeln!(table, "{:<46}{:>7}{:>9}", format!("passed: {passed}/{}", self.scenarios), sums.0, sums.1).unwrap();
        table
    }
}
