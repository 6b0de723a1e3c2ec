//! Shard files that are edited all the time, while clients call the shards.
//!
//! Invariant: a call is lost if it has no right answer; only those of shards whose files go away may be refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use fastrand::Rng;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::{interval, sleep};

use crate::callers::{Callers, Calling, Record};
use crate::cli::{Target, Verdict, any_seed};
use crate::findings::Findings;
use crate::rig::{Gateway, Outcome, descendants, echo_shard, eventually};

/// How the run is made.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    target: Target,
    /// How many edits are made.
    #[arg(long, value_name = "COUNT", default_value_t = 240)]
    edits: u32,
    /// Within how many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    seconds: u32,
    /// Repeats the choices of an earlier run.
    #[arg(long, value_name = "NUMBER", default_value_t = any_seed())]
    seed: u64,
}

/// Never touched, edited but never away, and away now and then.
const UNTOUCHED: usize = 4;
const SWAPPED: usize = 4;
const MOVING: usize = 2;
const CLIENTS: usize = 32;
const PATIENCE: Duration = Duration::from_secs(60);
/// How the gateway says that a shard is not there (any more).
const ABSENT: [&str; 2] = ["unknown tool", "it was taken away"];

/// Measures, prints and judges.
///
/// # Errors
/// The run could not be made.
pub fn run(options: &Options) -> anyhow::Result<Verdict> {
    Runtime::new()?.block_on(edit_files(options))
}

/// What was done, by kind.
type Edits = BTreeMap<&'static str, u32>;

/// Who edits, and what the files say by now.
struct Editor {
    folder: PathBuf,
    dice: Rng,
    edits: Edits,
    /// So that no two processes are described alike.
    mark: u32,
}

fn shard(mark: u32, view: u32) -> anyhow::Result<String> {
    // Another variable makes another process, another time limit only another view.
    Ok(format!("{}env: {{ MARK: \"{mark}\" }}\ntimeouts: {{ call: {}s }}\n", echo_shard(&[])?, 60 + view))
}

fn names() -> Vec<String> {
    let kinds = [("untouched", UNTOUCHED), ("swapped", SWAPPED), ("moving", MOVING)];
    kinds.iter().flat_map(|(kind, count)| (0..*count).map(move |number| format!("{kind}{number}"))).collect()
}

async fn edit_files(options: &Options) -> anyhow::Result<Verdict> {
    let mut dice = Rng::with_seed(options.seed);
    let names = names();
    let mut files = Vec::new();
    for name in &names {
        files.push((name.as_str(), shard(0, 0)?));
    }
    let gateway = Gateway::start(&options.target.binary()?, &files, &[]).await?;
    gateway.until_ready(names.len(), PATIENCE).await?;
    let tools = names.iter().map(|name| format!("{name}__echo")).collect();
    let pause = Duration::from_millis(1);
    let callers =
        Callers::start(&Calling { host: gateway.host().to_owned(), tools, clients: CLIENTS, pause }, &mut dice).await?;
    let folder = gateway.dir().path().join("shards.d");
    let mut editor = Editor { folder, dice, edits: Edits::new(), mark: 0 };
    let begun = Instant::now();
    let mut pids = Pids::default();
    let edited = tokio::select! {
        edited = editor.work(options.edits, Duration::from_secs(options.seconds.into())) => edited,
        never = pids.watch(&gateway) => never,
    };
    edited?;
    let took = begun.elapsed();
    editor.end_well()?;
    let settled = tokio::select! {
        settled = settle(&gateway, editor.mark) => settled,
        never = pids.watch(&gateway) => never,
    };
    let records = callers.stop().await?;

    let mut findings = Findings::default();
    findings.note("seed", options.seed);
    for (kind, count) in &editor.edits {
        findings.note(format!("edits: {kind}"), count);
    }
    let edits: u32 = editor.edits.values().sum();
    let (seconds, wanted) = (options.seconds, options.edits);
    findings.judge(format!("edits in {took:.1?}"), edits, format!("{wanted} in {seconds} s"), edits >= wanted);
    findings.note("swaps", pids.swaps());
    judge_calls(&mut findings, &records, &names);
    findings.none_of("faults of the end state", settled.err().map(|error| format!("{error:#}")));
    let status = gateway.stop().await?;
    findings.judge("the gateway's exit", status, "exit status: 0", status.success());
    findings.print("edits")
}

impl Editor {
    /// Makes `count` edits in `time`.
    async fn work(&mut self, count: u32, time: Duration) -> anyhow::Result<()> {
        let mut ticks = interval(time / count.max(1));
        for number in 0..count {
            ticks.tick().await;
            let name = match number % 3 {
                0 => format!("moving{}", self.dice.usize(..MOVING)),
                _ => format!("swapped{}", self.dice.usize(..SWAPPED)),
            };
            if number % 3 == 0 {
                self.carry(&name)?;
            } else {
                self.change(&name)?;
            }
        }
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.yaml"))
    }

    fn count(&mut self, kind: &'static str) {
        *self.edits.entry(kind).or_default() += 1;
    }

    /// Changes a file whose shard must not be away for a moment. A broken one is mended by the next edit that is not
    /// another break.
    fn change(&mut self, name: &str) -> anyhow::Result<()> {
        self.mark += 1;
        let (kind, text) = match self.dice.usize(..6) {
            0 => ("broken, no YAML", "command: [\n".to_owned()),
            1 => ("broken, unknown key", "comand: nothing\n".to_owned()),
            2 => ("another view", shard(0, self.mark)?),
            _ => ("another process", shard(self.mark, 0)?),
        };
        self.count(kind);
        match self.dice.usize(..2) {
            0 => fs::write(self.path(name), text)?,
            _ => {
                let draft = self.folder.join(format!(".{name}.draft"));
                fs::write(&draft, text)?;
                fs::rename(draft, self.path(name))?;
            }
        }
        Ok(())
    }

    /// Takes a file away, brings it back, or gives it another name for a while.
    fn carry(&mut self, name: &str) -> anyhow::Result<()> {
        let (here, elsewhere) = (self.path(name), self.path(&format!("{name}-renamed")));
        if elsewhere.exists() {
            self.count("renamed back");
            fs::rename(elsewhere, here)?;
        } else if !here.exists() {
            self.count("brought back");
            fs::write(here, shard(0, 0)?)?;
        } else if self.dice.usize(..2) == 0 {
            self.count("removed");
            fs::remove_file(here)?;
        } else {
            self.count("renamed");
            fs::rename(here, elsewhere)?;
        }
        Ok(())
    }

    /// The last word: all that are edited have a new process, the first of the moving ones is there, the others are gone.
    fn end_well(&mut self) -> anyhow::Result<()> {
        self.mark += 1;
        for number in 0..SWAPPED {
            fs::write(self.path(&format!("swapped{number}")), shard(self.mark, 0)?)?;
        }
        for number in 0..MOVING {
            for name in [format!("moving{number}"), format!("moving{number}-renamed")] {
                // It may be the one that is not there.
                let _ = fs::remove_file(self.path(&name));
            }
        }
        fs::write(self.path("moving0"), shard(self.mark, 0)?)?;
        Ok(())
    }
}

/// The end state: those shards and no other, each ready, each with the process that its file describes.
async fn settle(gateway: &Gateway, mark: u32) -> anyhow::Result<()> {
    let expected: BTreeSet<String> = names().into_iter().filter(|name| name != "moving1").collect();
    let mut last = Value::Null;
    let settled = eventually("the right end state", PATIENCE, async || {
        last = gateway.health().await.ok()?;
        let shards = last["shards"].as_array()?;
        let names: BTreeSet<String> =
            shards.iter().filter_map(|shard| Some(shard["name"].as_str()?.to_owned())).collect();
        let ready = shards.iter().all(|shard| shard["state"] == "ready");
        let pids: BTreeSet<u64> = shards.iter().filter_map(|shard| shard["pid"].as_u64()).collect();
        let processes: BTreeSet<u64> = descendants(gateway.pid()).into_iter().map(|(pid, _)| pid.into()).collect();
        let marked = shards.iter().filter_map(|shard| Some((shard["name"].as_str()?, shard["pid"].as_u64()?)));
        let marked = marked
            .filter(|(name, _)| !name.starts_with("untouched"))
            .all(|(_, pid)| has_mark(pid, mark).unwrap_or_default());
        let clean = last["problems"] == json!([]);
        (names == expected && ready && clean && marked && pids == processes).then_some(())
    });
    let waited = settled.await;
    waited.with_context(|| format!("{last}; processes: {:?}", descendants(gateway.pid())))
}

fn has_mark(pid: u64, mark: u32) -> Option<bool> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let wanted = format!("MARK={mark}");
    Some(environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()))
}

/// The processes that each edited shard has had.
#[derive(Default)]
struct Pids(BTreeMap<String, BTreeSet<u64>>);

impl Pids {
    /// Looks often, and returns only with an error.
    async fn watch(&mut self, gateway: &Gateway) -> anyhow::Result<()> {
        loop {
            let health = gateway.health().await?;
            for shard in health["shards"].as_array().context("a registry lists shards")? {
                if let (Some(name), Some(pid)) = (shard["name"].as_str(), shard["pid"].as_u64()) {
                    self.0.entry(name.to_owned()).or_default().insert(pid);
                }
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// How often one of those that are never away had another process than before.
    fn swaps(&self) -> usize {
        let swapped = self.0.iter().filter(|(name, _)| name.starts_with("swapped"));
        swapped.map(|(_, pids)| pids.len() - 1).sum()
    }
}

fn judge_calls(findings: &mut Findings, records: &[Record], names: &[String]) {
    for kind in ["untouched", "swapped", "moving"] {
        let of_kind = || records.iter().filter(|record| names[record.shard].starts_with(kind));
        findings.note(format!("calls of {kind} shards"), of_kind().count());
        let lost = of_kind().filter(|record| !record.outcome.is_right());
        let told =
            lost.map(|record| format!("{} after {:?}: {:?}", names[record.shard], record.took(), record.outcome));
        if kind == "moving" {
            findings.note("calls of moving shards that found none", told.count());
            let wrong = of_kind().filter(|record| !record.outcome.is_right() && !tells_of_absence(&record.outcome));
            findings.none_of("wrong answers of moving shards", wrong.map(|record| format!("{:?}", record.outcome)));
        } else {
            findings.none_of(format!("lost calls of {kind} shards"), told);
        }
    }
    let slowest = records.iter().map(Record::took).max().unwrap_or_default();
    findings.note("the slowest call", format!("{slowest:.1?}"));
}

/// What a client is told whose shard has no file at that moment.
fn tells_of_absence(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused(text) if ABSENT.iter().any(|part| text.contains(part)))
}
