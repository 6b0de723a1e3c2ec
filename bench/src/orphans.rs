//! What is left of shards that do all they can to stay, after each way in which a gateway can end.
//!
//! Invariant: processes are counted by a variable that only this run knows, not by anything that the gateway says.

mod brood;

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Args;
use gateway::wire::Era;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::runtime;
use tokio::time::sleep;

use self::brood::{Brood, Kind};
use crate::cli::{Target, Verdict};
use crate::findings::Findings;
use crate::rig::{Client, Gateway, Outcome};

/// After the exit of a gateway that was asked to stop, nothing is left within this.
const STOPPED: Duration = Duration::from_secs(5);
/// After a kill no direct child is left within this, and after the next start nothing of the old run.
const KILLED: Duration = Duration::from_secs(10);
/// How long shards may take to be there.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the run is made.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    target: Target,
    /// How many shards each gateway has.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    shards: usize,
    /// How often all is done.
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    rounds: usize,
}

struct Run {
    binary: PathBuf,
    shards: usize,
    round: usize,
    findings: Findings,
}

/// An end of a gateway, and what may not outlive it.
struct End<'a> {
    after: &'a str,
    counted: &'a str,
    kind: Kind,
    target: Duration,
}

/// A second gateway with the same state folder, which nothing of all this concerns.
struct Neighbour {
    gateway: Gateway,
    brood: Brood,
    born: BTreeSet<u32>,
    client: Client,
}

/// Starts, ends, counts and judges.
///
/// # Errors
/// Something could not be started.
pub fn run(options: &Options) -> anyhow::Result<Verdict> {
    let (binary, findings) = (options.target.binary()?, Findings::default());
    let mut run = Run { binary, shards: options.shards, round: 0, findings };
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(run.rounds(options.rounds))?;
    run.findings.print("orphans")
}

impl Run {
    async fn rounds(&mut self, rounds: usize) -> anyhow::Result<()> {
        for round in 1..=rounds {
            self.round = round;
            let state = TempDir::with_prefix("bench-")?;
            let mut neighbour = Neighbour::move_in(&self.binary, self.shards, &state).await?;
            self.stop(&state).await?;
            self.judge_neighbour("SIGTERM of the other", &mut neighbour).await?;
            self.kill(&state).await?;
            self.judge_neighbour("SIGKILL and restart of the other", &mut neighbour).await?;
            let Neighbour { gateway, brood, .. } = neighbour;
            gateway.stop().await?;
            ensure!(brood.alive(Kind::Any).is_empty(), "the second gateway left processes too");
        }
        Ok(())
    }

    async fn stop(&mut self, state: &TempDir) -> anyhow::Result<()> {
        let brood = Brood::new();
        let gateway = start(&self.binary, self.shards, &brood, state).await?;
        let before = brood.alive(Kind::Any);
        let status = gateway.stop().await?;
        ensure!(status.success(), "the gateway ended with {status}");
        let end = End { after: "exit after SIGTERM", counted: "all processes", kind: Kind::Any, target: STOPPED };
        self.count(end, &brood, &before).await;
        Ok(())
    }

    async fn kill(&mut self, state: &TempDir) -> anyhow::Result<()> {
        let brood = Brood::new();
        let mut gateway = start(&self.binary, self.shards, &brood, state).await?;
        let (before, direct) = (brood.alive(Kind::Any), brood.alive(Kind::Child));
        ensure!(direct.len() == self.shards, "{} direct children", direct.len());
        gateway.signal(Signal::KILL)?;
        gateway.ended().await?;
        let end = End { after: "SIGKILL", counted: "direct children", kind: Kind::Child, target: KILLED };
        self.count(end, &brood, &direct).await;
        let left = brood.alive(Kind::Any).len();
        let gateway = Gateway::start_in(gateway.dir(), &self.binary, &[]).await?;
        let counted = &format!("all of the old run ({left} had stayed)");
        let end = End { after: "listening after SIGKILL", counted, kind: Kind::Any, target: KILLED };
        self.count(end, &brood, &before).await;
        gateway.until_ready(self.shards, PATIENCE).await?;
        gateway.stop().await?;
        Ok(())
    }

    /// Waits until none of `before` is left, and no longer than the target allows.
    async fn count(&mut self, end: End<'_>, brood: &Brood, before: &BTreeSet<u32>) {
        let start = Instant::now();
        let left = loop {
            let left = brood.alive(end.kind).intersection(before).count();
            if left == 0 || start.elapsed() > end.target {
                break left;
            }
            sleep(Duration::from_millis(5)).await;
        };
        let figure = format!("round {}: {} after {}", self.round, end.counted, end.after);
        let measured = format!("{} → {left} within {:.0?}", before.len(), start.elapsed());
        self.findings.judge(figure, measured, format!("0 within {:?}", end.target), left == 0);
    }

    async fn judge_neighbour(&mut self, after: &str, neighbour: &mut Neighbour) -> anyhow::Result<()> {
        let lost = neighbour.lost().await?;
        let (figure, before) =
            (format!("round {}: processes of the second gateway after {after}", self.round), neighbour.born.len());
        let measured = format!("{before} → {}", before - lost);
        self.findings.judge(figure, measured, "all, and calls answered", lost == 0);
        Ok(())
    }
}

/// A gateway with a brood for each shard, when all of them are there.
async fn start(binary: &Path, shards: usize, brood: &Brood, state: &TempDir) -> anyhow::Result<Gateway> {
    let dir = TempDir::with_prefix("bench-")?;
    std::fs::create_dir(dir.path().join("shards.d"))?;
    symlink(state.path(), dir.path().join("state"))?;
    for number in 0..shards {
        std::fs::write(dir.path().join(format!("shards.d/s{number}.yaml")), brood.shard()?)?;
    }
    let gateway = Gateway::start_in(&Arc::new(dir), binary, &[]).await?;
    gateway.until_ready(shards, PATIENCE).await?;
    brood.complete(shards, PATIENCE).await?;
    Ok(gateway)
}

impl Neighbour {
    async fn move_in(binary: &Path, shards: usize, state: &TempDir) -> anyhow::Result<Self> {
        let brood = Brood::new();
        let gateway = start(binary, shards, &brood, state).await?;
        let client = Client::connect(gateway.host(), Era::Modern).await?;
        let born = brood.alive(Kind::Any);
        Ok(Self { gateway, brood, born, client })
    }

    /// How many of its processes are not there any more. Every shard must answer, and none have been started again.
    async fn lost(&mut self) -> anyhow::Result<usize> {
        let health = self.gateway.health().await?;
        for shard in health["shards"].as_array().into_iter().flatten() {
            let name = shard["name"].as_str().unwrap_or_default();
            let call = self.client.prepare(&format!("{name}__echo"))?;
            let outcome = self.client.call(&call).await;
            ensure!(outcome == Outcome::Echoed, "a call of the second gateway: {outcome:?}");
            ensure!(shard["restarts"] == 0, "a shard of the second gateway was started again");
        }
        Ok(self.born.difference(&self.brood.alive(Kind::Any)).count())
    }
}
