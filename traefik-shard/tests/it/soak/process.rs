//! One of the processes: a shard that is given operations, killed now and then, and started again.
//!
//! Every outcome goes into the model before the next operation begins.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::time::sleep;

use super::Soak;
use super::journal::Journal;
use super::model::Happened;
use super::operation::{Action, Doom, Operation};
use crate::support::{Launch, Outcome, Shard};

/// Refusals that come before anything is written.
const UNTOUCHED: [&str; 6] =
    ["name_conflict", "precondition_failed", "not_found", "busy", "api_unreachable", "api_not_found"];

/// A process and the names that only it works on.
pub(crate) struct Process<'a> {
    pub(crate) soak: &'a Soak,
    pub(crate) launch: Launch,
    pub(crate) managed: PathBuf,
    pub(crate) own: Vec<String>,
    pub(crate) rng: Rng,
}

impl Process<'_> {
    /// Works until all operations are done.
    pub(crate) async fn run(mut self) {
        let mut shard = Shard::start(&self.launch).await;
        while let Some(serial) = self.soak.next() {
            let is_own = self.rng.u32(..100) < 80;
            let names = if is_own { &self.own } else { &self.soak.shared };
            let name = names[self.rng.usize(..names.len())].clone();
            let operation = Operation::draw(&mut self.rng, &self.soak.model.borrow(), &name, serial);
            let doom = Doom::draw(&mut self.rng);
            let begun = Instant::now();
            match self.carry_out(&shard, &operation, doom).await {
                Some(outcome) => self.judge(&operation, &outcome, begun),
                None => {
                    self.kill(shard).await;
                    let target = operation.target();
                    self.soak.model.borrow_mut().note(&name, target, begun, Happened::Perhaps);
                    shard = self.start_again().await;
                }
            }
            self.soak.figures.borrow_mut().operations += 1;
        }
        shard.end().await;
    }

    /// The answer, or `None` where the shard's time has come first.
    async fn carry_out(&self, shard: &Shard, operation: &Operation, doom: Doom) -> Option<Outcome> {
        let (tool, arguments) = operation.call(&self.soak.backends);
        let end = async {
            match doom {
                Doom::Lives => std::future::pending().await,
                Doom::KilledAfter(time) => sleep(time).await,
                Doom::KilledWhenApplied => self.applied(&operation.version.name).await,
            }
        };
        tokio::select! {
            outcome = shard.call(tool, arguments) => Some(outcome),
            () = end => None,
        }
    }

    /// Waits until the file of this name is changed and not yet verified.
    async fn applied(&self, name: &str) {
        let is_applied = |journal: &Journal| journal.name == name && journal.is_applied(&self.managed);
        while !Journal::read(&self.managed).as_ref().is_some_and(is_applied) {
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// Kills the shard and looks at the journal that it leaves. On a name of its own nobody else begins anything.
    async fn kill(&self, shard: Shard) {
        shard.kill().await;
        let mut figures = self.soak.figures.borrow_mut();
        figures.kills += 1;
        if let Some(journal) = Journal::read(&self.managed).filter(|journal| self.own.contains(&journal.name)) {
            if journal.is_applied(&self.managed) {
                figures.applied.insert(journal.id.clone(), journal.kind.clone());
            }
            figures.left.insert(journal.id.clone(), journal);
        }
    }

    /// Starts the shard, and now and then kills it again while it sees to what was left.
    async fn start_again(&mut self) -> Shard {
        loop {
            let shard = Shard::start(&self.launch).await;
            if self.rng.u32(..100) >= 20 {
                return shard;
            }
            sleep(Duration::from_millis(self.rng.u64(..200))).await;
            self.kill(shard).await;
        }
    }

    /// Holds the answer against what is known.
    fn judge(&self, operation: &Operation, outcome: &Outcome, begun: Instant) {
        let (mut model, mut figures) = (self.soak.model.borrow_mut(), self.soak.figures.borrow_mut());
        let (name, serial) = (operation.version.name.as_str(), operation.version.serial);
        let told = &outcome.structured;
        let code = if outcome.is_error { told["code"].as_str().unwrap_or("none") } else { "ok" };
        let is_drift = code == "name_conflict" && told["details"]["sha256"].is_null();
        *figures.answers.entry(if is_drift { "drift" } else { code }.to_owned()).or_default() += 1;
        let seen = match code {
            "ok" => {
                if operation.action != Action::Delete {
                    model.learn(name, serial, told["sha256"].as_str().unwrap());
                }
                Some(operation.target())
            }
            "deleted_but_still_live" => Some(None),
            "not_found" => Some(None),
            "not_applied" | "rejected_by_traefik" => {
                assert_eq!(told["details"]["rolled_back"], true, "{name}: {told:#}");
                None
            }
            _ if UNTOUCHED.contains(&code) => {
                let digest = told["details"]["sha256"].as_str();
                digest.and_then(|digest| model.serial(digest)).map(Some)
            }
            _ => panic!("{operation:?}: {} {told:#}", outcome.text),
        };
        let Some(seen) = seen else { return };
        let allowed = model.allowed(name);
        // What refuses tells the state; on a shared name the other process may be in between.
        let is_known = allowed.contains(&seen) || code == "ok" || code.starts_with("deleted");
        assert!(is_known || !self.own.contains(&name.to_owned()), "{operation:?}: {allowed:?}, but {told:#}");
        model.note(name, seen, begun, Happened::Surely);
    }
}
