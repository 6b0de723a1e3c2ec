//! What a run of a suite's program leaves: a folder for each scenario with its checks.
//!
//! Invariant: a run that does not end in time, or leaves a process, fails its test.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::peers::clients;
use crate::peers::servers::installed;

/// How long one run may take; it takes a few seconds.
const LIMIT: Duration = Duration::from_secs(120);
/// What its folders' names end in: `SCENARIO-2026-01-31T23-59-59-999Z`.
const STAMP: usize = "-2026-01-31T23-59-59-999Z".len();

/// The checks of all scenarios by name, and how the program ended.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) scenarios: BTreeMap<String, Vec<Check>>,
    /// Nothing, if scenarios were left out that it counted.
    ended: Option<Output>,
}

/// One check of a scenario.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) message: String,
}

/// The program of the suite in `package`, to be given what it runs.
pub(super) fn program(package: &str) -> Command {
    let mut command = Command::new(installed().join("bin/node"));
    command.arg(installed().join("node/node_modules").join(package).join("dist/index.js"));
    // A proxy of the person who runs the tests knows nothing of their loopback.
    command.env("NO_PROXY", "127.0.0.1,localhost").env("no_proxy", "127.0.0.1,localhost");
    command
}

impl Outcome {
    /// Runs it to the end. Its folders are named after the scenarios, with `prefix` before them.
    pub(super) async fn of(mut command: Command, prefix: &str) -> Self {
        let dir = TempDir::new().unwrap();
        command.arg("--output-dir").arg(dir.path());
        let ended = tokio::time::timeout(LIMIT, clients::ended("the suite", command)).await;
        let ended = ended.unwrap_or_else(|_| panic!("the suite does not end within {LIMIT:?}"));
        Self { scenarios: read(dir.path(), prefix), ended: Some(ended) }
    }

    /// Those scenarios whose names begin in this way, and the others.
    pub(super) fn split(self, beginning: &str) -> [Self; 2] {
        let (these, others) = self.scenarios.into_iter().partition(|(name, _)| name.starts_with(beginning));
        [Self { scenarios: these, ended: self.ended.clone() }, Self { scenarios: others, ended: self.ended }]
    }

    /// All but these scenarios.
    pub(super) fn without(mut self, names: &[&str]) -> Self {
        for name in names {
            assert!(self.scenarios.remove(*name).is_some(), "{name} did not run");
        }
        self.ended = None;
        self
    }

    /// What went wrong in a run of so many scenarios.
    pub(super) fn failures(&self, scenarios: usize) -> Vec<String> {
        let all = self.scenarios.iter().flat_map(|(name, checks)| checks.iter().map(move |check| (name, check)));
        let failures = all.filter(|(_, check)| check.status == "FAILURE");
        let mut found: Vec<String> =
            failures.map(|(name, check)| format!("{name}: {}: {}", check.id, check.message)).collect();
        if self.scenarios.len() != scenarios {
            found.push(format!("{} scenarios, not {scenarios}", self.scenarios.len()));
        }
        if let Some(ended) = self.ended.as_ref().filter(|ended| found.is_empty() && !ended.status.success()) {
            found.push(format!("{ended:?}"));
        }
        found
    }

    /// The checks of one scenario.
    pub(super) fn checks(&self, scenario: &str) -> &[Check] {
        self.scenarios.get(scenario).map(Vec::as_slice).unwrap_or_default()
    }

    /// How many checks succeeded.
    pub(super) fn successes(&self) -> usize {
        self.scenarios.values().map(|checks| successes(checks, None)).sum()
    }
}

/// How many checks succeeded, all of them or those of one id.
pub(super) fn successes(checks: &[Check], id: Option<&str>) -> usize {
    checks.iter().filter(|check| check.status == "SUCCESS" && id.is_none_or(|id| check.id == id)).count()
}

fn read(dir: &Path, prefix: &str) -> BTreeMap<String, Vec<Check>> {
    let mut scenarios = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let folder = entry.unwrap();
        let name = folder.file_name().into_string().unwrap();
        let scenario = name.strip_prefix(prefix).and_then(|rest| rest.get(..rest.len().checked_sub(STAMP)?));
        let scenario = scenario.unwrap_or_else(|| panic!("a result of another kind: {name}"));
        let checks: Vec<Value> = serde_json::from_slice(&fs::read(folder.path().join("checks.json")).unwrap()).unwrap();
        let twice = scenarios.insert(scenario.to_owned(), checks.iter().map(Check::read).collect());
        assert!(twice.is_none(), "{scenario} ran twice");
    }
    scenarios
}

impl Check {
    fn read(check: &Value) -> Self {
        let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        Self { id: text("id"), status: text("status"), message: text("errorMessage") }
    }
}
