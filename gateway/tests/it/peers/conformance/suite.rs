//! One release of the suite: how it is run, and what its result files say.
//!
//! Invariant: nothing is expected to fail. What may be missing behind a gateway is named, check by check, and has to be
//! missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::peers::servers::installed;

/// How long one run of a suite may take; it takes a few seconds.
const LIMIT: Duration = Duration::from_secs(120);
/// What its folders are named after: `server-SCENARIO-2026-01-31T23-59-59-999Z`.
const STAMP: usize = "-2026-01-31T23-59-59-999Z".len();

/// One release, and what of it is run.
pub(super) struct Suite {
    version: &'static str,
    package: &'static str,
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

/// What a run left: the checks of all scenarios by name, and how it ended.
pub(super) struct Outcome {
    scenarios: BTreeMap<String, Vec<Check>>,
    ended: Output,
}

/// One check of a scenario.
#[derive(Debug)]
struct Check {
    id: String,
    status: String,
    message: String,
}

impl Suite {
    /// Runs it to the end against the server at `url`.
    pub(super) async fn run(&self, url: &str) -> Outcome {
        let dir = TempDir::new().unwrap();
        let program = installed().join("node/node_modules").join(self.package).join("dist/index.js");
        let mut command = Command::new(installed().join("bin/node"));
        command.arg(program).args(["server", "--url", url]).args(self.flags).arg("--output-dir").arg(dir.path());
        // A proxy of the person who runs the tests knows nothing of their loopback.
        command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        let running = command.stdin(Stdio::null()).kill_on_drop(true).output();
        let output = tokio::time::timeout(LIMIT, running).await;
        let output = output.unwrap_or_else(|_| panic!("{} does not end within {LIMIT:?}", self.version)).unwrap();
        Outcome { scenarios: read(dir.path()), ended: output }
    }

    /// What went wrong: checks that fail, checks that succeed only without a gateway, scenarios that were not run.
    pub(super) fn complaints(&self, direct: &Outcome, behind: &Outcome) -> Vec<String> {
        let mut found = Vec::new();
        for (name, outcome) in [("direct", direct), ("gateway", behind)] {
            found.extend(self.failures(outcome).into_iter().map(|failure| format!("{name}: {failure}")));
        }
        if direct.successes() != self.checks {
            found.push(format!("direct: {} checks succeed, not {}", direct.successes(), self.checks));
        }
        for (scenario, checks) in &direct.scenarios {
            let there = behind.scenarios.get(scenario).map(Vec::as_slice).unwrap_or_default();
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

    fn failures(&self, outcome: &Outcome) -> Vec<String> {
        let all = outcome.scenarios.iter().flat_map(|(name, checks)| checks.iter().map(move |check| (name, check)));
        let failures = all.filter(|(_, check)| check.status == "FAILURE");
        let mut found: Vec<String> =
            failures.map(|(name, check)| format!("{name}: {}: {}", check.id, check.message)).collect();
        if outcome.scenarios.len() != self.scenarios {
            found.push(format!("{} scenarios, not {}", outcome.scenarios.len(), self.scenarios));
        }
        if found.is_empty() && !outcome.ended.status.success() {
            found.push(format!("{:?}", outcome.ended));
        }
        found
    }

    /// The successful checks of each scenario, both ways.
    pub(super) fn table(&self, direct: &Outcome, behind: &Outcome) -> String {
        let mut table = format!("suite {}\n{:<34}{:>7}{:>9}\n", self.version, "scenario", "direct", "gateway");
        let scenarios: BTreeSet<&String> = direct.scenarios.keys().chain(behind.scenarios.keys()).collect();
        let mut passed = 0;
        for scenario in scenarios {
            let there = behind.scenarios.get(scenario).map(Vec::as_slice).unwrap_or_default();
            let (without, with) = (direct.of(scenario), behind.of(scenario));
            passed += usize::from(!there.is_empty() && there.iter().all(|check| check.status != "FAILURE"));
            let exempt: Vec<_> = self.exempt.iter().filter(|(name, _)| name == scenario).map(|(_, id)| *id).collect();
            let note = if exempt.is_empty() { String::new() } else { format!("  exempt: {}", exempt.join(", ")) };
            writeln!(table, "{scenario:<34}{without:>7}{with:>9}{note}").unwrap();
        }
        let sums = (direct.successes(), behind.successes());
        writeln!(table, "{:<34}{:>7}{:>9}", format!("passed: {passed}/{}", self.scenarios), sums.0, sums.1).unwrap();
        table
    }
}

impl Outcome {
    fn of(&self, scenario: &str) -> usize {
        self.scenarios.get(scenario).map_or(0, |checks| successes(checks, None))
    }

    fn successes(&self) -> usize {
        self.scenarios.values().map(|checks| successes(checks, None)).sum()
    }
}

/// How many checks succeeded, all of them or those of one id.
fn successes(checks: &[Check], id: Option<&str>) -> usize {
    checks.iter().filter(|check| check.status == "SUCCESS" && id.is_none_or(|id| check.id == id)).count()
}

/// The result files of one run: a folder for each scenario.
fn read(dir: &Path) -> BTreeMap<String, Vec<Check>> {
    let mut outcome = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let folder = entry.unwrap();
        let name = folder.file_name().into_string().unwrap();
        let scenario = name.strip_prefix("server-").and_then(|rest| rest.get(..rest.len().checked_sub(STAMP)?));
        let scenario = scenario.unwrap_or_else(|| panic!("a result of another kind: {name}"));
        let checks: Vec<Value> = serde_json::from_slice(&fs::read(folder.path().join("checks.json")).unwrap()).unwrap();
        let twice = outcome.insert(scenario.to_owned(), checks.iter().map(Check::read).collect());
        assert!(twice.is_none(), "{scenario} ran twice");
    }
    outcome
}

impl Check {
    fn read(check: &Value) -> Self {
        let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        Self { id: text("id"), status: text("status"), message: text("errorMessage") }
    }
}
